/*
 * The IR: one function in SSA form, as the rooms hand it to each other.
 *
 * A function is an array of instructions; a ref is an index into it. Block
 * instructions hang in doubly linked lists, phis first, one terminator last.
 * Constants, symbol addresses and parameters float: they belong to no block
 * and dominate everything. Instruction 0 is NOP, so ref 0 means "none".
 *
 * What must hold (check.c says it in code):
 *   - every argument dominates its use; phi argument k is live at the end of
 *     predecessor k; the entry block has no predecessors;
 *   - I32 values have no upper half: nothing may rely on bits 32..63 of the
 *     register that will hold one; ZEXT and SEXT make them;
 *   - memory operations keep their order within the memory contract (region
 *     below);
 *   - every block is reachable; unreachable ones are removed, not kept.
 */
#ifndef KILN_IR_H
#define KILN_IR_H

#include "ir/support.h"

/* ---- values -------------------------------------------------------------- */

typedef struct {
	u32 v;
} ref;

static inline bool ref_eq(ref a, ref b)
{
	return a.v == b.v;
}

enum ty { TY_NONE, TY_I32, TY_I64 };

enum op {
#define OP(name, nargs, res, flags) OP_##name,
#include "ir/ops.def"
#undef OP
	OP_COUNT
};

enum op_flags {
	OPF_COMM = 1,
	OPF_PURE = 2,
	OPF_READ = 4,
	OPF_WRITE = 8,
	OPF_TERM = 16,
	OPF_FLOAT = 32,
};

#define OP_VARARGS 0xff

struct op_info {
	const char *name; /* as in ops.def; the text form has lower case */
	u8 nargs;	  /* or OP_VARARGS */
	u8 result;	  /* TY_*; 0xff: chosen by the builder */
	u8 flags;
};

extern const struct op_info op_info[OP_COUNT];

/* Conditions, in pairs: cc ^ 1 is the negation. TST: a & b is not zero. */
enum cc {
	CC_EQ,
	CC_NE,
	CC_ULT,
	CC_UGE,
	CC_UGT,
	CC_ULE,
	CC_SLT,
	CC_SGE,
	CC_SGT,
	CC_SLE,
	CC_TST,
	CC_NTST,
	CC_COUNT
};

static inline enum cc cc_not(enum cc c)
{
	return (enum cc)(c ^ 1);
}

enum cc cc_swap(enum cc c); /* condition for exchanged operands */

enum rmw { RMW_ADD, RMW_OR, RMW_AND, RMW_XOR, RMW_XCHG, RMW_COUNT };

/* What a memory access may touch. The memory contract:
 *
 *   shared   others see it, too. No load is removed, forwarded from a store,
 *            duplicated, invented or moved across a call, atomic, fence or
 *            retreating edge; between these equal loads may merge and
 *            neighbouring accesses combine
 *   private  (of the stack what has not escaped) free
 *
 * A combined access never covers a byte that the program did not access. */
enum region {
	REGION_UNKNOWN, /* shared; may alias anything that escaped */
	REGION_STACK,	/* a BPF frame: this one's, or a caller's by pointer */
	REGION_CTX,	/* private */
	REGION_PACKET,	/* private; may alias itself at any address */
	REGION_RODATA,	/* private, never changes */
	REGION_MAP,	/* map value; shared */
	REGION_GLOBAL,	/* .data/.bss of the objects; shared */
	REGION_BTF,	/* BTF object; shared, loads may fault */
	REGION_COUNT
};

static inline bool region_is_shared(enum region r)
{
	return r == REGION_UNKNOWN || r == REGION_MAP || r == REGION_GLOBAL ||
	       r == REGION_BTF;
}

enum mem_flags {
	MEM_SX = 1,    /* LOAD: sign-extend to the result type */
	MEM_FAULT = 2, /* may fault: gets an __ex_table row; may be deleted or
			* merged, never combined, paired, folded or hoisted */
};

struct ins {
	u8 op;
	u8 type; /* enum ty of the result */
	u8 cc;	 /* enum cc, or enum rmw for ATOMIC and FETCH */
	u8 size; /* bytes of a memory access: 1, 2, 4, 8 */
	u8 region;
	u8 mem; /* enum mem_flags */
	u16 spare;
	u32 blk; /* owner; BLK_NONE if floating or deleted */
	u32 prev, next;
	u32 aux;    /* SYM: symbol id; CALL: index in fn->calls */
	u32 insn;   /* BPF slot (of the object's insn array) it came from, for
		   * source lines; INSN_NONE: made by a pass */
	ref arg[4]; /* V ops: arg[0].v first in fn->args, arg[1].v count */
	i64 imm;
};

