/*
 * Timers: struct bpf_timer in values of maps, and the callbacks that run when
 * they are due. Core; timer_core.c or timer_host.c says who calls
 * kiln_timers_run().
 *
 * A struct bpf_timer holds a handle, 0 while it is not initialised. What the
 * handle names is here: a pool of timers, and a heap of those that are started,
 * the earliest first. Both grow by chunks of CHUNK; the first one is static, the
 * others are kiln_port_pages(), which are never given back.
 *
 * All but `life` and the handle is under `lock`, which is held for some steps
 * of the heap and never during a callback. One context at a time runs callbacks:
 *
 *   R1 enters a run scope: a grace period waits for the callback, and its CPU
 *      slot is nobody else's
 *   R2 locked: takes the earliest out of the heap if it is due, and says in
 *      `running` which it is
 *   R3 the callback
 *   R4 locked: running = 0; gives the timer back if its element is gone
 *
 * What holds, and why:
 * - Who cancels takes the timer out of the heap and its function from it, then
 *   waits for R4 if it is the one that runs. R2 is either before, and `running`
 *   tells, or does not find it in the heap any more: no callback begins after
 *   cancel. The callback cannot start it again, because it has no function.
 * - Nobody waits for himself: the slot that runs the callback is known, and its
 *   own cancel (or one in an interrupt above it) is -EDEADLK. There are no two
 *   callbacks that could wait for each other.
 * - An element's end (rt_timer_free) does not wait, as it can be the work of the
 *   callback itself. It takes the handle by an exchange, so that it is released
 *   once. If the lock cannot be had (this context interrupted its holder), GONE
 *   stays behind, which R2 and the search for a free timer respect.
 * - A handle names one life of a timer of the pool (gen): one that was copied
 *   by a program is of no use after it.
 */
#include "kiln/runtime.h"
#include "runtime/hashtab.h"
#include "runtime/timer.h"

enum {
	CHUNK = 256,
	CHUNKS = 256,
	TIMER_ABS = 1,
	TIMER_PIN = 2, /* there is one runner */
};

enum { ANY_FLAGS = TIMER_ABS | TIMER_PIN };
enum { REALTIME = 0, MONOTONIC = 1, BOOTTIME = 7 }; /* CLOCK_* */

enum { USED = 1, GONE = 2 };
#define GEN(word) ((word) & ~(u64)UINT32_MAX)

struct timer {
	u64 deadline; /* by kiln_port_time_ns() */
	u64 fn;
	u64 map;
	u64 value;
	u64 life;  /* gen << 32 | USED | GONE */
	u32 place; /* in the heap, from 1; 0: not started */
	u32 clock;
};

struct chunk {
	struct timer timer[CHUNK];
	u32 heap[CHUNK];
};

/* state */
static u32 lock;
static struct chunk first;
static u64 chunk_at[CHUNKS]; /* addresses; [0] is unused */
static u32 n_timers;	     /* that were ever used */
static u32 n_heap;
static u64 running; /* turn << 32 | number of the timer, from 1; or 0 */
static u32 turn, runner_cpu;
static u32 busy; /* somebody is in kiln_timers_run() */

/* ---- pool, by numbers from 1 ------------------------------------------------ */

static struct chunk *chunk_of(u32 n)
{
	u64 at = load64(&chunk_at[(n - 1) / CHUNK], memory_order_relaxed);

	return n <= CHUNK ? &first : PTR(struct chunk, at);
}

static struct timer *timer_at(u32 n)
{
	return &chunk_of(n)->timer[(n - 1) % CHUNK];
}

static u64 life_of(const struct timer *t)
{
	return load64(&t->life, memory_order_relaxed);
}

static bool is_gone(struct timer *t)
{
	/* in the order of changes, so that no GONE is overlooked */
	return atomic_fetch_or_explicit(
		       ATOMIC64(&t->life), 0, memory_order_acq_rel) &
	       GONE;
}

/* Only if it is that life. */
static void mark_gone(struct timer *t, u64 handle)
{
	u64 old = GEN(handle) | USED;

	atomic_compare_exchange_strong_explicit(ATOMIC64(&t->life), &old,
		old | GONE, memory_order_acq_rel, memory_order_relaxed);
}

/* The timer of a handle, or 0: that life is over. Locked. */
static u32 find(u64 handle)
{
	u32 n = (u32)handle;

	if (!n || n > n_timers || life_of(timer_at(n)) != (GEN(handle) | USED))
		return 0;
	return n;
}

/* ---- heap: heap_at(1) is the earliest. Locked ------------------------------------ */

