/*
 * What the frontend's later stages know about code beyond ir/module.h:
 * instruction forms, flow graphs, register types. Second audience of
 * frontend/: decode, flow, types, lower and their tests.
 */
#ifndef KILN_FRONTEND_CODE_H
#define KILN_FRONTEND_CODE_H

#include "frontend/frontend.h"
#include "ir/model.h"

/* ---- instruction forms (include/kiln/isa.def) ---------------------------- */

enum isa_kind {
	ISA_ALU,
	ISA_NEG,
	ISA_MOV,
	ISA_MOVSX,
	ISA_LE,
	ISA_BE, /* be and bswap: one thing on a little-endian target */
	ISA_CAST,
	ISA_JA,
	ISA_JCC,
	ISA_MAYGOTO,
	ISA_CALL,
	ISA_CALLFN,
	ISA_KFUNC,
	ISA_CALLX,
	ISA_EXIT,
	ISA_LDDW,
	ISA_LDABS,
	ISA_LDIND,
	ISA_LDX,
	ISA_LDSX,
	ISA_ST,
	ISA_STX,
	ISA_ATOMIC,
	ISA_FETCH,
	ISA_CMPXCHG,
	ISA_LDACQ,
	ISA_STREL,
};

/* The arg column. Operations, conditions and lddw's operands have their own
 * numbers; widths stand for themselves. */
enum isa_arg {
	ISA_A_0 = 0,
	ISA_A_1 = 1,
	ISA_A_2 = 2,
	ISA_A_4 = 4,
	ISA_A_8 = 8,
	ISA_A_16 = 16,
	ISA_A_32 = 32,
	ISA_A_64 = 64,
	/* operations */
	ISA_A_ADD = 0,
	ISA_A_SUB,
	ISA_A_MUL,
	ISA_A_DIV,
	ISA_A_SDIV,
	ISA_A_MOD,
	ISA_A_SMOD,
	ISA_A_OR,
	ISA_A_AND,
	ISA_A_XOR,
	ISA_A_LSH,
	ISA_A_RSH,
	ISA_A_ARSH,
	ISA_A_XCHG,
	/* conditions */
	ISA_A_EQ = 0,
	ISA_A_NE,
	ISA_A_UGT,
	ISA_A_UGE,
	ISA_A_ULT,
	ISA_A_ULE,
	ISA_A_SGT,
	ISA_A_SGE,
	ISA_A_SLT,
	ISA_A_SLE,
	ISA_A_TST,
	/* what an lddw loads: its src field */
	ISA_A_IMM64 = 0,
	ISA_A_MAPFD,
	ISA_A_MAPFDVAL,
	ISA_A_VAR,
	ISA_A_FUNC,
	ISA_A_MAPIDX,
	ISA_A_MAPIDXVAL,
};

enum isa_sel { ISA_SEL_NONE, ISA_SEL_OFF, ISA_SEL_IMM, ISA_SEL_SRC };

enum isa_field {
	ISA_F_0,
	ISA_F_SEL,
	ISA_F_ANY,
	ISA_F_JMP,
	ISA_F_R = 8,
	ISA_F_W = 16,
	ISA_F_RW = 24,
};

enum isa_group {
	ISA_G_BASE32,
	ISA_G_BASE64,
	ISA_G_DIVMUL32,
	ISA_G_DIVMUL64,
	ISA_G_ATOMIC32,
	ISA_G_ATOMIC64,
	ISA_G_PACKET,
	ISA_G_CALLX,
	ISA_G_KERNEL,
};

struct isa_row {
	u8 code, sel;
	u8 kind, arg, group;
	u8 dst, src, off, imm;
	i32 val;
	const char *text;
};

extern const struct isa_row isa_rows[];
extern const u32 isa_nrows;

/* The form of an instruction that decode accepted. */
static inline const struct isa_row *isa_row(const struct insn *i)
{
	return &isa_rows[i->form - 1];
}

/* What selects the form among those with one code. */
static inline i32 isa_selector(const struct isa_row *r, const struct insn *i)
{
	return r->sel == ISA_SEL_OFF   ? i->off
	       : r->sel == ISA_SEL_IMM ? i->imm
	       : r->sel == ISA_SEL_SRC ? i->src
				       : 0;
}

