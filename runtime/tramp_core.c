/*
 * What stubs call before and after a function's body: the programs of the image
 * that is in place, in a run scope. Between the two no scope is open: a function
 * that never returns keeps nobody waiting.
 *
 * Which fexit programs run is decided after the body, by the image that is in
 * place then, and by ids: those that were attached when the call began (they are
 * not newer than the newest one was) and still are. So nobody has to know who is
 * inside a function.
 *
 * A program that runs on this thread already is passed over: its cell of this CPU
 * slot, which is the thread's own while it is in a scope, holds the thread's
 * token. What is there of others was left by a jump out of the program, and is
 * overwritten. A signal handler between the look at the cell and its change
 * finds that the program does not run yet, and leaves the cell as if nothing had
 * been.
 *
 * Touches general registers only, as what it calls does as long as no program
 * runs.
 */
#include "runtime/tramp.h"

typedef u64 (*prog_fn)(const void *ctx);
typedef u64 (*replace_fn)(u64, u64, u64, u64, u64);

static void add(u64 *counter, u64 n)
{
	atomic_fetch_add_explicit(ATOMIC64(counter), n, memory_order_relaxed);
}

/* ---- one program ------------------------------------------------------------- */

typedef u64 (*call_fn)(const struct tramp_image *im,
	const struct tramp_entry *e, struct kiln_tramp_frame *f);

static u64 with_words(const struct tramp_image *im, const struct tramp_entry *e,
	struct kiln_tramp_frame *f)
{
	(void)im;
	return ((prog_fn)e->fn)(f->args);
}

static u64 with_args(const struct tramp_image *im, const struct tramp_entry *e,
	struct kiln_tramp_frame *f)
{
	u64 a[5] = {0};

	for (u32 k = 0; k < im->nargs && k < 5; k++)
		a[k] = f->args[k];
	return ((replace_fn)e->fn)(a[0], a[1], a[2], a[3], a[4]);
}

static __attribute__((noinline)) u64 counted(const struct tramp_image *im,
	const struct tramp_entry *e, struct kiln_tramp_frame *f,
	struct tramp_cell *c, call_fn call)
{
	u64 start = kiln_port_time_ns();
	u64 r = call(im, e, f);

	add(&c->run_ns, kiln_port_time_ns() - start);
	add(&c->run_cnt, 1);
	return r;
}

/* False: it is running on this thread. */
static always_inline bool begin(struct tramp_cell *c,
	const struct tramp_entry *e, struct kiln_tramp_frame *f,
	const struct scope_rec *r)
{
	/* 0: a child whose parent's thread was in a scope */
	if (unlikely(c->active == r->token) && r->token)
		return false;
	c->active = r->token;
	f->cookie = e->cookie;
	atomic_signal_fence(memory_order_seq_cst); /* a handler finds it */
	return true;
}

static always_inline void end(struct tramp_cell *c)
{
	atomic_signal_fence(memory_order_seq_cst);
	c->active = 0;
}

static always_inline bool run(const struct tramp_image *im,
	const struct tramp_entry *e, struct kiln_tramp_frame *f,
	const struct scope_rec *r, call_fn call, u64 *result)
{
	struct tramp_cell *c = &e->cell[r->cpu];

	if (unlikely(!begin(c, e, f, r))) {
		add(&c->misses, 1);
		return false;
	}
	if (scope_counts())
		*result = counted(im, e, f, c, call);
	else
		*result = call(im, e, f);
	end(c);
	return true;
}

/* ---- kinds --------------------------------------------------------------------- */

static void run_fexit(const struct tramp_image *im, struct kiln_tramp_frame *f,
	const struct scope_rec *r)
{
	const struct tramp_entry *e = &im->entry[im->at[KILN_HOOK_FEXIT]];
	u64 ignored;

	for (; e < &im->entry[im->n]; e++)
		if (e->id <= f->seen)
			run(im, e, f, r, with_words, &ignored);
}

/* A program decided the result: there is no body. */
static u64 finish(const struct tramp_image *im, struct kiln_tramp_frame *f,
	struct scope_rec *r)
{
	run_fexit(im, f, r);
	scope_leave(r);
	return KILN_TRAMP_RETURN;
}