#define BLK_NONE  UINT32_MAX
#define INSN_NONE UINT32_MAX

struct blk {
	u32 first, last; /* instructions; 0: empty */
	u32 nsucc, npred;
	u32 *succ, *pred; /* block numbers; an edge may occur twice in pred
			   * only if the terminator names the block twice */
	/* from cfg.c, valid after cfg_analyse(): */
	u32 idom;  /* BLK_NONE for the entry */
	u32 depth; /* loop nesting, 0 outside loops */
	u32 loop;  /* innermost loop header, or BLK_NONE */
	u32 outer; /* of a header: header of the loop around it, or BLK_NONE */
	u32 order; /* position in reverse post-order */
	u32 dom_first, dom_last; /* the block's interval of the dominator tree's
				  * pre-order */
	bool dead;
	u8 cut; /* bit k: edge to succ k goes away at the next cfg_prune */
};

/* ---- calls --------------------------------------------------------------- */

enum call_kind {
	CALL_HELPER, /* kiln_helper_<name> */
	CALL_FN,     /* subprogram of this module */
	CALL_EXTERN, /* undefined function of the application */
	CALL_PTR,    /* CALLX */
	CALL_TAIL,   /* see CALL in ops.def */
};

enum arg_access {
	ARG_SCALAR, /* no memory behind it, or not the stack's */
	ARG_READ = 1,
	ARG_WRITE = 2,
	ARG_RW = 3,
	ARG_ESCAPE = 4, /* unknown extent, or kept: whole frames escape */
};

/* What a callee does with memory behind one pointer argument: it touches
 * bytes [p + lo, p + hi). size_arg >= 0: hi is the value of that argument
 * where it is constant, else ARG_ESCAPE rules hold. */
struct arg_mem {
	u8 access;
	i8 size_arg;
	i32 lo, hi;
};

enum call_effect {
	CALLF_READS = 1, /* shared memory (maps, globals, unknown) */
	CALLF_WRITES = 2,
	CALLF_CTX = 4,	  /* changes the context, e.g. packet pointers */
	CALLF_PACKET = 8, /* writes packet bytes */
	CALLF_ACQUIRE = 16,
	CALLF_RELEASE = 32,
	CALLF_PURE = 64, /* no effect at all; may be deleted */
	CALLF_NORETURN = 128,
};

struct call {
	u8 kind;
	u8 nargs;
	u8 effects;
	u32 sym; /* callee, unless CALL_PTR; CALL_TAIL: see ops.def */
	u32 key; /* CALL_TAIL of a prog_array */
	struct arg_mem arg[5];
};

/* ---- functions ----------------------------------------------------------- */

struct module;

struct fn {
	struct arena *a; /* everything of this function lives here */
	const char *name;
	const struct module *module; /* NULL in IR tests: symbols are numbers */
	u32 sym; /* its symbol in the module; SYM_NONE in IR tests */

	struct ins *ins; /* ins[0] is NOP */
	u32 nins, cap;
	struct blk *blk; /* blk[0] is the entry */
	u32 nblk, blkcap;
	vec(ref) args; /* pool of V-op arguments; never shrinks */
	vec(struct call) calls;

	u32 *floats; /* hash of the floating instructions; build.c */
	u32 nfloats, floatcap;
	u32 insn; /* what ir_add and its relatives put into ins.insn */

	u32 nparams;
	/* The BPF frame: bytes below r10 that may be addressed, 0..512. A whole
	 * frame that escapes has frame_escapes set and is 512. */
	u32 frame;
	bool frame_escapes;
	bool counter;	   /* it gets a pointer to the count of tail calls */
	bool strict_align; /* no pass may make an unaligned access */
};

#define SYM_NONE UINT32_MAX

static inline struct ins *ir_ins(const struct fn *f, ref r)
{
	return &f->ins[r.v];
}

/* Arguments of any instruction as an array. */
static inline ref *ir_args(const struct fn *f, const struct ins *i, u32 *n)
{
	if (op_info[i->op].nargs == OP_VARARGS) {
		*n = i->arg[1].v;
		/* no argument at all: there may be no array either */
		return *n ? f->args.v + i->arg[0].v : (ref *)i->arg;
	}
	*n = op_info[i->op].nargs;
	return (ref *)i->arg;
}