/* Facts of the encoding that hold for every form. */
static inline bool isa_is_reg(const struct insn *i) /* operand is src */
{
	return i->code & 0x08;
}

static inline bool isa_is_32(const struct insn *i) /* ALU, JMP32 */
{
	return (i->code & 7) == 4 || (i->code & 7) == 6;
}

/* Distance of a JA, JCC or MAYGOTO, from the slot after it. */
static inline i64 isa_jump(const struct insn *i)
{
	return i->code == 0x06 ? i->imm : i->off;
}

/* The operand of an lddw that names no symbol. */
static inline i64 isa_imm64(const struct insn *i)
{
	return (i64)((u64)(u32)i->imm | (u64)(u32)i->imm_hi << 32);
}

/* ---- helpers and maps by number (kiln/helpers.def, kiln/maps.def) -------- */

enum helper_arg {
	HARG_NO,
	HARG_VAL,
	HARG_OPT, /* as VAL; 0 if the program never wrote the register */
	HARG_CTX,
	HARG_SKB,
	HARG_XDP,
	HARG_MAP,
	HARG_KEY,
	HARG_VALUE,
	HARG_OUTVAL,
	HARG_IOVAL,
	HARG_IN,
	HARG_OUT,
	HARG_INOUT,
	HARG_STR,
	HARG_FROM,
	HARG_IN16,
	HARG_IN20,
	HARG_IN40,
	HARG_OUT4,
	HARG_OUT8,
	HARG_OUT16,
	HARG_INOUT4,
	HARG_INOUT16,
	HARG_SIZE,
	HARG_FN,
	HARG_ANY,
	HARG_MEM,
	HARG_OBJ,
	HARG_REDIR, /* made by the compiler: the context's redirect member */
	HARG_LAST,
};

/* What a helper does with the memory behind an argument of that kind. */
struct harg_mem {
	u8 access; /* enum arg_access */
	u8 bytes;  /* 0: by another argument, or not known */
};

extern const struct harg_mem fe_harg_mem[]; /* by enum helper_arg */

enum helper_ret {
	HRET_NUM,
	HRET_VALUE, /* an element of the map in argument 1, or NULL */
	HRET_PTR,
};

struct helper {
	u32 id;
	const char *name; /* without bpf_ */
	bool scope;
	u8 effects; /* CALLF_* */
	u8 ret;	    /* enum helper_ret */
	u8 nargs;
	u8 arg[5];
};

enum {
	HELPER_TAIL_CALL = 12,
	HELPER_POISON = 0xbad2310, /* libbpf: an unresolved instruction */
};

extern const struct helper fe_helpers[]; /* by ascending id */
extern const u32 fe_nhelpers;
const struct helper *fe_helper(i64 id); /* or NULL */
/* What programs of that type call it, if they have a form of their own. */
const char *fe_helper_name(const struct helper *h, bool skb, bool xdp);
bool fe_map_needs_scope(u32 type);

/* ---- flow graph ---------------------------------------------------------- */

enum { MAX_FRAMES = 8, STACK_BYTES = 512, NO_BLK = -1 };

struct fe_use;
struct fe_call;

struct fe_blk {
	u32 first, end;	 /* slots of the function */
	u32 succ[2];	 /* a branch: taken, fall-through */
	u32 npred, pred; /* predecessors: first in fe_func.pred */
	u8 nsucc;
	bool live; /* reachable from the entry */
};

/* What flow and types know about a function. */
struct fe_func {
	struct fe_blk *blk; /* in slot order; blk[0] starts at slot 0 */
	u32 nblk;
	u32 *blk_of; /* slot -> block */
	u32 *rpo;    /* live blocks in reverse post-order */
	u32 nrpo;
	u32 *pred;
	u16 reads; /* registers that it reads before it writes them */
	u8 frames; /* longest call chain that starts here, itself included */
	/* types: */
	struct fe_use *use; /* per slot; types.h */
	vec(struct fe_call) calls;
	u32 packet_sym;	 /* of the function behind its packet loads */
	bool may_goto;	 /* it has may_gotos itself */
	bool run_budget; /* it, or a callee, counts in the run's word */
	u16 stack;	 /* bytes of its BPF frame that it may access */
	bool summarised;
	u8 effects; /* CALLF_* of everything it and its callees do */
	struct arg_mem param[5]; /* what it does behind its parameters */
};

