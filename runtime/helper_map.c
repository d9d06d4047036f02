/* Helpers on maps: what a program calls is what the map's kind does. */
#include "runtime/rt.h"

static const struct kiln_map_ops *ops_of(const struct kiln_map *m)
{
	return (const struct kiln_map_ops *)(uintptr_t)m->ops;
}

HELPER_FN(map_lookup_elem)
{
	struct kiln_map *m = PTR(struct kiln_map, a1);

	return (uintptr_t)ops_of(m)->lookup(m, PTR(void, a2));
}

HELPER_FN(map_update_elem)
{
	struct kiln_map *m = PTR(struct kiln_map, a1);

	return (u64)(i64)ops_of(m)->update(m, PTR(void, a2), PTR(void, a3), a4);
}

HELPER_FN(map_delete_elem)
{
	struct kiln_map *m = PTR(struct kiln_map, a1);

	return (u64)(i64)ops_of(m)->del(m, PTR(void, a2));
}

/* Kinds that have no such operation: as in the kernel for what it has not
 * verified. */
HELPER_FN(map_push_elem)
{
	struct kiln_map *m = PTR(struct kiln_map, a1);

	if (!ops_of(m)->push)
		return (u64)-RT_ENOTSUP;
	return (u64)(i64)ops_of(m)->push(m, PTR(void, a2), a3);
}

HELPER_FN(map_pop_elem)
{
	struct kiln_map *m = PTR(struct kiln_map, a1);

	if (!ops_of(m)->pop)
		return (u64)-RT_ENOTSUP;
	return (u64)(i64)ops_of(m)->pop(m, PTR(void, a2));
}

HELPER_FN(map_peek_elem)
{
	struct kiln_map *m = PTR(struct kiln_map, a1);

	if (!ops_of(m)->peek)
		return (u64)-RT_ENOTSUP;
	return (u64)(i64)ops_of(m)->peek(m, PTR(void, a2));
}

/* bpf_for_each_map_elem(map, callback(map, key, value, ctx), ctx, flags) */
HELPER_FN(for_each_map_elem)
{
	struct kiln_map *m = PTR(struct kiln_map, a1);

	if (a4)
		return (u64)-RT_EINVAL;
	return (u64)ops_of(m)->for_each(m, (callback_fn)(uintptr_t)a2, a3);
}

/* Per-CPU kinds only; a slot that does not exist has no value. */
HELPER_FN(map_lookup_percpu_elem)
{
	struct kiln_map *m = PTR(struct kiln_map, a1);

	if (!ops_of(m)->lookup_cpu || a3 >= m->max_cpus)
		return 0;
	return (uintptr_t)ops_of(m)->lookup_cpu(m, PTR(void, a2), (u32)a3);
}
