/*
 * Maps of objects: checked when they are found, changed between open and load
 * (entries, storage shared with another object), given up at close.
 *
 * A map that is open (MAP_UNLOADED) has no operations yet. kiln_map_set_max_entries()
 * changes its definition, kiln_map_reuse() leaves the other map in priv[0].
 * maps_bind() makes both true before code is relocated: every symbol that
 * stands for the map, or for its storage, gets the address of what takes its
 * place. Code loads max_entries from the map and so needs no other change.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "kiln/map_size.h"
#include "runtime/map_prog_array.h"
#include "runtime/object.h"

/* ---- checks ---------------------------------------------------------------- */

/* What the runtime itself keeps in a map begins as 0; 8 is the strictest
 * alignment of what the kinds keep in storage. */
static bool is_unused(const struct kiln_map *m)
{
	bool unused = !m->state && !m->lock && !m->refs && m->values % 8 == 0;

	for (u32 k = 0; k < sizeof(m->priv) / sizeof(m->priv[0]); k++)
		unused = unused && !m->priv[k];
	return unused;
}

/* A map's own books begin as 0, too: only programs can stand in an object. */
static bool is_empty(const struct kiln_object *o, const struct kiln_map *m)
{
	return m->type == KILN_MAP_TYPE_PROG_ARRAY ||
	       m->values - (uintptr_t)o->seg[SEG_DATA].addr >= o->zeros_off;
}

/* Storage is where its symbol says or, resized, where maps_bind() put it. */
static bool has_storage(const struct kiln_object *o, const struct kiln_map *m,
	const void *moved)
{
	u64 size;

	if (rt_map_storage(m, &size) || size != m->values_size)
		return false;
	return !m->values || m->values == (uintptr_t)moved ||
	       (obj_is_in(o, SEG_DATA, PTR(void, m->values), size) &&
		       is_empty(o, m));
}

/* Before it is loaded it has no operations: they are imported. */
static int check_map(const struct kiln_object *o, const struct kiln_map *m,
	const void *moved, u64 ops)
{
	if (!obj_is_text(o, kiln_map_name(m)) ||
		(m->type == KILN_MAP_TYPE_PROG_ARRAY && m->extra &&
			!obj_is_text(o, PTR(const char, m->extra))))
		return obj_refuse(o, KILN_SEC_MAPS ": a text points outside");
	if (!kiln_map_kind(m->type) || m->ops != ops) {
		obj_error(o, "map %s: kind %u is not this runtime's",
			kiln_map_name(m), m->type);
		return -ENOEXEC;
	}
	if (!is_unused(m)) {
		obj_error(o, "map %s: not as a compiler leaves it",
			kiln_map_name(m));
		return -ENOEXEC;
	}
	if (!has_storage(o, m, moved)) {
		obj_error(o, "map %s: storage does not fit its definition",
			kiln_map_name(m));
		return -ENOEXEC;
	}
	return 0;
}

static bool overlaps(const struct kiln_object *o, const struct kiln_map *m)
{
	for (u32 i = 0; i < o->nmap; i++) {
		u64 d = (uintptr_t)m - (uintptr_t)o->own[i].map;

		if (d + sizeof(*m) - 1 < 2 * sizeof(*m) - 1)
			return true;
	}
	return false;
}

/* A row that is read for the first time: as the compiler made the map. */
static int add_map(struct kiln_object *o, struct kiln_map *m)
{
	if (!obj_is_in(o, SEG_DATA, m, sizeof(*m)) || (uintptr_t)m % 8 ||
		overlaps(o, m))
		return obj_refuse(o, KILN_SEC_MAPS ": a row points outside");
	int err = check_map(o, m, NULL, 0);
	if (err)
		return err;
	m->state = MAP_UNLOADED;
	o->own[o->nmap].map = m;
	o->map[o->nmap++] = m;
	return 0;
}

