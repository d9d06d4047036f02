/*
 * The interpreter proper: program check, registers and memory, then one
 * section per class of instructions. A function of the program is a C call of
 * run_function(), so frames nest as they do in BPF.
 *
 * An error is sticky: interp_fail() records the first one, everything that
 * follows yields 0, and the loop of run_function() ends.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "decode.h"
#include "interp.h"
#include "mutant.h"

#ifdef INTERP_MUTANTS
int interp_mutation;
#endif

enum {
	STEPS = 100 * 1000 * 1000,
	MAY_GOTO = 8 * 1024 * 1024, /* include/linux/bpf.h, BPF_MAX_LOOPS */
};

/* What lddw src 4 makes: this in the upper half, the slot in the lower. */
#define FUNC_TAG 0x0badf00cu

struct frame {
	u64 r[R10 + 1];
	u32 lost; /* bit n: r<n> did not survive a call; nobody may read it */
	u32 pc;	  /* of the current instruction */
	bool done;
	u8 *stack;
};

struct interp {
	const struct interp_prog *prog;
	struct interp_env *env;
	u8 *stacks;
	u32 depth; /* frames in use */
	u64 steps;
	u64 may_goto;
	bool failed;
	/* For env.written_only, one per byte of the stacks. */
	bool written[INTERP_STACKS];
	/* Planted bugs only: the last store, for wrong forwarding. */
	u64 last_addr, last_size, last_value;
};

int interp_fail(struct interp *vm, const char *fmt, ...)
{
	va_list ap;

	if (!vm->failed) {
		va_start(ap, fmt);
		vsnprintf(vm->env->error, sizeof(vm->env->error), fmt, ap);
		va_end(ap);
	}
	vm->failed = true;
	return -1;
}

/* ---- program check ------------------------------------------------------ */

static struct insn insn_at(const struct interp_prog *prog, u32 pc)
{
	return insn_decode(prog->bytes + 8 * (size_t)pc);
}

/* Where the instruction refers to, relative to the slot behind it, if it does. */
static bool insn_target(struct insn i, i32 *rel)
{
	bool narrow = insn_class(i) == CLS_JMP32;

	if (insn_is_lddw(i)) {
		*rel = i.imm;
		return i.src == LDDW_FUNC;
	}
	if (insn_class(i) != CLS_JMP && !narrow)
		return false;
	switch (insn_op(i)) {
	case JMP_EXIT: return false;
	case JMP_CALL: *rel = i.imm; return i.src == CALL_LOCAL;
	case JMP_JA: *rel = narrow ? i.imm : i.off; return true;
	default: *rel = i.off; return true;
	}
}

static bool falls_through(struct insn i)
{
	int op = insn_op(i);

	if (insn_class(i) == CLS_JMP32)
		return op != JMP_JA;
	return insn_class(i) != CLS_JMP || (op != JMP_JA && op != JMP_EXIT);
}

/* What is known of a slot before the check of the instructions. */
struct slot {
	bool second; /* of an lddw */
	bool starts; /* a function: something refers to it as one */
	u32 fn;	     /* the number of its function */
};

static bool names_function(struct insn i)
{
	return insn_is_lddw(i) || insn_op(i) == JMP_CALL;
}

/* A function goes on until the next one starts. NULL without memory. */
static struct slot *list_slots(const struct interp_prog *prog)
{
	struct slot *slot = calloc(prog->slots, sizeof(*slot));
	u32 fn = 0;
	i32 rel;

	for (u32 pc = 0; slot && pc < prog->slots; pc++) {
		struct insn i = insn_at(prog, pc);

		if (insn_target(i, &rel) && names_function(i) &&
			range_inside((u64)((i64)pc + 1 + rel), 1, prog->slots))
			slot[(i64)pc + 1 + rel].starts = true;
		if (insn_is_lddw(i) && pc + 1 < prog->slots)
			slot[++pc].second = true;
	}
	for (u32 pc = 0; slot && pc < prog->slots; pc++)
		slot[pc].fn = fn += slot[pc].starts;
	return slot;
}