static u32 *heap_at(u32 place)
{
	return &chunk_of(place)->heap[(place - 1) % CHUNK];
}

static void heap_set(u32 place, u32 n)
{
	*heap_at(place) = n;
	timer_at(n)->place = place;
}

static u64 deadline_at(u32 place)
{
	return timer_at(*heap_at(place))->deadline;
}

/* n goes to `place` or above. */
static void sift_up(u32 place, u32 n)
{
	u64 deadline = timer_at(n)->deadline;

	for (; place > 1 && deadline_at(place / 2) > deadline; place /= 2)
		heap_set(place, *heap_at(place / 2));
	heap_set(place, n);
}

/* n goes to `place` or below. */
static void sift_down(u32 place, u32 n)
{
	u64 deadline = timer_at(n)->deadline;

	for (u32 child; (child = 2 * place) <= n_heap; place = child) {
		if (child < n_heap &&
			deadline_at(child + 1) < deadline_at(child))
			child++;
		if (deadline_at(child) >= deadline)
			break;
		heap_set(place, *heap_at(child));
	}
	heap_set(place, n);
}

/* Whether it was started. */
static bool stop(u32 n)
{
	u32 place = timer_at(n)->place, last;

	if (!place)
		return false;
	timer_at(n)->place = 0;
	last = *heap_at(n_heap--);
	if (last == n)
		return true;
	if (place > 1 && deadline_at(place / 2) > timer_at(last)->deadline)
		sift_up(place, last);
	else
		sift_down(place, last);
	return true;
}

/* ---- lives ------------------------------------------------------------------- */

static bool is_running(u32 n)
{
	return (u32)load64(&running, memory_order_relaxed) == n;
}

/* Whether this context, or one below it, runs the callback. */
static bool is_runner(void)
{
	return rt_in_scope() && runner_cpu == kiln_port_cpu();
}

/* Ends its life, or lets the callback that runs do that. */
static void release(u32 n)
{
	struct timer *t = timer_at(n);
	u64 life = life_of(t);

	stop(n);
	t->fn = 0;
	if (is_running(n))
		mark_gone(t, life);
	else
		store64(&t->life, GEN(life) + ((u64)1 << 32),
			memory_order_relaxed);
}

static int grow(void)
{
	u32 k = n_timers / CHUNK;
	void *p;

	if (k >= CHUNKS)
		return -RT_ENOMEM;
	if (k && !chunk_at[k]) {
		p = kiln_port_pages(sizeof(struct chunk));
		if (!p)
			return -RT_ENOMEM;
		store64(&chunk_at[k], (uintptr_t)p, memory_order_relaxed);
	}
	store32(&n_timers, n_timers + 1, memory_order_relaxed);
	return 0;
}

static bool is_used(const struct timer *t)
{
	return life_of(t) & USED;
}

/* One of the next n that nobody has any more, or 0. */
static u32 search(u32 n)
{
	static u32 hand; /* locked */

	for (; n; n--) {
		hand = hand % n_timers + 1;
		if (is_gone(timer_at(hand)) && !is_running(hand))
			release(hand);
		if (!is_used(timer_at(hand)))
			return hand;
	}
	return 0;
}

/* A free timer, or 0. */
static u32 alloc(void)
{
	u32 n = search(n_timers < 8 ? n_timers : 8);

	if (n)
		return n;
	return grow() ? search(n_timers) : n_timers;
}

/* ---- running ---------------------------------------------------------------------- */

struct call {
	callback_fn fn;
	struct kiln_map *map;
	u8 *value;
	u32 n;
};

/* R2; until nothing is due: what is next, or UINT64_MAX. */
static bool take_due(u64 now, struct call *c, u64 *next)
{
	for (;;) {
		struct timer *t;
		u32 n;

		*next = n_heap ? deadline_at(1) : UINT64_MAX;
		if (*next > now)
			return false;
		n = *heap_at(1);
		t = timer_at(n);
		stop(n);
		if (is_gone(t)) {
			release(n);
			continue;
		}
		*c = (struct call){(callback_fn)(uintptr_t)t->fn,
			PTR(struct kiln_map, t->map), PTR(u8, t->value), n};
		runner_cpu = kiln_port_cpu();
		store64(&running, (u64)++turn << 32 | n, memory_order_relaxed);
		return true;
	}
}

