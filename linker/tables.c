/*
 * The rows that describe functions and maps, and the notes.
 *
 * Every row section belongs to its function's (its map's) group and is
 * link-ordered to its text (its .data.<map>): it lives, dies and is sorted
 * with what it describes, in every linker.
 */
#include <elf.h>
#include <string.h>

#include "frontend/frontend.h"
#include "kiln/bytes.h"
#include "kiln/format.h"
#include "linker/linker.h"

#ifndef SHF_GNU_RETAIN
#define SHF_GNU_RETAIN (1 << 21)
#endif

/* A row section for what lives in `with`. */
sec_id row_sec(struct link *l, const char *name, sec_id with)
{
	struct image *g = &l->img;
	sec_id s = img_sec_new(g, name, SHT_PROGBITS,
		SHF_ALLOC | SHF_GROUP | SHF_LINK_ORDER, 4);

	img_sec(g, s)->link = with;
	img_sec(g, s)->group = img_sec(g, with)->group;
	return s;
}

/* Which kinds of rows there will be: programs, maps, faults, sites, hooks,
 * perhaps frames. */
static void find_rows(const struct link *l, bool *has)
{
	for (u32 i = 0; i < l->m.func.n; i++) {
		if (!l->wanted[i])
			continue;
		has[0] |= l->m.func.v[i].is_prog;
		has[2] |= l->placed[i].unit->fault.n != 0;
		has[3] |= l->placed[i].unit->site.n != 0;
	}
	for (u32 i = 0; i < l->m.map.n; i++)
		has[1] |= l->map_used[i];
	has[4] = l->hooked.n != 0;
	has[5] = has[2];
}

/*
 * GNU ld -z start-stop-gc passes over the first reference to a __start_ or
 * __stop_ symbol only; from the second one on (2.40, _bfd_elf_gc_mark_rsec) it
 * keeps the first section of that name, and with it a program that nobody
 * wants. So an empty one goes first, whatever lld -r does to their order: it
 * puts rows behind the text that they are linked to.
 */
void lk_anchor(struct link *l)
{
	static const char *const name[] = {KILN_SEC_PROGS, KILN_SEC_MAPS,
		KILN_SEC_EX_TABLE, KILN_SEC_SITES, KILN_SEC_HOOKS,
		KILN_SEC_FRAMES};
	struct image *g = &l->img;
	sec_id with = img_sec_new(g, ".text.kiln_anchor", SHT_PROGBITS,
		SHF_ALLOC | SHF_EXECINSTR | SHF_GROUP, 4);
	bool has[countof(name)] = {false};

	find_rows(l, has);
	img_sec(g, with)->group = img_group_new(
		g, img_sym_new(g, &(struct osym){.name = "kiln.anchor",
					  .bind = STB_LOCAL,
					  .sec = with}));
	for (u32 i = 0; i < countof(name); i++)
		if (has[i])
			row_sec(l, name[i], with);
}

/* Self-relative 32-bit field at off: target - its own address. */
static void put_self(struct link *l, sec_id s, u64 off, u32 sym, i64 addend)
{
	img_rel(&l->img, s, off, l->cg.target->rel_pc32, sym, addend);
}

void row_text(struct link *l, sec_id s, u64 off, sec_id text, u64 at)
{
	put_self(l, s, off, img_sec_sym(&l->img, text), (i64)at);
}

void row_string(struct link *l, sec_id s, u64 off, const char *text)
{
	u64 at = img_string(&l->img, text);

	row_text(l, s, off, l->img.strings, at);
}

/* ---- programs -------------------------------------------------------------- */

static u32 prog_flags(const struct link *l, const struct func *f)
{
	return (f->needs_scope ? KILN_PROG_SCOPE : 0) |
	       (f->counter ? KILN_PROG_TAIL_CALLS : 0) |
	       (f->returns_i32 ? KILN_PROG_RET32 : 0) |
	       (l->m.raw ? KILN_PROG_RAW : 0);
}