static const char *check_target(
	const struct interp_prog *prog, const struct slot *slot, u32 pc)
{
	struct insn i = insn_at(prog, pc);
	i64 target;
	i32 rel;

	if (!insn_target(i, &rel))
		return NULL;
	target = (i64)pc + 1 + rel;
	if (target < 0 || target >= prog->slots)
		return "target outside the program";
	if (slot[target].second)
		return "target is the second slot of an lddw";
	if (!names_function(i) && slot[target].fn != slot[pc].fn)
		return "jump into another function";
	return NULL;
}

static const char *check_slot(
	const struct interp_prog *prog, const struct slot *slot, u32 pc)
{
	struct insn i = insn_at(prog, pc);
	const char *wrong = insn_check(i);
	u32 next = pc + (insn_is_lddw(i) ? 2 : 1);

	if (wrong)
		return wrong;
	if (insn_is_lddw(i)) {
		struct insn rest;

		if (next > prog->slots)
			return "half an lddw";
		rest = insn_at(prog, pc + 1);
		if (rest.code || rest.dst || rest.src || rest.off)
			return "a reserved field of lddw is not zero";
	}
	if (falls_through(i) &&
		(next == prog->slots || slot[next].fn != slot[pc].fn))
		return "runs off the end of its function";
	return check_target(prog, slot, pc);
}

int interp_check(const struct interp_prog *prog, char *error, size_t size)
{
	struct slot *slot = prog->slots ? list_slots(prog) : NULL;
	const char *wrong = slot ? NULL : "empty program";
	u32 pc = 0;

	for (; !wrong && pc < prog->slots; pc++)
		if (!slot[pc].second)
			wrong = check_slot(prog, slot, pc);
	free(slot);
	if (!wrong)
		return 0;
	snprintf(error, size, "slot %u: %s", pc ? pc - 1 : 0, wrong);
	return -1;
}

/* ---- registers and memory ----------------------------------------------- */

static u64 get_reg(struct interp *vm, struct frame *f, u8 reg)
{
	if (f->lost >> reg & 1) {
		interp_fail(
			vm, "slot %u: reads r%u, lost in a call", f->pc, reg);
		return 0;
	}
	return f->r[reg];
}

static void set_reg(struct frame *f, u8 reg, u64 value)
{
	f->r[reg] = value;
	f->lost &= ~(1u << reg);
}

static u8 *frame_stack(struct interp *vm, u32 depth)
{
	return vm->stacks + (2 * (size_t)depth + 1) * INTERP_STACK;
}

static bool inside(const u8 *base, u64 room, u64 addr, u64 size)
{
	return range_inside(addr - (u64)(uintptr_t)base, size, room);
}

void *interp_mem(struct interp *vm, u64 addr, u64 size, bool write)
{
	const struct interp_env *env = vm->env;

	for (u32 d = 0; d < vm->depth; d++)
		if (inside(frame_stack(vm, d), INTERP_STACK, addr, size))
			return (void *)(uintptr_t)addr;
	for (size_t k = 0; k < env->nregions; k++) {
		const struct interp_region *g = &env->regions[k];

		if (inside(g->base, g->size, addr, size) &&
			(g->writable || !write))
			return (void *)(uintptr_t)addr;
	}
	interp_fail(vm, "%s of %llu bytes outside all memory",
		write ? "write" : "read", (unsigned long long)size);
	return NULL;
}

static u32 size_bytes(struct insn i)
{
	static const u8 bytes[] = {
		[SIZE_B] = 1, [SIZE_H] = 2, [SIZE_W] = 4, [SIZE_DW] = 8};

	return bytes[insn_size(i)];
}

