/*
 * kiln inspect: what a native object, or an image that holds some, has for
 * the runtime: its tables, row by row, its notes, and what it needs.
 */
#include <bpf/libbpf.h>
#include <elf.h>
#include <string.h>

#include "kiln/bytes.h"
#include "kiln/format.h"
#include "linker/linker.h"

struct inspect {
	struct native n;
	struct report r;
	struct arena *a;
	const struct target *t; /* NULL: not built into this kiln */
	vec(struct user) prog;
};

/* A program, and which symbols its code and its callees' code names. */
struct user {
	const char *name;
	u32 entry, body; /* sections */
	bool *names;	 /* by symbol */
};

/* ---- rows -------------------------------------------------------------------- */

static int damaged(struct inspect *s, u32 sec, u64 off)
{
	return nat_error(&s->n, "section %s: row at %#llx: points nowhere",
		s->n.sec.v[sec].name, (unsigned long long)off);
}

typedef int (*row_fn)(struct inspect *s, u32 sec, u64 off);

/* Calls fn for every row of every section of that name: a linked image has
 * one, an object one per function. */
static int each_row(
	struct inspect *s, const char *name, u64 row_size, row_fn fn)
{
	for (u32 i = 0; (i = nat_find(&s->n, name, i));) {
		const struct nat_sec *c = &s->n.sec.v[i];

		if (!c->p || c->size % row_size)
			return nat_error(&s->n,
				"section %s: size %llu, wanted a multiple "
				"of %llu",
				name, (unsigned long long)c->size,
				(unsigned long long)row_size);
		for (u64 off = 0; off < c->size; off += row_size)
			if (fn(s, i, off))
				return -1;
	}
	return 0;
}

static const u8 *bytes_at(struct inspect *s, u32 sec, u64 off)
{
	return s->n.sec.v[sec].p + off;
}

/* "function+0x12", or "section+0x12" where no function is known. */
static const char *place_text(struct inspect *s, struct place at)
{
	const struct nat_sym *f = nat_sym_at(&s->n, at);
	u64 off = f ? at.off - f->at.off : at.off;
	const char *name = f ? f->name : s->n.sec.v[at.sec].name;

	return off ? arena_printf(
			     s->a, "%s+%#llx", name, (unsigned long long)off)
		   : name;
}

/* A number that libbpf has no name for stays a number. */
static const char *name_or(struct inspect *s, const char *name, u32 v)
{
	return name ? name : arena_printf(s->a, "%u", v);
}

/* ---- notes -------------------------------------------------------------------- */

struct note {
	u32 type, size;
	const char *name;
	const u8 *p;
};

/* The note at *off; -1 if it does not lie inside the section. */
static int next_note(const struct nat_sec *c, u64 *off, struct note *note)
{
	if (!c->p || !range_inside(*off, 12, c->size))
		return -1;
	u64 name_size = get_le32(c->p + *off);
	u64 size = get_le32(c->p + *off + 4);
	u64 name = *off + 12, p = align_up(name + name_size, 4);

	if (!name_size || !range_inside(name, name_size, c->size) ||
		!range_inside(p, size, c->size) || c->p[name + name_size - 1])
		return -1;
	*note = (struct note){get_le32(c->p + *off + 8), (u32)size,
		(const char *)c->p + name, c->p + p};
	*off = align_up(p + size, 4);
	return 0;
}

static const char *digest_text(struct inspect *s, const u8 *p)
{
	char hex[2 * 32 + 1];

	for (u32 i = 0; i < 32; i++)
		snprintf(hex + 2 * (size_t)i, 3, "%02x", p[i]);
	return arena_strndup(s->a, hex, sizeof(hex));
}

static void put_features(struct inspect *s, u64 features)
{
	const char *name[64];
	u32 n = 0, known = 0;

	while (s->t && s->t->feature_names[known])
		known++;
	for (u32 i = 0; i < 64; i++)
		if (features >> i & 1)
			name[n++] = i < known ? s->t->feature_names[i]
					      : arena_printf(s->a, "%u", i);
	rep_list(&s->r, "features", name, n);
}

