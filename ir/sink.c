/*
 * Sinking: where a loop's variable goes on through one value while others still
 * need it as it is, the value moves down behind them, to where it is needed.
 *
 *	x = phi .. v			x = phi .. v
 *	t = x >> 4			u = x ^ 7
 *	u = x ^ 7		->	t = x >> 4
 *	v = t ^ u			v = t ^ u
 *
 * Then x, t and v can have one register. Above, x and t live at the same time,
 * and each round ends with a copy. Moved are pure values only, within their
 * block, never over a call (what is behind it would have to be kept across it)
 * and only where no other argument lives longer for it. Starts and ends with
 * valid SSA. Linear.
 */
#include "ir/ir.h"

struct sink {
	struct fn *f;
	u8 *out; /* by ref: some use is not an instruction of its own block */
	/* Of the block at work. Its instructions have places, 1 and up; a moved
	 * one takes the place of the one it stands in front of, in front of
	 * what moved there before. */
	u32 *front;	   /* by place: the first instruction there */
	u32 *first, *last; /* by ref: places of the uses met so far; 0: none */
	u32 call;	   /* place of the first call met so far */
	/* By ref: the phi of this block of which this value is, or helps to
	 * make, the next round's. */
	u32 *heir;
	u8 *went; /* by ref: a user met so far is to have its register */
};

static void scan_uses(struct sink *s, u32 i)
{
	const struct ins *ins = &s->f->ins[i];
	u32 n;
	const ref *arg = ir_args(s->f, ins, &n);

	for (u32 k = 0; k < n; k++)
		if (ins->op == OP_PHI || ir_ins(s->f, arg[k])->blk != ins->blk)
			s->out[arg[k].v] = 1;
}

static void note_uses(struct sink *s, u32 i, u32 place)
{
	u32 n;
	const ref *arg = ir_args(s->f, &s->f->ins[i], &n);

	for (u32 k = 0; k < n; k++) {
		u32 r = arg[k].v;

		if (!s->first[r] || s->first[r] > place)
			s->first[r] = place;
		if (s->last[r] < place)
			s->last[r] = place;
	}
}

/* ---- one block, from its end --------------------------------------------- */

/* i has no choice of which argument it could overwrite. */
static bool is_unary(const struct fn *f, const struct ins *i)
{
	return op_info[i->op].nargs == 1 ||
	       (op_info[i->op].nargs == 2 &&
		       op_info[ir_ins(f, i->arg[1])->op].flags & OPF_FLOAT);
}

/* What i is computed from inherits what i inherits. */
static void note_heirs(struct sink *s, u32 i)
{
	const struct ins *ins = &s->f->ins[i];
	u32 phi = s->heir[i];

	if (!phi || !(op_info[ins->op].flags & OPF_PURE))
		return;
	for (u32 k = 0; k < op_info[ins->op].nargs; k++) {
		u32 r = ins->arg[k].v;

		if (r == phi || is_unary(s->f, ins))
			s->went[r] = 1;
		if (r != phi && !s->out[r] && !s->heir[r])
			s->heir[r] = phi;
	}
}

/* Whether i, which is being looked at, gains by standing at `to`. */
static bool gains(const struct sink *s, u32 i, u32 to)
{
	const struct ins *ins = &s->f->ins[i];
	bool gain = false;

	for (u32 k = 0; k < op_info[ins->op].nargs; k++) {
		u32 r = ins->arg[k].v;
		bool is_phi = s->f->ins[r].op == OP_PHI;

		if (s->out[r] || s->last[r] >= to)
			continue;
		if (!s->last[r] || s->went[r])
			return false;
		if (is_phi ? r != s->heir[i] : !is_unary(s->f, ins))
			return false;
		gain = s->heir[i];
	}
	return gain;
}

static bool is_movable(const struct ins *i)
{
	return op_info[i->op].flags & OPF_PURE && i->op != OP_CMP;
}

/* Moves i if it gains; its place. */
static u32 sink(struct sink *s, u32 i, u32 place, u32 end)
{
	u32 to = s->first[i];

	if (!to && s->out[i])
		to = end;
	if (!is_movable(&s->f->ins[i]) || !to || s->call < to ||
		!gains(s, i, to))
		return place;
	ir_move_before(s->f, i, s->front[to]);
	s->front[to] = i;
	return to;
}

static void sink_block(struct sink *s, u32 b)
{
	struct fn *f = s->f;
	u32 end = 0, place, prev;

	ir_each_phi (f, b, i) {
		u32 n;
		const ref *arg = ir_args(f, &f->ins[i], &n);

		for (u32 k = 0; k < n; k++)
			if (ir_ins(f, arg[k])->blk == b)
				s->heir[arg[k].v] = i;
	}
	ir_each_ins (f, b, i)
		s->front[++end] = i;
	place = end;
	s->call = UINT32_MAX;
	for (u32 i = f->blk[b].last; i; i = prev, place--) {
		prev = f->ins[i].prev;
		if (f->ins[i].op == OP_PHI)
			break;
		if (f->ins[i].op == OP_CALL || f->ins[i].op == OP_CALLX)
			s->call = place;
		note_uses(s, i, sink(s, i, place, end));
		note_heirs(s, i);
	}
}

void pass_sink(struct fn *f)
{
	struct arena *tmp = arena_scratch(f->a);
	struct arena_mark m = arena_mark(tmp);
	struct sink s = {.f = f};

	s.out = arena_array(tmp, u8, f->nins);
	s.front = arena_array(tmp, u32, f->nins + 1);
	s.first = arena_array(tmp, u32, f->nins);
	s.last = arena_array(tmp, u32, f->nins);
	s.heir = arena_array(tmp, u32, f->nins);
	s.went = arena_array(tmp, u8, f->nins);
	for (u32 i = 1; i < f->nins; i++)
		scan_uses(&s, i);
	ir_each_blk (f, b)
		sink_block(&s, b);
	arena_release(tmp, m);
}