/* Stack bytes are noted as written when set, checked when not. */
static void track(struct interp *vm, u64 addr, u32 size, bool set)
{
	u64 at = addr - (u64)(uintptr_t)vm->stacks;

	if (!vm->env->written_only || !range_inside(at, size, INTERP_STACKS))
		return;
	for (u32 k = 0; k < size; k++) {
		if (set)
			vm->written[at + k] = true;
		else if (!vm->written[at + k])
			interp_fail(vm, "reads stack that was never written");
	}
}

static u64 load(struct interp *vm, u64 addr, u32 size)
{
	const u8 *p = interp_mem(vm, addr, size, false);
	u64 v = 0;

	track(vm, addr, size, false);

	if (MUT(FORWARD_ALIASED) && vm->last_size == 8 && size == 8 &&
		addr == vm->last_addr)
		return vm->last_value;
	if (MUT(FORWARD_NARROW) && vm->last_size == size &&
		addr == vm->last_addr)
		return vm->last_value;
	for (u32 k = size; p && k-- > 0;)
		v = v << 8 | p[k];
	return v;
}

static void store(struct interp *vm, u64 addr, u32 size, u64 v)
{
	u8 *p = interp_mem(vm, addr, size, true);

	track(vm, addr, size, true);
	if (!MUT(FORWARD_ALIASED) || size == 8 || addr == vm->last_addr) {
		vm->last_addr = addr;
		vm->last_size = size;
		vm->last_value = v;
	}
	for (u32 k = 0; p && k < size; k++)
		p[k] = (u8)(v >> 8 * k);
}

/* ---- arithmetic (section 4.1) ------------------------------------------- */

static u64 low_bits(u64 v, u32 bits)
{
	return bits == 64 ? v : v & ((1ull << bits) - 1);
}

static u64 sign_extend(u64 v, u32 bits)
{
	u64 sign = 1ull << (bits - 1);

	return (low_bits(v, bits) ^ sign) - sign;
}

static u64 swap_bytes(u64 v, u32 bits)
{
	u64 r = 0;

	for (u32 done = 0; done < bits; done += 8)
		r = r << 8 | (v >> done & 0xff);
	return r;
}

/* Division by zero is 0, a remainder by zero the dividend. */
static u64 divide(u64 a, u64 b)
{
	if (!b)
		return MUT(DIV_ZERO_ONES) ? ~0ull : 0;
	return a / b;
}

static u64 modulo(u64 a, u64 b)
{
	if (MUT(MOD_SWAPPED) && a)
		return b % a;
	if (!b)
		return MUT(MOD_ZERO_ZERO) ? 0 : a;
	return a % b;
}

/*
 * Signed division truncates towards zero. The smallest number by -1 overflows
 * to itself, with remainder 0. Operands come sign-extended to 64 bits, so only
 * the 64-bit case needs care.
 */
static u64 sdivide(u64 a, u64 b)
{
	if (!b)
		return 0;
	if (MUT(SDIV_UNSIGNED))
		return a / b;
	if (MUT(SDIV_OVERFLOW) && a == 1ull << 63 && b == ~0ull)
		return 0;
	if (b == ~0ull)
		return 0 - a;
	return (u64)((i64)a / (i64)b);
}

static u64 smodulo(u64 a, u64 b)
{
	if (!b)
		return a;
	if (MUT(SMOD32_OVERFLOW) && a == 0xffffffff80000000 && b == ~0ull)
		return a;
	if (b == ~0ull)
		return 0;
	return (u64)((i64)a % (i64)b);
}

/* Shift counts are masked to the width of the operation. */
static u64 shift(int op, u64 a, u64 b, u32 bits)
{
	u32 n = (u32)b & (bits - 1);

	if (MUT(SHIFT64_NO_MASK) && bits == 64 && op == ALU_LSH && b > 63)
		return 0;
	if (MUT(SHIFT32_MASK63) && bits == 32 && op == ALU_RSH && (b & 32))
		return 0;
	if (MUT(ARSH32_LOGICAL) && bits == 32 && op == ALU_ARSH)
		return low_bits(a, 32) >> n;
	switch (op) {
	case ALU_LSH: return a << n;
	case ALU_RSH: return low_bits(a, bits) >> n;
	default: /* an arithmetic shift is a division that rounds down */
		a = sign_extend(a, bits);
		return (i64)a < 0 ? ~(~a >> n) : a >> n;
	}
}

