/*
 * Functions, maps and data -> output sections, symbols and relocations:
 *
 *   .text.<fn>        one per function: [wrapper] body; its group holds all
 *                     rows that describe it (tables.c adds them)
 *   .data.<map>       struct kiln_map; its group holds its kiln_maps row
 *   .bss.<map>        NAME.values, where storage is static
 *   .data.rel.ro.<map>  struct kiln_map_init[], where the source has values
 *   .data .bss .rodata*  the BPF objects' own
 *
 * References from tables go through section symbols: a protected symbol must
 * not be the target of a PC-relative relocation in a shared object.
 */
#include <assert.h>
#include <elf.h>
#include <linux/bpf.h>
#include <string.h>

#include "kiln/bytes.h"
#include "kiln/format.h"
#include "kiln/map_size.h"
#include "linker/linker.h"

#ifndef SHF_GNU_RETAIN
#define SHF_GNU_RETAIN (1 << 21)
#endif

enum { STATIC_STORAGE_MAX = 1 << 20 };

/* ---- image --------------------------------------------------------------- */

sec_id img_sec_new(
	struct image *g, const char *name, u32 type, u64 flags, u64 align)
{
	struct osec *s = vec_push(g->a, &g->sec);

	s->name = name;
	s->type = type;
	s->flags = flags;
	s->align = align;
	buf_init(&s->bytes, g->a);
	return (sec_id){g->sec.n};
}

u32 img_sym_new(struct image *g, const struct osym *s)
{
	*vec_push(g->a, &g->sym) = *s;
	return g->sym.n;
}

u32 img_sec_sym(struct image *g, sec_id s)
{
	struct osec *sec = img_sec(g, s);

	if (!sec->sym)
		sec->sym = img_sym_new(g, &(struct osym){.name = "",
						  .bind = STB_LOCAL,
						  .type = STT_SECTION,
						  .sec = s});
	return sec->sym;
}

u32 img_group_new(struct image *g, u32 sym)
{
	vec_push(g->a, &g->group)->sym = sym;
	return g->group.n;
}

void img_rel(struct image *g, sec_id s, u64 off, u32 type, u32 sym, i64 addend)
{
	*vec_push(g->a, &img_sec(g, s)->rel) =
		(struct orel){off, type, sym, addend};
}

/* FNV-1a */
static u32 hash(const char *s)
{
	u32 h = 2166136261u;

	for (; *s; s++)
		h = (h ^ (u8)*s) * 16777619u;
	return h;
}

/* The slot of s in the open-addressing table: where it is or will be. */
static u32 *string_slot(const struct image *g, const char *s)
{
	const char *text = (const char *)img_sec(g, g->strings)->bytes.p;
	u32 i = hash(s);

	while (g->slot[i & g->slot_mask] &&
		strcmp(text + g->slot[i & g->slot_mask] - 1, s))
		i++;
	return &g->slot[i & g->slot_mask];
}

static void grow_slots(struct image *g)
{
	const u32 *old = g->slot;
	u32 n = old ? g->slot_mask + 1 : 0;
	const char *text = (const char *)img_sec(g, g->strings)->bytes.p;

	g->slot_mask = n ? 2 * n - 1 : 63;
	g->slot = arena_array(g->a, u32, (size_t)g->slot_mask + 1);
	for (u32 i = 0; i < n; i++)
		if (old[i])
			*string_slot(g, text + old[i] - 1) = old[i];
}

/* One copy each: names repeat between rows. */
u64 img_string(struct image *g, const char *s)
{
	u32 *slot;

	if (!g->slot || 2 * g->nslot > g->slot_mask)
		grow_slots(g);
	slot = string_slot(g, s);
	if (!*slot) {
		*slot = 1 + (u32)buf_put(&img_sec(g, g->strings)->bytes, s,
				    strlen(s) + 1);
		g->nslot++;
	}
	return *slot - 1;
}

/* ---- module symbols in the output ---------------------------------------- */

