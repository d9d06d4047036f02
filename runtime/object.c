/*
 * Objects: opening and closing; programs, maps and globals by name.
 *
 * Of the file only what loading needs is read: section headers, the one
 * symbol table, relocations of loaded sections.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "kiln/map_size.h"
#include "runtime/map_prog_array.h"
#include "runtime/fault.h"
#include "runtime/object.h"
#include "runtime/tramp.h"

void obj_error(const struct kiln_object *o, const char *fmt, ...)
{
	char text[512];
	va_list ap;
	int n = snprintf(text, sizeof(text), "%s: ", o->name);

	if (n < 0 || (size_t)n >= sizeof(text))
		n = sizeof(text) - 1;
	va_start(ap, fmt);
	vsnprintf(text + n, sizeof(text) - (size_t)n, fmt, ap);
	va_end(ap);
	rt_log(KILN_LOG_ERROR, "%s", text);
}

static void obj_warn(const struct kiln_object *o, const char *what)
{
	rt_log(KILN_LOG_WARNING, "%s: %s", o->name, what);
}

/* ---- open and close ------------------------------------------------------------ */

static struct kiln_object *obj_new(const char *name)
{
	struct kiln_object *o = calloc(1, sizeof(*o));

	if (!o || !(o->name = strdup(name))) {
		free(o);
		errno = ENOMEM;
		return NULL;
	}
	o->refs = 1;
	o->text.fd = -1;
	return o;
}

/* What this runtime does not know of must be 0. */
static int take_options(
	struct kiln_object *o, const struct kiln_open_opts *opts)
{
	const u8 *p = (const u8 *)opts;

	for (size_t i = sizeof(o->opts); opts && i < opts->sz; i++)
		if (p[i]) {
			obj_error(o, "options that this runtime does not have");
			return -EINVAL;
		}
	if (opts)
		memcpy(&o->opts, opts,
			opts->sz < sizeof(o->opts) ? opts->sz
						   : sizeof(o->opts));
	return 0;
}

/* Takes over bytes, which malloc gave. */
static struct kiln_object *open_bytes(u8 *bytes, size_t size, const char *name,
	const struct kiln_open_opts *opts)
{
	struct kiln_object *o = obj_new(name);

	if (!o) {
		free(bytes);
		return NULL;
	}
	o->bytes = bytes;
	o->size = size;
	int err = take_options(o, opts);
	if (!err)
		err = obj_check(o);
	if (!err)
		err = obj_place(o);
	if (!err)
		err = maps_options(o);
	if (err) {
		kiln_object_close(o);
		errno = -err;
		return NULL;
	}
	return o;
}

RT_API struct kiln_object *kiln_object_open_mem(
	const void *bytes, size_t size, const struct kiln_open_opts *opts)
{
	u8 *copy = malloc(size ? size : 1);

	if (!copy) {
		errno = ENOMEM;
		return NULL;
	}
	if (size)
		memcpy(copy, bytes, size);
	return open_bytes(
		copy, size, opts && opts->name ? opts->name : "object", opts);
}

static int read_all(FILE *f, u8 **bytes, size_t *size)
{
	size_t cap = 64 << 10, n = 0, got;
	u8 *p = NULL;

	do {
		u8 *more = cap > OBJ_MAX ? NULL : realloc(p, cap);

		if (!more) {
			free(p);
			return cap > OBJ_MAX ? -EFBIG : -ENOMEM;
		}
		p = more;
		got = fread(p + n, 1, cap - n, f);
		n += got;
		cap *= 2;
	} while (got && !ferror(f));
	if (ferror(f)) {
		free(p);
		return -EIO;
	}
	*bytes = p;
	*size = n;
	return 0;
}

RT_API struct kiln_object *kiln_object_open_file(
	const char *path, const struct kiln_open_opts *opts)
{
	const char *name = opts && opts->name ? opts->name : path;
	FILE *f = fopen(path, "rbe");
	u8 *bytes = NULL;
	size_t size = 0;
	int err = f ? read_all(f, &bytes, &size) : -errno;

	if (f)
		fclose(f);
	if (err) {
		rt_log(KILN_LOG_ERROR, "%s: %s", name, strerror(-err));
		errno = -err;
		return NULL;
	}
	return open_bytes(bytes, size, name, opts);
}

/* No thread jumps into its programs, or is inside one. */
static bool is_left(struct kiln_object *o)
{
	u64 text = (uintptr_t)o->seg[SEG_TEXT].addr;
	int err = rt_prog_array_forget(o->base, o->reserved);

	tramp_forget(o, text, text + o->seg[SEG_TEXT].size);
	struct tramp_image *images = tramp_take_retired();
	if (!err)
		err = kiln_synchronize();
	tramp_give_retired(images, !err);
	/* nobody starts timers any more, but for their callbacks */
	if (!err)
		err = rt_timers_drop(text, text + o->seg[SEG_TEXT].size);
	if (err)
		obj_warn(o, "a program may still be running: its code stays");
	return !err;
}