static int put_note_abi(struct inspect *s, const struct note *note)
{
	struct kiln_note_abi abi;

	if (note->size != sizeof(abi))
		return nat_error(&s->n,
			"section " KILN_SEC_NOTE ": ABI note of %u bytes, "
			"wanted %zu",
			note->size, sizeof(abi));
	rep_number(&s->r, "abi",
		get_le32(note->p + offsetof(struct kiln_note_abi, abi)));
	put_features(s,
		get_le64(note->p + offsetof(struct kiln_note_abi, features)));
	rep_string(&s->r, "digest",
		digest_text(
			s, note->p + offsetof(struct kiln_note_abi, digest)));
	return 0;
}

static int put_note_text(
	struct inspect *s, const char *key, const struct note *note)
{
	if (!note->size || note->p[note->size - 1])
		return nat_error(&s->n,
			"section " KILN_SEC_NOTE ": %s does not end", key);
	rep_string(&s->r, key, (const char *)note->p);
	return 0;
}

static int put_note(struct inspect *s, const struct note *note)
{
	if (strcmp(note->name, KILN_NOTE_NAME))
		return 0;
	switch (note->type) {
	case KILN_NOTE_ABI: return put_note_abi(s, note);
	case KILN_NOTE_OPTIONS: return put_note_text(s, "options", note);
	case KILN_NOTE_LICENSE: return put_note_text(s, "license", note);
	case KILN_NOTE_VERIFIED: return put_note_text(s, "verified", note);
	default: return 0; /* a newer compiler's */
	}
}

/* An image has the notes of all its objects behind each other; each object's
 * begin with the one that names the ABI. */
static int put_notes_of(struct inspect *s, u32 sec, bool *open)
{
	const struct nat_sec *c = &s->n.sec.v[sec];
	struct note note;

	for (u64 off = 0; off < c->size;) {
		if (next_note(c, &off, &note))
			return nat_error(
				&s->n, "section " KILN_SEC_NOTE ": damaged");
		if (note.type == KILN_NOTE_ABI && s->r.is_json) {
			if (*open)
				rep_end_row(&s->r);
			rep_row(&s->r);
			*open = true;
		}
		if (s->r.is_json && !*open)
			return nat_error(&s->n, "section " KILN_SEC_NOTE
						": begins without an ABI");
		if (put_note(s, &note))
			return -1;
	}
	return 0;
}

static int put_notes(struct inspect *s)
{
	bool open = false;
	int err = 0;

	if (s->r.is_json)
		rep_table(&s->r, "notes");
	for (u32 i = 0; !err && (i = nat_find(&s->n, KILN_SEC_NOTE, i));)
		err = put_notes_of(s, i, &open);
	if (open)
		rep_end_row(&s->r);
	if (s->r.is_json)
		rep_end_table(&s->r);
	return err;
}

/* ---- programs ------------------------------------------------------------------ */

/* Bytes of prog and, where it is another function, prog.body; 0 in a stripped
 * image. */
static u64 code_size(struct inspect *s, struct place entry, struct place body)
{
	const struct nat_sym *e = nat_sym_at(&s->n, entry);
	const struct nat_sym *b = nat_sym_at(&s->n, body);

	return (e ? e->size : 0) + (b && b != e ? b->size : 0);
}

static const char *bind_text(const struct inspect *s, struct place entry)
{
	const struct nat_sym *f = nat_sym_at(&s->n, entry);

	return !f ? "" : f->bind == STB_LOCAL ? "static" : "global";
}