/* Diagnostic about a slot of a function, or about all of it (slot -1). */
void fe_bad(const struct module *m, const struct func *f, i64 slot,
	const char *fmt, ...) printf_like(4, 5);
/* A warning: kernels refuse it, here it compiles. */
void fe_unsafe(const struct module *m, const struct func *f, i64 slot,
	const char *fmt, ...) printf_like(4, 5);

static inline struct insn *fe_insn(
	const struct module *m, const struct func *f, u32 slot)
{
	return &m->insn.v[f->first + slot];
}

/* rty.c: dst op src of an ALU row with 64 or 32 bits; false: not folded. */
bool fe_alu(u8 op, u32 bits, u64 dst, u64 src, u64 *out);

/* Number of the function that symbol sym names, or -1. */
i64 fe_func_of_sym(const struct module *m, u32 sym);

/* split.c, a step of fe_decode: local calls by distance -> by symbol; cuts
 * bare instructions into functions. */
int fe_split(struct module *m);

/* prune.c, a step of fe_flow: edges that constants decide go. */
void fe_prune(struct module *m, const struct func *f);

/* calls.c: a program that is to be compiled. */
bool fe_is_asked(const struct module *m, const struct func *f);

/* calls.c, a step of fe_flow: call graph, parameters, scope, effects. */
void fe_calls(struct module *m);

/* ---- functions that programs attach to (hooks.c, model.c) ---------------- */

/* freplace of a function that is no program: it is called as that is. */
bool fe_replaces(const struct func *f);
/* Its result is that of the function that it attaches to; void. */
bool fe_returns_for(const struct func *f);
bool fe_returns_void(const struct func *f);
/* How the function of that name and FUNC_PROTO is called; NULL, with the reason
 * in *why ("parameter x ..."). */
struct btf;
const struct model *fe_model(struct arena *a, const struct btf *b, u32 proto,
	const char *func, const char **why);

/* ---- functions of the application (extern.c) ----------------------------- */

/* One register of a call by BTF prototype: how C widens it. */
struct fe_reg {
	u8 size; /* 1, 2, 4, 8 */
	bool sign;
};

/* A function that is an operation instead of a call (builtin.c). */
struct fe_builtin {
	enum {
		BUILTIN_NONE,
		BUILTIN_OLD, /* read, op, write; the old value */
		BUILTIN_NEW, /* ... the new one */
		BUILTIN_XCHG,
		BUILTIN_CAS,	  /* address, expected, new: what was there */
		BUILTIN_CAS_BOOL, /* ...: was it as expected? */
		BUILTIN_CAS_PTR,  /* the expected value is behind a pointer */
		BUILTIN_LOAD,
		BUILTIN_STORE,
		BUILTIN_DIV, /* from here on of values alone */
		BUILTIN_MOD,
		BUILTIN_UDIV,
		BUILTIN_UMOD,
		BUILTIN_BSWAP,
	} kind : 8;
	u8 op; /* OLD, NEW: BUILTIN_ADD ... */
	u8 size, nargs;
};

enum { BUILTIN_ADD, BUILTIN_SUB, BUILTIN_OR, BUILTIN_AND, BUILTIN_XOR };

struct fe_proto {
	u8 nargs;
	bool returns;
	struct fe_reg arg[5], ret;
	struct fe_builtin builtin;
};

/* Prototype of an extern function; false, with *why naming the reason, if it
 * has none or cannot be called. */
bool fe_extern_proto(
	const struct module *m, u32 sym, struct fe_proto *p, const char **why);
/* The same of a FUNC_PROTO; NULL, or why not. */
struct btf_type;
const char *fe_read_proto(
	const struct btf *btf, const struct btf_type *t, struct fe_proto *p);
/* The same for what compilers call without a prototype (builtin.c). */
bool fe_builtin_proto(const char *name, struct fe_proto *p);
/* The FUNC with this id returns an integer of at most 32 bits. */
bool fe_returns_int(const struct module *m, u32 btf_func);
/* Its parameters, at most 5; 5 if that is not known. */
u32 fe_func_nargs(const struct module *m, u32 btf_func);
/* Registers that a call of it reads; 0 if it has no prototype. */
u32 fe_extern_nargs(const struct module *m, u32 sym);

#endif
