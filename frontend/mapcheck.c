/*
 * Maps that compiled programs use: whether kiln has the kind, whether the
 * kernel would make such a map, and what programs may do with it.
 */
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <stdarg.h>
#include <stdlib.h>

#include "frontend/types.h"
#include "kiln/format.h"
#include "kiln/map_size.h"

#define K(kind) ((u64)1 << BPF_MAP_TYPE_##kind)

/* ---- definitions ---------------------------------------------------------- */

static int bad_map(
	struct module *m, const struct mapdef *d, const char *fmt, ...)
{
	struct loc at = {.file = m->file[d->file], .insn = -1};
	char text[200];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	diag_error(m->diag, &at, "map %s: %s", d->name, text);
	return -EINVAL;
}

static int check_inner(struct module *m, const struct mapdef *d)
{
	const struct mapdef *inner = &m->map.v[d->inner - 1];

	if (!fe_is_map_in_map(inner->type) &&
		inner->type != BPF_MAP_TYPE_PROG_ARRAY)
		return 0;
	return bad_map(m, d,
		"holds maps of type %u (%s), which no map can hold",
		inner->type,
		libbpf_bpf_map_type_str((enum bpf_map_type)inner->type));
}

static int cmp_init(const void *a, const void *b)
{
	const struct map_init *x = a, *y = b;

	return (x->slot > y->slot) - (x->slot < y->slot);
}

/* Maps can stand in a map of maps if they are as its template says. */
static const char *differs(const struct mapdef *d, const struct mapdef *in)
{
	return d->type != in->type		 ? "type"
	       : d->key_size != in->key_size	 ? "key size"
	       : d->value_size != in->value_size ? "value size"
	       : d->flags != in->flags		 ? "flags"
	       : in->type == BPF_MAP_TYPE_ARRAY &&
			       !(in->flags & BPF_F_INNER_MAP) &&
			       d->max_entries != in->max_entries
		       ? "max_entries"
		       : NULL;
}

static int check_init(struct module *m, u32 map)
{
	struct mapdef *d = &m->map.v[map];

	if (d->init.n)
		qsort(d->init.v, d->init.n, sizeof(*d->init.v), cmp_init);
	for (u32 i = 0; i < d->init.n; i++) {
		u32 slot = d->init.v[i].slot;
		const struct sym *s = &m->sym.v[d->init.v[i].sym];
		const char *what = NULL;

		if (i && slot == d->init.v[i - 1].slot)
			return bad_map(m, d, "two values for entry %u", slot);
		if (d->inner)
			what = differs(
				&m->map.v[s->index], &m->map.v[d->inner - 1]);
		if (what)
			return bad_map(m, d,
				"value %u: map %s differs from the template in "
				"its %s",
				slot, s->name, what);
	}
	return 0;
}

/* "4" or "1 to 512" */
static const char *range(char *buf, size_t n, u32 lo, u32 hi)
{
	if (lo == hi)
		snprintf(buf, n, "%u", lo);
	else
		snprintf(buf, n, "%u to %u", lo, hi);
	return buf;
}

/* Where the kernel allows locks, timers and pointers to its objects. */
static int check_fields(
	struct module *m, const struct mapdef *d, const char *kind)
{
	const u64 storage = K(SK_STORAGE) | K(INODE_STORAGE) | K(TASK_STORAGE) |
			    (u64)1 << KILN_MAP_TYPE_CGRP_STORAGE;
	const u64 in[] = {
		[KILN_FIELD_LOCK] = K(HASH) | K(ARRAY) | storage,
		[KILN_FIELD_TIMER] = K(HASH) | K(LRU_HASH) | K(ARRAY),
		/* the kernel's per-CPU kinds, too */
		[KILN_FIELD_KPTR] = K(HASH) | K(LRU_HASH) | K(ARRAY) | storage,
	};
	u32 locks = 0;

	for (u32 i = 0; i < d->field.n; i++) {
		u32 k = d->field.v[i].kind;

		locks += k == KILN_FIELD_LOCK;
		if (d->field.v[i].off % 4 || locks > 1)
			return bad_map(m, d,
				"two spin locks in its value, or "
				"a field that is not aligned");
		if (k < countof(in) && k && !(in[k] >> d->type & 1))
			return bad_map(m, d, "%s with a %s in its value", kind,
				k == KILN_FIELD_LOCK	? "spin lock"
				: k == KILN_FIELD_TIMER ? "timer"
							: "kernel pointer");
	}
	if (d->field.n && d->flags & (F_RDONLY_PROG | F_WRONLY_PROG))
		return bad_map(m, d,
			"map_flags %#x with a lock, timer or "
			"kernel pointer in its value",
			d->flags);
	return 0;
}

int fe_map_check(struct module *m, u32 map)
{
	const struct mapdef *d = &m->map.v[map];
	const struct kiln_map_kind *k = kiln_map_kind(d->type);
	const char *kind = libbpf_bpf_map_type_str((enum bpf_map_type)d->type);
	char buf[40];

	if (!k)
		return bad_map(m, d, "kind %u (%s) is not one that kiln has",
			d->type, kind ? kind : "unknown");
	if (!d->max_entries)
		return bad_map(m, d,
			"max_entries 0 (set it with --map %s=ENTRIES)",
			d->name);
	if (d->key_size < k->key_min || d->key_size > k->key_max)
		return bad_map(m, d, "%s with key size %u, wanted %s", kind,
			d->key_size,
			range(buf, sizeof(buf), k->key_min, k->key_max));
	if (!d->value_size && k->value_min)
		return bad_map(m, d, "%s with value size 0", kind);
	if (d->value_size < k->value_min || d->value_size > k->value_max)
		return bad_map(m, d, "%s with value size %u, wanted %s", kind,
			d->value_size,
			range(buf, sizeof(buf), k->value_min, k->value_max));
	if (k->value_min == 4 && k->value_max == 8 && d->value_size % 4)
		return bad_map(m, d, "%s with value size %u, wanted 4 or 8",
			kind, d->value_size);
	if (!kiln_map_flags_good(d->type, d->flags))
		return bad_map(m, d, "%s with map_flags %#x, wanted of %#x",
			kind, d->flags, k->flags);
	if (d->type == BPF_MAP_TYPE_BLOOM_FILTER && d->map_extra > 15)
		return bad_map(m, d, "%s with map_extra %llu, wanted 0 to 15",
			kind, (unsigned long long)d->map_extra);
	if (check_fields(m, d, kind))
		return -EINVAL;
	if (d->inner && check_inner(m, d))
		return -EINVAL;
	return check_init(m, map);
}

