/*
 * Reads of memory that may not be there: libkiln only; the core's are in
 * helper_probe_core.c. A fault is found without one: the kernel copies
 * (process_vm_readv of the process itself), and says -EFAULT. That is a system
 * call per read, about a microsecond; where that call is not allowed, five.
 *
 * Addresses of "the kernel" and of "the user" are all the process's here.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "runtime/host.h"

enum { PAGE = 4096, PIECE = 256 };

/* The slow way: through a pipe, which the kernel fills from there. */
static bool peek_by_pipe(u8 *dst, const u8 *src, size_t n)
{
	int fd[2];
	size_t at = 0;

	if (pipe2(fd, O_CLOEXEC | O_NONBLOCK))
		return false;
	while (at < n) {
		size_t step = n - at < PAGE ? n - at : PAGE;

		if (write(fd[1], src + at, step) != (ssize_t)step ||
			read(fd[0], dst + at, step) != (ssize_t)step)
			break;
		at += step;
	}
	close(fd[0]);
	close(fd[1]);
	return at == n;
}

/* n bytes; false if one of them is not readable. */
static bool peek(void *dst, u64 src, size_t n)
{
	struct iovec to = {dst, n}, from = {PTR(void, src), n};
	int saved = errno; /* the application's */
	ssize_t got =
		process_vm_readv((pid_t)rt_scope_pid(), &to, 1, &from, 1, 0);
	bool good = got == (ssize_t)n;

	if (got < 0 && (errno == ENOSYS || errno == EPERM))
		good = peek_by_pipe(dst, PTR(const u8, src), n);
	errno = saved;
	return good;
}

/* bpf_probe_read(dst, size, src): the whole destination is zero after a fault. */
static u64 read_bytes(u64 dst, u64 size, u64 src)
{
	size_t n = (u32)size;

	if (n > INT32_MAX)
		return FAILED(EFAULT);
	if (!n || peek(PTR(void, dst), src, n))
		return 0;
	memset(PTR(void, dst), 0, n);
	return FAILED(EFAULT);
}

/* At most n - 1 bytes and a NUL: how many with it, or -1. What stands behind
 * the string is not looked at, as it may be in a page that is not there. */
static i64 read_text(char *dst, u64 src, size_t n)
{
	char piece[PIECE];
	size_t at = 0;

	while (at < n - 1) {
		size_t most = PAGE - (size_t)(src + at) % PAGE, len;

		most = most < PIECE ? most : PIECE;
		most = most < n - 1 - at ? most : n - 1 - at;
		if (!peek(piece, src + at, most))
			return -1;
		len = strnlen(piece, most);
		memcpy(dst + at, piece, len);
		at += len;
		if (len < most)
			break;
	}
	dst[at] = '\0';
	return (i64)at + 1;
}

static u64 read_string(u64 dst, u64 size, u64 src)
{
	size_t n = (u32)size;
	i64 got;

	if (!n)
		return 0;
	if (n > INT32_MAX)
		return FAILED(EFAULT);
	got = read_text(PTR(char, dst), src, n);
	if (got >= 0)
		return (u64)got;
	memset(PTR(void, dst), 0, n);
	return FAILED(EFAULT);
}

#define READS_BYTES(name)                      \
	HELPER_FN(name)                        \
	{                                      \
		return read_bytes(a1, a2, a3); \
	}
#define READS_STRING(name)                      \
	HELPER_FN(name)                         \
	{                                       \
		return read_string(a1, a2, a3); \
	}

READS_BYTES(probe_read)
READS_BYTES(probe_read_kernel)
READS_BYTES(probe_read_user)
READS_BYTES(copy_from_user)
READS_STRING(probe_read_str)
READS_STRING(probe_read_kernel_str)
READS_STRING(probe_read_user_str)
