/*
 * The text form. ir_parse reads what ir_print writes; numbers of values are
 * the refs, so they stay comparable between dumps of one function.
 *
 *   fn NAME params=2 frame=16 escapes counter {   frame.. only if not 0/false
 *   b0:
 *       v5 = load4.i64 ctx [p0 + 4] fault         p0 parameter, 4: imm
 *       v6 = add.i32 v4, 7w                       7w: I32 constant, 7: I64
 *       store8 stack [fp-8], v5                   fp-8: OP_FP with imm -8,
 *                                                 "fp - 8": OP_FP 0, imm -8
 *       v7 = call.i64 helper @lookup(@map, fp-8) reads a2=r:0:8
 *       br.ne v7, 0, b1, b2
 *   b1:
 *       v9 = phi.i64 [b0 v5], [b1 v10]            in predecessor order
 *       ...
 *   }
 *
 * line     := [value "="] op {"." suffix} operands ["!" slot]
 * op       memory operations carry their size: load1 store8 fetch4 cmpxchg8
 * suffixes in this order: cc or rmw operation, then i32/i64 where ops.def
 *          leaves the result type open (type S)
 * memory   := region "[" operand [" + "imm | " - "imm] "]" {"," operand}
 *             ["sx"] ["fault"]
 * operand  := vN | pN | fp[-N] | @sym[+N] | constant
 * constant := [-]decimal or 0x hex, followed by w if it is an I32
 * call     := ("helper" | "fn" | "extern" | "ptr" | "tail") [@sym["[key]"]]
 *             "(" operands ")"
 *             effects {"a"N"="access[":"lo":"hi | ":s"N]}
 *             effects: none or reads|writes|ctx|packet|acquire|release|pure|
 *             noreturn; access: r w rw esc; sN: size is argument N (a1..a5 are
 *             numbered from 1); "ptr" and "tail" may name no symbol, only "tail" has a key, with "ptr"
 *             operand 0 is the address
 * slot     the BPF slot (ins.insn), left out if none
 * comments from ";" to the end of the line
 *
 * Predecessors are not written: they follow from the terminators, in block
 * order, unless the block's first phi lists them differently.
 */
#include <ctype.h>
#include <inttypes.h>
#include <string.h>

#include "ir/ir.h"
#include "ir/text.h"

const char *const cc_names[CC_COUNT] = {"eq", "ne", "ult", "uge", "ugt", "ule",
	"slt", "sge", "sgt", "sle", "tst", "ntst"};
const char *const rmw_names[RMW_COUNT] = {"add", "or", "and", "xor", "xchg"};
const char *const region_names[REGION_COUNT] = {
	"unknown", "stack", "ctx", "packet", "rodata", "map", "global", "btf"};
const char *const call_kind_names[CALL_KIND_COUNT] = {
	"helper", "fn", "extern", "ptr", "tail"};
const char *const effect_names[EFFECT_COUNT] = {"reads", "writes", "ctx",
	"packet", "acquire", "release", "pure", "noreturn"};

struct printer {
	FILE *out;
	const struct fn *f;
	sym_name_fn name;
	void *ctx;
};

/* ---- operands ------------------------------------------------------------ */

static void print_sym(const struct printer *p, u32 sym)
{
	const char *s = p->name ? p->name(p->ctx, sym) : NULL;

	if (s)
		fprintf(p->out, "@%s", s);
	else
		fprintf(p->out, "@%" PRIu32, sym);
}

static void print_off(const struct printer *p, i64 off)
{
	if (off)
		fprintf(p->out, "%+" PRId64, off);
}

static void print_const(const struct printer *p, const struct ins *i)
{
	i64 v = i->type == TY_I32 ? (i32)i->imm : i->imm;

	if (v > -65536 && v < 65536)
		fprintf(p->out, "%" PRId64, v);
	else
		fprintf(p->out, "0x%" PRIx64, (u64)i->imm);
	if (i->type == TY_I32)
		fputc('w', p->out);
}

static void print_ref(const struct printer *p, ref r)
{
	const struct ins *i = ir_ins(p->f, r);

	switch (i->op) {
	case OP_CONST: print_const(p, i); break;
	case OP_PARAM: fprintf(p->out, "p%" PRId64, i->imm); break;
	case OP_FP:
		fputs("fp", p->out);
		print_off(p, i->imm);
		break;
	case OP_SYM:
		print_sym(p, i->aux);
		print_off(p, i->imm);
		break;
	default: fprintf(p->out, "v%" PRIu32, r.v);
	}
}

static void print_args(const struct printer *p, const struct ins *i, u32 from)
{
	u32 n;
	const ref *arg = ir_args(p->f, i, &n);

	for (u32 k = from; k < n; k++) {
		fputs(k == from ? "" : ", ", p->out);
		print_ref(p, arg[k]);
	}
}

/* ---- instructions -------------------------------------------------------- */

static void print_op(const struct printer *p, const struct ins *i)
{
	static const char *const suffix[] = {
		[TY_NONE] = "none", [TY_I32] = "i32", [TY_I64] = "i64"};

	for (const char *s = op_info[i->op].name; *s; s++)
		fputc(tolower((u8)*s), p->out);
	if (op_is_mem((enum op)i->op))
		fprintf(p->out, "%u", i->size);
	if (op_has_cc((enum op)i->op))
		fprintf(p->out, ".%s", cc_names[i->cc]);
	if (op_has_rmw((enum op)i->op))
		fprintf(p->out, ".%s", rmw_names[i->cc]);
	if (op_info[i->op].result == 0xff)
		fprintf(p->out, ".%s", suffix[i->type]);
}