static const char *out_name(struct link *l, const struct sym *s)
{
	if (s->bind >= BIND_UNDEF || s->bind == BIND_LOCAL || !*l->prefix)
		return s->name;
	return arena_printf(&l->a, "%s%s", l->prefix, s->name);
}

static u8 elf_type(const struct sym *s)
{
	switch (s->kind) {
	case SYM_PROG:
	case SYM_BODY:
	case SYM_SUBPROG: return STT_FUNC;
	case SYM_MAP:
	case SYM_VALUES:
	case SYM_DATA: return STT_OBJECT;
	default: return STT_NOTYPE;
	}
}

/* Defines module symbol id at sec + off in the output. */
static void define(struct link *l, u32 id, sec_id sec, u64 off, u64 size)
{
	struct image *g = &l->img;
	const struct sym *s = &l->m.sym.v[id];
	struct osym o = {
		.name = out_name(l, s),
		.bind = s->bind == BIND_LOCAL ? STB_LOCAL : STB_GLOBAL,
		.type = elf_type(s),
		.vis = s->bind == BIND_PROTECTED ? STV_PROTECTED
		       : s->bind == BIND_HIDDEN	 ? STV_HIDDEN
						 : STV_DEFAULT,
		.sec = sec,
		.value = off,
		.size = size,
	};

	g->of_sym[id] = img_sym_new(g, &o);
	g->of_sym_local[id] = img_sec_sym(g, sec);
	g->local_off[id] = off;
}

static u32 undefined(struct link *l, u32 id)
{
	struct image *g = &l->img;
	const struct sym *s = &l->m.sym.v[id];

	if (!g->of_sym[id])
		g->of_sym[id] = img_sym_new(
			g, &(struct osym){.name = s->name,
				   .bind = s->bind == BIND_WEAK_UNDEF
						   ? STB_WEAK
						   : STB_GLOBAL});
	return g->of_sym[id];
}

/* Code names a symbol as itself, but protected programs and section-relative
 * data through their section. */
void img_rel_any(
	struct link *l, sec_id s, u64 off, u32 type, u32 id, i64 addend)
{
	struct image *g = &l->img;

	if (l->m.sym.v[id].bind >= BIND_UNDEF) {
		img_rel(g, s, off, type, undefined(l, id), addend);
		return;
	}
	if (l->m.sym.v[id].bind == BIND_PROTECTED ||
		l->m.sym.v[id].kind == SYM_DATA) {
		img_rel_local(g, s, off, type, id, addend);
		return;
	}
	assert(g->of_sym[id]);
	img_rel(g, s, off, type, g->of_sym[id], addend);
}

void img_rel_local(
	struct image *g, sec_id s, u64 off, u32 type, u32 msym, i64 addend)
{
	assert(g->of_sym_local[msym]);
	img_rel(g, s, off, type, g->of_sym_local[msym],
		addend + (i64)g->local_off[msym]);
}

/* ---- functions ------------------------------------------------------------ */

static u32 place_unit(struct link *l, sec_id sec, const struct unit_fn *u)
{
	struct osec *s = img_sec(&l->img, sec);
	u32 align = u->align ? u->align : 16;

	if (align > s->align)
		s->align = align;
	buf_align(&s->bytes, align, l->cg.target->code_fill);
	return (u32)buf_put(&s->bytes, u->code.p, u->code.n);
}

/* A site alone goes on into the body: its end is where that begins. */
static u32 place_wrapper(
	struct link *l, const struct placed *p, const struct func *f)
{
	struct buf *b = &img_sec(&l->img, p->sec)->bytes;
	u32 align = p->unit->align ? p->unit->align : 16;

	if (!(f->is_prog && f->needs_scope))
		while ((b->n + p->wrapper->code.n) % align)
			buf_u8(b, l->cg.target->code_fill);
	else
		buf_align(b, align, l->cg.target->code_fill);
	return (u32)buf_put(b, p->wrapper->code.p, p->wrapper->code.n);
}