/* The same row when all relocations are applied. */
static int check_loaded(struct kiln_object *o, u32 k, struct kiln_map *m)
{
	if (m != o->map[k])
		return obj_refuse(
			o, KILN_SEC_MAPS ": a row is not what it was");
	if (m != o->own[k].map)
		return 0;
	int err = check_map(o, m, o->own[k].storage, rt_map_ops(m->type));
	if (err)
		return err;
	/* its per-CPU storage is for so many slots and no more */
	err = rt_scope_limit(m->max_cpus);
	if (err)
		obj_error(o,
			"map %s: storage for %u CPUs cannot be honoured "
			"from inside a run scope",
			kiln_map_name(m), m->max_cpus);
	return err;
}

static int add_linked(struct kiln_object *o, struct kiln_map *m)
{
	int err = rt_scope_limit(m->max_cpus);

	if (err)
		return err;
	o->map[o->nmap++] = m;
	return 0;
}

bool maps_has(const struct kiln_object *o, u64 address)
{
	for (u32 i = 0; i < o->nmap; i++)
		if ((uintptr_t)o->map[i] == address)
			return true;
	return false;
}

static bool is_map_of_maps(const struct kiln_map *m)
{
	const struct kiln_map_kind *k = kiln_map_kind(m->type);

	return k && k->traits & MAP_MAPS;
}

/* What a map of maps begins with: maps of this object. */
static bool is_init(const struct kiln_object *o, const struct kiln_map *m)
{
	const struct kiln_map_init *init =
		(const struct kiln_map_init *)(uintptr_t)m->init;

	if (m->init % 8 || m->ninit > m->max_entries ||
		!obj_is_in(o, SEG_RELRO, init, m->ninit * sizeof(*init)))
		return false;
	for (u64 i = 0; i < m->ninit; i++)
		if (!maps_has(o, init[i].target))
			return false;
	return true;
}

static int check_keys(const struct kiln_object *o, const struct kiln_map *m)
{
	const struct kiln_map_init *init =
		PTR(const struct kiln_map_init, m->init);

	for (u64 i = 0; i < m->ninit; i++)
		if (init[i].key >= m->max_entries) {
			obj_error(o, "map %s: value %u, but it has %u entries",
				kiln_map_name(m), init[i].key, m->max_entries);
			return -E2BIG;
		}
	return 0;
}

static bool is_fields(const struct kiln_object *o, const struct kiln_map *m)
{
	const struct kiln_map_field *f =
		PTR(const struct kiln_map_field, m->fields);

	if (m->fields % 4 ||
		!obj_is_in(o, SEG_DATA, f, m->nfields * sizeof(*f)))
		return false;
	for (u32 i = 0; i < m->nfields; i++)
		if (f[i].off % 4 ||
			!range_inside(f[i].off, f[i].size, m->value_size))
			return false;
	return true;
}

/* What maps say of each other and of their values. */
static int check_links(const struct kiln_object *o, const struct kiln_map *m)
{
	if ((!m->nfields || is_fields(o, m)) &&
		(!m->inner || maps_has(o, m->inner)) &&
		(!m->ninit || !is_map_of_maps(m) || is_init(o, m)))
		return is_map_of_maps(m) ? check_keys(o, m) : 0;
	obj_error(o,
		"map %s: the maps in it or the fields of its values are not "
		"the object's",
		kiln_map_name(m));
	return -ENOEXEC;
}

static const struct kiln_program *program_at(
	const struct kiln_object *o, u64 body)
{
	for (u32 i = 0; i < o->nprog; i++)
		if ((uintptr_t)o->prog[i].body == body)
			return &o->prog[i];
	return NULL;
}

/* What a prog_array begins with: programs of this object, of its context. */
static int check_programs(const struct kiln_object *o, const struct kiln_map *m)
{
	const char *wanted = PTR(const char, m->extra);
	const u64 *slot = PTR(const u64, m->values);

	for (u32 i = 0; slot && i < m->max_entries; i++) {
		const struct kiln_program *p =
			slot[i] ? program_at(o, slot[i]) : NULL;

		if (!slot[i] || (p && wanted && !strcmp(p->context, wanted)))
			continue;
		obj_error(o,
			"map %s: value %u: the context of program %s is %s, "
			"wanted %s",
			kiln_map_name(m), i, p ? p->name : "(none)",
			p ? p->context : "(none)", wanted ? wanted : "(none)");
		return -EINVAL;
	}
	return 0;
}