static void add_prog(struct link *l, u32 i)
{
	const struct func *f = &l->m.func.v[i];
	const struct placed *p = &l->placed[i];
	sec_id s = row_sec(l, KILN_SEC_PROGS, p->sec);
	struct buf *b = &img_sec(&l->img, s)->bytes;

	buf_zero(b, sizeof(struct kiln_prog_row));
	put_le32(b->p + offsetof(struct kiln_prog_row, type), f->prog_type);
	put_le32(b->p + offsetof(struct kiln_prog_row, attach_type),
		f->attach_type);
	put_le32(
		b->p + offsetof(struct kiln_prog_row, flags), prog_flags(l, f));
	put_le32(b->p + offsetof(struct kiln_prog_row, stack), f->stack);
	put_le32(b->p + offsetof(struct kiln_prog_row, code),
		p->off - p->entry + (u32)p->unit->code.n);
	row_string(l, s, offsetof(struct kiln_prog_row, name), f->name);
	row_string(l, s, offsetof(struct kiln_prog_row, section),
		f->section ? f->section : "");
	row_string(l, s, offsetof(struct kiln_prog_row, context), f->context);
	row_text(l, s, offsetof(struct kiln_prog_row, entry), p->sec, p->entry);
	row_text(l, s, offsetof(struct kiln_prog_row, body), p->sec, p->off);
}

/* ---- fault rows -------------------------------------------------------------- */

static void add_faults(struct link *l, u32 i)
{
	const struct placed *p = &l->placed[i];
	const struct unit_fn *u = p->unit;

	if (!u->fault.n)
		return;
	sec_id s = row_sec(l, KILN_SEC_EX_TABLE, p->sec);
	for (u32 k = 0; k < u->fault.n; k++) {
		struct buf *b = &img_sec(&l->img, s)->bytes;
		size_t at = buf_zero(b, sizeof(struct kiln_ex_row));

		row_text(l, s, at + offsetof(struct kiln_ex_row, insn), p->sec,
			p->off + u->fault.v[k].insn);
		row_text(l, s, at + offsetof(struct kiln_ex_row, fixup), p->sec,
			p->off + u->fault.v[k].fixup);
		put_le16(b->p + at + offsetof(struct kiln_ex_row, type),
			u->fault.v[k].type);
		put_le16(b->p + at + offsetof(struct kiln_ex_row, data),
			u->fault.v[k].data);
	}
}

/* ---- sites ------------------------------------------------------------------- */

static void add_site(struct link *l, sec_id s, const struct placed *p,
	const struct unit_site *u)
{
	struct buf *b = &img_sec(&l->img, s)->bytes;
	size_t at = buf_zero(b, sizeof(struct kiln_site_row));
	const struct sym *y = &l->m.sym.v[u->sym];
	bool frozen = y->kind != SYM_MAP;
#define FIELD(f) (at + offsetof(struct kiln_site_row, f))

	b->p[FIELD(kind)] = KILN_SITE_TAIL_CALL;
	b->p[FIELD(size)] = u->size;
	put_le16(b->p + FIELD(state),
		frozen ? KILN_SITE_FROZEN : KILN_SITE_OPEN);
	put_le32(b->p + FIELD(key), u->key);
	row_text(l, s, FIELD(addr), p->sec, p->off + u->off);
	row_text(l, s, FIELD(owner), p->sec, p->entry);
	if (frozen)
		return;
	const struct mapdef *d = &l->m.map.v[y->index];

	img_rel_local(
		&l->img, s, FIELD(map), l->cg.target->rel_pc32, d->sym, 0);
	img_rel_local(&l->img, s, FIELD(gate), l->cg.target->rel_pc32,
		d->gates_sym, u->key);
#undef FIELD
}

static void add_entry(struct link *l, const struct placed *p)
{
	sec_id s = row_sec(l, KILN_SEC_SITES, p->sec);
	struct buf *b = &img_sec(&l->img, s)->bytes;
	const struct unit_site *u = &p->wrapper->site.v[0];
#define FIELD(f) (at + offsetof(struct kiln_site_row, f))
	size_t at = buf_zero(b, sizeof(struct kiln_site_row));

	b->p[FIELD(kind)] = KILN_SITE_ENTRY;
	b->p[FIELD(size)] = u->size;
	row_text(l, s, FIELD(addr), p->sec, p->entry + u->off);
	row_text(l, s, FIELD(owner), p->sec, p->entry);
#undef FIELD
}