static int put_prog(struct inspect *s, u32 sec, u64 off)
{
	static const struct {
		u32 bit;
		const char *name;
	} flags[] = {
		{KILN_PROG_SCOPE, "scope"},
		{KILN_PROG_TAIL_CALLS, "tail_calls"},
		{KILN_PROG_RET32, "ret32"},
		{KILN_PROG_RAW, "raw"},
	};
	const char *set[countof(flags) + 1];
	const u8 *p = bytes_at(s, sec, off);
#define FIELD(f) offsetof(struct kiln_prog_row, f)
#define SELF(f)	 nat_self(&s->n, sec, off + FIELD(f))
	const char *name = nat_string(&s->n, SELF(name));
	const char *section = nat_string(&s->n, SELF(section));
	struct place entry = SELF(entry), body = SELF(body);
	u32 type = get_le32(p + FIELD(type)), n = 0;

	if (!name || !section || !entry.sec || !body.sec)
		return damaged(s, sec, off);
	if (*bind_text(s, entry))
		set[n++] = bind_text(s, entry);
	for (u32 i = 0; i < countof(flags); i++)
		if (get_le32(p + FIELD(flags)) & flags[i].bit)
			set[n++] = flags[i].name;
	rep_row(&s->r);
	rep_string(&s->r, "name", name);
	rep_string(&s->r, "section", section);
	rep_string(&s->r, "type",
		name_or(s, libbpf_bpf_prog_type_str(type), type));
	rep_number(&s->r, "stack", get_le32(p + FIELD(stack)));
	if (code_size(s, entry, body))
		rep_number(&s->r, "code", code_size(s, entry, body));
	else
		rep_unknown(&s->r, "code");
	rep_list(&s->r, "flags", set, n);
	rep_end_row(&s->r);
	*vec_push(s->a, &s->prog) = (struct user){
		.name = name, .entry = entry.sec, .body = body.sec};
#undef SELF
#undef FIELD
	return 0;
}

static int put_progs(struct inspect *s)
{
	rep_table(&s->r, "programs");
	if (each_row(s, KILN_SEC_PROGS, sizeof(struct kiln_prog_row), put_prog))
		return -1;
	rep_end_table(&s->r);
	return 0;
}

/* ---- maps ------------------------------------------------------------------------ */

static int put_map(struct inspect *s, u32 sec, u64 off)
{
	const u8 *row = bytes_at(s, sec, off);
#define ROW(f) offsetof(struct kiln_map_row, f)
#define MAP(f) offsetof(struct kiln_map, f)
	struct place map = nat_self(&s->n, sec, off + ROW(map));
	const char *name =
		nat_string(&s->n, nat_self(&s->n, sec, off + ROW(name)));
	u32 type = get_le32(row + ROW(type));

	if (!map.sec || !name || !s->n.sec.v[map.sec].p ||
		!range_inside(map.off, sizeof(struct kiln_map),
			s->n.sec.v[map.sec].size))
		return damaged(s, sec, off);
	const u8 *p = bytes_at(s, map.sec, map.off);
	struct place values = nat_addr(&s->n, map.sec, map.off + MAP(values));
	rep_row(&s->r);
	rep_string(&s->r, "name", name);
	rep_string(
		&s->r, "type", name_or(s, libbpf_bpf_map_type_str(type), type));
	rep_number(&s->r, "key", get_le32(row + ROW(key_size)));
	rep_number(&s->r, "value", get_le32(row + ROW(value_size)));
	rep_number(&s->r, "max_entries", get_le32(row + ROW(max_entries)));
	rep_string(&s->r, "flags",
		arena_printf(s->a, "%#x", get_le32(row + ROW(flags))));
	rep_string(&s->r, "pinning",
		get_le32(row + ROW(pinning)) ? "by_name" : "");
	rep_number(&s->r, "cpus", get_le32(p + MAP(max_cpus)));
	rep_number(&s->r, "bytes", get_le64(p + MAP(values_size)));
	rep_string(&s->r, "storage", values.sec ? "static" : "dynamic");
	rep_end_row(&s->r);
#undef ROW
#undef MAP
	return 0;
}

static int put_maps(struct inspect *s)
{
	rep_table(&s->r, "maps");
	if (each_row(s, KILN_SEC_MAPS, sizeof(struct kiln_map_row), put_map))
		return -1;
	rep_end_table(&s->r);
	return 0;
}

/* ---- what it needs ----------------------------------------------------------------- */

static const struct helper {
	u32 id;
	const char *name, *kind;
	const char *absent; /* of a hook */
} helpers[] = {
#define NATIVE			    "native"
#define INLINE			    "inline"
#define HELPER(id, name, kind, ...) {id, #name, kind, ""},
#define HOOK(id, name, absent, ...) {id, #name, "hook", #absent},
#define FORM(id, ctx, name)	    {id, #name, "native", ""},
#include "kiln/helpers.def"
#undef FORM
#undef HELPER
#undef INLINE
#undef HOOK
#undef NATIVE
};

