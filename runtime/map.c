/*
 * Maps: dispatch to the kind, the first use, and the host's copying API.
 *
 * A map is a struct kiln_map that the compiler filled; its `ops` names the
 * kind, so that a linker pulls in only the kinds that are used. It is MAP_RAW
 * until the first operation; rt_map_prepare() then checks the definition, gets
 * storage if it is dynamic, and lets the kind derive what it keeps in priv.
 * Who changes the definition or the storage of a map (a loader) does so while
 * it is MAP_RAW.
 */
#include "kiln/map_size.h"
#include "kiln/runtime.h"
#include "runtime/rt.h"

static const struct kiln_map_ops *ops_of(const struct kiln_map *m)
{
	return (const struct kiln_map_ops *)(uintptr_t)m->ops;
}

int rt_map_storage(const struct kiln_map *m, u64 *bytes)
{
	const struct map_shape s = {m->type, m->key_size, m->value_size,
		m->max_entries, m->max_cpus, m->extra};

	return kiln_map_storage(&s, bytes);
}

/* ---- first use ------------------------------------------------------------- */

static int prepare_locked(struct kiln_map *m)
{
	u64 bytes;
	int err;

	if (!m->ops || load32(&m->state, memory_order_relaxed) == MAP_UNLOADED)
		return -RT_ENOTSUP;
	err = rt_map_storage(m, &bytes);
	if (err)
		return err;
	if (!bytes || (m->values && m->values_size < bytes))
		return -RT_EINVAL;
	if (!m->values) {
		void *p = kiln_port_pages(bytes);

		if (!p)
			return -RT_ENOMEM;
		m->values_size = bytes;
		/* pairs with the load in code that the compiler inlined: the
		 * pages are zeroed before their address shows */
		store64(&m->values, (uintptr_t)p, memory_order_release);
	}
	ops_of(m)->setup(m);
	store32(&m->state, MAP_READY, memory_order_release);
	return 0;
}

int rt_map_prepare(struct kiln_map *m)
{
	int err = kiln_port_lock(&m->lock);

	if (err)
		return err;
	if (load32(&m->state, memory_order_relaxed) != MAP_READY)
		err = prepare_locked(m);
	kiln_port_unlock(&m->lock);
	return err;
}

/* ---- holds ------------------------------------------------------------------- */

void rt_map_hold(struct kiln_map *m)
{
	if (load32(&m->refs, memory_order_relaxed))
		atomic_fetch_add_explicit(
			ATOMIC32(&m->refs), 1, memory_order_relaxed);
}

/* Nothing that the core knows can be freed: map_create.c has what can. */
__attribute__((weak)) void rt_map_release(struct kiln_map *m)
{
	(void)m;
}

void rt_map_drop(struct kiln_map *m)
{
	if (!load32(&m->refs, memory_order_relaxed))
		return;
	/* what others did with the map is over before it is freed */
	if (atomic_fetch_sub_explicit(
		    ATOMIC32(&m->refs), 1, memory_order_acq_rel) == 1)
		rt_map_release(m);
}

/* ---- what a kind does not do ---------------------------------------------------- */

void *rt_none_lookup(struct kiln_map *m, const void *key)
{
	(void)m, (void)key;
	return NULL;
}

int rt_none_update(
	struct kiln_map *m, const void *key, const void *value, u64 flags)
{
	(void)m, (void)key, (void)value, (void)flags;
	return -RT_ENOTSUP;
}

int rt_none_del(struct kiln_map *m, const void *key)
{
	(void)m, (void)key;
	return -RT_ENOTSUP;
}

i64 rt_none_each(struct kiln_map *m, callback_fn fn, u64 ctx)
{
	(void)m, (void)fn, (void)ctx;
	return -RT_ENOTSUP;
}

/* ---- the host's side --------------------------------------------------------- */

RT_API const char *kiln_map_name(const struct kiln_map *m)
{
	return (const char *)(uintptr_t)m->name;
}

RT_API size_t kiln_map_value_bytes(const struct kiln_map *m)
{
	if (m->ops && ops_of(m)->percpu)
		return (size_t)m->max_cpus * map_value_stride(m);
	if (m->ops && ops_of(m)->programs)
		return sizeof(void *);
	return m->value_size;
}

/* Kinds without keys take NULL, and nothing else. */
static bool is_good_key(const struct kiln_map *m, const void *key)
{
	return m && !key == !m->key_size;
}

RT_API int kiln_map_lookup(struct kiln_map *m, const void *key, void *value)
{
	if (!is_good_key(m, key) || !value)
		return -RT_EINVAL;
	return m->ops ? ops_of(m)->read(m, key, value) : -RT_ENOTSUP;
}

RT_API int kiln_map_lookup_flags(
	struct kiln_map *m, const void *key, void *value, uint64_t flags)
{
	if (!flags)
		return kiln_map_lookup(m, key, value);
	if (!is_good_key(m, key) || !value || flags != RT_F_LOCK ||
		!rt_has_lock(m) || !ops_of(m)->read_locked)
		return -RT_EINVAL;
	return ops_of(m)->read_locked(m, key, value);
}

RT_API int kiln_map_update(
	struct kiln_map *m, const void *key, const void *value, uint64_t flags)
{
	if (!is_good_key(m, key) || !value ||
		(flags & RT_F_LOCK && !rt_has_lock(m)))
		return -RT_EINVAL;
	return m->ops ? ops_of(m)->write(m, key, value, flags) : -RT_ENOTSUP;
}

RT_API int kiln_map_delete(struct kiln_map *m, const void *key)
{
	if (!is_good_key(m, key))
		return -RT_EINVAL;
	if (!m->ops)
		return -RT_ENOTSUP;
	return ops_of(m)->erase ? ops_of(m)->erase(m, key)
				: ops_of(m)->del(m, key);
}

RT_API int kiln_map_lookup_and_delete(
	struct kiln_map *m, const void *key, void *value)
{
	if (!is_good_key(m, key) || !value)
		return -RT_EINVAL;
	return m->ops && ops_of(m)->take ? ops_of(m)->take(m, key, value)
					 : -RT_ENOTSUPP;
}

RT_API int kiln_map_next_key(struct kiln_map *m, const void *key, void *next)
{
	if (!m || !next)
		return -RT_EINVAL;
	return m->ops ? ops_of(m)->next_key(m, key, next) : -RT_ENOTSUP;
}
