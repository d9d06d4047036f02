/*
 * Abstract types of registers and spill slots: what kind of thing a value
 * points to. For types*.c and lower*.c.
 *
 * They decide two things: the region of each memory access, and which
 * accesses are to a context and get rewritten. That a program stays inside
 * its objects is not proven here.
 */
#ifndef KILN_FRONTEND_TYPES_H
#define KILN_FRONTEND_TYPES_H

#include "frontend/code.h"

enum rty_kind {
	RTY_NONE,    /* register: never written; slot: nothing tracked */
	RTY_SCALAR,  /* a number; fixed: off is its value */
	RTY_UNKNOWN, /* a number or a pointer to anything but a context */
	RTY_CTX,     /* id: of ctx_find() */
	RTY_STACK,   /* id: frames up, 0 is the function's own; off: from r10 */
	RTY_MAP,     /* struct kiln_map; id: map */
	RTY_ARRAYS, /* one of several prog_arrays; off: bits of rty_is_array() */
	RTY_INNER, /* struct kiln_map from a map of maps, or NULL; id: template */
	RTY_VALUE,   /* inside an element or NULL; id: map */
	RTY_PACKET,  /* id: enum rty_packet */
	RTY_DATA,    /* inside a data section; id: section */
	RTY_FN,	     /* address of a function; id: function or RTY_ANY_FN */
	RTY_PLAIN,   /* a context that is plain memory; id: what is in there */
	RTY_BTF,     /* inside a BTF object, or NULL; id: of which type */
	RTY_REACHED, /* from a BTF object or arguments: a number, or a pointer
		      * to a BTF object of unknown type */
	RTY_MIXED,   /* a context on one path, another thing on another */
};

enum rty_packet { RTY_PACKET_DATA, RTY_PACKET_END, RTY_PACKET_META };

enum { RTY_ANY_FN = 0xffff };

/* In the id of PLAIN, BTF and REACHED: memory of the application's, which programs may
 * write. What is in the kernel's objects is only read. */
enum { RTY_APP = 0x8000 };

struct rty {
	u8 kind;
	bool fixed; /* off is known */
	u16 id;
	i32 off; /* 0 unless fixed */
};

/* ---- rty.c: the values and what instructions do to them ------------------ */

static inline struct rty rty_of(enum rty_kind kind, u16 id)
{
	return (struct rty){.kind = (u8)kind, .id = id};
}

_Static_assert(sizeof(struct rty) == 8, "no padding: rty_eq compares bytes");

static inline bool rty_eq(struct rty a, struct rty b)
{
	return !memcmp(&a, &b, sizeof(a));
}

struct rty rty_number(i64 v); /* fixed where it fits */
struct rty rty_join(const struct module *m, struct rty a, struct rty b);
/* dst op src of an ALU row with 64 or 32 bits. */
struct rty rty_alu(const struct isa_row *r, bool is32, struct rty dst,
	struct rty src, bool raw);
const char *rty_name(
	struct rty t, const struct module *m, char *buf, size_t size);
/* t points to this map, or may do so, and it is a prog_array. */
bool rty_is_array(const struct module *m, struct rty t, u32 map);
/* What is known of the map that t points to, or NULL. */
static inline const struct mapdef *rty_map(const struct module *m, struct rty t)
{
	return t.kind == RTY_MAP || t.kind == RTY_INNER ? &m->map.v[t.id]
							: NULL;
}

/* ---- pointee.c: what typed pointers point to ----------------------------- */

/* The context of a program for which it is plain memory. */
struct rty fe_context(struct module *m, const struct func *f);
/* The struct or union that its first parameter points to, with whose BTF it
 * is; *id 0: it is none, or there is no BTF. */
const struct btf *fe_parameter(struct module *m, const struct func *f, u32 *id);
/* What its section names: "vfs_read" of "?fentry.s/vfs_read+0", or "". */
const char *fe_attach_name(struct module *m, const struct func *f);
/* What a load of size bytes at base (PLAIN, BTF, REACHED) + off yields. */
struct rty fe_pointee_load(
	struct module *m, struct rty base, i64 off, u32 size);
/* Parameter k (from 0) of a program that replaces a function. */
struct rty fe_program_param(struct module *m, const struct func *f, u32 k);
/* The function whose argument words t points to, as a program that attaches to
 * it gets them, and whether its result comes behind them; else NULL. */
const struct model *fe_arguments(
	const struct module *m, struct rty t, bool *result);