int maps_index(struct kiln_object *o, const struct kiln_tables *t)
{
	size_t n = (size_t)(t->maps_end - t->maps);
	bool again = o->map;
	int err = 0;

	if (!again) {
		o->map = calloc(n + 1, sizeof(struct kiln_map *));
		o->own = calloc(n + 1, sizeof(*o->own));
	}
	if (!o->map || !o->own)
		return -ENOMEM;
	for (u32 k = 0; !err && k < n; k++) {
		struct kiln_map *m =
			PTR(struct kiln_map, obj_self(&t->maps[k].map));

		if (o->linked)
			err = add_linked(o, m);
		else
			err = again ? check_loaded(o, k, m) : add_map(o, m);
	}
	for (u32 k = 0; again && !err && k < n; k++)
		if (o->map[k] == o->own[k].map)
			err = check_links(o, o->map[k]);
	for (u32 k = 0; again && !err && k < n; k++)
		if (o->map[k] == o->own[k].map &&
			o->map[k]->type == KILN_MAP_TYPE_PROG_ARRAY)
			err = check_programs(o, o->map[k]);
	return err;
}

/* ---- between open and load ------------------------------------------------- */

/* Code does not compare the indices that it knows with max_entries. */
static bool is_too_few(const struct kiln_map *m, u32 max_entries)
{
	return m->type == KILN_MAP_TYPE_PROG_ARRAY &&
	       max_entries < m->max_entries;
}

RT_API int kiln_map_set_max_entries(struct kiln_map *m, uint32_t max_entries)
{
	u32 was = m->max_entries;
	u64 size;

	if (m->state != MAP_UNLOADED || m->priv[0])
		return -EBUSY;
	if (is_too_few(m, max_entries)) {
		rt_log(KILN_LOG_ERROR,
			"map %s: %u entries, wanted at least the %u of its "
			"tail calls and values",
			kiln_map_name(m), max_entries, was);
		return -E2BIG;
	}
	if (m->ninit > max_entries)
		return -E2BIG;
	m->max_entries = max_entries;
	int err = rt_map_storage(m, &size);
	if (!err && !size)
		err = -EINVAL;
	if (err)
		m->max_entries = was;
	return err;
}

/* Of a map that others may be using for the first time. */
static u32 state_of(const struct kiln_map *m)
{
	return load32(&m->state, memory_order_relaxed);
}

/* Code does not compare a known index with max_entries, nor look at all where a
 * map is frozen. */
static bool is_prog_array_alike(
	const struct kiln_map *m, const struct kiln_map *other)
{
	return !(m->flags & F_RDONLY) && other->max_entries >= m->max_entries &&
	       (!m->extra ||
		       rt_prog_array_fits(other, PTR(const char, m->extra)));
}

/* What code that was compiled for m takes for granted. */
static bool is_alike(const struct kiln_map *m, const struct kiln_map *other)
{
	if (m->type == KILN_MAP_TYPE_PROG_ARRAY &&
		!is_prog_array_alike(m, other))
		return false;
	return m->type == other->type && m->key_size == other->key_size &&
	       m->value_size == other->value_size && m->flags == other->flags &&
	       m->max_cpus == other->max_cpus && !m->inner == !other->inner &&
	       m->nfields == other->nfields;
}

RT_API int kiln_map_reuse(struct kiln_map *m, struct kiln_map *other)
{
	if (m->state != MAP_UNLOADED)
		return -EBUSY;
	if (!other || state_of(other) == MAP_UNLOADED || !is_alike(m, other))
		return -EINVAL;
	m->priv[0] = (uintptr_t)other;
	return 0;
}