/* The bits of the result past the width are the caller's to cut off. */
static u64 arithmetic(struct insn i, u64 a, u64 b, u32 bits)
{
	switch (insn_op(i)) {
	case ALU_ADD: return a + b;
	case ALU_SUB: return a - b;
	case ALU_MUL: return a * b;
	case ALU_OR: return a | b;
	case ALU_AND: return a & b;
	case ALU_XOR: return a ^ b;
	case ALU_LSH:
	case ALU_RSH:
	case ALU_ARSH: return shift(insn_op(i), a, b, bits);
	case ALU_NEG: return 0 - a;
	case ALU_MOV:
		if (MUT(MOVSX8_32) && i.off == 8 && bits == 32)
			return sign_extend(b, 8);
		return i.off ? sign_extend(b, (u32)i.off) : b;
	case ALU_DIV:
		if (i.off)
			return sdivide(
				sign_extend(a, bits), sign_extend(b, bits));
		return divide(low_bits(a, bits), low_bits(b, bits));
	default: /* ALU_MOD */
		if (i.off)
			return smodulo(
				sign_extend(a, bits), sign_extend(b, bits));
		return modulo(low_bits(a, bits), low_bits(b, bits));
	}
}

/* le and be truncate on a little-endian machine, bswap too (section 4.2). */
static u64 byte_swap(struct insn i, u64 v)
{
	u32 bits = (u32)i.imm;
	bool to_le = insn_class(i) == CLS_ALU && !insn_is_reg(i);
	u64 r = to_le ? low_bits(v, bits) : swap_bytes(v, bits);

	if (MUT(BE16_KEEPS_HIGH) && insn_is_reg(i) && bits == 16)
		return r | (v & ~0xffffull);
	if (MUT(LE32_NOTHING) && to_le && bits == 32)
		return v;
	if (MUT(BSWAP32_KEEPS_HIGH) && insn_class(i) == CLS_ALU64 && bits == 32)
		return r | (v & ~0xffffffffull);
	return r;
}

/* The bugs that concern what 32-bit arithmetic leaves in the register. */
static u64 mutate_alu32(struct insn i, u64 old, u64 b, u64 result)
{
	u64 high = old & ~0xffffffffull;

	if (MUT(ADD32_KEEPS_HIGH) && insn_op(i) == ALU_ADD)
		return result | high;
	if (MUT(NEG32_KEEPS_HIGH) && insn_op(i) == ALU_NEG)
		return result | high;
	if (MUT(MOD32_ZERO_KEEPS) && insn_op(i) == ALU_MOD && !(u32)b)
		return result | high;
	if (MUT(MOV32_IMM_SEXT) && insn_op(i) == ALU_MOV && !insn_is_reg(i))
		return sign_extend(result, 32);
	if (MUT(MOVSX8_32) && insn_op(i) == ALU_MOV && i.off == 8)
		return sign_extend(result, 32);
	if (MUT(ARSH32_OF_64) && insn_op(i) == ALU_ARSH)
		return (u32)((i64)old >> (b & 31));
	return result;
}

static u64 mutate_operand(struct insn i, u64 b)
{
	int op = insn_op(i);

	if (insn_is_reg(i))
		return b;
	if (MUT(DIV_IMM_ZEXT) && op == ALU_DIV)
		return (u32)b;
	if (MUT(ALU_IMM_ZEXT) &&
		(op == ALU_AND || op == ALU_OR || op == ALU_XOR))
		return (u32)b;
	return b;
}