/* What a hook returns that nobody supplied: errnos with their sign. */
static const char *absent_text(struct inspect *s, const struct helper *h)
{
	bool fails = h->absent[0] == 'E';

	return fails ? arena_printf(s->a, "-%s", h->absent) : h->absent;
}

static const char *helper_name(const struct nat_sym *y)
{
	size_t n = strlen(KILN_HELPER_PREFIX);

	return strncmp(y->name, KILN_HELPER_PREFIX, n) ? NULL : y->name + n;
}

enum { NAMES_MAX = 1 << 26 };

/* Functions have sections of their own in objects; images have no relocations
 * that would tell. */
static void find_names(struct inspect *s, struct user *u)
{
	bool *seen = arena_array(s->a, bool, s->n.sec.n);
	u32 *todo = arena_array(s->a, u32, s->n.sec.n + 2), n = 0;

	u->names = arena_array(s->a, bool, s->n.sym.n);
	todo[n++] = u->entry;
	todo[n++] = u->body;
	while (n) {
		const struct nat_sec *c = &s->n.sec.v[todo[--n]];

		for (u32 k = 0; k < c->rel.n; k++) {
			u32 to = s->n.sym.v[c->rel.v[k].sym].at.sec;

			u->names[c->rel.v[k].sym] = true;
			if (!seen[to] && s->n.sec.v[to].flags & SHF_EXECINSTR)
				todo[n++] = to;
			seen[to] = true;
		}
	}
}

/* Programs that call the helper of a symbol. */
static void put_users(struct inspect *s, u32 sym)
{
	const char **name = arena_array(s->a, const char *, s->prog.n);
	u32 n = 0;

	for (u32 k = 0; k < s->prog.n; k++)
		if (s->prog.v[k].names && s->prog.v[k].names[sym])
			name[n++] = s->prog.v[k].name;
	rep_list(&s->r, "programs", name, n);
}

static void put_helpers(struct inspect *s)
{
	/* a damaged object may claim any number of programs */
	for (u32 k = 0; k < s->prog.n && k < NAMES_MAX / s->n.sym.n; k++)
		find_names(s, &s->prog.v[k]);
	rep_table(&s->r, "helpers");
	for (u32 i = 1; i < s->n.sym.n; i++) {
		const struct nat_sym *y = &s->n.sym.v[i];
		const char *name = helper_name(y);
		const struct helper *h = NULL;

		if (!y->is_undef || !name)
			continue;
		for (u32 k = 0; k < countof(helpers); k++)
			if (!strcmp(helpers[k].name, name))
				h = &helpers[k];
		rep_row(&s->r);
		rep_string(
			&s->r, "id", h ? arena_printf(s->a, "%u", h->id) : "");
		rep_string(&s->r, "name", name);
		rep_string(&s->r, "kind", h ? h->kind : "unknown");
		rep_string(&s->r, "absent", h ? absent_text(s, h) : "");
		put_users(s, i);
		rep_end_row(&s->r);
	}
	rep_end_table(&s->r);
}

static bool is_runtimes(const char *name)
{
	return !strncmp(name, "kiln_", strlen("kiln_"));
}

/* What an image takes from other libraries is not kiln's matter. */
static void put_undefined(struct inspect *s)
{
	rep_table(&s->r, "undefined");
	for (u32 i = 1; i < s->n.sym.n; i++) {
		const struct nat_sym *y = &s->n.sym.v[i];

		if (!y->is_undef || helper_name(y) || !*y->name ||
			(s->n.type != ET_REL && !is_runtimes(y->name)))
			continue;
		rep_row(&s->r);
		rep_string(&s->r, "name", y->name);
		rep_string(&s->r, "from",
			is_runtimes(y->name) ? "runtime" : "application");
		rep_string(&s->r, "bind", y->bind == STB_WEAK ? "weak" : "");
		rep_end_row(&s->r);
	}
	rep_end_table(&s->r);
}

/* ---- sites, fault rows --------------------------------------------------------------- */