/* Which of its fields an operation uses. */
static inline bool op_is_mem(enum op op)
{
	return op >= OP_LOAD && op <= OP_CMPXCHG;
}

static inline bool op_has_cc(enum op op)
{
	return op == OP_CMP || op == OP_SEL || op == OP_BR;
}

static inline bool op_has_rmw(enum op op)
{
	return op == OP_ATOMIC || op == OP_FETCH;
}

#define ir_each_blk(f, b)                   \
	for (u32 b = 0; b < (f)->nblk; b++) \
		if (!(f)->blk[b].dead)
/* i: u32 index; the current instruction may be deleted in the body. */
#define ir_each_ins(f, b, i)                      \
	for (u32 i = (f)->blk[b].first, i##_next; \
		i && ((i##_next = (f)->ins[i].next), true); i = i##_next)
#define ir_each_phi(f, b, i)                           \
	for (u32 i = (f)->blk[b].first, i##_next;      \
		i && (f)->ins[i].op == OP_PHI &&       \
		((i##_next = (f)->ins[i].next), true); \
		i = i##_next)

/* ---- build.c: making and changing functions ------------------------------ */

struct fn *ir_fn_new(struct arena *a, const char *name, u32 nparams);
/* Room for that many in all: who knows its size need not grow and copy. */
void ir_reserve(struct fn *f, u32 nins, u32 nblk);
u32 ir_blk_new(struct fn *f);			/* the first one is the entry */
ref ir_const(struct fn *f, enum ty t, i64 imm); /* hash-consed */
ref ir_sym(struct fn *f, u32 sym, i64 addend);	/* hash-consed */
ref ir_fp(struct fn *f, i64 off);		/* hash-consed */
ref ir_param(struct fn *f, u32 index);		/* hash-consed */
/* A new instruction of op at the end of b / before `at`; arguments by value.
 * Does not fold; fold.c's ir_fold_* builders do. */
ref ir_add(struct fn *f, u32 b, enum op op, enum ty t, ref a0, ref a1);
ref ir_add_before(struct fn *f, u32 at, enum op op, enum ty t, ref a0, ref a1);
/* The same with everything that is not an argument copied from `like`. */
ref ir_add_like(struct fn *f, u32 b, const struct ins *like);
ref ir_add_like_before(struct fn *f, u32 at, const struct ins *like);
ref ir_cmp(struct fn *f, u32 b, enum cc cc, ref a0, ref a1);
struct access {
	u8 size, region, mem; /* as in struct ins */
	i64 off;
};
/* A memory operation at *arg[0] + off; cc: its enum rmw, or 0. */
ref ir_mem(struct fn *f, u32 b, enum op op, enum ty t, const ref *arg,
	const struct access *m);
ref ir_load(struct fn *f, u32 b, enum ty t, ref addr, const struct access *m);
void ir_store(struct fn *f, u32 b, ref addr, ref v, const struct access *m);
ref ir_phi(struct fn *f, u32 b, enum ty t, u32 nargs); /* args are 0 */
ref ir_call(struct fn *f, u32 b, const struct call *c, enum ty t,
	const ref *args, u32 n);
void ir_jmp(struct fn *f, u32 b, u32 to);
void ir_br(struct fn *f, u32 b, enum cc cc, ref a0, ref a1, u32 yes, u32 no);
void ir_ret(struct fn *f, u32 b, ref v);
void ir_trap(struct fn *f, u32 b);
void ir_remove(struct fn *f, u32 i); /* unlink and make it NOP */
void ir_move_before(struct fn *f, u32 i, u32 at);
static inline bool ir_is_const(const struct fn *f, ref r, i64 *v)
{
	const struct ins *i = ir_ins(f, r);

	if (i->op != OP_CONST)
		return false;
	*v = i->imm; /* I32: zero-extended */
	return true;
}

/* ---- print.c, parse.c: the text form (docs at the top of print.c) -------- */

/* sym_name may be NULL: symbols print as @<id>. */
typedef const char *(*sym_name_fn)(void *ctx, u32 sym);
void ir_print(FILE *out, const struct fn *f, sym_name_fn name, void *ctx);
/* Parses all functions of a text; NULL after a diagnostic. *n is their count.
 * Symbols are numbered in order of first appearance. */
struct fn **ir_parse(struct arena *a, const char *file, const char *text,
	struct diag *d, u32 *n);

/* ---- check.c ------------------------------------------------------------- */

/* Aborts with the function printed when an invariant is broken: we are wrong.
 * `after` names the pass. Returns at once in release builds. */
void ir_check(const struct fn *f, const char *after);
/* The same as a predicate, for tests: 0, or -1 with text in buf. */
int ir_verify(const struct fn *f, char *buf, size_t size);

/* ---- cfg.c --------------------------------------------------------------- */

/* Removing edges one by one costs the target's predecessors each time, so
 * passes cut them and prune once. */
void cfg_cut(struct fn *f, u32 b, u32 succ_index);
/* Takes cut edges and unreachable blocks out; phis lose the arguments; a BR
 * with one edge left becomes JMP. Phis of one argument stay. */
void cfg_prune(struct fn *f);
/* rpo, idom, loops; O((edges) log(blocks)), no recursion */
void cfg_analyse(struct fn *f);
/* Blocks in reverse post-order; array from a. Needs no analysis. */
u32 *cfg_rpo(const struct fn *f, struct arena *a, u32 *nlive);
/* After cfg_analyse; a dominates itself. */
bool cfg_dominates(const struct fn *f, u32 a, u32 b);
/* The edge is a retreating one: it closes a loop, reducible or not. */
bool cfg_is_back_edge(const struct fn *f, u32 from, u32 to);
/* Puts an empty block on the edge and returns it. */
u32 cfg_split_edge(struct fn *f, u32 b, u32 succ_index);

/* The dominator tree of a function that must not change meanwhile. */
struct dom_tree {
	u32 *rpo, nlive;   /* live blocks in reverse post-order */
	u32 *order;	   /* block -> position, BLK_NONE if unreachable */
	u32 *idom;	   /* block -> block */
	u32 *first, *last; /* block -> interval in the tree's pre-order */
};
void cfg_dom_tree(const struct fn *f, struct arena *a, struct dom_tree *t);

/* ---- ssa.c: from variables to SSA (Braun et al., CC 2013), iterative ----- */

struct ssa;
/* Variables are numbers below nvars, each of one type. Writes and reads may
 * come in any block order; a block is sealed once all its predecessors are
 * known. An undefined read calls undef (may diagnose) and yields what it
 * returns. ssa_end removes trivial phis. */
struct ssa *ssa_begin(struct fn *f, u32 nvars, const u8 *types,
	ref (*undef)(void *ctx, u32 var, u32 blk), void *ctx);
/* The same with its tables in a, which must last until ssa_end. */
struct ssa *ssa_begin_in(struct arena *a, struct fn *f, u32 nvars,
	const u8 *types, ref (*undef)(void *ctx, u32 var, u32 blk), void *ctx);
void ssa_write(struct ssa *s, u32 blk, u32 var, ref v);
ref ssa_read(struct ssa *s, u32 blk, u32 var);
void ssa_seal(struct ssa *s, u32 blk);
void ssa_end(struct ssa *s);

/* ---- pipeline.c: the ordered list of passes and nothing else ------------- */

struct cg;
/* Optimises f for cg->opt. dump is called after each pass if not NULL. */
void ir_optimise(struct fn *f, const struct cg *cg,
	void (*dump)(void *ctx, const char *pass, const struct fn *f),
	void *ctx);

/* A pass by its name in dumps, or NULL. */
typedef void (*ir_pass_fn)(struct fn *f);
ir_pass_fn ir_pass_find(const char *name);

/* One pass per file, its contract on top of it. */
void pass_fold(struct fn *f);	 /* copies, constants, algebra, branches */
void pass_dce(struct fn *f);	 /* dead values, dead blocks */
void pass_narrow(struct fn *f);	 /* 64 bits to 32 where the low half does */
void pass_gvn(struct fn *f);	 /* dominator value numbering, equal loads */
void pass_promote(struct fn *f); /* stack bytes that do not escape -> SSA */
void pass_combine(struct fn *f); /* adjacent byte loads/stores, byte swaps */
void pass_frame(struct fn *f);	 /* fn->frame; unwritten stack bytes read 0 */
void pass_jumps(struct fn *f);	 /* empty blocks and straight lines vanish */
void pass_bools(struct fn *f);	 /* phis of 0 and 1 -> conditions as values */
void pass_sink(struct fn *f);	 /* values to where their arguments end */
void pass_layout(struct fn *f);	 /* block numbers become the order in memory */

#endif
