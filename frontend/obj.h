/*
 * One opened BPF object, as elf.c leaves it: every header, section, symbol
 * and relocation below was checked and may be used without a second look.
 * What is only known later (roles of symbols, functions, maps) is filled by
 * the stage named beside it. For elf.c, btf*.c, maps.c, data.c and reloc.c.
 */
#ifndef KILN_FRONTEND_OBJ_H
#define KILN_FRONTEND_OBJ_H

#include "frontend/frontend.h"

struct btf;

enum { FE_CALL = 0x85 }; /* opcode of calls */

/* What a section is for kiln. */
enum fe_role {
	ROLE_NONE,   /* not read: debug information, notes, tables of ELF */
	ROLE_CODE,   /* instructions */
	ROLE_DATA,   /* variables: .data*, .bss*, .rodata*, named ones */
	ROLE_MAPS,   /* .maps: map definitions described by BTF */
	ROLE_LEGACY, /* maps, maps/<name>: struct bpf_map_def */
	ROLE_OTHER,  /* license, version, arenas */
};

/* A relocation: its place lies inside its section, its symbol exists. */
struct fe_rel {
	u64 off;
	u32 type; /* R_BPF_* */
	u32 sym;
	i64 addend;
	bool has_addend; /* SHT_RELA: what stands at the place does not count */
};

/* A function of a code section: slots [off, off + size) / 8. */
struct fe_fn {
	u64 off, size;
	u32 func; /* in module->func */
};

struct fe_sec {
	const char *name;
	const u8 *bytes; /* size bytes; NULL: SHT_NOBITS */
	u64 size, align, flags, entsize;
	u32 type, link, info;
	u8 role;
	bool is_text;	    /* CODE: .text, .text.*: no entries */
	struct fe_rel *rel; /* what applies to this section */
	u32 nrel;
	u32 data;	  /* DATA: 1 + index in module->data (data.c) ... */
	u64 shift;	  /* ... and where in it this section begins */
	struct fe_fn *fn; /* CODE: by offset (reloc.c) */
	u32 nfn;
};

struct fe_sym {
	const char *name; /* "" if it has none; sections: the section's */
	u64 value, size;  /* inside the section */
	u32 sec;	  /* SHN_UNDEF, SHN_ABS, SHN_COMMON or an index */
	u8 type, bind, vis;
	/* 1 + its symbol in the module, where references must keep it:
	 * undefined (reloc.c), or a variable that is weak (data.c) */
	u32 ext;
};

/* What a relocation refers to: symbol of the module and addend. */
struct target_ref {
	u32 sym;
	i64 addend;
};

/* Where a map of .maps or maps stands (maps.c). */
struct fe_map {
	u32 sec;
	u64 off, size;
	u64 values; /* offset of the member `values` in it, or its size */
	u32 map;    /* in module->map */
};

/* Line records of one section (btf_ext.c), ascending. */
struct fe_line {
	u32 sec;
	u64 off;
	u32 line; /* 1 + index in module->line */
};

/* func_info records (btf_ext.c). */
struct fe_func_type {
	u32 sec;
	u64 off;
	u32 type; /* a FUNC */
};

/* A CO-RE relocation (btf_ext.c), as it stands in the object. */
struct fe_core_rec {
	u32 sec;
	u64 off;
	u32 type; /* id in this object's BTF */
	const char *access;
	u32 kind; /* enum bpf_core_relo_kind */
};

struct fe_obj {
	struct module *m;
	const char *name;
	u32 file; /* in module->file */
	const u8 *bytes;
	size_t size;
	bool is_gcc; /* bpf-gcc's in-place contents; see reloc.c */
	struct fe_sec *sec;
	u32 nsec;
	struct fe_sym *sym;
	u32 nsym;
	u32 *by_name;  /* defined symbols in the order of their names */
	u32 *by_place; /* the same by section and value */
	u32 nnames;
	/* btf.c; NULL, 0 without .BTF */
	struct btf *btf;	 /* libbpf's view; ids of this object */
	struct btf *btf_of_link; /* module->btf_types, if this object owns it */
	u32 btf_sec;
	u32 kconfig;	  /* DATASEC .kconfig, or 0 */
	u32 kconfig_data; /* 1 + where they are in module->data */
	u32 btf_shift;	  /* id in module->btf_types - id here */
	vec(struct fe_line) line;
	vec(struct fe_func_type) func_type;
	vec(struct fe_core_rec) core;  /* in the order of the file */
	vec(struct fe_map) map;	       /* maps.c, by section and offset */
	vec(struct mapdef) extern_map; /* those that another input defines */
};

#define fe_error(o, sec, ...)                                             \
	diag_error((o)->m->diag,                                          \
		&(struct loc){                                            \
			.file = (o)->name, .section = (sec), .insn = -1}, \
		__VA_ARGS__)
#define fe_warn(o, sec, ...)                                              \
	diag_warn((o)->m->diag,                                           \
		&(struct loc){                                            \
			.file = (o)->name, .section = (sec), .insn = -1}, \
		__VA_ARGS__)

