/*
 * BPF_MAP_TYPE_QUEUE and BPF_MAP_TYPE_STACK: values without keys, first or
 * last in first out. A full one refuses (-E2BIG) or, with BPF_EXIST, drops its
 * oldest value.
 *
 * A ring of max_entries values, all of it under one lock, as in the kernel:
 * what every operation does is change both the ends and the values. From a
 * context that interrupted the holder: -EBUSY.
 */
#include "kiln/map_size.h"
#include "runtime/rt.h"

struct ring_head {
	u32 lock;
	u32 oldest; /* index */
	u32 count;
};

KILN_STATIC_ASSERT(sizeof(struct ring_head) <= MAP_LINE, "ring_head");

static struct ring_head *head_of(const struct kiln_map *m)
{
	return (struct ring_head *)map_values(m);
}

/* The value that is i places younger than the oldest. */
static u64 *value_at(const struct kiln_map *m, u32 i)
{
	u64 at = (u64)head_of(m)->oldest + i;

	if (at >= m->max_entries)
		at -= m->max_entries;
	return (u64 *)(map_values(m) + MAP_LINE + at * map_value_stride(m));
}

static void drop_oldest(struct kiln_map *m)
{
	struct ring_head *h = head_of(m);

	h->oldest = h->oldest + 1 < m->max_entries ? h->oldest + 1 : 0;
	h->count--;
}

static int push_locked(struct kiln_map *m, const void *value, u64 flags)
{
	struct ring_head *h = head_of(m);

	if (h->count == m->max_entries) {
		if (flags != RT_EXIST)
			return -RT_E2BIG;
		drop_oldest(m);
	}
	words_put(value_at(m, h->count), value, m->value_size);
	h->count++;
	return 0;
}

static int push(struct kiln_map *m, const void *value, u64 flags)
{
	int err = map_ready(m);

	if (err)
		return err;
	if (flags != RT_ANY && flags != RT_EXIST)
		return -RT_EINVAL;
	err = kiln_port_lock(&head_of(m)->lock);
	if (err)
		return err;
	err = push_locked(m, value, flags);
	kiln_port_unlock(&head_of(m)->lock);
	return err;
}

static int get_locked(struct kiln_map *m, void *value, bool take)
{
	struct ring_head *h = head_of(m);
	bool newest = m->type == KILN_MAP_TYPE_STACK;

	if (!h->count) {
		__builtin_memset(value, 0, m->value_size);
		return -RT_ENOENT;
	}
	words_get(value, value_at(m, newest ? h->count - 1 : 0), m->value_size);
	if (take && newest)
		h->count--;
	else if (take)
		drop_oldest(m);
	return 0;
}

static int get(struct kiln_map *m, void *value, bool take)
{
	int err = map_ready(m);

	if (err)
		return err;
	err = kiln_port_lock(&head_of(m)->lock);
	if (err)
		return err;
	err = get_locked(m, value, take);
	kiln_port_unlock(&head_of(m)->lock);
	return err;
}

static int pop(struct kiln_map *m, void *value)
{
	return get(m, value, true);
}

static int peek(struct kiln_map *m, void *value)
{
	return get(m, value, false);
}

static int queue_write(
	struct kiln_map *m, const void *key, const void *value, u64 flags)
{
	(void)key;
	return push(m, value, flags);
}

static int queue_read(struct kiln_map *m, const void *key, void *value)
{
	(void)key;
	return peek(m, value);
}

static int queue_take(struct kiln_map *m, const void *key, void *value)
{
	(void)key;
	return pop(m, value);
}

static int queue_del(struct kiln_map *m, const void *key)
{
	(void)m, (void)key;
	return -RT_EINVAL;
}

static int queue_next_key(struct kiln_map *m, const void *key, void *next)
{
	(void)m, (void)key, (void)next;
	return -RT_EINVAL;
}

static void queue_setup(struct kiln_map *m)
{
	(void)m; /* everything follows from the definition */
}

#define QUEUE_OPS                                                         \
	{                                                                 \
		.lookup = rt_none_lookup, .update = rt_none_update,       \
		.del = queue_del, .for_each = rt_none_each, .push = push, \
		.pop = pop, .peek = peek, .read = queue_read,             \
		.write = queue_write, .take = queue_take,                 \
		.next_key = queue_next_key, .setup = queue_setup,         \
	}
RT_API const struct kiln_map_ops kiln_map_ops_queue = QUEUE_OPS;
RT_API const struct kiln_map_ops kiln_map_ops_stack = QUEUE_OPS;