void obj_drop(struct kiln_object *o)
{
	for (u32 i = 0; i < o->nprog; i++)
		tramp_free_cells(&o->prog[i]);
	free(o->prog);
	free(o->map);
	free(o->own);
}

static void obj_free(struct kiln_object *o)
{
	fault_remove(o);
	maps_free(o);
	debug_remove(o);
	mem_release(o);
	free(o->bytes);
	free(o->sec);
	free(o->symval);
	free(o->slot_of);
	obj_drop(o);
	free(o->name);
	free(o);
}

void obj_put(struct kiln_object *o)
{
	if (atomic_fetch_sub_explicit(
		    ATOMIC32(&o->refs), 1, memory_order_acq_rel) == 1)
		obj_free(o);
}

/* If a program is still inside, everything that it may reach stays. */
RT_API void kiln_object_close(struct kiln_object *o)
{
	if (!o || o->linked)
		return;
	prog_remove_object(o);
	if (!o->loaded || is_left(o))
		obj_put(o);
}

/* ---- tables -> programs and maps -------------------------------------------------- */

u64 obj_self(const i32 *field)
{
	return (uintptr_t)field + (u64)(i64)*field;
}

/* n bytes at p lie in segment s of a loaded object. */
bool obj_is_in(const struct kiln_object *o, enum seg s, const void *p, u64 n)
{
	return o->linked || range_inside((u64)((const u8 *)p - o->seg[s].addr),
				    n, o->seg[s].size);
}

bool obj_is_text(const struct kiln_object *o, const char *s)
{
	if (o->linked)
		return true;
	if (!obj_is_in(o, SEG_RODATA, s, 1))
		return false;
	const u8 *end = o->seg[SEG_RODATA].addr + o->seg[SEG_RODATA].size;
	return memchr(s, 0, (size_t)(end - (const u8 *)s));
}

static int index_prog(struct kiln_object *o, const struct kiln_prog_row *r)
{
	struct kiln_program *p = &o->prog[o->nprog];

	p->obj = o;
	p->name = PTR(const char, obj_self(&r->name));
	p->section = PTR(const char, obj_self(&r->section));
	p->entry = (kiln_prog_fn)(uintptr_t)obj_self(&r->entry);
	p->body = (kiln_prog_fn)(uintptr_t)obj_self(&r->body);
	p->context = PTR(const char, obj_self(&r->context));
	p->type = r->type;
	p->size = r->code;
	p->flags = r->flags;
	if (!obj_is_text(o, p->name) || !obj_is_text(o, p->section) ||
		!obj_is_text(o, p->context) ||
		!obj_is_in(
			o, SEG_TEXT, PTR(void, obj_self(&r->entry)), r->code) ||
		!obj_is_in(o, SEG_TEXT, PTR(void, obj_self(&r->body)), 1))
		return obj_refuse(o, KILN_SEC_PROGS ": a row points outside");
	o->nprog++;
	return 0;
}

/* A loaded object's: the text of a linked one never changes. */
static int check_site(
	const struct kiln_object *o, const struct kiln_site_row *r)
{
	const struct kiln_map *m =
		PTR(const struct kiln_map, obj_self(&r->map));

	if (r->kind == KILN_SITE_ENTRY && r->state == KILN_SITE_OPEN &&
		obj_is_in(o, SEG_TEXT, PTR(void, obj_self(&r->addr)), r->size))
		return 0;
	if (r->kind != KILN_SITE_TAIL_CALL || r->size != poke_size ||
		!obj_is_in(o, SEG_TEXT, PTR(void, obj_self(&r->addr)), r->size))
		return obj_refuse(o, KILN_SEC_SITES ": a row points outside");
	if (r->state == KILN_SITE_FROZEN)
		return 0;
	if (r->state != KILN_SITE_OPEN || !maps_has(o, obj_self(&r->map)) ||
		m->type != KILN_MAP_TYPE_PROG_ARRAY || !m->values ||
		r->key >= m->max_entries ||
		!obj_is_in(o, SEG_DATA, PTR(void, obj_self(&r->gate)), 1))
		return obj_refuse(
			o, KILN_SEC_SITES ": a row has no prog_array");
	return 0;
}

static int index_sites(struct kiln_object *o, const struct kiln_tables *t)
{
	int err = 0;

	/* text is not there before it is loaded */
	if (o->linked || !o->tried)
		return 0;
	o->site = t->sites;
	o->nsite = (u32)(t->sites_end - t->sites);
	for (u32 k = 0; !err && k < o->nsite; k++)
		err = check_site(o, &o->site[k]);
	return err;
}

