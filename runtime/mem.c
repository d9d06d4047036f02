/*
 * Address space of loaded objects.
 *
 * One PROT_NONE reservation holds all segments, so that everything inside an
 * object is in PC-relative reach; it lies near the runtime if there is room,
 * so that helper calls reach too (veneers serve where they do not).
 */
#define _GNU_SOURCE
#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

#include "runtime/object.h"

/* Objects reach the runtime, and each other's maps, within 1 GiB of it. Those that
 * are loaded first are in reach of arm64's bl, too. */
static const struct near {
	u64 step;
	u32 tries; /* on each side */
} near_steps[] = {{(u64)4 << 20, 255}, {(u64)256 << 10, 4080}};
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

/* Below it first: above it may be a heap that wants to grow. */
static u8 *reserve_beside(u64 here, u64 size, u64 by)
{
	u8 *p = here > by + size ? reserve_at(here - by - size, size) : NULL;

	return p ? p : reserve_at(here + by, size);
}

static u8 *reserve_near(u64 here, u64 size)
{
	for (u32 k = 0; k < countof(near_steps); k++)
		for (u64 i = 1; i <= near_steps[k].tries; i++) {
			u8 *p = reserve_beside(
				here, size, i * near_steps[k].step);

			if (p)
				return p;
		}
	return reserve_at(0, size);
}

/* Near the runtime, whole pages. */
static u8 *reserve(u64 size, u64 page)
{
	u64 here = (u64)(uintptr_t)&reserve & ~(page - 1);

	return mem_far ? reserve_at(FAR, size) : reserve_near(here, size);
}

u8 *mem_reserve_near(const void *at, u64 size)
{
	u64 page = (u64)sysconf(_SC_PAGESIZE);

	return reserve_near((uintptr_t)at & ~(page - 1), align_up(size, page));
}

void mem_unreserve(u8 *p, u64 size)
{
	munmap(p, size);
}

void *mem_near(u64 size)
{
	u64 page = (u64)sysconf(_SC_PAGESIZE);

	if (size > MAX_RESERVE)
		return NULL;
	u8 *p = reserve(align_up(size, page), page);
	if (p && mprotect(p, size, PROT_READ | PROT_WRITE)) {
		munmap(p, size);
		return NULL;
	}
	return p;
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
	o->base = reserve(total ? total : page, page);
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
	struct rt_seg *s = &o->seg[SEG_TEXT];

	if (!s->size)
		return 0;
	o->text.addr = s->addr;
	o->text.size = s->size;
	int err = denied(o, text_open(&o->text));
	s->rw = o->text.rw;
	return err;
}

int mem_protect(struct kiln_object *o)
{
	int err = o->seg[SEG_TEXT].size ? text_run(&o->text, o->keeps_rw) : 0;

	if (err)
		return denied(o, err);
	o->seg[SEG_TEXT].rw = NULL;
	for (u32 i = SEG_RODATA; i <= SEG_RELRO; i++)
		if (o->seg[i].size &&
			mprotect(o->seg[i].addr, o->seg[i].size, PROT_READ))
			return -errno;
	return 0;
}

void mem_release(struct kiln_object *o)
{
	if (!o->base)
		return;
	text_close(&o->text);
	munmap(o->base, o->reserved);
	o->base = NULL;
	o->seg[SEG_TEXT].rw = NULL;
}