/* Arrays have no keys in memory. */
static void run(const struct call *c)
{
	const struct kiln_map *m = c->map;
	u64 index = (uintptr_t)c->value - m->values;
	u32 number = (u32)(index / map_value_stride(m));
	const void *key = c->value - align_up(m->key_size, 8);

	if (m->type == KILN_MAP_TYPE_ARRAY)
		key = &number;
	c->fn((uintptr_t)m, (uintptr_t)key, (uintptr_t)c->value, 0, 0);
}

/* R4. The lock is free for this context as soon as for any. */
static void end(u32 n)
{
	while (kiln_port_lock(&lock))
		kiln_port_relax();
	/* pairs with wait_for(): what the callback did is done */
	store64(&running, 0, memory_order_release);
	if (is_gone(timer_at(n)))
		release(n);
	kiln_port_unlock(&lock);
}

/* One callback. 1, or 0 if nothing is due, or -EBUSY. */
static int run_one(u64 now, u64 *next)
{
	struct call c = {0};
	int got;

	kiln_scope_enter(); /* R1 */
	got = kiln_port_lock(&lock);
	if (!got) {
		got = take_due(now, &c, next);
		kiln_port_unlock(&lock);
	}
	if (got > 0) {
		run(&c);
		end(c.n);
	}
	kiln_scope_leave();
	return got;
}

static u32 how_many(void)
{
	u32 n = 0;

	if (!kiln_port_lock(&lock)) {
		n = n_heap;
		kiln_port_unlock(&lock);
	}
	return n;
}

RT_API uint64_t kiln_timers_run(uint64_t now_ns)
{
	u64 next = UINT64_MAX;
	u32 most = how_many();
	int got = 1;

	if (atomic_exchange_explicit(ATOMIC32(&busy), 1, memory_order_acquire))
		return now_ns;
	/* a callback may start its timer again, for now */
	for (u64 k = 0; got > 0 && k <= most; k++)
		got = run_one(now_ns, &next);
	store32(&busy, 0, memory_order_release);
	return got < 0 ? now_ns : next;
}

bool rt_timers_before_fork(void)
{
	return !kiln_port_lock(&lock);
}

void rt_timers_after_fork(bool locked, bool child)
{
	if (child) {
		store32(&busy, 0, memory_order_relaxed);
		store64(&running, 0, memory_order_relaxed);
	}
	if (locked)
		kiln_port_unlock(&lock);
}

/* ---- ends ---------------------------------------------------------------------- */

/* Until the callback that `was` names is over. */
static void wait_for(u64 was)
{
	for (u32 tries = 0; load64(&running, memory_order_acquire) == was;
		tries++)
		rt_timers_pause(tries);
}

void rt_timer_free(u64 *timer)
{
	u64 handle = atomic_exchange_explicit(
		ATOMIC64(timer), 0, memory_order_acq_rel);
	struct timer *t;

	if (!handle)
		return;
	t = timer_at((u32)handle);
	mark_gone(t, handle);
	if (kiln_port_lock(&lock))
		return;
	if (life_of(t) == (GEN(handle) | USED | GONE))
		release((u32)handle);
	kiln_port_unlock(&lock);
}

/* Of those that the range names: the callback that runs, by `running`, or 0. */
static u64 drop_locked(u64 lo, u64 hi)
{
	u64 runs = 0;

	for (u32 n = 1; n <= n_timers; n++) {
		struct timer *t = timer_at(n);

		if (!is_used(t) ||
			(t->map - lo >= hi - lo && t->fn - lo >= hi - lo))
			continue;
		if (is_running(n) && !is_runner())
			runs = load64(&running, memory_order_relaxed);
		release(n);
	}
	return runs;
}

int rt_timers_drop(u64 lo, u64 hi)
{
	/* no lock where nobody ever had a timer: a child of fork(2) closes
	 * objects, too. Who had one in the range has left it: this sees it */
	u64 runs = load32(&n_timers, memory_order_relaxed);
	int err;

	/* again after a callback: it may have started others */
	while (runs) {
		err = kiln_port_lock(&lock);
		if (err)
			return err;
		runs = drop_locked(lo, hi);
		kiln_port_unlock(&lock);
		if (runs)
			wait_for(runs);
	}
	return 0;
}

/* ---- helpers --------------------------------------------------------------------- */