static void mutate_scratch(struct insn i, struct frame *f, u64 b)
{
	int op = insn_op(i);
	bool is_shift = op == ALU_LSH || op == ALU_RSH || op == ALU_ARSH;
	bool is_div = op == ALU_DIV || op == ALU_MOD;

	if (MUT(RCX_CLOBBERED) && is_shift && insn_is_reg(i) && i.dst != 4)
		f->r[4] = b;
	if (MUT(RDX_CLOBBERED) && is_div && i.dst != 3)
		f->r[3] = 0;
}

static void run_alu(struct interp *vm, struct frame *f, struct insn i)
{
	u32 bits = insn_class(i) == CLS_ALU64 ? 64 : 32;
	u64 old = insn_op(i) == ALU_MOV ? 0 : get_reg(vm, f, i.dst);
	u64 b = (u64)(i64)i.imm, result;

	if (insn_op(i) == ALU_END) {
		set_reg(f, i.dst, byte_swap(i, old));
		return;
	}
	if (insn_is_reg(i))
		b = get_reg(vm, f, i.src);
	if (bits == 64)
		b = mutate_operand(i, b);
	result = low_bits(arithmetic(i, old, b, bits), bits);
	if (bits == 32)
		result = mutate_alu32(i, old, b, result);
	set_reg(f, i.dst, result);
	mutate_scratch(i, f, b);
}

/* ---- jumps and calls (sections 4.3 to 4.5) ------------------------------ */

static bool holds(int op, u64 a, u64 b)
{
	switch (op) {
	case JMP_JEQ: return a == b;
	case JMP_JNE: return a != b;
	case JMP_JGT: return a > b;
	case JMP_JGE: return a >= b;
	case JMP_JLT: return a < b;
	case JMP_JLE: return MUT(JLE_OFF_BY_ONE) ? a < b : a <= b;
	case JMP_JSGT: return MUT(JSGT_UNSIGNED) ? a > b : (i64)a > (i64)b;
	case JMP_JSGE: return (i64)a >= (i64)b;
	case JMP_JSLT: return (i64)a < (i64)b;
	case JMP_JSLE: return (i64)a <= (i64)b;
	default: return ((a & b) != 0) != MUT(JSET_INVERTED); /* JMP_JSET */
	}
}

/* 32-bit compares take the low halves; both orders survive sign extension. */
static bool is_taken(struct interp *vm, struct frame *f, struct insn i)
{
	u64 a = get_reg(vm, f, i.dst);
	u64 b = insn_is_reg(i) ? get_reg(vm, f, i.src) : (u64)(i64)i.imm;
	int op = insn_op(i);

	if (MUT(JMP_IMM_ZEXT) && !insn_is_reg(i) && insn_class(i) == CLS_JMP)
		b = (u32)b;
	if (MUT(JMP32_COMPARES_64) && op != JMP_JSET && op < JMP_JSGT)
		return holds(op, a, b);
	if (insn_class(i) == CLS_JMP32) {
		a = sign_extend(a, 32);
		b = sign_extend(b, 32);
	}
	return holds(op, a, b);
}

static int run_function(
	struct interp *vm, u32 pc, const u64 arg[5], u32 lost, u64 *r0);

/* r1..r5 are the callee's to destroy; r0 is its result. */
static void call_result(struct frame *f, u64 r0)
{
	f->lost |= 0x3e;
	set_reg(f, R0, r0);
	if (MUT(CALLEE_SAVED_LOST))
		f->r[7] = 0;
}

static void call_helper(struct interp *vm, struct frame *f, u64 id)
{
	const struct interp_env *env = vm->env;
	const struct interp_helper_row *h = env->helpers;
	u64 arg[5] = {0}, r0 = 0;

	vm->last_size = 0;
	for (; h < env->helpers + env->nhelpers; h++) {
		if (h->id != id)
			continue;
		for (u32 k = 0; k < h->args; k++)
			arg[k] = get_reg(vm, f, (u8)(k + 1));
		if (!vm->failed && !h->call(vm, arg, &r0))
			call_result(f, r0);
		return;
	}
	interp_fail(
		vm, "slot %u: no helper %llu", f->pc, (unsigned long long)id);
}

