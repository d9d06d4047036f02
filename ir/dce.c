/*
 * Dead code: values that nothing needs, and blocks that cannot be reached.
 *
 * Needed are ends of blocks and operations with an effect, and what they use.
 * A load whose value is not used goes, in every region and also if it may
 * fault: nobody can tell that it did not happen. A load-acquire stays.
 */
#include "ir/ir.h"

struct dce {
	struct fn *f;
	u8 *live;
	vec(u32) work;
};

static bool has_effect(const struct fn *f, const struct ins *i)
{
	if (i->op == OP_PHI)
		return false;
	if (i->op == OP_CALL)
		return !(f->calls.v[i->aux].effects & CALLF_PURE);
	return op_info[i->op].flags & (OPF_WRITE | OPF_TERM);
}

static void need(struct dce *d, struct arena *a, u32 i)
{
	if (d->live[i])
		return;
	d->live[i] = 1;
	*vec_push(a, &d->work) = i;
}

void pass_dce(struct fn *f)
{
	struct arena *tmp = arena_scratch(f->a);
	struct arena_mark m = arena_mark(tmp);
	struct dce d = {.f = f};

	cfg_prune(f);
	d.live = arena_array(tmp, u8, f->nins);
	for (u32 i = 1; i < f->nins; i++)
		if (has_effect(f, &f->ins[i]))
			need(&d, tmp, i);
	while (d.work.n) {
		u32 n, i = d.work.v[--d.work.n];
		const ref *arg = ir_args(f, &f->ins[i], &n);

		for (u32 k = 0; k < n; k++)
			need(&d, tmp, arg[k].v);
	}
	for (u32 i = 1; i < f->nins; i++)
		if (!d.live[i] && f->ins[i].blk != BLK_NONE)
			ir_remove(f, i);
	arena_release(tmp, m);
}
