/*
 * Hooks and links: programs come to functions and go, while the functions run.
 *
 * A hook is what a function has once something was attached to it, for ever: a
 * stub next to it, and a pointer to an image. With tramp_lock, to attach:
 *
 *	A1 stub		copied, its literals and branches written (new hooks)
 *	A2 sled's jump	to the stub; the gate is closed (new hooks)
 *	A3 text_sync()	every core executes a serializing instruction (new hooks)
 *	A4 image = new	release. Partner: the acquire in enter and exit
 *	A5 gate open	one byte (arm64: one word) of code
 *	A6 text_sync()	calls that begin after the return of attach are seen
 *
 * and to detach: D1 image = one without the program; D2 gate closed if that is
 * empty. Neither waits for anybody, D1 takes effect, and it cannot fail: its image
 * was made when the program was attached (reserve).
 *
 * Why nobody is in memory that was freed. Code: stubs, hooks and sleds' jumps are
 * for ever, so it does not matter who was preempted where between a gate and a
 * stub's first instruction, or waits in a function's body. Data: a stub reads the
 * image inside a run scope, and what it reaches from there, programs, cells and
 * their code, it uses inside the same scope. An image is freed, and an object's
 * memory unmapped, after a grace period that began after A4 or D1 put another
 * image in place: who is in a scope then and has the old image is waited for;
 * who enters one later loads the new image (kiln_synchronize(), S1 to S4).
 *
 * Which fexit programs run. Ids grow with every attachment. enter keeps the newest
 * id of its image on the stub's frame, exit loads the image again and runs those
 * that are not newer. Attached meanwhile: the id is larger. Detached meanwhile:
 * not in the image. Detached and attached again: a new id. No image is kept across
 * the body.
 *
 * Why the gate may change while threads run it: sled_<target>.c. Both values are
 * right at any time: who jumps to the stub of an image that is empty by now goes
 * on to the body, and who does not was not called after A6. What is behind the
 * gate is written before the first A5 (A1, A2) and never again, and A3 stands in
 * between: no core executes bytes that it fetched before they were written.
 *
 * Retired images are freed by who attaches, from time to time, and closes objects,
 * outside of the lock. If a scope stays open for a second (a jump out of a program)
 * they stay for longer: each failure doubles how many there may be.
 *
 * Fork: sleds and stubs are text that a child shares (text.c).
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "runtime/map_prog_array.h"
#include "runtime/object.h"
#include "runtime/tramp.h"

enum { RETIRED_BATCH = 64 };

struct tramp_hook {
	struct tramp_gate gate; /* what the stub names */
	struct tramp_hook *next;
	struct tramp_place place;
	struct tramp_stub stub;
	char *model;
	u32 nargs, nret;
	struct kiln_link *links; /* in the order of their ids */
	u32 nlinks;
	/* One for each link. The k largest have room for k, k - 1, ... 1 links:
	 * an attachment adds one for all, a detachment takes the largest. */
	struct tramp_image *reserve;
};

/* Its owner destroys it. */
struct kiln_link {
	struct kiln_link *next; /* in the hook, or among those to be detached */
	struct kiln_link *after; /* among those that are left */
	struct tramp_hook *hook; /* NULL: detached */
	struct kiln_program *prog;
	u64 id, cookie;
	u8 kind; /* enum kiln_hook_kind */
};

/* state */
u32 tramp_lock;
static struct tramp_hook *hooks; /* under tramp_lock, as what follows */
static struct tramp_hook *ended; /* functions that are gone; stubs stay */
static u64 last_id;
static struct tramp_image *retired;
static u32 nretired, max_retired = RETIRED_BATCH;
static bool fork_locked;
static _Atomic(struct kiln_link *) left; /* to be detached by who unlocks */
static struct kiln_link *gone;		 /* those, to be freed */
static struct tramp_image none;

/* ---- images ---------------------------------------------------------------- */

static struct tramp_image *image_new(u32 cap)
{
	struct tramp_image *im =
		calloc(1, sizeof(*im) + cap * sizeof(im->entry[0]));

	if (im)
		im->cap = cap;
	return im;
}

static void image_free_all(struct tramp_image *im)
{
	while (im) {
		struct tramp_image *next = im->next;

		free(im);
		im = next;
	}
}

static void image_push(struct tramp_image **list, struct tramp_image *im)
{
	im->next = *list;
	*list = im;
}

static void retire(struct tramp_image *im)
{
	image_push(&retired, im);
	nretired++;
}