/* A computed target may be anything. */
static bool is_function(struct interp *vm, u32 pc)
{
	if (pc < vm->prog->slots && !insn_check(insn_at(vm->prog, pc)))
		return true;
	interp_fail(vm, "call of something that is not a function");
	return false;
}

static void call_function(struct interp *vm, struct frame *f, u32 pc)
{
	u64 r0;

	vm->last_size = 0;
	if (!is_function(vm, pc))
		return;
	if (!run_function(vm, pc, f->r + 1, f->lost & 0x3e, &r0))
		call_result(f, r0);
}

/* callx: the register holds what an lddw made, or the number of a helper. */
static void run_call(struct interp *vm, struct frame *f, struct insn i)
{
	u64 target;

	if (!insn_is_reg(i)) {
		if (i.src == CALL_LOCAL)
			call_function(vm, f, f->pc + 1 + (u32)i.imm);
		else
			call_helper(vm, f, (u32)i.imm);
		return;
	}
	target = get_reg(vm, f, i.dst);
	if (target >> 32 == FUNC_TAG)
		call_function(vm, f, (u32)target);
	else
		call_helper(vm, f, target);
}

static void run_jmp(struct interp *vm, struct frame *f, struct insn i)
{
	switch (insn_op(i)) {
	case JMP_JA:
		f->pc += (u32)(insn_class(i) == CLS_JMP32 ? i.imm : i.off);
		break;
	case JMP_CALL: run_call(vm, f, i); break;
	case JMP_EXIT:
		get_reg(vm, f, R0);
		f->done = true;
		break;
	case JMP_MAY_GOTO: /* the jump is the way out, once the budget is spent */
		if (vm->may_goto)
			vm->may_goto--;
		else
			f->pc += (u32)i.off;
		break;
	default:
		if (is_taken(vm, f, i))
			f->pc += (u32)i.off;
	}
}

/* ---- loads and stores (section 5) --------------------------------------- */

/* Values of src 1, 2, 3, 5 and 6 are a loader's business. */
static void run_lddw(struct interp *vm, struct frame *f, struct insn i)
{
	u64 high = (u32)insn_at(vm->prog, f->pc + 1).imm;

	switch (i.src) {
	case LDDW_IMM: set_reg(f, i.dst, high << 32 | (u32)i.imm); break;
	case LDDW_FUNC:
		set_reg(f, i.dst,
			(u64)FUNC_TAG << 32 | (f->pc + 1 + (u32)i.imm));
		break;
	default: interp_fail(vm, "slot %u: lddw of a map or variable", f->pc);
	}
	f->pc++;
}

/* The place of a packet offset; negative ones name a header (linux/filter.h). */
static i64 packet_place(const struct interp_skb *skb, i32 off)
{
	enum { NET_OFF = -0x100000, LL_OFF = -0x200000 };

	if (off >= 0)
		return (i64)skb->data + off;
	if (off >= NET_OFF)
		return (i64)skb->net + off - NET_OFF;
	if (off >= LL_OFF)
		return (i64)skb->mac + off - LL_OFF;
	return -1;
}

/* Big-endian into r0. What is not there ends the function with r0 = 0. */
static void run_packet(struct interp *vm, struct frame *f, struct insn i)
{
	const struct interp_skb *skb = vm->env->skb;
	u32 off = (u32)i.imm, size = size_bytes(i);
	u64 v = 0;
	i64 place;

	if (!skb) {
		interp_fail(vm, "slot %u: no packet here", f->pc);
		return;
	}
	if (insn_mode(i) == MODE_IND)
		off += (u32)get_reg(vm, f, i.src);
	f->lost |= 0x3e;
	place = packet_place(skb, (i32)off);
	if (place < 0 || !range_inside((u64)place, size, skb->size))
		f->done = true;
	else
		for (u32 k = 0; k < size; k++)
			v = v << 8 | skb->head[place + k];
	set_reg(f, R0, v);
}