static void place_func(struct link *l, u32 i)
{
	struct placed *p = &l->placed[i];
	const struct func *f = &l->m.func.v[i];
	u64 flags = SHF_ALLOC | SHF_EXECINSTR | SHF_GROUP, size;

	/* nobody names a static program, or needs to name one that attaches to
	 * a function: its row must keep it */
	if (f->is_prog && (!f->is_global || f->hook.model))
		flags |= SHF_GNU_RETAIN;
	p->sec = img_sec_new(&l->img,
		lk_has_site(l, f) ? KILN_SEC_TEXT
				  : arena_printf(&l->a, ".text.%s", f->name),
		SHT_PROGBITS, flags, 16);
	if (p->wrapper)
		p->entry = place_wrapper(l, p, f);
	p->off = place_unit(l, p->sec, p->unit);
	if (!p->wrapper)
		p->entry = p->off;
	size = p->off + p->unit->code.n - p->entry;
	if (f->body_sym != f->sym) {
		define(l, f->body_sym, p->sec, p->off, p->unit->code.n);
		size = p->wrapper->code.n;
	}
	define(l, f->sym, p->sec, p->entry, size);
	img_sec(&l->img, p->sec)->group =
		img_group_new(&l->img, l->img.of_sym[f->sym]);
}

static void relocate_unit(
	struct link *l, sec_id sec, u32 at, const struct unit_fn *u)
{
	for (u32 i = 0; i < u->rel.n; i++)
		img_rel_any(l, sec, at + u->rel.v[i].off, u->rel.v[i].type,
			u->rel.v[i].sym, u->rel.v[i].addend);
}

static void relocate_func(struct link *l, u32 i)
{
	const struct placed *p = &l->placed[i];

	if (p->wrapper)
		relocate_unit(l, p->sec, p->entry, p->wrapper);
	relocate_unit(l, p->sec, p->off, p->unit);
}

/* ---- maps ------------------------------------------------------------------ */

/* Its storage holds what it begins with: programs, which tail calls look up
 * there before anybody else uses the map. */
static bool is_filled(const struct mapdef *d)
{
	return d->type == BPF_MAP_TYPE_PROG_ARRAY && d->init.n;
}

/* Freestanding programs have nobody to allocate for them; what a map begins
 * with stands in its storage. */
static bool is_static(const struct link *l, const struct mapdef *d, u64 size)
{
	if (is_filled(d))
		return size;
	return size && !d->is_template && !l->o->map_storage_dynamic &&
	       (size <= STATIC_STORAGE_MAX || !l->o->hosted);
}

static int map_storage(const struct mapdef *d, u32 cpus, u64 *size)
{
	return kiln_map_storage(
		&(struct map_shape){d->type, d->key_size, d->value_size,
			d->max_entries, cpus, d->map_extra},
		size);
}

static int storage_size(
	struct link *l, const struct mapdef *d, u32 cpus, u64 *size)
{
	int err = map_storage(d, cpus, size);

	if (!err)
		return 0;
	diag_error(&l->diag,
		&(struct loc){.file = l->m.file[d->file], .insn = -1},
		"map %s: %u entries of key %u and value %u bytes for "
		"%u CPUs are %s",
		d->name, d->max_entries, d->key_size, d->value_size, cpus,
		err == -7 ? "too large" : "not possible for its kind");
	return -1;
}

static bool is_frozen(const struct link *l, const struct mapdef *d)
{
	if (!is_filled(d))
		return false;
	return l->cg.tail_calls == KILN_TAIL_CALLS_STATIC ||
	       (d->flags & BPF_F_RDONLY && d->init.n == d->max_entries);
}

void lk_map_storage(struct link *l)
{
	for (u32 i = 0; i < l->m.map.n; i++) {
		struct mapdef *d = &l->m.map.v[i];
		u64 size;

		d->has_storage = l->map_used[i] &&
				 !map_storage(d, l->m.max_cpus, &size) &&
				 is_static(l, d, size);
		d->frozen = l->map_used[i] && is_frozen(l, d);
		if (d->frozen)
			d->flags |= BPF_F_RDONLY; /* the host only reads */
	}
}

static const char *map_ops_name(u32 type)
{
	const struct kiln_map_kind *k = kiln_map_kind(type);

	return k ? k->ops : NULL;
}