static void add_kind(
	struct tramp_image *im, const struct tramp_hook *h, u32 kind)
{
	im->at[kind] = im->n;
	for (const struct kiln_link *l = h->links; l; l = l->next)
		if (l->kind == kind)
			im->entry[im->n++] = (struct tramp_entry){
				.fn = (void (*)(void))obj_run_by(l->prog),
				.cell = l->prog->cell,
				.cookie = l->cookie,
				.id = l->id,
			};
}

static u32 quick_verdict(const struct tramp_image *im)
{
	if (im->at[KILN_HOOK_FMOD_RET] > 1 ||
		im->at[KILN_HOOK_FEXIT] != im->at[KILN_HOOK_FMOD_RET])
		return TRAMP_SLOW;
	return im->at[KILN_HOOK_FEXIT] < im->n ? KILN_TRAMP_CALL
					       : KILN_TRAMP_JUMP;
}

/* A4, D1 */
static void publish(struct tramp_hook *h, struct tramp_image *im)
{
	struct tramp_image *old;

	if (im != &none) {
		im->n = 0;
		im->nargs = h->nargs;
		im->nret = h->nret;
		add_kind(im, h, KILN_HOOK_FENTRY);
		add_kind(im, h, KILN_HOOK_FMOD_RET);
		add_kind(im, h, KILN_HOOK_FREPLACE);
		add_kind(im, h, KILN_HOOK_FEXIT);
		im->quick = quick_verdict(im);
		for (const struct kiln_link *l = h->links; l; l = l->next)
			im->newest = l->id;
	}
	old = atomic_exchange_explicit(
		&h->gate.image, im, memory_order_acq_rel);
	if (old != &none)
		retire(old);
}

/* ---- gates ----------------------------------------------------------------- */

/* 0 or -errno: it stays as it was. */
static int set_gate(struct tramp_hook *h, bool open)
{
	u8 *sled = PTR(u8, h->place.sled);
	int err;

	if (sled_is_open(sled) == open)
		return 0;
	err = text_edit(h->place.text);
	if (err)
		return err;
	sled_set(text_rw(h->place.text, sled), h->place.sled, h->stub.at, open);
	text_done(h->place.text, sled, sled_size);
	return 0;
}

/* ---- links: with the lock ---------------------------------------------------- */

/* The reserve covers all that can come. */
static struct tramp_image *take_largest(struct tramp_hook *h)
{
	struct tramp_image **best = &h->reserve, *im;

	for (struct tramp_image **p = &h->reserve; *p; p = &(*p)->next)
		if ((*p)->cap > (*best)->cap)
			best = p;
	im = *best;
	*best = im->next;
	return im;
}

static void detach(struct kiln_link *l)
{
	struct tramp_hook *h = l->hook;
	struct kiln_link **p = &h->links;
	struct tramp_image *im = take_largest(h);

	while (*p != l)
		p = &(*p)->next;
	*p = l->next;
	l->next = NULL;
	l->hook = NULL;
	store32(&h->nlinks, h->nlinks - 1, memory_order_relaxed);
	publish(h, h->nlinks ? im : &none);
	if (h->nlinks)
		return;
	retire(im);
	/* if it cannot be closed, the stub finds an empty image */
	set_gate(h, false);
}

static void append(struct tramp_hook *h, struct kiln_link *l)
{
	struct kiln_link **p = &h->links;

	while (*p)
		p = &(*p)->next;
	*p = l;
	l->next = NULL;
	l->id = ++last_id;
	store32(&h->nlinks, h->nlinks + 1, memory_order_relaxed);
}

static bool has_freplace(const struct tramp_hook *h)
{
	for (const struct kiln_link *l = h->links; l; l = l->next)
		if (l->kind == KILN_HOOK_FREPLACE)
			return true;
	return false;
}

/* ---- the lock ------------------------------------------------------------------ */

static void drain(void)
{
	struct kiln_link *l =
		atomic_exchange_explicit(&left, NULL, memory_order_acquire);

	while (l) {
		struct kiln_link *next = l->after;

		if (l->hook)
			detach(l);
		l->next = gone;
		gone = l;
		l = next;
	}
}

static void unlock(void)
{
	do {
		drain();
		kiln_port_unlock(&tramp_lock);
		/* left behind after drain() by who did not get the lock */
	} while (atomic_load_explicit(&left, memory_order_relaxed) &&
		 !kiln_port_lock(&tramp_lock));
}

