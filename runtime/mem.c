/*
 * Address space of loaded objects.
 *
 * One PROT_NONE reservation holds all segments, so that everything inside an
 * object is in PC-relative reach; it lies near the runtime if there is room,
 * so that helper calls reach too (veneers serve where they do not).
 *
 * No mapping is ever writable and executable: text is written through a
 * shared memfd mapping that is gone, and sealed against further writable
 * ones, before the executable view of the same pages is made (that order
 * also keeps mprotect from ever making the view writable).
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "runtime/object.h"

#ifndef MFD_EXEC
#define MFD_EXEC 0x10
#endif
#ifndef F_SEAL_FUTURE_WRITE
#define F_SEAL_FUTURE_WRITE 0x10
#endif

#define NEAR_STEP ((u64)4 << 20)
enum { NEAR_TRIES = 20 }; /* on each side: 80 MiB, in reach of arm64's bl */
/* an address that nobody has, out of reach of everything else */
#define FAR	    ((u64)1 << 44)
#define MAX_RESERVE ((u64)1 << 31)

/* ---- placement ---------------------------------------------------------------- */

static u8 *reserve_at(u64 addr, u64 size)
{
	void *p = mmap((void *)(uintptr_t)addr, size, PROT_NONE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE |
			(addr ? MAP_FIXED_NOREPLACE : 0),
		-1, 0);

	if (p == MAP_FAILED)
		return NULL;
	if (addr && (uintptr_t)p != addr) { /* kernels before 4.17 */
		munmap(p, size);
		return NULL;
	}
	return p;
}

bool mem_far;

/* Below the runtime first: above it may be a heap that wants to grow. */
static u8 *reserve_near(u64 size, u64 page)
{
	u64 here = (u64)(uintptr_t)&reserve_near & ~(page - 1);

	if (mem_far)
		return reserve_at(FAR, size);
	for (u64 i = 1; i <= NEAR_TRIES; i++) {
		u8 *p = NULL;

		if (here > i * NEAR_STEP + size)
			p = reserve_at(here - i * NEAR_STEP - size, size);
		if (!p)
			p = reserve_at(here + i * NEAR_STEP, size);
		if (p)
			return p;
	}
	return reserve_at(0, size);
}

void *mem_near(u64 size)
{
	u64 page = (u64)sysconf(_SC_PAGESIZE);

	if (size > MAX_RESERVE)
		return NULL;
	u8 *p = reserve_near(align_up(size, page), page);
	if (p && mprotect(p, size, PROT_READ | PROT_WRITE)) {
		munmap(p, size);
		return NULL;
	}
	return p;
}

/* ---- text ------------------------------------------------------------------------ */

static int open_text(void)
{
	unsigned flags = MFD_CLOEXEC | MFD_ALLOW_SEALING;
	int fd = memfd_create("kiln-text", flags | MFD_EXEC);

	/* EINVAL: a kernel before 6.3 does not know the flag */
	return fd < 0 && errno == EINVAL ? memfd_create("kiln-text", flags)
					 : fd;
}

static int map_text_rw(struct kiln_object *o, int *fd)
{
	struct rt_seg *s = &o->seg[SEG_TEXT];

	*fd = open_text();
	if (*fd < 0)
		return -errno;
	if (ftruncate(*fd, (off_t)s->size))
		return -errno;
	void *p =
		mmap(NULL, s->size, PROT_READ | PROT_WRITE, MAP_SHARED, *fd, 0);
	if (p == MAP_FAILED)
		return -errno;
	/* a child must not have what the parent runs later */
	if (madvise(p, s->size, MADV_DONTFORK)) {
		munmap(p, s->size);
		return -errno;
	}
	s->rw = p;
	return 0;
}

static void drop_rw(struct kiln_object *o)
{
	munmap(o->seg[SEG_TEXT].rw, o->seg[SEG_TEXT].size);
	o->seg[SEG_TEXT].rw = NULL;
	close(o->text_fd);
	o->text_fd = -1;
}