/* In the map's group: code that needs only the storage keeps the map and its
 * row too, else the host could not find what the program counts in. */
static void place_values(
	struct link *l, const struct mapdef *d, u32 group, u64 size)
{
	bool has_bytes = is_filled(d);
	const char *fmt = has_bytes ? ".data.%s" KILN_VALUES_SUFFIX : ".bss.%s";
	sec_id s = img_sec_new(&l->img, arena_printf(&l->a, fmt, d->name),
		has_bytes ? SHT_PROGBITS : SHT_NOBITS,
		SHF_ALLOC | SHF_WRITE | SHF_GROUP, 64);

	if (has_bytes)
		buf_zero(&img_sec(&l->img, s)->bytes, size);
	else
		img_sec(&l->img, s)->nobits = size;
	img_sec(&l->img, s)->group = group;
	define(l, d->values_sym, s, 0, size);
	for (u32 k = 0; has_bytes && k < d->init.n; k++) {
		u32 prog = l->m.sym.v[d->init.v[k].sym].index;

		img_rel_local(&l->img, s, 8ull * d->init.v[k].slot,
			l->cg.target->rel_abs64, l->m.func.v[prog].body_sym, 0);
	}
}

/* A byte per entry, all closed. */
static void place_gates(struct link *l, const struct mapdef *d, u32 group)
{
	sec_id s = img_sec_new(&l->img,
		arena_printf(&l->a, ".bss.%s" KILN_GATES_SUFFIX, d->name),
		SHT_NOBITS, SHF_ALLOC | SHF_WRITE | SHF_GROUP, 1);

	img_sec(&l->img, s)->nobits = d->max_entries;
	img_sec(&l->img, s)->group = group;
	define(l, d->gates_sym, s, 0, d->max_entries);
}

static void put_map_fields(
	struct link *l, const struct mapdef *d, u8 *p, u64 size)
{
	put_le32(p + offsetof(struct kiln_map, type), d->type);
	put_le32(p + offsetof(struct kiln_map, key_size), d->key_size);
	put_le32(p + offsetof(struct kiln_map, value_size), d->value_size);
	put_le32(p + offsetof(struct kiln_map, max_entries), d->max_entries);
	put_le32(p + offsetof(struct kiln_map, flags), d->flags);
	put_le32(p + offsetof(struct kiln_map, max_cpus), l->m.max_cpus);
	put_le64(p + offsetof(struct kiln_map, values_size), size);
	if (d->type != BPF_MAP_TYPE_PROG_ARRAY)
		put_le64(p + offsetof(struct kiln_map, extra), d->map_extra);
}

/* The address of a text in the map. */
static void put_map_text(struct link *l, sec_id map, u64 off, const char *text)
{
	struct image *g = &l->img;
	u64 at = img_string(g, text);

	img_rel(g, map, off, l->cg.target->rel_abs64,
		img_sec_sym(g, g->strings), (i64)at);
}

/* What the map begins with, unless that stands in its storage. */
static void put_map_init(struct link *l, const struct mapdef *d, sec_id map)
{
	struct image *g = &l->img;
	u32 abs64 = l->cg.target->rel_abs64;

	if (!d->init.n || is_filled(d))
		return;
	sec_id s =
		img_sec_new(g, arena_printf(&l->a, ".data.rel.ro.%s", d->name),
			SHT_PROGBITS, SHF_ALLOC | SHF_WRITE | SHF_GROUP, 8);
	img_sec(g, s)->group = img_sec(g, map)->group;
	for (u32 i = 0; i < d->init.n; i++) {
		u32 sym = d->init.v[i].sym;
		struct buf *b = &img_sec(g, s)->bytes;
		size_t at = buf_zero(b, sizeof(struct kiln_map_init));

		put_le32(b->p + at + offsetof(struct kiln_map_init, key),
			d->init.v[i].slot);
		img_rel_local(g, s, at + offsetof(struct kiln_map_init, target),
			abs64, sym, 0);
	}
	put_le64(img_sec(g, map)->bytes.p + offsetof(struct kiln_map, ninit),
		d->init.n);
	img_rel(g, map, offsetof(struct kiln_map, init), abs64,
		img_sec_sym(g, s), 0);
}