/* The object that a helper returns. */
struct rty fe_helper_object(struct module *m, u32 helper);
/* Of two that are BTF or REACHED, or one of them PLAIN. */
struct rty fe_pointee_join(const struct module *m, struct rty a, struct rty b);
/* The bytes [off, off + size) behind a BTF pointer as C writes them:
 * "task->mm->total_vm". "" of another pointer. */
const char *fe_pointee_path(
	struct module *m, struct rty base, i64 off, u32 size);
/* "struct task_struct", in buf. */
const char *fe_pointee_name(
	const struct module *m, struct rty t, char *buf, size_t size);

/* ---- ctx.c: contexts by program type ------------------------------------- */

struct ctx_field {
	const char *name;
	u16 off, size;
	u16 member; /* a pointer: where the 64-bit member is; else 0 */
	struct rty type;
	u16 readers, writers; /* bits of ctx_type.as of those who may */
	u8 flags;	      /* enum ctx_flags */
};

enum ctx_flags {
	CTX_NARROW = 1,	  /* aligned parts of it may be loaded */
	CTX_PARTS = 2,	  /* aligned parts of any size, stored too */
	CTX_U16 = 4,	  /* stores keep the low 16 bits */
	CTX_NOT_FFFF = 8, /* stores of 0xffff and more change nothing */
	CTX_WORDS = 16,	  /* an array: one word of 4 bytes at a time */
	CTX_WIDE = 32,	  /* two words, too, at a multiple of 8 */
	CTX_FRONT = 64,	  /* parts of it from its first byte may be loaded */
	CTX_HALVES = 128, /* its parts have two bytes at least */
};

enum { CTX_EVERY = -1 };

/* How programs of one type see their context. */
struct ctx_type {
	u32 prog_type;
	i32 attach_type; /* CTX_EVERY: all that have no row of their own */
	u16 as;		 /* bits in the fields' readers and writers */
	bool skb;	 /* LD_ABS and LD_IND work on it */
	const struct ctx_struct {
		const char *name;
		u16 size; /* of the UAPI part */
		u16 nfields;
		const struct ctx_field *field;
	} * of; /* NULL: memory like any other */
};

enum { CTX_UNKNOWN = 0xffff };

/* A row by type, CTX_UNKNOWN if kiln does not know that type; and the row. */
u32 ctx_find(u32 prog_type, u32 attach_type);
const struct ctx_type *ctx_type(u32 id);
const char *ctx_prog_name(u32 prog_type);
/* A field by its name in the context struct named by n characters, or NULL. */
const struct ctx_field *ctx_field_named(
	const char *of, size_t n, const char *name);

enum ctx_access_flags { CTX_LOAD = 1, CTX_STORE = 2, CTX_SX = 4 };

/* The field that an access may touch; NULL with a reason in why. */
const struct ctx_field *ctx_access(const struct ctx_type *c, i64 off, u32 size,
	u8 flags, char *why, size_t n);

/* ---- types.c ------------------------------------------------------------- */

struct frame {
	struct rty slot[STACK_BYTES / 8]; /* slot[0] is fp-512 */
};

/* Before an instruction. Frames are shared between states until written. */
struct state {
	struct rty reg[11];
	const struct frame *frame[MAX_FRAMES]; /* by frames up; NULL: empty */
	u8 fresh; /* frames, a bit each, that only this state refers to */
};

bool types_mov_whole(const struct insn *i, struct rty src);

/* A function for one kind of arguments. Parallel to module->func. */
struct spec {
	bool known;    /* entry is valid */
	bool done;     /* analysed at least once */
	bool asked;    /* a caller has used the results below */
	u32 next;      /* another spec of the same function, or 0 */
	u32 home;      /* the function that it is a spec of */
	u32 prog_type; /* of a program */
	struct state entry;
	struct state *in; /* per block */
	bool *reached;	  /* per block */
	/* at its exits */
	struct rty ret;
	u64 wrote[MAX_FRAMES]; /* callers' slots that it writes */
	const struct frame *out[MAX_FRAMES];
};

struct types {
	struct module *m;
	struct arena *tmp; /* what ends with the stage */
	vec(struct spec) spec;
	bool again;	 /* a result changed after somebody had asked for it */
	u32 *helper_sym; /* 1 + symbol of each helper that is called, or 0 */
	bool *map_checked; /* fe_map_check was asked */
};

const struct frame *types_frame_join(struct types *t, const struct frame *a,
	const struct frame *b); /* a itself if nothing changes */
/* a becomes the join; true when it changed. */
bool types_state_join(struct types *t, struct state *a, const struct state *b);
void types_slot_set(
	struct types *t, struct state *s, u32 up, u32 k, struct rty v);
/* The slots of [base + off, + size) become v, if base is a known place of a
 * frame. */