/* Whatever else they say, fault_host.c can follow them. */
static bool frame_is_good(
	const struct kiln_object *o, const struct kiln_frame_row *r)
{
	return obj_is_in(o, SEG_TEXT, PTR(void, obj_self(&r->func)), r->code) &&
	       r->size <= FRAME_MAX &&
	       (r->ret == -1 || (r->ret >= 0 && (u32)r->ret < r->size));
}

/* A loaded object's: what is copied and read lies inside of it. */
static bool is_good_hook(
	const struct kiln_object *o, const struct kiln_hook_row *r)
{
	return r->kind >= KILN_HOOK_FENTRY && r->kind <= KILN_HOOK_FREPLACE &&
	       r->nargs + r->nret <= KILN_TRAMP_WORDS && r->lits % 8 == 0 &&
	       r->call + 8 <= r->lits && r->jump + 8 <= r->lits &&
	       r->ret < r->lits &&
	       obj_is_text(o, PTR(char, obj_self(&r->name))) &&
	       obj_is_text(o, PTR(char, obj_self(&r->model))) &&
	       obj_is_in(o, SEG_RELRO, PTR(void, obj_self(&r->target)), 8) &&
	       obj_is_in(o, SEG_TEXT, PTR(void, obj_self(&r->stub)),
		       r->lits + sizeof(struct kiln_stub_lits));
}

static struct kiln_program *find_entry(const struct kiln_object *o, u64 entry)
{
	for (u32 i = 0; i < o->nprog; i++)
		if ((uintptr_t)o->prog[i].entry == entry)
			return &o->prog[i];
	return NULL;
}

static void index_entries(struct kiln_object *o, const struct kiln_tables *t)
{
	for (const struct kiln_site_row *r = t->sites; r < t->sites_end; r++) {
		struct kiln_program *p =
			r->kind == KILN_SITE_ENTRY
				? find_entry(o, obj_self(&r->owner))
				: NULL;

		if (p)
			p->has_site = true;
	}
}

static int index_hooks(struct kiln_object *o, const struct kiln_tables *t)
{
	for (const struct kiln_hook_row *r = t->hooks; r < t->hooks_end; r++) {
		struct kiln_program *p = find_entry(o, obj_self(&r->prog));

		if (!p || (!o->linked && !is_good_hook(o, r)))
			return obj_refuse(
				o, KILN_SEC_HOOKS ": a row is damaged");
		p->hook = r;
	}
	return 0;
}

static int index_faults(struct kiln_object *o, const struct kiln_tables *t)
{
	u64 text = (uintptr_t)o->seg[SEG_TEXT].addr;

	o->ex = t->ex;
	o->nex = (size_t)(t->ex_end - t->ex);
	if (!o->linked && !fault_table_is_good(o->ex, o->nex, text,
				  text + o->seg[SEG_TEXT].size))
		return obj_refuse(o, KILN_SEC_EX_TABLE ": a row is damaged");
	o->frame = t->frames;
	o->nframe = (size_t)(t->frames_end - t->frames);
	for (size_t k = 0; k < o->nframe; k++)
		if (!frame_is_good(o, &o->frame[k]))
			return obj_refuse(
				o, KILN_SEC_FRAMES ": a row is damaged");
	return 0;
}

int obj_index(struct kiln_object *o, const struct kiln_tables *t)
{
	size_t nprog = (size_t)(t->progs_end - t->progs);
	int err = 0;

	if (!o->prog)
		o->prog = calloc(nprog + 1, sizeof(*o->prog));
	if (!o->prog)
		return -ENOMEM;
	o->nprog = 0; /* the second time, the same rows */
	for (size_t i = 0; !err && i < nprog; i++)
		err = index_prog(o, &t->progs[i]);
	if (!err)
		err = maps_index(o, t);
	if (!err)
		err = index_sites(o, t);
	if (!err)
		err = index_hooks(o, t);
	index_entries(o, t);
	return err ? err : index_faults(o, t);
}

/* ---- finding ------------------------------------------------------------------------ */

const char *obj_sym_name(const struct kiln_object *o, u32 sym)
{
	return o->str + o->sym[sym].st_name;
}

RT_API const char *kiln_object_name(const struct kiln_object *o)
{
	return o->name;
}

RT_API struct kiln_program *kiln_object_find_program(
	const struct kiln_object *o, const char *name)
{
	for (u32 i = 0; i < o->nprog; i++)
		if (!strcmp(o->prog[i].name, name))
			return &o->prog[i];
	errno = ENOENT;
	return NULL;
}

