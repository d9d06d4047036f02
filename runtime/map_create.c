/*
 * Maps that the host makes: to put in maps of maps, or for itself. They are
 * counted (inner.c says by whom), and are freed with the last hold.
 */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "kiln/map_size.h"
#include "runtime/object.h"

static int check(const struct kiln_map *m)
{
	const struct kiln_map *inner = PTR(struct kiln_map, m->inner);
	const struct kiln_map_kind *k = kiln_map_kind(m->type);
	u64 bytes;
	int err;

	if (!k || !kiln_map_flags_good(m->type, m->flags))
		return -EINVAL;
	err = rt_map_storage(m, &bytes);
	if (err)
		return err;
	/* of a prog_array: the compiler's */
	if (m->type == KILN_MAP_TYPE_PROG_ARRAY && m->extra)
		return -EINVAL;
	if (!bytes || (inner && !(k->traits & MAP_MAPS)) ||
		(inner && kiln_map_kind(inner->type)->traits & MAP_MAPS))
		return -EINVAL;
	return 0;
}

/* The sizes that the kernel is told, for those that the host's values have. */
static void own_sizes(struct kiln_map *m, const struct kiln_map_kind *k)
{
	if (k && k->traits & MAP_PTR_VALUE && m->value_size == 4)
		m->value_size = 8;
	if (k && k->traits & MAP_PTR_KEY && m->key_size == 4)
		m->key_size = 8;
	if (k && k->traits & MAP_OPEN && !m->max_entries)
		m->max_entries = MAP_OPEN_ENTRIES;
}

RT_API struct kiln_map *kiln_map_create(uint32_t type, const char *name,
	uint32_t key_size, uint32_t value_size, uint32_t max_entries,
	const struct kiln_map_create_opts *opts)
{
	size_t n = name ? strlen(name) + 1 : 1;
	/* where code of objects that share it reaches it */
	struct kiln_map *m = kiln_port_pages(sizeof(*m) + n);

	if (!m) {
		errno = ENOMEM;
		return NULL;
	}
	*m = (struct kiln_map){.type = type,
		.key_size = key_size,
		.value_size = value_size,
		.max_entries = max_entries,
		.max_cpus = rt_scope_cpus(),
		.ops = rt_map_ops(type),
		.name = (uintptr_t)(m + 1),
		.flags = opts ? opts->flags : 0,
		.extra = opts ? opts->extra : 0,
		.inner = opts ? (uintptr_t)opts->inner : 0,
		.refs = 1};
	memcpy(m + 1, name ? name : "", n);
	own_sizes(m, kiln_map_kind(type));
	int err = check(m);
	if (err) {
		munmap(m, sizeof(*m) + n);
		errno = -err;
		return NULL;
	}
	if (m->inner)
		rt_map_hold(PTR(struct kiln_map, m->inner));
	return m;
}

/* Strong: takes the place of the core's, which never has one to free. */
void rt_map_release(struct kiln_map *m)
{
	const struct kiln_map_ops *ops = PTR(const struct kiln_map_ops, m->ops);

	if (ops->fini && load32(&m->state, memory_order_acquire) == MAP_READY)
		ops->fini(m);
	rt_ring_close(m);
	if (m->inner)
		rt_map_drop(PTR(struct kiln_map, m->inner));
	if (m->values)
		munmap(PTR(void, m->values), m->values_size);
	munmap(m, sizeof(*m) + strlen(kiln_map_name(m)) + 1);
}

RT_API void kiln_map_free(struct kiln_map *m)
{
	if (m)
		rt_map_drop(m);
}
