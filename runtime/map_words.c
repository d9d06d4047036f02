/*
 * Arrays whose elements are one word: BPF_MAP_TYPE_DEVMAP, CPUMAP, XSKMAP,
 * CGROUP_ARRAY and SOCKMAP. What they hold means something to the application
 * only, which sends packets where a program's redirect said, or knows cgroups.
 *
 *   devmap, cpumap         the value, 4 or 8 bytes; an interface or a queue
 *                          size of 0 is no element
 *   xskmap, cgroup_array   the 4 bytes of the value and, above them, 1
 *   sockmap                the address of a socket, or 0
 *
 * Each word is stored and loaded whole, so an element is there with all of its
 * value or not at all. Programs look up and get the address of the value, of a
 * sockmap the socket. Unlike in the kernel the host can read all of them: it
 * is the one who put in the numbers.
 */
#include "kiln/map_size.h"
#include "runtime/array.h"

#define PRESENT ((u64)1 << 32)

enum { CPUMAP_MAX_QUEUE = 16384 };

static u64 *word_at(const struct kiln_map *m, u32 i)
{
	return (u64 *)map_values(m) + i;
}

static bool is_element(const struct kiln_map *m, u64 w)
{
	switch (m->type) {
	case KILN_MAP_TYPE_DEVMAP:
	case KILN_MAP_TYPE_CPUMAP: return (u32)w;
	default: return w;
	}
}

/* An element's word, or 0. */
static u64 get(struct kiln_map *m, const void *key)
{
	u32 i = array_index(key);
	u64 w;

	if (unlikely(map_ready(m)) || unlikely(i >= m->max_entries))
		return 0;
	/* acquire: pairs with put(), what a socket's address leads to */
	w = load64(word_at(m, i), memory_order_acquire);
	return is_element(m, w) ? w : 0;
}

static void *lookup(struct kiln_map *m, const void *key)
{
	u64 w = get(m, key);

	if (m->type == KILN_MAP_TYPE_SOCKMAP)
		return PTR(void, w);
	return w ? word_at(m, array_index(key)) : NULL;
}

static int read(struct kiln_map *m, const void *key, void *value)
{
	int err = map_ready(m);
	u64 w = err ? 0 : get(m, key);

	if (!w)
		return err ? err : -RT_ENOENT;
	__builtin_memcpy(value, &w, m->value_size);
	return 0;
}

/* A value as a word, 0 for none, or an error. */
static int word_of(const struct kiln_map *m, const void *value, u64 *w)
{
	*w = word_get(value, m->value_size);
	switch (m->type) {
	case KILN_MAP_TYPE_DEVMAP:
		if (!(u32)*w && (i32)(*w >> 32) > 0)
			return -RT_EINVAL;
		return 0;
	case KILN_MAP_TYPE_CPUMAP:
		return (u32)*w > CPUMAP_MAX_QUEUE ? -RT_EOVERFLOW : 0;
	case KILN_MAP_TYPE_SOCKMAP: return *w ? 0 : -RT_EINVAL;
	default: *w |= PRESENT; return 0;
	}
}

static int check_flags(const struct kiln_map *m, u64 flags)
{
	if (m->type == KILN_MAP_TYPE_CGROUP_ARRAY)
		return flags == RT_ANY ? 0 : -RT_EINVAL;
	return flags > RT_EXIST ? -RT_EINVAL : 0;
}

/* Whether what stands there may be replaced. */
static int check_old(const struct kiln_map *m, u64 flags, u64 old)
{
	if (m->type == KILN_MAP_TYPE_DEVMAP || m->type == KILN_MAP_TYPE_CPUMAP)
		return flags == RT_NOEXIST ? -RT_EEXIST : 0;
	if (flags == RT_NOEXIST && old)
		return -RT_EEXIST;
	return flags == RT_EXIST && !old ? -RT_ENOENT : 0;
}

static int put(struct kiln_map *m, u32 i, u64 w, u64 flags)
{
	_Atomic u64 *at = ATOMIC64(word_at(m, i));
	u64 old = atomic_load_explicit(at, memory_order_relaxed);
	int err;

	do {
		err = check_old(m, flags, old);
		if (err)
			return err;
	} while (!atomic_compare_exchange_weak_explicit(
		at, &old, w, memory_order_release, memory_order_relaxed));
	return 0;
}

static int write(
	struct kiln_map *m, const void *key, const void *value, u64 flags)
{
	u32 i = array_index(key);
	int err = map_ready(m);
	u64 w;

	if (!err)
		err = check_flags(m, flags);
	if (err)
		return err;
	if (i >= m->max_entries)
		return -RT_E2BIG;
	err = check_old(m, flags, load64(word_at(m, i), memory_order_relaxed));
	if (!err)
		err = word_of(m, value, &w);
	return err ? err : put(m, i, w, flags);
}

/* Only sockmaps: the value that a program gives is the socket itself. */
static int update(
	struct kiln_map *m, const void *key, const void *socket, u64 flags)
{
	if (m->type != KILN_MAP_TYPE_SOCKMAP)
		return -RT_ENOTSUP;
	return write(m, key, &socket, flags);
}

static int del(struct kiln_map *m, const void *key)
{
	bool cgroup = m->type == KILN_MAP_TYPE_CGROUP_ARRAY;
	u32 i = array_index(key);
	int err = map_ready(m);
	u64 old;

	if (err)
		return err;
	if (i >= m->max_entries)
		return cgroup ? -RT_E2BIG : -RT_EINVAL;
	old = atomic_exchange_explicit(
		ATOMIC64(word_at(m, i)), 0, memory_order_relaxed);
	if (!old && cgroup)
		return -RT_ENOENT;
	return !old && m->type == KILN_MAP_TYPE_SOCKMAP ? -RT_EINVAL : 0;
}

static void setup(struct kiln_map *m)
{
	(void)m; /* everything follows from the definition */
}

RT_API const struct kiln_map_ops kiln_map_ops_words = {
	.lookup = lookup,
	.update = update,
	.del = del,
	.for_each = rt_none_each,
	.read = read,
	.write = write,
	.next_key = array_next_key,
	.setup = setup,
};