static void add_sites(struct link *l, u32 i)
{
	const struct placed *p = &l->placed[i];

	if (p->wrapper && p->wrapper->site.n)
		add_entry(l, p);
	if (!p->unit->site.n)
		return;
	sec_id s = row_sec(l, KILN_SEC_SITES, p->sec);
	for (u32 k = 0; k < p->unit->site.n; k++)
		add_site(l, s, p, &p->unit->site.v[k]);
}

/* ---- what fault rows are about ----------------------------------------------- */

static void add_fault_notes(struct link *l, u32 i)
{
	const struct placed *p = &l->placed[i];
	const struct unit_fn *u = p->unit;
	struct image *g = &l->img;

	if (!u->fault.n)
		return;
	sec_id s = img_sec_new(g, KILN_SEC_FAULTS, SHT_PROGBITS, SHF_GROUP, 8);
	img_sec(g, s)->group = img_sec(g, p->sec)->group;
	for (u32 k = 0; k < u->fault.n; k++) {
		const struct unit_fault *f = &u->fault.v[k];
		const char *path = fe_fault_path(&l->m, i, f->bpf);
		struct buf *b = &img_sec(g, s)->bytes;
		size_t at = buf_zero(b, sizeof(struct kiln_fault_note));

		buf_str(b, path ? path : "");
		buf_align(b, 8, 0);
		img_rel(g, s, at + offsetof(struct kiln_fault_note, insn),
			l->cg.target->rel_abs64, img_sec_sym(g, p->sec),
			p->off + f->insn);
		put_le32(b->p + at + offsetof(struct kiln_fault_note, bpf),
			f->bpf - l->m.func.v[i].first);
		put_le32(b->p + at + offsetof(struct kiln_fault_note, size),
			(u32)(b->n - at));
	}
}

/* ---- maps ----------------------------------------------------------------------- */

static void add_map(struct link *l, u32 i)
{
	const struct mapdef *d = &l->m.map.v[i];
	sec_id s = row_sec(l, KILN_SEC_MAPS, l->map_sec[i]);
	struct buf *b = &img_sec(&l->img, s)->bytes;

	buf_zero(b, sizeof(struct kiln_map_row));
	row_text(l, s, offsetof(struct kiln_map_row, map), l->map_sec[i], 0);
	row_string(l, s, offsetof(struct kiln_map_row, name), d->name);
	u8 *p = b->p;
	put_le32(p + offsetof(struct kiln_map_row, type), d->type);
	put_le32(p + offsetof(struct kiln_map_row, key_size), d->key_size);
	put_le32(p + offsetof(struct kiln_map_row, value_size), d->value_size);
	put_le32(
		p + offsetof(struct kiln_map_row, max_entries), d->max_entries);
	put_le32(p + offsetof(struct kiln_map_row, flags), d->flags);
	put_le32(p + offsetof(struct kiln_map_row, pinning), d->pinning);
	put_le32(p + offsetof(struct kiln_map_row, btf_key), d->btf_key);
	put_le32(p + offsetof(struct kiln_map_row, btf_value), d->btf_value);
}

/* ---- notes ---------------------------------------------------------------------- */

static void add_note(struct buf *b, const char *name, u32 type, const void *p,
	u32 n, size_t align)
{
	buf_u32(b, (u32)strlen(name) + 1);
	buf_u32(b, n);
	buf_u32(b, type);
	buf_str(b, name);
	buf_align(b, 4, 0);
	buf_put(b, p, n);
	buf_align(b, align, 0);
}

/* The options that change the code, not where it came from or goes to. */
static const char *options_text(struct link *l)
{
	static const char *const tail_calls[] = {"direct", "slot", "static"};
	const struct kiln_compile_opts *o = l->o;

	return arena_printf(&l->a,
		"target=%s opt=%u env=%s max-cpus=%u "
		"map-storage=%s strict-align=%u tail-calls=%s%s",
		l->cg.target->name, l->cg.opt,
		o->hosted ? "hosted" : "freestanding", l->m.max_cpus,
		o->map_storage_dynamic ? "dynamic" : "static", o->strict_align,
		tail_calls[o->tail_calls],
		o->entry_sites ? " entry-sites=1" : "");
}

