/*
 * Which bits of a value are known, from its operation and the bits known of
 * its arguments. Each value is asked once, when it is visited or built, so the
 * cost is linear; an argument that was not visited yet (a phi's, around a
 * loop) tells nothing.
 */
#include "ir/fold.h"

static struct known nothing(enum ty t)
{
	return (struct known){~ty_mask(t), 0};
}

static struct known of_const(u64 v)
{
	return (struct known){~v, v};
}

static u32 leading_zeros(struct known a)
{
	return ~a.zero ? (u32)__builtin_clzll(~a.zero) : 64;
}

static u32 trailing_zeros(struct known a)
{
	return ~a.zero ? (u32)__builtin_ctzll(~a.zero) : 64;
}

static u64 low_mask(u32 n)
{
	return n >= 64 ? UINT64_MAX : (1ull << n) - 1;
}

/* A sum bit is known where both operand bits and the carry into it are. The
 * largest and the smallest possible sums show the carries. */
static struct known add(struct known a, struct known b, u64 carry)
{
	u64 max = ~a.zero + ~b.zero + carry;
	u64 min = a.one + b.one + carry;
	u64 carry_zero = ~(max ^ ~a.zero ^ ~b.zero);
	u64 carry_one = min ^ a.one ^ b.one;
	u64 sure =
		(a.zero | a.one) & (b.zero | b.one) & (carry_zero | carry_one);

	return (struct known){~max & sure, min & sure};
}

static struct known invert(struct known a)
{
	return (struct known){a.one, a.zero};
}

static struct known meet(struct known a, struct known b)
{
	return (struct known){a.zero & b.zero, a.one & b.one};
}

static struct known shift_left(struct known a, u32 n)
{
	return (struct known){a.zero << n | low_mask(n), a.one << n};
}

static struct known shift_right(struct known a, u32 n)
{
	return (struct known){a.zero >> n | ~(UINT64_MAX >> n), a.one >> n};
}

static struct known sign_from(struct known a, u32 bits)
{
	return (struct known){
		(u64)sign_extend(a.zero, bits), (u64)sign_extend(a.one, bits)};
}

static struct known shift_arith(struct known a, u32 n, u32 bits)
{
	a = sign_from(a, bits);
	return (struct known){(u64)((i64)a.zero >> n), (u64)((i64)a.one >> n)};
}

static struct known swap(struct known a, u32 bits)
{
	return (struct known){__builtin_bswap64(a.zero) >> (64 - bits),
		__builtin_bswap64(a.one) >> (64 - bits)};
}

static struct known product(struct known a, struct known b)
{
	u32 lead = leading_zeros(a) + leading_zeros(b);
	u32 trail = trailing_zeros(a) + trailing_zeros(b);
	struct known r = {0, 0};

	if (lead > 64)
		r.zero |= ~low_mask(128 - lead);
	r.zero |= low_mask(trail);
	return r;
}

/* Of a value that is not above a. */
static struct known at_most(struct known a)
{
	return (struct known){~low_mask(64 - leading_zeros(a)), 0};
}

static struct known shifted(
	const struct folder *F, const struct ins *i, struct known a)
{
	enum ty t = (enum ty)i->type;
	i64 c;

	if (!ir_is_const(F->f, i->arg[1], &c))
		return i->op == OP_SHR ? at_most(a) : nothing(t);
	u32 n = (u32)c & (ty_bits(t) - 1);
	switch (i->op) {
	case OP_SHL: return shift_left(a, n);
	case OP_SHR: return shift_right(a, n);
	case OP_SAR: return shift_arith(a, n, ty_bits(t));
	default: break;
	}
	/* ROTL */
	if (!n)
		return a;
	if (t == TY_I64)
		return (struct known){a.zero << n | a.zero >> (64 - n),
			a.one << n | a.one >> (64 - n)};
	u32 z = (u32)a.zero, o = (u32)a.one;
	return (struct known){
		(u32)(z << n | z >> (32 - n)), (u32)(o << n | o >> (32 - n))};
}

static struct known of_phi(const struct folder *F, const struct ins *i)
{
	u32 n;
	const ref *arg = ir_args(F->f, i, &n);
	struct known k = {UINT64_MAX, UINT64_MAX};

	for (u32 j = 0; j < n && (k.zero | k.one); j++)
		k = meet(k, F->known[arg[j].v]);
	return n ? k : (struct known){0, 0};
}

static struct known of_load(const struct ins *i)
{
	if (i->mem & MEM_SX)
		return (struct known){0, 0};
	return (struct known){~low_mask(8u * i->size), 0};
}

static struct known compute(const struct folder *F, const struct ins *i)
{
	enum ty t = (enum ty)i->type;
	struct known a = {0, 0}, b = {0, 0};

	if (op_info[i->op].nargs != OP_VARARGS && op_info[i->op].nargs >= 1)
		a = F->known[i->arg[0].v];
	if (op_info[i->op].nargs != OP_VARARGS && op_info[i->op].nargs >= 2)
		b = F->known[i->arg[1].v];
	switch (i->op) {
	case OP_CONST: return of_const((u64)i->imm);
	case OP_PHI: return of_phi(F, i);
	case OP_LOAD:
	case OP_LOADACQ: return of_load(i);
	case OP_CMP: return (struct known){~1ull, 0};
	case OP_ADD: return add(a, b, 0);
	case OP_SUB: return add(a, invert(b), 1);
	case OP_NEG: return add(of_const(0), invert(a), 1);
	case OP_MUL: return product(a, b);
	case OP_UDIV: return at_most(a);
	case OP_UMOD: return at_most(a);
	case OP_AND: return (struct known){a.zero | b.zero, a.one & b.one};
	case OP_OR: return (struct known){a.zero & b.zero, a.one | b.one};
	case OP_XOR:
		return (struct known){(a.zero & b.zero) | (a.one & b.one),
			(a.zero & b.one) | (a.one & b.zero)};
	case OP_SHL:
	case OP_SHR:
	case OP_SAR:
	case OP_ROTL: return shifted(F, i, a);
	case OP_ZEXT:
	case OP_TRUNC: return a;
	case OP_SEXT: return sign_from(a, 32);
	case OP_SX8: return sign_from(a, 8);
	case OP_SX16: return sign_from(a, 16);
	case OP_ZX8: return (struct known){a.zero | ~0xffull, a.one & 0xff};
	case OP_ZX16:
		return (struct known){a.zero | ~0xffffull, a.one & 0xffff};
	case OP_BSWAP: return swap(a, ty_bits(t));
	case OP_BSWAP16:
		a = swap(a, 16);
		return (struct known){a.zero | ~0xffffull, a.one};
	case OP_SEL: return meet(F->known[i->arg[2].v], F->known[i->arg[3].v]);
	default: return nothing(t);
	}
}

struct known known_bits(const struct folder *F, const struct ins *i)
{
	struct known k = compute(F, i);

	if (i->type == TY_I32) {
		k.zero |= ~(u64)UINT32_MAX;
		k.one &= UINT32_MAX;
	}
	return k;
}
