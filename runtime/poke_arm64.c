/* A site's jump: b. */
#define _GNU_SOURCE
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "backend-arm64/enc.h"
#include "kiln/bytes.h"
#include "runtime/object.h"

const u32 poke_size = 4;

bool poke_jump(u8 *bytes, u64 at, u64 to)
{
	i64 off = (i64)(to - at);

	if (off < -(1 << 27) || off >= 1 << 27 || off % 4)
		return false;
	put_le32(bytes, a64_b(off));
	return true;
}

/* mov w0, n; ret */
static void write_answer(u8 *rw, const u8 *rx, u32 n)
{
	u32 code[4];

	a64_mov_ri(code, A64_X0, n);
	put_le32(rw, code[0]);
	put_le32(rw + 4, a64_ret());
	__builtin___clear_cache((char *)rx, (char *)rx + 8);
}

/* Changes a function that has run, and runs it again. */
static bool try_alias(int fd, size_t size)
{
	u8 *rw, *rx;
	u32 (*answer)(void);
	bool stale = false;

	rw = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	rx = mmap(NULL, size, PROT_READ | PROT_EXEC, MAP_SHARED, fd, 0);
	if (rw != MAP_FAILED && rx != MAP_FAILED) {
		memcpy(&answer, &rx, sizeof(answer));
		write_answer(rw, rx, 1);
		answer();
		write_answer(rw, rx, 2);
		stale = answer() != 2;
	}
	if (rw != MAP_FAILED)
		munmap(rw, size);
	if (rx != MAP_FAILED)
		munmap(rx, size);
	return stale;
}

bool poke_alias_is_stale(void)
{
	static int known; /* under rt_text_lock: 0 unknown, 1 no, 2 yes */
	size_t size = (size_t)sysconf(_SC_PAGESIZE);
	int fd;

	if (known)
		return known == 2;
	fd = memfd_create("kiln-test", MFD_CLOEXEC);
	known = fd >= 0 && !ftruncate(fd, (off_t)size) && try_alias(fd, size)
			? 2
			: 1;
	if (fd >= 0)
		close(fd);
	return known == 2;
}