/* The value of the map that has a timer there, or 0. */
static u64 value_of(const struct kiln_map *m, u64 timer)
{
	const struct kiln_map_field *f =
		PTR(const struct kiln_map_field, m->fields);
	u64 stride = map_value_stride(m), first_value = m->values, off;

	if (m->type == KILN_MAP_TYPE_HASH ||
		m->type == KILN_MAP_TYPE_LRU_HASH) {
		stride = m->priv[PRIV_SHAPE] >> 32;
		first_value = (uintptr_t)hash_value(m, hash_elem_at(m, 1));
	} else if (m->type != KILN_MAP_TYPE_ARRAY) {
		return 0;
	}
	if (timer < first_value || timer - m->values >= m->values_size)
		return 0;
	off = (timer - first_value) % stride;
	for (u32 i = 0; i < m->nfields; i++)
		if (f[i].kind == KILN_FIELD_TIMER && f[i].off == off)
			return timer - off;
	return 0;
}

static void begin(u32 n, u64 map, u64 value, u32 clock)
{
	struct timer *t = timer_at(n);

	t->fn = 0;
	t->map = map;
	t->value = value;
	t->clock = clock;
	store64(&t->life, GEN(life_of(t)) | USED, memory_order_relaxed);
}

/* bpf_timer_init(timer, map, clock): CLOCK_REALTIME, _MONOTONIC, _BOOTTIME */
HELPER_FN(timer_init)
{
	u64 *word = PTR(u64, a1);
	struct kiln_map *m = PTR(struct kiln_map, a2);
	u64 value = map_ready(m) ? 0 : value_of(m, a1);
	u32 n;

	if ((a3 != REALTIME && a3 != MONOTONIC && a3 != BOOTTIME) || !value)
		return FAILED(EINVAL);
	if (kiln_port_lock(&lock))
		return FAILED(EBUSY);
	if (load64(word, memory_order_relaxed)) {
		kiln_port_unlock(&lock);
		return FAILED(EBUSY);
	}
	n = alloc();
	if (n) {
		begin(n, a2, value, (u32)a3);
		/* release: pairs with rt_timer_free() */
		store64(word, GEN(life_of(timer_at(n))) | n,
			memory_order_release);
	}
	kiln_port_unlock(&lock);
	return n ? 0 : FAILED(ENOMEM);
}

/* bpf_timer_set_callback(timer, callback(map, key, value)) */
HELPER_FN(timer_set_callback)
{
	u32 n;

	if (kiln_port_lock(&lock))
		return FAILED(EBUSY);
	n = find(load64(PTR(u64, a1), memory_order_relaxed));
	if (n)
		timer_at(n)->fn = a2;
	kiln_port_unlock(&lock);
	return n ? 0 : FAILED(EINVAL);
}

static u64 add(u64 a, u64 b)
{
	return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

/* By kiln_port_time_ns(); never "never". */
static u64 deadline_of(u64 ns, u64 flags, u32 clock)
{
	u64 at, offset;

	if (flags & TIMER_ABS) {
		offset = rt_timers_offset(clock);
		at = ns > offset ? ns - offset : 0;
	} else {
		at = add(kiln_port_time_ns(), ns);
	}
	return at < UINT64_MAX ? at : at - 1;
}

/* bpf_timer_start(timer, ns, flags) */
HELPER_FN(timer_start)
{
	bool earliest = false;
	u64 deadline = 0;
	int err;
	u32 n;

	if (a3 & ~(u64)ANY_FLAGS)
		return FAILED(EINVAL);
	err = rt_timers_ready();
	if (err || kiln_port_lock(&lock))
		return err ? (u64)err : FAILED(EBUSY);
	n = find(load64(PTR(u64, a1), memory_order_relaxed));
	if (n && timer_at(n)->fn) {
		deadline = deadline_of(a2, a3, timer_at(n)->clock);
		stop(n);
		timer_at(n)->deadline = deadline;
		sift_up(++n_heap, n);
		earliest = *heap_at(1) == n;
	} else {
		n = 0;
	}
	kiln_port_unlock(&lock);
	if (earliest)
		kiln_timers_wake(deadline);
	return n ? 0 : FAILED(EINVAL);
}

/* bpf_timer_cancel(timer): 1 if it was started. Wants a callback again then. */
HELPER_FN(timer_cancel)
{
	bool mine = false, was = false;
	u64 runs = 0;
	u32 n;

	if (kiln_port_lock(&lock))
		return FAILED(EBUSY);
	n = find(load64(PTR(u64, a1), memory_order_relaxed));
	if (n && is_running(n)) {
		runs = load64(&running, memory_order_relaxed);
		mine = is_runner();
	}
	if (n && !mine) {
		was = stop(n);
		timer_at(n)->fn = 0;
	}
	kiln_port_unlock(&lock);
	if (!n || mine)
		return n ? FAILED(EDEADLK) : FAILED(EINVAL);
	if (runs)
		wait_for(runs);
	return was;
}