static __attribute__((noinline)) u64 enter_more(const struct tramp_image *im,
	struct kiln_tramp_frame *f, struct scope_rec *r)
{
	const struct tramp_entry *e = &im->entry[im->at[KILN_HOOK_FMOD_RET]];
	u64 *to = im->nret ? &f->args[im->nargs] : NULL, result = 0, verdict;

	f->seen = im->newest;
	if (to)
		*to = 0;
	for (; e < &im->entry[im->at[KILN_HOOK_FREPLACE]]; e++) {
		if (!run(im, e, f, r, with_words, &result) || !to)
			continue;
		*to = result;
		if (result)
			return finish(im, f, r);
	}
	for (; e < &im->entry[im->at[KILN_HOOK_FEXIT]]; e++)
		if (run(im, e, f, r, with_args, &result)) {
			if (to)
				*to = result;
			return finish(im, f, r);
		}
	/* not behind the scope, where the image may be gone */
	verdict = im->at[KILN_HOOK_FEXIT] < im->n ? KILN_TRAMP_CALL
						  : KILN_TRAMP_JUMP;
	scope_leave(r);
	return verdict;
}

/* ---- the stub's two calls -------------------------------------------------------- */

static const struct tramp_image *image_of(const struct tramp_gate *g)
{
	/* pairs with the release in publish(): who sees an image sees what is
	 * in it */
	return atomic_load_explicit(&g->image, memory_order_acquire);
}

static __attribute__((noinline)) u64 enter_all(const struct tramp_image *im,
	struct kiln_tramp_frame *f, struct scope_rec *r)
{
	const struct tramp_entry *e = im->entry;
	u64 ignored;

	for (; e < &im->entry[im->at[KILN_HOOK_FMOD_RET]]; e++)
		run(im, e, f, r, with_words, &ignored);
	if (im->at[KILN_HOOK_FMOD_RET] < im->n)
		return enter_more(im, f, r);
	scope_leave(r);
	return KILN_TRAMP_JUMP;
}

static __attribute__((noinline)) u64 enter_slow(
	struct kiln_tramp_frame *f, const struct tramp_gate *g)
{
	struct scope_rec *r = scope_enter();

	return enter_all(image_of(g), f, r);
}

static __attribute__((noinline)) u64 enter_taken(
	struct kiln_tramp_frame *f, const struct tramp_gate *g)
{
	rt_scope_slow();
	return enter_all(image_of(g), f, rt_scope_self);
}

/* Quick for at most one fentry program and any fexit: nothing but that program is
 * called in here, so that few registers are saved. */
u64 rt_tramp_enter(struct kiln_tramp_frame *f, const struct tramp_gate *g)
{
	struct scope_rec *r = rt_scope_self;
	const struct tramp_image *im;
	const struct tramp_entry *e;
	u64 verdict;

	if (unlikely(!r || load32(&rt_scope_flags, memory_order_relaxed)))
		return enter_slow(f, g);
	if (unlikely(!scope_try(r, false)))
		return enter_taken(f, g);
	im = image_of(g);
	e = im->entry;
	if (unlikely(im->quick == TRAMP_SLOW))
		return enter_all(im, f, r);
	f->seen = im->newest;
	if (likely(im->at[KILN_HOOK_FMOD_RET])) {
		struct tramp_cell *c = &e->cell[r->cpu];

		if (unlikely(!begin(c, e, f, r)))
			return enter_all(im, f, r); /* and it is counted */
		((prog_fn)e->fn)(f->args);
		end(c);
	}
	/* not behind the scope, where the image may be gone */
	verdict = im->quick;
	scope_leave(r);
	return verdict;
}

void rt_tramp_exit(struct kiln_tramp_frame *f)
{
	struct scope_rec *r = scope_enter();

	run_fexit(image_of(PTR(const struct tramp_gate, f->hook)), f, r);
	scope_leave(r);
}

u64 rt_tramp_count(struct tramp_cell *cell, u64 (*body)(void *), void *ctx)
{
	struct scope_rec *r = scope_enter();
	u64 start = kiln_port_time_ns();
	u64 result = body(ctx);

	add(&cell[r->cpu].run_ns, kiln_port_time_ns() - start);
	add(&cell[r->cpu].run_cnt, 1);
	scope_leave(r);
	return result;
}