static int put_site(struct inspect *s, u32 sec, u64 off)
{
	const u8 *p = bytes_at(s, sec, off);
#define FIELD(f) offsetof(struct kiln_site_row, f)
	struct place addr = nat_self(&s->n, sec, off + FIELD(addr));
	struct place owner = nat_self(&s->n, sec, off + FIELD(owner));
	u8 kind = p[FIELD(kind)];
	bool frozen = get_le16(p + FIELD(state)) == KILN_SITE_FROZEN;
	bool tail = kind == KILN_SITE_TAIL_CALL;
	struct place map = {0};

	if (tail && !frozen)
		map = nat_self(&s->n, sec, off + FIELD(map));
	if (!addr.sec || !owner.sec || (tail && !frozen && !map.sec))
		return damaged(s, sec, off);
	rep_row(&s->r);
	rep_string(&s->r, "at", place_text(s, addr));
	rep_string(&s->r, "kind",
		tail			  ? "tail_call"
		: kind == KILN_SITE_ENTRY ? "entry"
					  : arena_printf(s->a, "%u", kind));
	rep_string(&s->r, "state", frozen ? "frozen" : "open");
	rep_number(&s->r, "size", p[FIELD(size)]);
	rep_string(&s->r, "owner", place_text(s, owner));
	rep_string(&s->r, "map", map.sec ? place_text(s, map) : "");
	rep_string(&s->r, "key",
		tail ? arena_printf(s->a, "%u", get_le32(p + FIELD(key))) : "");
	rep_end_row(&s->r);
#undef FIELD
	return 0;
}

static int put_sites(struct inspect *s)
{
	rep_table(&s->r, "sites");
	if (each_row(s, KILN_SEC_SITES, sizeof(struct kiln_site_row), put_site))
		return -1;
	rep_end_table(&s->r);
	return 0;
}

static const char *register_name(struct inspect *s, u32 type, u32 data)
{
	if (type != KILN_EX_ZERO)
		return "";
	return s->t && data < s->t->npregs ? s->t->preg_names[data]
					   : arena_printf(s->a, "%u", data);
}

static int put_fault(struct inspect *s, u32 sec, u64 off)
{
	static const char *const types[] = {"", "zero", "skip", "fixup"};
	const u8 *p = bytes_at(s, sec, off);
#define FIELD(f) offsetof(struct kiln_ex_row, f)
	struct place insn = nat_self(&s->n, sec, off + FIELD(insn));
	struct place fixup = nat_self(&s->n, sec, off + FIELD(fixup));
	u32 type = get_le16(p + FIELD(type)), data = get_le16(p + FIELD(data));

	if (!insn.sec || !fixup.sec)
		return damaged(s, sec, off);
	const struct nat_line *l = nat_line_at(&s->n, insn);
	const struct nat_fault *note = nat_fault_at(&s->n, insn);
	rep_row(&s->r);
	rep_string(&s->r, "at", place_text(s, insn));
	rep_string(&s->r, "type",
		type < countof(types) ? types[type]
				      : arena_printf(s->a, "%u", type));
	rep_string(&s->r, "clears", register_name(s, type, data));
	rep_string(&s->r, "continues", place_text(s, fixup));
	rep_string(&s->r, "source",
		l ? arena_printf(s->a, "%s:%u", l->file, l->line) : "");
	rep_string(
		&s->r, "insn", note ? arena_printf(s->a, "%u", note->bpf) : "");
	rep_string(&s->r, "loads", note ? note->path : "");
	rep_end_row(&s->r);
#undef FIELD
	return 0;
}

static int put_faults(struct inspect *s)
{
	rep_table(&s->r, "faults");
	if (each_row(s, KILN_SEC_EX_TABLE, sizeof(struct kiln_ex_row),
		    put_fault))
		return -1;
	rep_end_table(&s->r);
	return 0;
}

/* ---- hooks ----------------------------------------------------------------------------- */