static void run_ld(struct interp *vm, struct frame *f, struct insn i)
{
	if (insn_is_lddw(i))
		run_lddw(vm, f, i);
	else
		run_packet(vm, f, i);
}

static u64 address(struct interp *vm, struct frame *f, u8 reg, i16 off)
{
	u64 base = get_reg(vm, f, reg);

	if (MUT(OFF_IMM8) && off >= 128 && off < 256)
		off = (i16)(off - 256);
	return base + (u64)(i64)off;
}

static void run_ldx(struct interp *vm, struct frame *f, struct insn i)
{
	u32 size = size_bytes(i);
	u64 v = load(vm, address(vm, f, i.src, i.off), size);

	if (insn_mode(i) == MODE_MEMSX && !(MUT(LDXSH_ZEXT) && size == 2))
		v = sign_extend(v, size * 8);
	set_reg(f, i.dst, v);
}

static void run_st(struct interp *vm, struct frame *f, struct insn i)
{
	u64 addr = address(vm, f, i.dst, i.off);
	u32 size = size_bytes(i);
	u64 v = (u64)(i64)i.imm;

	if (insn_class(i) == CLS_STX)
		v = get_reg(vm, f, i.src);
	else if (MUT(ST_IMM_ZEXT))
		v = (u32)v;
	if (MUT(STORE32_AS_64) && insn_class(i) == CLS_STX && size == 4 &&
		!(addr & 7))
		size = 8;
	store(vm, addr, size, v);
}

/* ---- atomics (section 5.3) ---------------------------------------------- */

static u64 atomic_result(int op, u64 old, u64 src)
{
	switch (op & ~ATOMIC_FETCH) {
	case ATOMIC_ADD: return old + src;
	case ATOMIC_OR: return old | src;
	case ATOMIC_AND: return old & src;
	case ATOMIC_XOR: return old ^ src;
	default: return src; /* ATOMIC_XCHG */
	}
}

/* Compares with r0 and leaves the old value there, whatever the outcome. */
static void run_cmpxchg(
	struct interp *vm, struct frame *f, struct insn i, u64 addr)
{
	u32 size = size_bytes(i);
	u64 old = load(vm, addr, size);
	u64 r0 = get_reg(vm, f, R0);
	u64 src = get_reg(vm, f, i.src);
	bool equal = low_bits(r0, size * 8) == old;

	if (equal)
		store(vm, addr, size, src);
	if (MUT(CMPXCHG32_KEEPS_HIGH) && equal && size == 4)
		return;
	if (MUT(CMPXCHG_NO_OLD) && !equal)
		return;
	set_reg(f, R0, old);
}

static void run_rmw(struct interp *vm, struct frame *f, struct insn i, u64 addr)
{
	u32 size = size_bytes(i);
	u64 old = load(vm, addr, size);
	u64 src = get_reg(vm, f, i.src);
	u64 new = atomic_result(i.imm, old, src);

	if (MUT(FETCH_SRC_IS_R0) && i.src == R0 &&
		i.imm == (ATOMIC_AND | ATOMIC_FETCH))
		new = src;
	store(vm, addr, size, new);
	if (!(i.imm & ATOMIC_FETCH))
		return;
	if (MUT(FETCH_NEW) && i.imm == (ATOMIC_OR | ATOMIC_FETCH))
		old = low_bits(new, size * 8);
	if (MUT(XCHG32_SEXT) && i.imm == ATOMIC_XCHG)
		old = sign_extend(old, size * 8);
	if (MUT(FETCH_INTO_DST) && i.imm == (ATOMIC_ADD | ATOMIC_FETCH) &&
		i.dst != R10)
		set_reg(f, i.dst, old);
	else
		set_reg(f, i.src, old);
}

