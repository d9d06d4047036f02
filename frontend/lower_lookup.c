/*
 * Lookups in array and percpu_array maps whose storage is part of the object,
 * without a call: compare the key with max_entries, scale it, add the storage's
 * address. The bound is loaded from struct kiln_map, because a loader may have
 * resized the map (it then gives NAME.values the new storage, too).
 *
 *	        key <u bound ?
 *	       /              \
 *	   found: address   missing: 0
 *	       \              /
 *	         (join) or, where the block ends with a test of r0 against 0,
 *	         straight to where that test leads
 *
 * The CPU slot of a run scope stays the same while a program runs: a function
 * that loops, or looks up more than once, asks for it once at its entry.
 */
#include <linux/bpf.h>

#include "frontend/lower.h"
#include "kiln/format.h"
#include "kiln/map_size.h"

bool lower_can_inline(const struct lower *l, const struct fe_call *c)
{
	const struct mapdef *d;

	if (c->to.to != TO_HELPER ||
		c->to.helper->id != BPF_FUNC_map_lookup_elem)
		return false;
	if (c->type[0].kind != RTY_MAP)
		return false;
	d = &l->m->map.v[c->type[0].id];
	return d->has_storage && d->key_size == 4 &&
	       (d->type == BPF_MAP_TYPE_ARRAY ||
		       d->type == BPF_MAP_TYPE_PERCPU_ARRAY);
}

/* ---- the CPU slot -------------------------------------------------------- */

static ref ask_cpu(struct lower *l)
{
	const struct call c = {
		.kind = CALL_EXTERN,
		.effects = CALLF_PURE, /* the scope holds the slot */
		.sym = module_undef(l->m, SYM_RUNTIME, "kiln_port_cpu"),
	};
	ref cpu = ir_call(l->f, l->blk, &c, TY_I32, NULL, 0);

	return lower_op(l, OP_ZEXT, TY_I64, cpu, (ref){0});
}

static bool is_percpu(const struct lower *l, const struct fe_call *c)
{
	return lower_can_inline(l, c) &&
	       l->m->map.v[c->type[0].id].type == BPF_MAP_TYPE_PERCPU_ARRAY;
}

static bool has_loop(const struct fe_func *fe)
{
	for (u32 b = 0; b < fe->nblk; b++)
		for (u32 e = 0; e < fe->blk[b].nsucc; e++)
			if (fe->blk[b].succ[e] <= b)
				return true;
	return false;
}

void lower_cpu(struct lower *l)
{
	u32 n = 0;

	for (u32 k = 0; k < l->fe->calls.n; k++)
		n += is_percpu(l, &l->fe->calls.v[k]);
	if (n > 1 || (n && has_loop(l->fe)))
		l->cpu = ask_cpu(l);
}

/* ---- the element --------------------------------------------------------- */

static ref load_bound(struct lower *l, const struct mapdef *d)
{
	const struct access a = {
		.size = 4,
		.region = REGION_RODATA, /* fixed before any program runs */
		.off = offsetof(struct kiln_map, max_entries),
	};

	return ir_load(l->f, l->blk, TY_I32, ir_sym(l->f, d->sym, 0), &a);
}

static ref load_key(struct lower *l, const struct fe_call *c)
{
	struct access a = {.size = 4, .region = types_region(l->m, c->type[1])};
	ref p = lower_address(l, 2, &a);

	return ir_load(l->f, l->blk, TY_I32, p, &a);
}

/* index * R8(value_size) */
static ref scaled(struct lower *l, const struct mapdef *d, ref index)
{
	ref wide = lower_op(l, OP_ZEXT, TY_I64, index, (ref){0});
	ref size = lower_imm(l, (i64)align_up(d->value_size, 8));

	return lower_op(l, OP_MUL, TY_I64, wide, size);
}

/* Where this CPU's values begin: map_cpu_stride(bound * R8(v)) * cpu. */
static ref cpu_offset(struct lower *l, const struct mapdef *d, ref bound)
{
	ref stride = scaled(l, d, bound);
	ref cpu = l->cpu.v ? l->cpu : ask_cpu(l);

	if (l->m->max_cpus > 1) {
		stride = lower_op(
			l, OP_ADD, TY_I64, stride, lower_imm(l, MAP_LINE - 1));
		stride = lower_op(
			l, OP_AND, TY_I64, stride, lower_imm(l, -MAP_LINE));
	}
	return lower_op(l, OP_MUL, TY_I64, stride, cpu);
}

static ref element(struct lower *l, const struct mapdef *d, ref key, ref bound)
{
	ref off = scaled(l, d, key);

	if (d->type == BPF_MAP_TYPE_PERCPU_ARRAY)
		off = lower_op(l, OP_ADD, TY_I64, off, cpu_offset(l, d, bound));
	return lower_op(l, OP_ADD, TY_I64, off, ir_sym(l->f, d->values_sym, 0));
}

/* The next instruction ends the block by comparing all of r0 with 0. */
static bool null_check_follows(const struct lower *l)
{
	const struct fe_blk *b = &l->fe->blk[l->fe->blk_of[l->slot]];
	const struct insn *i = fe_insn(l->m, l->func, l->slot + 1);

	return l->slot + 2 == b->end && b->nsucc == 2 && !i->second &&
	       isa_row(i)->kind == ISA_JCC && !isa_is_32(i) && !isa_is_reg(i) &&
	       !i->imm && i->dst == 0 &&
	       (isa_row(i)->arg == ISA_A_EQ || isa_row(i)->arg == ISA_A_NE);
}

/* A block with one predecessor that leaves v in r0. */
static void answer(struct lower *l, u32 blk, ref v)
{
	l->blk = blk;
	lower_set(l, 0, v);
	lower_lose_registers(l);
}

void lower_lookup(struct lower *l, const struct fe_call *c)
{
	const struct mapdef *d = &l->m->map.v[c->type[0].id];
	u32 found = ir_blk_new(l->f), missing = ir_blk_new(l->f);
	ref key = load_key(l, c), bound = load_bound(l, d);

	ir_br(l->f, l->blk, CC_ULT, key, bound, found, missing);
	ssa_seal(l->ssa, found);
	ssa_seal(l->ssa, missing);
	answer(l, missing, lower_imm(l, 0));
	l->blk = found;
	answer(l, found, element(l, d, key, bound));
	if (null_check_follows(l)) {
		l->found = found;
		l->missing = missing;
		return;
	}
	u32 join = ir_blk_new(l->f);

	ir_jmp(l->f, found, join);
	ir_jmp(l->f, missing, join);
	ssa_seal(l->ssa, join);
	l->blk = join;
}