/* Behind the struct: where the value has locks and the like. */
static void put_map_fields_of_value(
	struct link *l, const struct mapdef *d, sec_id map)
{
	struct image *g = &l->img;
	struct buf *b = &img_sec(g, map)->bytes;
	size_t at = b->n;

	if (!d->field.n)
		return;
	for (u32 i = 0; i < d->field.n; i++) {
		size_t row = buf_zero(b, sizeof(struct kiln_map_field));

		put_le32(b->p + row, d->field.v[i].off);
		put_le16(b->p + row + offsetof(struct kiln_map_field, size),
			d->field.v[i].size);
		put_le16(b->p + row + offsetof(struct kiln_map_field, kind),
			d->field.v[i].kind);
	}
	put_le32(b->p + offsetof(struct kiln_map, nfields), d->field.n);
	img_rel_local(g, map, offsetof(struct kiln_map, fields),
		l->cg.target->rel_abs64, d->sym, (i64)at);
}

static void put_map(struct link *l, const struct mapdef *d, sec_id sec)
{
	struct image *g = &l->img;
	u32 abs64 = l->cg.target->rel_abs64;
	u32 ops = module_undef(&l->m, SYM_RUNTIME,
		arena_printf(&l->a, KILN_MAP_OPS_PREFIX "%s",
			map_ops_name(d->type)));
	u64 size = 0;

	storage_size(l, d, l->m.max_cpus, &size);
	put_map_fields(l, d, img_sec(g, sec)->bytes.p, size);
	if (is_static(l, d, size))
		img_rel_local(g, sec, offsetof(struct kiln_map, values), abs64,
			d->values_sym, 0);
	img_rel(g, sec, offsetof(struct kiln_map, ops), abs64,
		undefined(l, ops), 0);
	put_map_text(l, sec, offsetof(struct kiln_map, name), d->name);
	if (d->context)
		put_map_text(
			l, sec, offsetof(struct kiln_map, extra), d->context);
	if (d->inner)
		img_rel_local(g, sec, offsetof(struct kiln_map, inner), abs64,
			l->m.map.v[d->inner - 1].sym, 0);
	put_map_init(l, d, sec);
	put_map_fields_of_value(l, d, sec);
}

/* Makes map i's sections and symbols; put_map fills them once all maps have
 * theirs. */
static int place_map(struct link *l, u32 i, sec_id *sec)
{
	struct mapdef *d = &l->m.map.v[i];
	struct loc at = {.file = l->m.file[d->file], .insn = -1};
	u64 size;

	if (!map_ops_name(d->type)) {
		diag_error(&l->diag, &at, "map %s: kind %u is not supported",
			d->name, d->type);
		return -1;
	}
	if (storage_size(l, d, l->m.max_cpus, &size))
		return -1;
	*sec = img_sec_new(&l->img, arena_printf(&l->a, ".data.%s", d->name),
		SHT_PROGBITS, SHF_ALLOC | SHF_WRITE | SHF_GROUP, 8);
	buf_zero(&img_sec(&l->img, *sec)->bytes, sizeof(struct kiln_map));
	define(l, d->sym, *sec, 0, sizeof(struct kiln_map));
	img_sec(&l->img, *sec)->group =
		img_group_new(&l->img, l->img.of_sym[d->sym]);
	if (is_static(l, d, size))
		place_values(l, d, img_sec(&l->img, *sec)->group, size);
	if (d->gates_sym)
		place_gates(l, d, img_sec(&l->img, *sec)->group);
	return 0;
}

static int place_maps(struct link *l)
{
	l->map_sec = arena_array(&l->a, sec_id, l->m.map.n);
	for (u32 i = 0; i < l->m.map.n; i++)
		if (l->map_used[i])
			place_map(l, i, &l->map_sec[i]);
	if (l->diag.errors)
		return -1;
	for (u32 i = 0; i < l->m.map.n; i++)
		if (l->map_used[i])
			put_map(l, &l->m.map.v[i], l->map_sec[i]);
	return 0;
}