/* The stub's places lie in it. */
static bool is_stub(struct inspect *s, struct place stub, const u8 *row)
{
	static const size_t places[] = {
		offsetof(struct kiln_hook_row, call),
		offsetof(struct kiln_hook_row, jump),
		offsetof(struct kiln_hook_row, ret),
	};
	u32 lits = get_le16(row + offsetof(struct kiln_hook_row, lits));
	const struct nat_sec *c = &s->n.sec.v[stub.sec];

	for (u32 k = 0; k < countof(places); k++)
		if (get_le16(row + places[k]) >= lits)
			return false;
	return stub.sec && c->p && stub.off <= c->size &&
	       range_inside(
		       lits, sizeof(struct kiln_stub_lits), c->size - stub.off);
}

static int put_hook(struct inspect *s, u32 sec, u64 off)
{
	static const char *const kinds[] = {
		[KILN_HOOK_FENTRY] = "fentry",
		[KILN_HOOK_FEXIT] = "fexit",
		[KILN_HOOK_FMOD_RET] = "fmod_ret",
		[KILN_HOOK_FREPLACE] = "freplace",
	};
	const u8 *p = bytes_at(s, sec, off);
	const char *flags[2];
	u32 n = 0;
#define FIELD(f) offsetof(struct kiln_hook_row, f)
#define SELF(f)	 nat_self(&s->n, sec, off + FIELD(f))
	const char *name = nat_string(&s->n, SELF(name));
	const char *model = nat_string(&s->n, SELF(model));
	struct place prog = SELF(prog), target = SELF(target);
	u8 kind = p[FIELD(kind)];

	if (!name || !model || !prog.sec || !target.sec ||
		!is_stub(s, SELF(stub), p))
		return damaged(s, sec, off);
	if (p[FIELD(flags)] & KILN_HOOK_AT_START)
		flags[n++] = "at_start";
	if (p[FIELD(flags)] & KILN_HOOK_OPTIONAL)
		flags[n++] = "optional";
	rep_row(&s->r);
	rep_string(&s->r, "function", name);
	rep_string(&s->r, "kind",
		kind && kind < countof(kinds) ? kinds[kind]
					      : arena_printf(s->a, "%u", kind));
	rep_string(&s->r, "program", place_text(s, prog));
	rep_string(&s->r, "model", model);
	rep_list(&s->r, "flags", flags, n);
	rep_end_row(&s->r);
#undef SELF
#undef FIELD
	return 0;
}

static int put_hooks(struct inspect *s)
{
	rep_table(&s->r, "hooks");
	if (each_row(s, KILN_SEC_HOOKS, sizeof(struct kiln_hook_row), put_hook))
		return -1;
	rep_end_table(&s->r);
	return 0;
}

/* ---- the command ------------------------------------------------------------------------ */

static void put_file(struct inspect *s)
{
	static const char *const kinds[] = {
		[ET_REL] = "object",
		[ET_EXEC] = "executable",
		[ET_DYN] = "shared library or PIE",
	};

	rep_string(&s->r, "file", s->n.file);
	rep_string(&s->r, "kind", kinds[s->n.type]);
	rep_string(&s->r, "target", s->n.target->name);
}

static int put_all(struct inspect *s)
{
	put_file(s);
	if (put_notes(s) || put_progs(s) || put_maps(s))
		return -1;
	put_helpers(s);
	put_undefined(s);
	if (put_sites(s) || put_faults(s) || put_hooks(s))
		return -1;
	return 0;
}

static int inspect(struct cli *o)
{
	struct inspect s = {.a = &o->a};
	int err;

	if (o->narg != 1) {
		fprintf(stderr, "kiln inspect: %d files given, wanted one\n",
			o->narg);
		return 1;
	}
	err = nat_open(&s.n, &o->a, o->arg[0]);
	if (!err)
		err = nat_read_lines(&s.n);
	if (!err)
		err = nat_read_faults(&s.n);
	if (!err)
		err = rep_init(&s.r, &o->a, o);
	if (!err) {
		s.t = target_find(s.n.target->name);
		err = rep_fini(&s.r, put_all(&s));
	}
	nat_close(&s.n);
	return err ? 1 : 0;
}

int cmd_inspect(int argc, char **argv)
{
	struct cli o;
	int err = cli_parse(&o, argc, argv, CLI_JSON, "[OPTIONS] FILE");
	int status = err ? err < 0 : inspect(&o);

	cli_fini(&o);
	return status;
}