static int map_text_rx(struct kiln_object *o)
{
	struct rt_seg *s = &o->seg[SEG_TEXT];

	if (fcntl(o->text_fd, F_ADD_SEALS,
		    F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_FUTURE_WRITE))
		return -errno;
	void *p = mmap(s->addr, s->size, PROT_READ | PROT_EXEC,
		MAP_SHARED | MAP_FIXED, o->text_fd, 0);
	if (p == MAP_FAILED)
		return -errno;
	if (!o->keeps_rw)
		drop_rw(o);
	else if (madvise(s->rw, s->size, MADV_DOFORK))
		return -errno;
	__builtin___clear_cache((char *)s->addr, (char *)s->addr + s->size);
	return 0;
}

static int map_copy(struct kiln_object *o)
{
	struct rt_seg *s = &o->seg[SEG_TEXT];
	int err = map_text_rw(o, &o->text_fd);

	if (err)
		return err;
	/* threads run in it meanwhile: both hold the same bytes */
	memcpy(s->rw, s->addr, s->size);
	return map_text_rx(o);
}

int mem_unshare_text(struct kiln_object *o)
{
	struct rt_seg *s = &o->seg[SEG_TEXT];
	u8 *rw = s->rw;
	int fd = o->text_fd, err;

	s->rw = NULL;
	o->text_fd = -1;
	err = map_copy(o);
	if (!err) {
		munmap(rw, s->size);
		close(fd);
		return 0;
	}
	if (s->rw)
		munmap(s->rw, s->size);
	if (o->text_fd >= 0)
		close(o->text_fd);
	s->rw = rw;
	o->text_fd = fd;
	return err;
}

void mem_flush_text(struct kiln_object *o)
{
	struct rt_seg *s = &o->seg[SEG_TEXT];

	if (poke_alias_is_stale())
		mmap(s->addr, s->size, PROT_READ | PROT_EXEC,
			MAP_SHARED | MAP_FIXED, o->text_fd, 0);
	__builtin___clear_cache((char *)s->addr, (char *)s->addr + s->size);
}

/* ---- whole objects ----------------------------------------------------------------- */

static int map_segments(struct kiln_object *o)
{
	u8 *at = o->base;

	for (u32 i = 0; i < SEG_COUNT; i++) {
		struct rt_seg *s = &o->seg[i];

		s->addr = at;
		at += s->size;
		if (!s->size || i == SEG_TEXT)
			continue;
		if (mprotect(s->addr, s->size, PROT_READ | PROT_WRITE))
			return -errno;
		s->rw = s->addr;
	}
	return 0;
}

int mem_reserve(struct kiln_object *o)
{
	u64 page = (u64)sysconf(_SC_PAGESIZE), total = 0;

	for (u32 i = 0; i < SEG_COUNT; i++) {
		o->seg[i].size = align_up(o->seg[i].size, page);
		total += o->seg[i].size;
	}
	if (total > MAX_RESERVE) {
		obj_error(o, "needs %llu bytes, at most 2 GiB are in reach",
			(unsigned long long)total);
		return -ENOEXEC;
	}
	o->base = reserve_near(total ? total : page, page);
	if (!o->base)
		return -ENOMEM;
	o->reserved = total ? total : page;
	return map_segments(o);
}

static int denied(const struct kiln_object *o, int err)
{
	if (err != -EACCES && err != -EPERM)
		return err;
	obj_error(o, "this system denies executable memory (memfd); link the "
		     "object instead");
	return -EPERM;
}

int mem_open_text(struct kiln_object *o)
{
	if (!o->seg[SEG_TEXT].size)
		return 0;
	return denied(o, map_text_rw(o, &o->text_fd));
}

int mem_protect(struct kiln_object *o)
{
	int err = o->seg[SEG_TEXT].size ? map_text_rx(o) : 0;

	if (err)
		return denied(o, err);
	for (u32 i = SEG_RODATA; i <= SEG_RELRO; i++)
		if (o->seg[i].size &&
			mprotect(o->seg[i].addr, o->seg[i].size, PROT_READ))
			return -errno;
	return 0;
}

void mem_release(struct kiln_object *o)
{
	struct rt_seg *text = &o->seg[SEG_TEXT];

	if (!o->base)
		return;
	if (text->rw)
		munmap(text->rw, text->size);
	if (o->text_fd >= 0)
		close(o->text_fd);
	munmap(o->base, o->reserved);
	o->base = NULL;
	text->rw = NULL;
}
