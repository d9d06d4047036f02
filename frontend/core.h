/*
 * CO-RE inside the frontend: two sets of types, the paths through them and
 * the rules by which a type or field of the target is the one that a program
 * means. For core*.c and btf_target.c.
 */
#ifndef KILN_FRONTEND_CORE_H
#define KILN_FRONTEND_CORE_H

#include "frontend/obj.h"

struct btf_type;

struct core_side {
	const struct btf *b;
	u32 ptr; /* bytes of a pointer */
};

struct span {
	const u8 *p;
	u64 n;
};

/* The file of --btf as ELF; machine is EM_NONE if it is none. */
struct target_elf {
	struct span file, names;
	const u8 *headers; /* of sections ... */
	u64 n;		   /* ... so many */
	u16 type, machine; /* ET_*, EM_* */
};

struct fe_target {
	const char *name;
	struct target_elf elf;
	struct core_side side;
	struct btf *owned;
	u32 *head, *next; /* ids by hash of the name without flavour */
	u32 mask;
};

/* The object's types and those that its program meets. */
struct core_pair {
	struct core_side own, to;
	u32 fuel; /* comparisons left: hostile types nest without end */
};

enum { CORE_STEPS = 64, CORE_FUEL = 1 << 20 };

/* A member by name, or an element of an array. */
struct core_step {
	const char *name; /* NULL: element */
	u32 idx;
	u32 type;
};

/* Where a field is said to be. Its first step is an element, too: of the
 * array that a pointer to the root may point into. */
struct core_path {
	u32 n;
	struct core_step step[CORE_STEPS];
};

/* Where a field is. */
struct core_place {
	u64 bit;
	u32 type;
	u32 bits; /* of a bit-field, or 0 */
};

/* ---- target_elf.c ---- */
/* False if its sections are not inside the file. */
bool target_elf_open(struct target_elf *e, struct span file);
/* Section i: its header, its bytes (none: p is NULL), whether that is its name;
 * the next one of a name behind `after`, or 0. */
const u8 *target_elf_header(const struct target_elf *e, u64 i);
struct span target_elf_bytes(const struct target_elf *e, u64 i);
bool target_elf_is(const struct target_elf *e, u64 i, const char *name);
u64 target_elf_find(const struct target_elf *e, const char *name, u64 after);
/* NULL if it does not end. */
const char *target_elf_string(struct span strings, u64 at);

/* ---- hookable.c ---- */
/* Why nothing can be attached to a function that the file has, else NULL. */
const char *fe_not_hookable(
	struct arena *a, const struct fe_target *t, const char *func);

/* ---- btf_target.c ---- */
struct core_side core_side_of(const struct btf *b);
/* Length of a name without its flavour: "task_struct" of "task_struct___v2".
 * Exactly three underscores set a flavour off. */
size_t core_name_len(const char *s);
/* The next type of that name, flavours aside, behind id `after` (0: the
 * first), or 0. */
u32 core_find(const struct fe_target *t, const char *name, u32 after);

/* ---- core_path.c ---- */
/* Bytes of a type; false if it has no size. */
bool core_size(const struct core_side *s, u32 id, u64 *size);
/* Numbers of an access string, at most CORE_STEPS; how many, or 0. */
u32 core_access(const char *s, u32 *idx);
/* The path that an access string takes from a type of the object, and where
 * it leads; else false with *why. */
bool core_path_read(const struct core_side *s, u32 root, const char *access,
	struct core_path *p, struct core_place *at, const char **why);
/* Where the path leads from a type of the target; false: nowhere. */
bool core_path_find(struct core_pair *c, const struct core_path *p, u32 root,
	struct core_place *at);

/* ---- core_match.c ---- */
bool core_same_name(const char *a, const char *b); /* flavours aside */
/* Types of these kinds can be one: equal, or both an enum. */
bool core_same_kind(const struct btf_type *a, const struct btf_type *b);
/* Ids of own and to. */
bool core_fields_compatible(struct core_pair *c, u32 own, u32 to);
bool core_types_compatible(struct core_pair *c, u32 own, u32 to);
bool core_types_match(struct core_pair *c, u32 own, u32 to);

/* ---- core.c, core_patch.c ---- */
/* enum bpf_core_relo_kind. */
enum {
	CORE_FIELD_OFFSET,
	CORE_FIELD_SIZE,
	CORE_FIELD_EXISTS,
	CORE_FIELD_SIGNED,
	CORE_FIELD_LSHIFT,
	CORE_FIELD_RSHIFT,
	CORE_TYPE_ID_OWN,
	CORE_TYPE_ID_TARGET,
	CORE_TYPE_EXISTS,
	CORE_TYPE_SIZE,
	CORE_ENUM_EXISTS,
	CORE_ENUM_VALUE,
	CORE_TYPE_MATCHES,
};

enum { CORE_A_FIELD, CORE_A_TYPE, CORE_AN_ENUMERATOR };

struct core_kind {
	const char *name;
	u8 of;	   /* CORE_A_FIELD, ... */
	bool asks; /* 0 if it is not there */
};

/* How a memory access may follow its field's size. */
enum core_resize { CORE_RESIZE_NO, CORE_RESIZE_PTR, CORE_RESIZE_UNSIGNED };

struct core_value {
	u64 v;
	u64 size;   /* CORE_FIELD_OFFSET: bytes that an access covers; else 0 */
	u8 resize;  /* enum core_resize */
	bool loose; /* the instruction need not hold it: bit-fields */
};

/* One record at work. */
struct core_job {
	struct fe_obj *o;
	const struct fe_target *target; /* NULL: the object's own types */
	const struct fe_core_rec *rec;
	const struct core_kind *kind;
	struct core_pair types;
	struct core_path path; /* CORE_A_FIELD ... */
	struct core_place own; /* ... and where it leads in the own types */
	const char *enumerator;
	const char *text; /* what it is about, for people */
	struct loc at;
	u32 insn; /* in module->insn */
	u32 left; /* slots of the function from there on */
};

/* ---- core_patch.c ---- */
#define core_error(j, ...)                                          \
	({                                                          \
		diag_error((j)->o->m->diag, &(j)->at, __VA_ARGS__); \
		-1;                                                 \
	})
/* There is no value, because of why ("is not known by"); always 0. */
int core_unresolved(struct core_job *j, const char *why);
/* Puts v into the instruction, which holds own (NULL: not known). 0 if it did
 * or left it unresolved, -1 after a diagnostic. */
int core_patch(struct core_job *j, const struct core_value *own,
	const struct core_value *v);

#endif