static void run_atomic(struct interp *vm, struct frame *f, struct insn i)
{
	u8 base = i.imm == ATOMIC_LOAD_ACQ ? i.src : i.dst;
	u64 addr = address(vm, f, base, i.off);
	u32 size = size_bytes(i);

	if (addr % size) {
		interp_fail(vm, "slot %u: unaligned atomic", f->pc);
		return;
	}
	switch (i.imm) {
	case ATOMIC_LOAD_ACQ: set_reg(f, i.dst, load(vm, addr, size)); break;
	case ATOMIC_STORE_REL:
		store(vm, addr, size, get_reg(vm, f, i.src));
		break;
	case ATOMIC_CMPXCHG: run_cmpxchg(vm, f, i, addr); break;
	default: run_rmw(vm, f, i, addr);
	}
}

/* ---- functions ---------------------------------------------------------- */

static void step(struct interp *vm, struct frame *f)
{
	struct insn i = insn_at(vm->prog, f->pc);

	switch (insn_class(i)) {
	case CLS_LD: run_ld(vm, f, i); break;
	case CLS_LDX: run_ldx(vm, f, i); break;
	case CLS_ST: run_st(vm, f, i); break;
	case CLS_STX:
		if (insn_mode(i) == MODE_ATOMIC)
			run_atomic(vm, f, i);
		else
			run_st(vm, f, i);
		break;
	case CLS_JMP:
	case CLS_JMP32: run_jmp(vm, f, i); break;
	default: run_alu(vm, f, i);
	}
	f->pc++;
}

/*
 * Registers that nobody wrote and stack bytes that nobody wrote read 0. The
 * callee gets the arguments, and of those the ones the caller may not read
 * are lost for it too.
 */
static int run_function(
	struct interp *vm, u32 pc, const u64 arg[5], u32 lost, u64 *r0)
{
	struct frame f = {.pc = pc, .lost = lost};

	if (vm->depth == INTERP_FRAMES)
		return interp_fail(
			vm, "slot %u: more than %d frames", pc, INTERP_FRAMES);
	memcpy(f.r + 1, arg, 5 * sizeof(*arg));
	f.stack = frame_stack(vm, vm->depth);
	if (MUT(FRAME_SHARED) && vm->depth)
		f.stack = frame_stack(vm, vm->depth - 1);
	else
		memset(f.stack, 0, INTERP_STACK);
	memset(vm->written + (f.stack - vm->stacks), 0, INTERP_STACK);
	f.r[R10] = (u64)(uintptr_t)(f.stack + INTERP_STACK);
	vm->depth++;
	while (!f.done && !vm->failed) {
		if (!vm->steps--)
			interp_fail(vm, "slot %u: does not end", f.pc);
		else
			step(vm, &f);
	}
	vm->depth--;
	*r0 = f.r[R0];
	return vm->failed ? -1 : 0;
}

int interp_call(struct interp *vm, u64 fn, const u64 arg[5], u32 n, u64 *r0)
{
	if (fn >> 32 != FUNC_TAG || !is_function(vm, (u32)fn))
		return interp_fail(vm, "the callback is not a function");
	return run_function(vm, (u32)fn, arg, 0x3e & ~((2u << n) - 1), r0);
}

int interp_run(const struct interp_prog *prog, u64 r1, u64 r2,
	struct interp_env *env, u64 *r0)
{
	_Alignas(16) u8 own[INTERP_STACKS];
	struct interp vm = {
		.prog = prog,
		.env = env,
		.stacks = env->stacks ? env->stacks : own,
		.steps = env->steps ? env->steps : STEPS,
		.may_goto = env->may_goto ? env->may_goto : MAY_GOTO,
	};
	const u64 arg[5] = {r1, r2};

	env->error[0] = 0;
	if (interp_check(prog, env->error, sizeof(env->error)))
		return -1;
	return run_function(&vm, 0, arg, 0, r0);
}