/* A signal handler inside of attach or destroy: they do it when they end. */
static void leave_behind(struct kiln_link *l)
{
	struct kiln_link *first =
		atomic_load_explicit(&left, memory_order_relaxed);

	do
		l->after = first;
	while (!atomic_compare_exchange_weak_explicit(
		&left, &first, l, memory_order_release, memory_order_relaxed));
	if (!kiln_port_lock(&tramp_lock))
		unlock();
}

/* ---- what is retired ------------------------------------------------------------- */

struct tramp_image *tramp_take_retired(void)
{
	struct tramp_image *im = NULL;

	if (kiln_port_lock(&tramp_lock))
		return NULL;
	im = retired;
	retired = NULL;
	nretired = 0;
	max_retired = RETIRED_BATCH;
	unlock();
	return im;
}

void tramp_give_retired(struct tramp_image *im, bool done)
{
	struct tramp_image *next;

	if (done) {
		image_free_all(im);
		return;
	}
	if (kiln_port_lock(&tramp_lock))
		return;
	for (; im; im = next) {
		next = im->next;
		retire(im);
	}
	max_retired = 2 * nretired;
	unlock();
}

/* Outside of the lock and of scopes. */
static void reclaim(void)
{
	struct kiln_link *dead, *next;
	struct tramp_image *im;
	bool is_time;

	if (kiln_port_lock(&tramp_lock))
		return;
	dead = gone;
	gone = NULL;
	is_time = nretired > max_retired;
	unlock();
	for (; dead; dead = next) {
		next = dead->next;
		free(dead);
	}
	if (!is_time)
		return;
	im = tramp_take_retired();
	tramp_give_retired(im, !kiln_synchronize());
}

/* ---- counters ----------------------------------------------------------------- */

#define CELLS_SIZE (SCOPE_SLOTS * sizeof(struct tramp_cell))

struct tramp_cell *tramp_cells(struct kiln_program *p)
{
	_Atomic(struct tramp_cell *) *at = (void *)&p->cell;
	struct tramp_cell *c = atomic_load_explicit(at, memory_order_acquire);
	long new;

	if (c)
		return c;
	/* pages that are touched are there; a handler may be here, too */
	new = rt_mmap(0, CELLS_SIZE);
	if (new < 0 && new > -4096)
		return NULL;
	if (atomic_compare_exchange_strong_explicit(at, &c,
		    (struct tramp_cell *)new, memory_order_acq_rel,
		    memory_order_acquire))
		return (struct tramp_cell *)new;
	munmap((void *)new, CELLS_SIZE);
	return c;
}

void tramp_free_cells(struct kiln_program *p)
{
	if (p->cell)
		munmap(p->cell, CELLS_SIZE);
	p->cell = NULL;
}

RT_API void kiln_stats_enable(bool on)
{
	if (on)
		atomic_fetch_or_explicit(ATOMIC32(&rt_scope_flags), SCOPE_STATS,
			memory_order_relaxed);
	else
		atomic_fetch_and_explicit(ATOMIC32(&rt_scope_flags),
			~(u32)SCOPE_STATS, memory_order_relaxed);
}

RT_API void kiln_program_stats(
	const struct kiln_program *p, struct kiln_program_stats *stats)
{
	const struct tramp_cell *c = p->cell;

	*stats = (struct kiln_program_stats){0};
	for (u32 k = 0; c && k < SCOPE_SLOTS; k++) {
		stats->run_cnt += load64(&c[k].run_cnt, memory_order_relaxed);
		stats->run_time_ns +=
			load64(&c[k].run_ns, memory_order_relaxed);
		stats->recursion_misses +=
			load64(&c[k].misses, memory_order_relaxed);
	}
}

/* ---- hooks --------------------------------------------------------------------- */

static struct tramp_hook *find_hook(u64 func)
{
	struct tramp_hook *h = hooks;

	while (h && h->place.func != func)
		h = h->next;
	return h;
}

static void hook_drop(struct tramp_hook *h)
{
	tramp_stub_drop(&h->stub);
	free(h->model);
	free(h);
}