int maps_options(struct kiln_object *o)
{
	for (const struct kiln_map_entries *e = o->opts.map_entries;
		e && e->name; e++) {
		struct kiln_map *m = kiln_object_find_map(o, e->name);
		int err = m ? kiln_map_set_max_entries(m, e->max_entries)
			    : -ENOENT;

		if (m && is_too_few(m, e->max_entries))
			return err; /* said */
		if (err) {
			obj_error(o, "map %s: cannot have %u entries: %s",
				e->name, e->max_entries, strerror(-err));
			return err;
		}
	}
	return 0;
}

/* ---- load -------------------------------------------------------------------- */

static void redirect(struct kiln_object *o, u64 from, u64 to)
{
	for (u32 i = 1; i < o->nsym; i++)
		if (o->sym[i].st_shndx != SHN_UNDEF && o->symval[i] == from)
			o->symval[i] = to;
}

static int share(struct kiln_object *o, u32 k, struct kiln_map *other)
{
	struct kiln_map *m = o->own[k].map;
	int err = map_ready(other);

	if (err) {
		obj_error(o, "map %s: the map that is to serve cannot be used",
			kiln_map_name(m));
		return err;
	}
	if (m->type == KILN_MAP_TYPE_PROG_ARRAY && m->extra)
		err = rt_prog_array_claim(
			other, PTR(const char, m->extra), o->name);
	if (err)
		return err;
	o->map[k] = other;
	o->own[k].owner = obj_hold_owner(other);
	rt_map_hold(other);
	redirect(o, (uintptr_t)m, (uintptr_t)other);
	if (m->values)
		redirect(o, m->values, other->values);
	return 0;
}

/* Its storage, if code knows the address, moves to where there is room. */
static int resize(struct kiln_object *o, u32 k)
{
	struct kiln_map *m = o->own[k].map;
	u64 size;
	int err = rt_map_storage(m, &size);

	if (err || size == m->values_size)
		return err;
	if (m->values) {
		void *p = mem_near(size);

		if (!p)
			return -ENOMEM;
		o->own[k].storage = p;
		o->own[k].bytes = size;
		o->own[k].first = PTR(void, m->values);
		o->own[k].was = m->values_size;
		redirect(o, m->values, (uintptr_t)p);
	}
	m->values_size = size;
	return 0;
}

int maps_bind(struct kiln_object *o)
{
	int err = 0;

	for (u32 k = 0; !err && k < o->nmap; k++) {
		struct kiln_map *m = o->own[k].map;
		struct kiln_map *other = PTR(struct kiln_map, m->priv[0]);

		m->priv[0] = 0;
		m->state = MAP_RAW;
		err = other ? share(o, k, other) : resize(o, k);
	}
	return err;
}

void maps_fill(struct kiln_object *o)
{
	for (u32 k = 0; k < o->nmap; k++) {
		const struct obj_map *own = &o->own[k];

		if (own->storage)
			memcpy(own->storage, own->first,
				own->bytes < own->was ? own->bytes : own->was);
	}
}

/* ---- close ------------------------------------------------------------------- */

static void fini_map(struct kiln_map *m)
{
	const struct kiln_map_ops *ops = PTR(const struct kiln_map_ops, m->ops);

	if (m->state != MAP_READY)
		return;
	/* callbacks of others' programs */
	while (rt_timers_drop((uintptr_t)m, (uintptr_t)(m + 1)))
		kiln_port_relax();
	rt_fields_free_all(m);
	rt_ring_close(m);
	if (ops->fini)
		ops->fini(m);
}

/* What a map that was never loaded says may be anything. */
void maps_free(struct kiln_object *o)
{
	for (u32 k = 0; k < o->nmap; k++) {
		struct obj_map *own = &o->own[k];
		struct kiln_map *m = own->map;

		if (o->map[k] != m) {
			rt_map_drop(o->map[k]);
			if (own->owner)
				obj_put(own->owner);
			continue;
		}
		if (o->loaded)
			fini_map(m);
		if (own->storage)
			munmap(own->storage, own->bytes);
		else if (o->loaded && m->values &&
			 !obj_is_in(o, SEG_DATA, PTR(void, m->values), 1))
			munmap(PTR(void, m->values), m->values_size);
	}
}