/* ---- helpers: the kernel's rules ------------------------------------------- */

/* Newer than the headers of Debian 12. */
enum {
	NEW_CGRP_STORAGE = 32,
	NEW_cgrp_storage_get = 210,
	NEW_cgrp_storage_delete = 211,
};

/* keys and values that programs read and write */
#define PLAIN                                                                  \
	(K(HASH) | K(ARRAY) | K(PERCPU_HASH) | K(PERCPU_ARRAY) | K(LRU_HASH) | \
		K(LRU_PERCPU_HASH) | K(LPM_TRIE))
#define SOCKS (K(SOCKMAP) | K(SOCKHASH))

// clang-format off
static const struct {
	u32 helper;
	u64 kinds;
} rules[] = { /* a helper without a row takes any map */
	{BPF_FUNC_map_lookup_elem,     PLAIN | SOCKS | K(DEVMAP) | K(DEVMAP_HASH) | K(XSKMAP) | K(ARRAY_OF_MAPS) | K(HASH_OF_MAPS)},
	{BPF_FUNC_map_update_elem,     PLAIN | SOCKS},
	{BPF_FUNC_map_delete_elem,     PLAIN | SOCKS},
	{BPF_FUNC_map_push_elem,       K(QUEUE) | K(STACK) | K(BLOOM_FILTER)},
	{BPF_FUNC_map_pop_elem,        K(QUEUE) | K(STACK)},
	{BPF_FUNC_map_peek_elem,       K(QUEUE) | K(STACK) | K(BLOOM_FILTER)},
	{BPF_FUNC_for_each_map_elem,   PLAIN & ~K(LPM_TRIE)},
	{BPF_FUNC_map_lookup_percpu_elem, K(PERCPU_HASH) | K(PERCPU_ARRAY) | K(LRU_PERCPU_HASH)},
	{BPF_FUNC_tail_call,           K(PROG_ARRAY)},
	{BPF_FUNC_perf_event_output,   K(PERF_EVENT_ARRAY)},
	{BPF_FUNC_perf_event_read,     K(PERF_EVENT_ARRAY)},
	{BPF_FUNC_get_stackid,         K(STACK_TRACE)},
	{BPF_FUNC_ringbuf_output,      K(RINGBUF)},
	{BPF_FUNC_ringbuf_reserve,     K(RINGBUF)},
	{BPF_FUNC_ringbuf_query,       K(RINGBUF)},
	{BPF_FUNC_user_ringbuf_drain,  (u64)1 << KILN_MAP_TYPE_USER_RINGBUF},
	{BPF_FUNC_skb_under_cgroup,    K(CGROUP_ARRAY)},
	{BPF_FUNC_current_task_under_cgroup, K(CGROUP_ARRAY)},
	{BPF_FUNC_redirect_map,        K(DEVMAP) | K(DEVMAP_HASH) | K(CPUMAP) | K(XSKMAP)},
	{BPF_FUNC_sk_redirect_map,     K(SOCKMAP)},
	{BPF_FUNC_msg_redirect_map,    K(SOCKMAP)},
	{BPF_FUNC_sock_map_update,     K(SOCKMAP)},
	{BPF_FUNC_sk_redirect_hash,    K(SOCKHASH)},
	{BPF_FUNC_msg_redirect_hash,   K(SOCKHASH)},
	{BPF_FUNC_sock_hash_update,    K(SOCKHASH)},
	{BPF_FUNC_sk_storage_get,      K(SK_STORAGE)},
	{BPF_FUNC_sk_storage_delete,   K(SK_STORAGE)},
	{BPF_FUNC_inode_storage_get,   K(INODE_STORAGE)},
	{BPF_FUNC_inode_storage_delete, K(INODE_STORAGE)},
	{BPF_FUNC_task_storage_get,    K(TASK_STORAGE)},
	{BPF_FUNC_task_storage_delete, K(TASK_STORAGE)},
	{NEW_cgrp_storage_get,        (u64)1 << NEW_CGRP_STORAGE},
	{NEW_cgrp_storage_delete,     (u64)1 << NEW_CGRP_STORAGE},
};
// clang-format on

static bool writes(u32 helper)
{
	return helper == BPF_FUNC_map_update_elem ||
	       helper == BPF_FUNC_map_delete_elem ||
	       helper == BPF_FUNC_map_push_elem ||
	       helper == BPF_FUNC_map_pop_elem;
}

const char *fe_map_use(const struct mapdef *d, const struct helper *h)
{
	if (writes(h->id) && d->flags & F_RDONLY_PROG)
		return "programs only read it (BPF_F_RDONLY_PROG)";
	for (u32 i = 0; i < countof(rules); i++)
		if (rules[i].helper == h->id)
			return d->type < 64 && rules[i].kinds >> d->type & 1
				       ? NULL
				       : "its kind does not have that";
	return NULL;
}
