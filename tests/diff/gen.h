/*
 * Random valid programs. A program is valid when it ends, touches only its
 * buffer and its frames, reads only what was written (or what --raw says reads
 * 0), and when neither its result nor its buffer depends on an address.
 *
 * The generator knows of every register whether it holds a number, a pointer
 * with the bytes that may be accessed around it, or nothing; that is all it
 * needs to stay valid. What it writes is biased to operands where code
 * generators go wrong, and to the patterns that compilers emit.
 */
#ifndef TESTS_DIFF_GEN_H
#define TESTS_DIFF_GEN_H

#include "decode.h"

enum {
	GEN_FN_SLOTS = 1024,
	GEN_MEM = 192, /* bytes of buffer, at most */
	GEN_FNS = 6,
	GEN_SLOTS = GEN_FNS * GEN_FN_SLOTS,
	GEN_SPILLS = 8,
};

struct gen_opts {
	u64 seed;
	/* Only what the kernel's verifier accepts: frames initialised, stack
	 * accesses aligned, no shift by an immediate too large, no callx. */
	bool kernel;
	/*
	 * With kernel: bpf_loop and may_goto too. Linux 6.18's verifier has been
	 * seen to read freed memory over loops that it does not unroll, and a
	 * kernel that has done that is not to be trusted: not by default.
	 */
	bool kernel_loops;
	bool no_helpers; /* no bpf_loop */
	u32 size;	 /* statements of the main program, about; 0: random */
};

struct gen_prog {
	u8 bytes[8 * GEN_SLOTS];
	u32 slots;
	u8 mem[GEN_MEM];
	u32 mem_size;
	bool written_only; /* its frames are initialised */
};

/* The same options give the same program. */
void gen_program(const struct gen_opts *opts, struct gen_prog *out);

/* ---- inside the generator ------------------------------------------------ */

enum kind { K_NONE, K_NUM, K_BUF, K_STACK };

/*
 * What a register holds. Of a pointer: the accessible bytes are [lo, hi) from
 * where it points, and it is res modulo align (1, 2, 4 or 8).
 */
struct val {
	u8 kind;
	u8 align;
	u8 res;
	i32 lo, hi;
};

struct state {
	struct val reg[11];
	struct val slot[GEN_SPILLS]; /* spilled pointers, at fp - 8, -16 ... */
};

struct call_site {
	u32 slot; /* of the call, or the lddw of the function's address */
	u32 fn;
};

struct fn {
	struct gen *g;
	struct state s;
	struct val arg[5];
	u32 nargs;
	u32 level;     /* calls go to higher levels only */
	bool callback; /* returns 0 or 1 */
	bool used;
	u16 locked;	 /* registers nobody may write now */
	u16 num_only;	 /* registers that must stay numbers */
	u16 pinned;	 /* chosen in this statement: not to be chosen again */
	u16 locked_slot; /* the same for spill slots */
	bool no_calls;
	u32 loops;	   /* nested around here */
	u32 depth;	   /* nested statements around here */
	u64 times;	   /* how often this place runs at most */
	u64 cost;	   /* instructions of a run, at most */
	i32 frame, spills; /* bytes; data is [-frame, -spills) */
	struct insn code[GEN_FN_SLOTS];
	u32 n;
	struct call_site call[64];
	u32 ncalls;
	/* Breaks out of the innermost loop. */
	u32 brk[8];
	u32 nbrk;
	struct state brk_state;
	/* A word of the frame that loops around here hand on, or 0. */
	i16 carry;
};