/* ---- elf.c ---- */
/* Adds an input to module->digest: the first one's SHA-256; with each further
 * one the SHA-256 of the digest so far and of its own. */
void fe_digest(struct module *m, u32 file, const u8 *p, size_t n);
/* The section of that name, or 0. */
u32 fe_find_sec(const struct fe_obj *o, const char *name);
/* The symbols defined in a section, by value; NULL if *n is 0. */
const u32 *fe_syms_of(const struct fe_obj *o, u32 sec, u32 *n);
/* The defined symbol of that name in section sec (0: in any), or 0. */
u32 fe_find_sym(const struct fe_obj *o, const char *name, u32 sec);

/* ---- btf_check.c ---- */
struct fe_btf_view {
	struct arena *a;
	struct diag *diag;
	struct loc at;	/* whose BTF it is */
	const u8 *type; /* the type section */
	const char *str;
	u32 type_len, str_len;
	u32 n;	    /* types, without void */
	u32 *off;   /* by id; 0 unused */
	u32 *kind;  /* by id; [0] is BTF_KIND_UNKN for void */
	u8 *colour; /* of the search for cycles */
};

/* Checks size bytes of BTF completely; what v says is true if it returns 0. */
int fe_btf_check(struct fe_btf_view *v, const u8 *p, u64 size);

/* ---- btf.c ---- */
/* Where the i-th variable of a DATASEC stands; false if it is nowhere. */
bool fe_btf_place(
	const struct fe_obj *o, u32 datasec, u32 i, u32 *sec, u64 *off);
/* The id behind modifiers and typedefs. */
u32 fe_btf_strip(const struct btf *b, u32 id);
/* CONST and VOLATILE are both among the modifiers of a type. */
bool fe_btf_is_knob(const struct btf *b, u32 id);
/* libbpf's messages are process-global: between these two it is silent and
 * no other thread of the compiler is inside it. */
void fe_libbpf_enter(void);
void fe_libbpf_leave(void);

/* ---- btf_ext.c ---- */
/* Checks .BTF.ext and fills line and func_type. */
int fe_btf_ext(struct fe_obj *o, const u32 *type_kind, u32 ntypes,
	const char *str, u32 str_len);

/* ---- core.c ---- */
/* Types were numbered anew: core_note.own_type -> instructions. */
void fe_core_types(struct module *m);

/* ---- reloc.c ---- */
/* The function that holds an offset of a code section, or NULL. */
const struct fe_fn *fe_fn_at(const struct fe_sec *s, u64 off);

/* ---- kconfig.c ---- */
/* The value as it stands in the file, strings in quotes; or NULL. */
const char *fe_kconfig_find(const struct fe_kconfig *k, const char *name);
const char *fe_kconfig_file(const struct fe_kconfig *k);

/* ---- data.c ---- */
/* Data sections -> module->data, with their variables; --set. */
int fe_data(struct fe_obj *o, const struct fe_opts *opts);
/* Every --set names a variable of the n inputs. */
int fe_check_sets(
	struct fe_obj *const *o, size_t n, const struct fe_opts *opts);
/* If undefined symbol sym is a kconfig variable, 1 and its place in the
 * module; 0 if it is not; -1 after a diagnostic at l. */
int fe_kconfig(struct fe_obj *o, const struct fe_opts *opts, u32 sym,
	const struct loc *l, struct target_ref *out);

/* ---- section.c ---- */
/* Puts programs whose section names a slot into it. 0 or -1 after a
 * diagnostic. */
int fe_section_slots(struct module *m);

/* ---- progtype.c ---- */
/* --type names it: "sched_cls", or a section that says so. */
bool fe_prog_type_known(const char *name);
/* False if nothing says it: BPF_PROG_TYPE_UNSPEC. */
bool fe_prog_type(struct fe_obj *o, struct func *f, const struct fe_opts *opts);

/* ---- maps.c ---- */
/* What two definitions of one map do not agree in, or NULL. */
const char *fe_map_differs(
	const struct module *m, const struct mapdef *a, const struct mapdef *b);
/* --map NAME=ENTRIES */
int fe_map_entries(struct module *m, const struct fe_opts *opts);

/* ---- reloc.c ---- */
/* The address of symbol sym is taken. */
void fe_mark_taken(struct module *m, u32 sym);

/* ---- programs.c ---- */
int fe_programs(struct module *m, struct fe_obj *const *o, size_t n,
	const struct fe_opts *opts);

/* ---- btf_link.c ---- */
/* Types of several inputs -> one set without duplicates, in module->btf. */
int fe_btf_link(struct module *m, struct fe_obj *const *o, size_t n);

/* ---- mapfields.c --------------------------------------------------------- */

/* Fills d->field from the type of its values, an id of o's own BTF. */
int fe_map_fields(struct fe_obj *o, struct mapdef *d, u32 type);

#endif