/* A2, A3: it is there, with its gate closed, unless another thread was first. */
static int hook_enter(struct tramp_hook *h, struct tramp_hook **result)
{
	struct text *t = h->place.text;
	u8 *sled = PTR(u8, h->place.sled);
	int err = kiln_port_lock(&tramp_lock);

	if (err)
		return err;
	*result = find_hook(h->place.func);
	if (!*result)
		err = text_edit(t);
	if (!*result && !err) {
		sled_aim(text_rw(t, sled), h->place.sled, h->stub.at);
		text_done(t, sled, sled_size);
		err = text_sync();
	}
	if (!*result && !err) {
		h->next = hooks;
		*result = hooks = h;
	}
	unlock();
	return err;
}

/* A1 to A3 */
static int hook_make(const struct kiln_hook_row *row,
	const struct tramp_place *place, struct tramp_hook **result)
{
	struct tramp_hook *h = calloc(1, sizeof(*h));
	int err = -ENOMEM;

	if (!h)
		return err;
	atomic_init(&h->gate.image, &none);
	h->place = *place;
	h->nargs = row->nargs;
	h->nret = row->nret;
	h->model = strdup(PTR(char, obj_self(&row->model)));
	if (h->model)
		err = tramp_stub_new(row, &h->gate, place, &h->stub);
	if (!err)
		err = hook_enter(h, result);
	if (err || *result != h)
		hook_drop(h);
	return err;
}

/* ---- attaching ------------------------------------------------------------------- */

struct request {
	struct kiln_program *prog;
	const struct kiln_hook_row *row;
	const char *who, *func; /* names */
	u64 target;
	u64 cookie;
};

