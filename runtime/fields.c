/*
 * Values with special fields: locks, timers, pointers to kernel objects. A copy
 * of a value leaves those of its destination alone; a copy for the host, and a
 * new element, have zeros there. The timers and pointers of a value that is
 * replaced or removed end with it: timers are cancelled, pointers go to
 * kiln_kptr_dtor(). With BPF_F_LOCK the copy is made under the
 * value's lock, which programs take by bpf_spin_lock: then it is whole.
 *
 * The fields are aligned to 4 bytes, so values are copied in units of 4.
 */
#include "kiln/runtime.h"
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

/* ---- ends ------------------------------------------------------------------ */

/* helper_timer.c has timers; without it there are none. */
RT_WEAK void rt_timer_free(u64 *timer)
{
	(void)timer;
}

RT_WEAK int rt_timers_drop(u64 lo, u64 hi)
{
	(void)lo, (void)hi;
	return 0;
}

RT_API RT_WEAK void kiln_kptr_dtor(
	struct kiln_map *map, uint32_t off, void *ptr)
{
	(void)map, (void)off, (void)ptr;
}

static void free_kptr(struct kiln_map *m, u32 off, u64 *at)
{
	u64 p = atomic_exchange_explicit(ATOMIC64(at), 0, memory_order_acq_rel);

	if (p)
		kiln_kptr_dtor(m, off, PTR(void, p));
}

void rt_fields_free(struct kiln_map *m, u64 *value)
{
	const struct kiln_map_field *f = fields_of(m);

	for (u32 i = 0; i < m->nfields; i++) {
		u64 *at = value + f[i].off / 8;

		if (f[i].kind == KILN_FIELD_TIMER && f[i].off % 8 == 0)
			rt_timer_free(at);
		if (f[i].kind == KILN_FIELD_KPTR && f[i].off % 8 == 0)
			free_kptr(m, f[i].off, at);
	}
}

static u64 free_one(u64 map, u64 key, u64 value, u64 ctx, u64 none)
{
	(void)key, (void)ctx, (void)none;
	rt_fields_free(PTR(struct kiln_map, map), PTR(u64, value));
	return 0;
}

void rt_fields_free_all(struct kiln_map *m)
{
	const struct kiln_map_ops *ops = PTR(const struct kiln_map_ops, m->ops);

	if (m->nfields && load32(&m->state, memory_order_acquire) == MAP_READY)
		ops->for_each(m, free_one, 0);
}

/* ---- copies ---------------------------------------------------------------- */

static void copy_in(const struct kiln_map *m, u64 *dst, const void *src)
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

void rt_fields_put(struct kiln_map *m, u64 *dst, const void *src)
{
	copy_in(m, dst, src);
	rt_fields_free(m, dst);
}

/* Who has the address of an element that is gone may have set something there. */
void rt_fields_new(struct kiln_map *m, u64 *dst, const void *src)
{
	rt_fields_free(m, dst);
	words_zero(dst, m->value_size);
	copy_in(m, dst, src);
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

int rt_locked_put(struct kiln_map *m, u64 *dst, const void *src)
{
	u32 *lock = lock_in(m, dst);
	int err = lock ? kiln_port_lock(lock) : -RT_EINVAL;

	if (err)
		return err;
	copy_in(m, dst, src);
	kiln_port_unlock(lock);
	rt_fields_free(m, dst);
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