/* ---- data ------------------------------------------------------------------- */

static bool has_prefix(const char *s, const char *prefix)
{
	return !strncmp(s, prefix, strlen(prefix));
}

static sec_id place_data_sec(struct link *l, struct datasec *d)
{
	u64 flags = SHF_ALLOC | (d->writable ? SHF_WRITE : 0);
	const char *name = d->name;

	if (d->is_ops)
		name = arena_printf(&l->a, ".data%s", name);
	/* Read-only data that the host sets before load, or that holds
	 * addresses, must be writable while it is relocated. */
	if (d->knobs || (!d->writable && d->rel.n)) {
		name = arena_printf(&l->a, ".data.rel.ro%s",
			has_prefix(name, ".rodata") ? name + 7 : name);
		flags |= SHF_WRITE;
	}
	sec_id s =
		img_sec_new(&l->img, name, d->bytes ? SHT_PROGBITS : SHT_NOBITS,
			flags, d->align ? d->align : 8);
	if (d->bytes)
		buf_put(&img_sec(&l->img, s)->bytes, d->bytes, d->size);
	else
		img_sec(&l->img, s)->nobits = d->size;
	return s;
}

static void place_data(struct link *l)
{
	struct image *g = &l->img;
	sec_id *of = arena_array(&l->a, sec_id, l->m.data.n);

	for (u32 i = 0; i < l->m.data.n; i++)
		if (l->data_used[i])
			of[i] = place_data_sec(l, &l->m.data.v[i]);
	for (u32 i = 0; i < l->m.sym.n; i++) {
		const struct sym *s = &l->m.sym.v[i];

		if (s->kind != SYM_DATA || s->is_replaced ||
			!l->data_used[s->index])
			continue;
		/* the section's own symbol stands for no variable */
		if (i == l->m.data.v[s->index].sym) {
			g->of_sym_local[i] = img_sec_sym(g, of[s->index]);
			g->of_sym[i] = g->of_sym_local[i];
			continue;
		}
		define(l, i, of[s->index], s->off, s->size);
	}
	for (u32 i = 0; i < l->m.data.n; i++)
		for (u32 k = 0; l->data_used[i] && k < l->m.data.v[i].rel.n;
			k++)
			img_rel_any(l, of[i], l->m.data.v[i].rel.v[k].off,
				l->cg.target->rel_abs64,
				l->m.data.v[i].rel.v[k].sym,
				l->m.data.v[i].rel.v[k].addend);
}

static void place_btf(struct link *l)
{
	if (!l->m.btf)
		return;
	sec_id s = img_sec_new(&l->img, ".BTF", SHT_PROGBITS, 0, 4);
	buf_put(&img_sec(&l->img, s)->bytes, l->m.btf, l->m.btf_size);
}

int lk_layout(struct link *l)
{
	struct image *g = &l->img;
	/* maps name their operations: symbols made below need room too */
	u32 nsym = l->m.sym.n + l->m.map.n + 8;

	g->a = &l->a;
	g->target = l->cg.target;
	g->of_sym = arena_array(&l->a, u32, nsym);
	g->of_sym_local = arena_array(&l->a, u32, nsym);
	g->local_off = arena_array(&l->a, u64, nsym);
	g->strings = img_sec_new(g, ".rodata.kiln.str", SHT_PROGBITS,
		SHF_ALLOC | SHF_MERGE | SHF_STRINGS, 1);
	img_sec(g, g->strings)->entsize = 1;
	lk_anchor(l);
	for (u32 i = 0; i < l->m.func.n; i++)
		if (l->wanted[i])
			place_func(l, i);
	lk_place_hooks(l);
	if (place_maps(l))
		return -1;
	place_data(l);
	for (u32 i = 0; i < l->m.func.n; i++)
		if (l->wanted[i])
			relocate_func(l, i);
	place_btf(l);
	return 0;
}