#define refuse(r, err, fmt, ...) \
	(rt_log(KILN_LOG_ERROR, "%s: " fmt, (r)->who, ##__VA_ARGS__), -(err))

#define NO_ATTACH                                                            \
	"its section (%s) names no function that it attaches to (fentry/F, " \
	"fexit/F, fmod_ret/F, freplace/F), or F's prototype was not known: " \
	"kiln compile --btf FILE"

static int check_program(const struct request *r)
{
	const struct kiln_program *p = r->prog;

	if (!p->obj->loaded)
		return refuse(r, ENODEV, "its object is not loaded");
	if (!r->row)
		return refuse(r, EINVAL, NO_ATTACH, p->section);
	if (r->row->kind == KILN_HOOK_FMOD_RET && !r->row->nret)
		return refuse(
			r, EINVAL, "%s has no result to be modified", r->func);
	if (rt_in_scope())
		return refuse(r, EDEADLK, "attached inside a run scope");
	return 0;
}

static int read_opts(struct request *r, const struct kiln_attach_opts *opts)
{
	struct kiln_attach_opts o = {0};
	const u8 *p = (const u8 *)opts;

	for (size_t i = sizeof(o); opts && i < opts->sz; i++)
		if (p[i])
			return refuse(r, EINVAL,
				"options that this runtime does not have");
	if (opts)
		memcpy(&o, opts, opts->sz < sizeof(o) ? opts->sz : sizeof(o));
	r->cookie = o.cookie;
	r->target = (uintptr_t)o.target;
	return 0;
}

static int find_target(struct request *r)
{
	if (!r->target)
		memcpy(&r->target, PTR(void, obj_self(&r->row->target)), 8);
	if (!r->target)
		r->target = (uintptr_t)sym_find(r->prog->obj, r->func);
	if (r->target)
		return 0;
	if (strchr(r->func, '.'))
		return refuse(r, ENOENT,
			"%s is a copy that the compiler made of a function: "
			"mark the function KILN_HOOKABLE",
			r->func);
	return refuse(r, ENOENT,
		"no function %s is known: export it (-rdynamic), or say "
		"KILN_HOOK(%s) where it is (kiln/hook.h)",
		r->func, r->func);
}

/* The target's hook, made if it is the first time. */
static int find_or_make(const struct request *r, struct tramp_hook **h)
{
	struct tramp_place place;
	int err = kiln_port_lock(&tramp_lock);

	if (err)
		return err;
	*h = find_hook(r->target);
	if (!*h)
		err = tramp_find_place(r->target, &place);
	unlock();
	if (err)
		tramp_say_why(&place, r->func, r->who);
	if (err || *h)
		return err;
	err = hook_make(r->row, &place, h);
	if (err == -ERANGE)
		return refuse(
			r, ERANGE, "no room for the stub near %s", r->func);
	if (err == -EINVAL)
		return refuse(r, EINVAL, "the stub of %s is damaged", r->func);
	if (err)
		rt_log(KILN_LOG_ERROR, "%s: %s: %s", r->who, r->func,
			strerror(-err));
	return err;
}

/* With the lock; links and images have been made. */
static int check_hook(const struct request *r, const struct tramp_hook *h)
{
	const char *model = PTR(const char, obj_self(&r->row->model));

	if (strcmp(h->model, model))
		return refuse(r, EEXIST,
			"%s is called by %s here and by %s by programs that "
			"were attached before",
			r->func, model, h->model);
	if (r->row->kind == KILN_HOOK_FREPLACE && has_freplace(h))
		return refuse(r, EBUSY,
			"%s is replaced by another program already", r->func);
	return 0;
}

/* A4 to A6, or -EAGAIN: the images are too small. */
static int link_in(const struct request *r, struct tramp_hook *h,
	struct kiln_link *l, struct tramp_image *im[2])
{
	int err;

	if (h->nlinks >= im[0]->cap)
		return -EAGAIN;
	err = check_hook(r, h);
	if (err)
		return err;
	l->hook = h;
	append(h, l);
	image_push(&h->reserve, im[1]);
	publish(h, im[0]);
	im[0] = im[1] = NULL;
	err = set_gate(h, true);
	if (err) {
		detach(l);
		return refuse(r, -err, "%s: %s", r->func, strerror(-err));
	}
	text_sync();
	return 0;
}

static int try_link(const struct request *r, struct tramp_hook *h,
	struct kiln_link *l, u32 cap)
{
	struct tramp_image *im[2] = {image_new(cap), image_new(cap)};
	int err = -ENOMEM;

	if (im[0] && im[1])
		err = kiln_port_lock(&tramp_lock);
	if (!err) {
		err = link_in(r, h, l, im);
		unlock();
	}
	free(im[0]);
	free(im[1]);
	return err;
}

static int attach(const struct request *r, struct kiln_link *l)
{
	struct tramp_hook *h;
	int err = find_or_make(r, &h);

	if (err)
		return err;
	do
		err = try_link(
			r, h, l, 1 + load32(&h->nlinks, memory_order_relaxed));
	while (err == -EAGAIN);
	return err;
}

static int prepare(struct request *r, const struct kiln_attach_opts *opts)
{
	int err = read_opts(r, opts);

	if (!err)
		err = check_program(r);
	if (!err)
		err = find_target(r);
	if (!err && !tramp_cells(r->prog))
		err = -ENOMEM;
	return err;
}

RT_API struct kiln_link *kiln_program_attach(
	struct kiln_program *p, const struct kiln_attach_opts *opts)
{
	struct request r = {.prog = p, .row = p->hook, .who = p->name};
	struct kiln_link *l;
	int err;

	if (r.row)
		r.func = PTR(const char, obj_self(&r.row->name));
	err = prepare(&r, opts);
	l = err ? NULL : calloc(1, sizeof(*l));
	if (l) {
		l->prog = p;
		l->cookie = r.cookie;
		l->kind = r.row->kind;
		err = attach(&r, l);
		reclaim();
	}
	if (l && !err)
		return l;
	free(l);
	errno = err ? -err : ENOMEM;
	return NULL;
}

RT_API int kiln_link_destroy(struct kiln_link *l)
{
	if (!l)
		return 0;
	if (kiln_port_lock(&tramp_lock)) {
		leave_behind(l);
		return 0;
	}
	if (l->hook)
		detach(l);
	unlock();
	free(l);
	return 0;
}

/* ---- what goes ------------------------------------------------------------------- */

static void detach_of(struct tramp_hook *h, const struct kiln_object *o)
{
	struct kiln_link *l, *next;

	for (l = h->links; l; l = next) {
		next = l->next;
		if (!o || l->prog->obj == o)
			detach(l);
	}
}

void tramp_forget(const struct kiln_object *o, u64 lo, u64 hi)
{
	struct tramp_hook *h, **p = &hooks;

	if (kiln_port_lock(&tramp_lock))
		return;
	while ((h = *p)) {
		bool dies = h->place.func - lo < hi - lo;

		detach_of(h, dies ? NULL : o);
		if (!dies) {
			p = &h->next;
			continue;
		}
		*p = h->next;
		h->next = ended;
		ended = h;
	}
	unlock();
}

/* ---- fork ------------------------------------------------------------------------ */

void tramp_before_fork(void)
{
	fork_locked = !kiln_port_lock(&tramp_lock);
	tramp_share_modules();
	tramp_share_stubs();
}

void tramp_after_fork(void)
{
	if (fork_locked)
		kiln_port_unlock(&tramp_lock);
}