static void add_kiln_note(struct link *l)
{
	sec_id s = img_sec_new(&l->img, KILN_SEC_NOTE, SHT_NOTE, SHF_ALLOC, 4);
	struct buf *b = &img_sec(&l->img, s)->bytes;
	const char *options = options_text(l);
	const char *checked =
		"structure encoding control-flow registers context";
	u8 abi[sizeof(struct kiln_note_abi)] = {0};

	put_le32(abi, KILN_ABI_VERSION);
	put_le64(
		abi + offsetof(struct kiln_note_abi, features), l->cg.features);
	memcpy(abi + offsetof(struct kiln_note_abi, digest), l->m.digest,
		sizeof(l->m.digest));
	add_note(b, KILN_NOTE_NAME, KILN_NOTE_ABI, abi, sizeof(abi), 4);
	add_note(b, KILN_NOTE_NAME, KILN_NOTE_OPTIONS, options,
		(u32)strlen(options) + 1, 4);
	add_note(b, KILN_NOTE_NAME, KILN_NOTE_LICENSE, l->m.license,
		(u32)strlen(l->m.license) + 1, 4);
	if (!l->m.raw)
		add_note(b, KILN_NOTE_NAME, KILN_NOTE_VERIFIED, checked,
			(u32)strlen(checked) + 1, 4);
}

/* The linker ANDs the features of all inputs: without this note kiln's
 * objects would turn IBT, SHSTK, BTI and PAC off for the whole program. */
static void add_gnu_notes(struct link *l)
{
	const struct target *t = l->cg.target;
	sec_id s = img_sec_new(
		&l->img, ".note.gnu.property", SHT_NOTE, SHF_ALLOC, 8);
	u8 desc[16] = {0};

	put_le32(desc, t->property_type);
	put_le32(desc + 4, 4);
	put_le32(desc + 8, t->property_value);
	add_note(&img_sec(&l->img, s)->bytes, "GNU", NT_GNU_PROPERTY_TYPE_0,
		desc, sizeof(desc), 8);
	img_sec_new(&l->img, ".note.GNU-stack", SHT_PROGBITS, 0, 1);
}

/* One writable word that names the ABI: kept whatever is collected, so that
 * an object of another ABI never links. */
static void add_abi(struct link *l)
{
	struct image *g = &l->img;
	u32 sym = img_sym_new(
		g, &(struct osym){.name = KILN_ABI_SYMBOL, .bind = STB_GLOBAL});
	sec_id s = img_sec_new(g, ".data.rel.ro.kiln_abi", SHT_PROGBITS,
		SHF_ALLOC | SHF_WRITE | SHF_GNU_RETAIN, 8);

	buf_zero(&img_sec(g, s)->bytes, 8);
	img_rel(g, s, 0, l->cg.target->rel_abs64, sym, 0);
}

/* What attaches programs at start must be there: see KILN_MODULE_SYMBOL. */
static void add_module(struct link *l)
{
	struct image *g = &l->img;

	if (!l->o->attach || !l->o->attach[0])
		return;
	u32 sym = img_sym_new(g, &(struct osym){.name = KILN_MODULE_SYMBOL,
					 .bind = STB_GLOBAL,
					 .vis = STV_HIDDEN});
	sec_id s = img_sec_new(g, ".data.rel.ro.kiln_module", SHT_PROGBITS,
		SHF_ALLOC | SHF_WRITE | SHF_GNU_RETAIN, 8);

	buf_zero(&img_sec(g, s)->bytes, 8);
	img_rel(g, s, 0, l->cg.target->rel_abs64, sym, 0);
}

int lk_tables(struct link *l)
{
	/* one table after the other: a loader takes them as runs of rows */
	for (u32 i = 0; i < l->m.func.n; i++)
		if (l->wanted[i] && l->m.func.v[i].is_prog)
			add_prog(l, i);
	for (u32 i = 0; i < l->m.func.n; i++)
		if (l->wanted[i])
			add_faults(l, i);
	for (u32 i = 0; i < l->m.func.n; i++)
		if (l->wanted[i])
			add_fault_notes(l, i);
	for (u32 i = 0; i < l->m.func.n; i++)
		if (l->wanted[i])
			add_sites(l, i);
	for (u32 i = 0; i < l->m.map.n; i++)
		if (l->map_used[i])
			add_map(l, i);
	lk_hook_rows(l);
	lk_frame_rows(l);
	add_kiln_note(l);
	add_gnu_notes(l);
	add_abi(l);
	add_module(l);
	return 0;
}
