/*
 * Values with special fields: locks, timers, pointers to kernel objects. A copy
 * of a value leaves those of its destination alone; a copy for the host, and a
 * new element, have zeros there. With BPF_F_LOCK the copy is made under the
 * value's lock, which programs take by bpf_spin_lock: then it is whole.
 *
 * The fields are aligned to 4 bytes, so values are copied in units of 4.
 */
#include "runtime/rt.h"

static const struct kiln_map_field *fields_of(const struct kiln_map *m)
{
	return (const struct kiln_map_field *)(uintptr_t)m->fields;
}

static bool is_field(const struct kiln_map *m, u32 off)
{
	const struct kiln_map_field *f = fields_of(m);

	for (u32 i = 0; i < m->nfields; i++)
		if (off - f[i].off < f[i].size)
			return true;
	return false;
}

void rt_fields_put(const struct kiln_map *m, u64 *dst, const void *src)
{
	const u8 *from = src;

	for (u32 off = 0; off < m->value_size; off += 4) {
		u32 left = m->value_size - off;

		if (!is_field(m, off))
			store32((u32 *)dst + off / 4,
				(u32)word_get(from + off, left < 4 ? left : 4),
				memory_order_relaxed);
	}
}

void rt_fields_new(const struct kiln_map *m, u64 *dst, const void *src)
{
	words_zero(dst, m->value_size);
	rt_fields_put(m, dst, src);
}

void rt_fields_get(const struct kiln_map *m, void *dst, const u64 *src)
{
	u8 *to = dst;

	for (u32 off = 0; off < m->value_size; off += 4) {
		u32 left = m->value_size - off, w = 0;

		if (!is_field(m, off))
			w = load32((const u32 *)src + off / 4,
				memory_order_relaxed);
		__builtin_memcpy(to + off, &w, left < 4 ? left : 4);
	}
}

static const struct kiln_map_field *lock_of(const struct kiln_map *m)
{
	const struct kiln_map_field *f = fields_of(m);

	for (u32 i = 0; i < m->nfields; i++)
		if (f[i].kind == KILN_FIELD_LOCK)
			return &f[i];
	return NULL;
}

static u32 *lock_in(const struct kiln_map *m, u64 *value)
{
	const struct kiln_map_field *f = lock_of(m);

	return f ? (u32 *)value + f->off / 4 : NULL;
}

bool rt_has_lock(const struct kiln_map *m)
{
	return lock_of(m);
}

int rt_locked_put(const struct kiln_map *m, u64 *dst, const void *src)
{
	u32 *lock = lock_in(m, dst);
	int err = lock ? kiln_port_lock(lock) : -RT_EINVAL;

	if (err)
		return err;
	rt_fields_put(m, dst, src);
	kiln_port_unlock(lock);
	return 0;
}

int rt_locked_get(const struct kiln_map *m, void *dst, u64 *src)
{
	u32 *lock = lock_in(m, src);
	int err = lock ? kiln_port_lock(lock) : -RT_EINVAL;

	if (err)
		return err;
	rt_fields_get(m, dst, src);
	kiln_port_unlock(lock);
	return 0;
}