/* Kinds of statement; each program has its own mixture. */
enum stmt {
	ST_ALU,
	ST_CONST,
	ST_LOAD,
	ST_STORE,
	ST_POINTER,
	ST_INDEX,
	ST_SPILL,
	ST_JOIN_LOAD,
	ST_SPLIT_STORE,
	ST_DRAIN,
	ST_MOVE_PIECES,
	ST_EXTEND,
	ST_ROTATE,
	ST_SWAP,
	ST_FIELD,
	ST_ALIAS,
	ST_SCATTER,
	ST_GATHER,
	ST_ATOMIC,
	ST_ORDERED,
	ST_BOOL,
	ST_COPY,
	ST_PTR_DIFF,
	ST_CORNER,
	ST_PERMUTE,
	ST_COUNT,
	ST_ONCE,
	ST_IF,
	ST_IF_ELSE,
	ST_SWITCH,
	ST_LOOP,
	ST_BREAK,
	ST_EXIT,
	ST_SKIP,
	ST_REPEAT,
	ST_RANGE,
	ST_NEST,
	ST_TANGLE,
	ST_CALL,
	ST_CALLBACK,
	ST_END,
};

struct gen {
	const struct gen_opts *opts;
	u64 rng;
	u32 mem_size;
	u32 weight[ST_END];
	u32 total;
	bool zero_regs;	 /* read registers that were never written */
	bool wild_stack; /* variable and unaligned stack accesses */
	struct fn *fn[GEN_FNS];
};

extern const u8 bytes_of[4]; /* by SIZE_* */

/* pick.c: random choices */
u32 below(struct gen *g, u32 n);
bool chance(struct gen *g, u32 percent);
u64 corner64(struct gen *g);
i32 corner32(struct gen *g);
u16 writable(const struct fn *f);
int pick_of(struct gen *g, u16 set);
/* n different registers to overwrite; false when there are not enough. They,
 * and what the other functions here choose to be written, are pinned. */
bool take(struct fn *f, int n, u8 *reg);
bool take_for_ptr(struct fn *f, u8 *reg);
u16 regs_of_kind(const struct fn *f, u8 kind);
bool is_ptr(const struct val *v);
/* Some pointer: a register, perhaps r10. */
u8 any_ptr(struct fn *f);
struct val val_moved(struct val v, i32 by);
/* A register with a number in it. A statement begins with at least one. */
u8 num_reg(struct fn *f);
/* A number that the caller may overwrite, or a copy of one. */
bool own_num(struct fn *f, u8 *reg);
/* A pointer to at least size bytes and an offset for an access there. */
bool pick_place(struct fn *f, u32 size, bool aligned, u8 *base, i16 *off);
struct val val_num(void);

/* pick.c: instructions */
u32 emit(struct fn *f, u8 code, u8 dst, u8 src, i16 off, i32 imm);
void emit_const(struct fn *f, u8 dst, u64 v);
void alu_r(struct fn *f, bool wide, int op, u8 dst, u8 src);
void alu_i(struct fn *f, bool wide, int op, u8 dst, i32 imm);
void ldx(struct fn *f, int size, u8 dst, u8 base, i16 off);
void stx(struct fn *f, int size, u8 base, i16 off, u8 src);
void set_num(struct fn *f, u8 reg);
void lose(struct fn *f, u16 set);
/* Nobody reads this number again. */
void drop(struct fn *f, u8 reg);
int pick_condition(struct gen *g); /* JMP_* */
/* A conditional jump on numbers, its target open; patch() sets it to here. */
u32 emit_branch(struct fn *f);
u32 emit_goto(struct fn *f);
void patch(struct fn *f, u32 at);
void patch_to(struct fn *f, u32 at, u32 target);

/* pieces.c: statements that access memory in pieces. */
bool stmt_join_load(struct fn *f);
bool stmt_split_store(struct fn *f);
bool stmt_drain(struct fn *f);
bool stmt_move_pieces(struct fn *f);

/* data.c and flow.c: statements. False: not possible here. */
bool data_stmt(struct fn *f, enum stmt kind);
bool flow_stmt(struct fn *f, enum stmt kind);
/* gen.c: n statements by the program's mixture. */
void statements(struct fn *f, u32 n);

#endif