static void print_mem(const struct printer *p, const struct ins *i)
{
	fprintf(p->out, " %s [", region_names[i->region]);
	print_ref(p, i->arg[0]);
	/* The base may print with an offset of its own: keep them apart. */
	if (i->imm)
		fprintf(p->out, " %c %" PRIu64, i->imm < 0 ? '-' : '+',
			i->imm < 0 ? 0 - (u64)i->imm : (u64)i->imm);
	fputc(']', p->out);
	if (op_info[i->op].nargs > 1) {
		fputs(", ", p->out);
		print_args(p, i, 1);
	}
	fputs(i->mem & MEM_SX ? " sx" : "", p->out);
	fputs(i->mem & MEM_FAULT ? " fault" : "", p->out);
}

static void print_phi(const struct printer *p, const struct ins *i, u32 b)
{
	u32 n;
	const ref *arg = ir_args(p->f, i, &n);

	for (u32 k = 0; k < n; k++) {
		u32 from = k < p->f->blk[b].npred ? p->f->blk[b].pred[k]
						  : BLK_NONE;

		fprintf(p->out, "%s [b%" PRIu32 " ", k ? "," : "", from);
		print_ref(p, arg[k]);
		fputc(']', p->out);
	}
}

static void print_arg_mem(const struct printer *p, const struct arg_mem *m)
{
	static const char *const access[] = {[ARG_READ] = "r",
		[ARG_WRITE] = "w",
		[ARG_RW] = "rw",
		[ARG_ESCAPE] = "esc"};

	fputs(access[m->access], p->out);
	if (m->access == ARG_ESCAPE)
		return;
	if (m->size_arg >= 0)
		fprintf(p->out, ":s%d", m->size_arg + 1);
	else
		fprintf(p->out, ":%" PRId32 ":%" PRId32, m->lo, m->hi);
}

static void print_call(const struct printer *p, const struct ins *i)
{
	const struct call *c = &p->f->calls.v[i->aux];
	bool any = false;

	fprintf(p->out, " %s ", call_kind_names[c->kind]);
	if (c->kind != CALL_PTR && c->sym != SYM_NONE)
		print_sym(p, c->sym);
	if (c->kind == CALL_TAIL && c->sym != SYM_NONE)
		fprintf(p->out, "[%" PRIu32 "]", c->key);
	fputc('(', p->out);
	print_args(p, i, 0);
	fputs(") ", p->out);
	for (u32 k = 0; k < EFFECT_COUNT; k++) {
		if (!(c->effects >> k & 1))
			continue;
		fprintf(p->out, "%s%s", any ? "|" : "", effect_names[k]);
		any = true;
	}
	fputs(any ? "" : "none", p->out);
	for (u32 k = 0; k < countof(c->arg); k++) {
		if (c->arg[k].access == ARG_SCALAR)
			continue;
		fprintf(p->out, " a%" PRIu32 "=", k + 1);
		print_arg_mem(p, &c->arg[k]);
	}
}

static void print_term(const struct printer *p, const struct ins *i, u32 b)
{
	const struct blk *blk = &p->f->blk[b];

	if (op_info[i->op].nargs) {
		fputc(' ', p->out);
		print_args(p, i, 0);
	}
	for (u32 k = 0; k < blk->nsucc; k++)
		fprintf(p->out, "%s b%" PRIu32, i->op == OP_BR || k ? "," : "",
			blk->succ[k]);
}

static void print_ins(const struct printer *p, u32 b, u32 r)
{
	const struct ins *i = &p->f->ins[r];

	fputc('\t', p->out);
	if (i->type != TY_NONE)
		fprintf(p->out, "v%" PRIu32 " = ", r);
	print_op(p, i);
	if (op_is_mem((enum op)i->op)) {
		print_mem(p, i);
	} else if (i->op == OP_PHI) {
		print_phi(p, i, b);
	} else if (i->op == OP_CALL || i->op == OP_CALLX) {
		print_call(p, i);
	} else if (op_info[i->op].flags & OPF_TERM) {
		print_term(p, i, b);
	} else if (op_info[i->op].nargs) {
		fputc(' ', p->out);
		print_args(p, i, 0);
	}
	if (i->insn != INSN_NONE)
		fprintf(p->out, " !%" PRIu32, i->insn);
	fputc('\n', p->out);
}

void ir_print(FILE *out, const struct fn *f, sym_name_fn name, void *ctx)
{
	struct printer p = {out, f, name, ctx};

	fprintf(out, "fn %s params=%" PRIu32, f->name, f->nparams);
	if (f->frame)
		fprintf(out, " frame=%" PRIu32, f->frame);
	fprintf(out, "%s%s {\n", f->frame_escapes ? " escapes" : "",
		f->counter ? " counter" : "");
	ir_each_blk (f, b) {
		fprintf(out, "b%" PRIu32 ":\n", b);
		ir_each_ins (f, b, i)
			print_ins(&p, b, i);
	}
	fputs("}\n", out);
}