RT_API struct kiln_program *kiln_object_next_program(
	const struct kiln_object *o, const struct kiln_program *prev)
{
	u32 i = prev ? (u32)(prev - o->prog) + 1 : 0;

	return i < o->nprog ? &o->prog[i] : NULL;
}

RT_API uint64_t kiln_program_faults(const struct kiln_program *p)
{
	return load64(&p->faults, memory_order_relaxed);
}

RT_API uint64_t kiln_object_faults(const struct kiln_object *o)
{
	return load64(&o->faults, memory_order_relaxed);
}

RT_API struct kiln_map *kiln_object_find_map(
	const struct kiln_object *o, const char *name)
{
	for (u32 i = 0; i < o->nmap; i++)
		if (!strcmp(kiln_map_name(o->map[i]), name))
			return o->map[i];
	errno = ENOENT;
	return NULL;
}

/* The first place of a map: one may serve in several. */
static u32 place_of(const struct kiln_object *o, const struct kiln_map *m)
{
	u32 i = 0;

	while (i < o->nmap && o->map[i] != m)
		i++;
	return i;
}

RT_API struct kiln_map *kiln_object_next_map(
	const struct kiln_object *o, const struct kiln_map *prev)
{
	u32 i = prev ? place_of(o, prev) + 1 : 0;

	while (i < o->nmap && place_of(o, o->map[i]) < i)
		i++;
	return i < o->nmap ? o->map[i] : NULL;
}

/* Sections that hold values: in their place since the object was opened. */
static bool has_value(const struct kiln_object *o, u32 sym)
{
	const Elf64_Sym *s = &o->sym[sym];
	u32 sec = s->st_shndx;

	return ELF64_ST_TYPE(s->st_info) == STT_OBJECT && sec != SHN_UNDEF &&
	       sec < o->nsec && o->sec[sec].seg != SEG_NONE &&
	       o->sec[sec].seg != SEG_TEXT;
}

static u32 find_global(const struct kiln_object *o, const char *name)
{
	for (u32 i = 1; !o->linked && i < o->nsym; i++)
		if (has_value(o, i) && !strcmp(obj_sym_name(o, i), name))
			return i;
	return 0;
}

RT_API void *kiln_object_find_global(
	const struct kiln_object *o, const char *name, size_t *size)
{
	u32 i = find_global(o, name);

	if (!i) {
		errno = ENOENT;
		return NULL;
	}
	if (size)
		*size = o->sym[i].st_size;
	return (void *)(uintptr_t)o->symval[i];
}

RT_API int kiln_object_set_global(
	struct kiln_object *o, const char *name, const void *value, size_t size)
{
	u32 i = find_global(o, name);

	if (!i)
		return -ENOENT;
	if (size != o->sym[i].st_size)
		return -EINVAL;
	if (o->loaded && o->sec[o->sym[i].st_shndx].seg != SEG_DATA)
		return -EPERM;
	memcpy((void *)(uintptr_t)o->symval[i], value, size);
	return 0;
}

/* ---- programs ------------------------------------------------------------------------ */

RT_API const char *kiln_program_name(const struct kiln_program *p)
{
	return p->name;
}

RT_API const char *kiln_program_section(const struct kiln_program *p)
{
	return p->section;
}

RT_API uint32_t kiln_program_type(const struct kiln_program *p)
{
	return p->type;
}

RT_API uint32_t kiln_program_flags(const struct kiln_program *p)
{
	return p->flags;
}

RT_API kiln_prog_fn kiln_program_entry(const struct kiln_program *p)
{
	return p->entry;
}

/* Programs with tail calls want a count, which their wrapper has; what is attached
 * to a program is behind its entry. */
kiln_prog_fn obj_run_by(const struct kiln_program *p)
{
	return p->flags & KILN_PROG_TAIL_CALLS || p->has_site ? p->entry
							      : p->body;
}

RT_API uint64_t kiln_program_run(const struct kiln_program *p, void *ctx)
{
	kiln_prog_fn fn = obj_run_by(p);
	struct tramp_cell *cell =
		scope_counts()
			? tramp_cells((struct kiln_program *)(uintptr_t)p)
			: NULL;
	uint64_t r;

	if (unlikely(cell))
		return rt_tramp_count(cell, fn, ctx);
	if (p->flags & KILN_PROG_TAIL_CALLS)
		return fn(ctx);

	kiln_scope_enter();
	r = fn(ctx);
	kiln_scope_leave();
	return r;
}

RT_API uint64_t kiln_program_run_raw(
	const struct kiln_program *p, uint64_t r1, uint64_t r2)
{
	uint64_t (*body)(uint64_t, uint64_t) = (void *)p->body;
	uint64_t r;

	kiln_scope_enter();
	r = body(r1, r2);
	kiln_scope_leave();
	return r;
}