void types_stack_clobber(struct types *t, struct spec *sp, struct state *s,
	struct rty base, i64 off, u32 size, struct rty v);
/* Runs a function from spec.entry until nothing changes. */
void types_analyse(struct types *t, u32 func);
/* The state behind an instruction. Calls analyse their callees. */
void types_step(struct types *t, u32 func, struct state *s, u32 slot);
/* Size of what an insn accesses at *address, with the address register and
 * whether it loads, stores; size 0: it is no memory access. */
struct mem_insn {
	u8 size, reg;
	u8 flags; /* enum ctx_access_flags */
	bool atomic;
};
struct mem_insn types_mem(const struct insn *i);
/* ---- typecall.c ---------------------------------------------------------- */

/* Who a call goes to. */
struct call_to {
	enum { TO_HELPER, TO_FUNC, TO_EXTERN, TO_POINTER, TO_NOBODY } to;
	const struct helper *helper;
	u32 func; /* TO_FUNC */
};
struct call_to types_callee(
	const struct types *t, const struct state *s, const struct insn *i);
void types_call(
	struct types *t, u32 func, struct state *s, const struct insn *i);
/* The spec of func that a caller in state s calls; h: as its callback. */
u32 types_callee_spec(struct types *t, const struct state *s,
	const struct helper *h, u32 func);
/* The callback's parameter (from 0) that is the helper's ANY, or -1. */
i32 types_callback_any(const struct helper *h);
/* The argument that holds the size of the memory behind this one, or -1. */
i32 types_size_arg(const struct helper *h, u32 arg);
/* Bytes that a helper's pointer argument covers: of the map's definition or
 * of a fixed size argument; -1: not known. */
i64 types_arg_size(const struct module *m, const struct helper *h, u32 arg,
	const struct rty *reg);

static inline bool is_tail_call(const struct call_to *c)
{
	return c->to == TO_HELPER && c->helper &&
	       c->helper->id == HELPER_TAIL_CALL;
}

/* ---- mapcheck.c ---------------------------------------------------------- */

/* Why a program may not call h on this map, or NULL. */
const char *fe_map_use(const struct mapdef *d, const struct helper *h);

/* ---- typeuse.c: what lower.c needs to know, and what is wrong ------------ */

/* One slot of a function. */
struct fe_use {
	struct rty base;  /* memory: what the address register holds */
	u8 region;	  /* memory: enum region */
	u8 size;	  /* memory: bytes, after rewriting */
	u8 ctx;		  /* context: enum ctx_flags of the field */
	bool whole;	  /* 32-bit move: of all 64, types_mov_whole() */
	const char *path; /* of a load that may fault: what it reads, in C */
	i32 off;	  /* memory: added to the register, after rewriting */
	u32 call; /* call: 1 + index in fe_func.calls; packet load: symbol
			  * of the runtime's function */
};

struct fe_call {
	u32 slot;
	struct call_to to;
	u32 sym;	       /* TO_HELPER */
	struct fe_proto proto; /* TO_EXTERN */
	struct arg_mem arg[5];
	struct rty type[5];
	u8 nargs, effects;
	bool left_out; /* TO_HELPER: it has an argument that no helper takes. It
			* is not made and fails */
	u32 callback;  /* TO_HELPER: 1 + function that it calls back, or 0 */
	u8 callback_arg;
	/* Its answer is in the argument words behind r1 (lower_args.c): of this
	 * function, with its result behind them or without; else NULL. */
	const struct model *args;
	bool args_result;
	u8 redir; /* TO_HELPER: parameter (from 1) whose redirect it is given,
		   * and where in that context it is */
	u16 redir_at;
	bool has_key; /* tail call: the index is known */
	u32 key;
};

/* One that may leave the program. */
static inline bool makes_tail_call(const struct fe_call *c)
{
	return is_tail_call(&c->to) && !c->left_out;
}

void types_record(struct types *t, u32 func);
u8 types_region(const struct module *m, struct rty base); /* enum region */

/* ---- summary.c: what callers may know ------------------------------------ */
/* Fills fe_func.effects and .param of a function and its callees, and makes
 * what the calls between them say as sharp. After types_record. */
void types_summarise(struct module *m, u32 func);

/* ---- context.c ----------------------------------------------------------- */
/* What a program's context is; equal texts, equal contexts. */
const char *fe_context_text(struct module *m, const struct func *f);

/* ---- tailcall.c: the functions together ---------------------------------- */
/* Who takes the count, and what the kernel refuses, too. After types_record
 * of all functions. */
void types_tail_calls(struct module *m);

#endif
