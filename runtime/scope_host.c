/*
 * Run scopes, CPU slots and grace periods on Linux.
 *
 * Each thread that ever entered a scope has a record; it owns a CPU slot while
 * it is in a scope, and keeps it afterwards until another thread needs it. So
 * the usual enter and leave (scope_host_<target>.c) are a handful of plain
 * loads and stores on the thread's own line:
 *
 *   enter: E1 r.ctr = r.ctr has scopes ? r.ctr + 1 : phase | 1
 *          E2 if r.slot.owner != r: rt_scope_slow()
 *   leave: L1 r.ctr - 1 (release)
 *
 * No fence stands between E1 and what follows. Whoever needs to know pays
 * with barrier(), a membarrier(2): when it returns, every thread of the
 * process either has its E1 visible or executes what follows E1 later and
 * sees what was stored before barrier(). Without membarrier (old kernels,
 * seccomp) SCOPE_FENCE makes enter execute a full fence, to the same effect.
 *
 * Taking a slot that thread T used last:
 *   T1 owner: T -> T|ASKED     (only if T.ctr says no scope)
 *   T2 barrier()
 *   T3 T.ctr has no scope: owner = me.   T is later than T1 in E2, sees that
 *      the slot is not its own and takes rt_scope_slow()
 *      T.ctr has a scope:  owner = T.    T may have passed E2 already
 * A nested enter that reads T|ASKED goes to rt_scope_slow() too and waits for
 * the answer there. If T's outer scope has passed E2, T3 gives the slot back,
 * so nested scopes keep their slot. If a signal handler came between E1 and
 * E2 of the outer scope, the handler gets a slot, and the outer scope finds
 * it: E2 reads r.slot after the handler, or its comparison fails and
 * rt_scope_slow() looks again.
 *
 * Grace period: S1 barrier(), then twice { S2 phase ^= PHASE; S3 barrier();
 * S4 wait for each record until it has no scope of the old phase }, barrier().
 * Two flips because a thread may load the phase in E1 before S2 and store it
 * after S4 looked at it.
 *
 * Records, slots and ids are in one mapping that fork(2) wipes in the child:
 * its pages read as zero there, `magic` says so to the first thread that
 * takes the slow way, and a new one is mapped; the forking thread's record
 * has no slot any more, so E2 sends it there. The old mapping stays, because
 * that thread still points to it.
 *
 * The slow way blocks signals and makes system calls directly: it can be
 * entered from a signal handler, with live vector registers and any errno.
 */
#include <linux/membarrier.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>

#include "runtime/host.h"

#define NEST	      SCOPE_NEST
#define PHASE	      0x10000u
#define ASKED	      ((u64)1) /* of scope_slot.owner, with a record */
#define DISABLED      ((u64)2) /* beyond the limit */
#define SLOTS	      SCOPE_SLOTS
#define SLOTS_DEFAULT 64 /* --max-cpus of objects that do not say */
#define RECS	      65536
#define EPOCH	      ((u64)1 << 32)
#define MAGIC	      0x6e6c696bu
#define GRACE_NS      ((u64)1000 * 1000 * 1000)

struct pool {
	u32 magic; /* 0: wiped by a fork */
	u32 lock;  /* of claiming and reaping records: owner's tid */
	u32 n;	   /* records ever used */
	u32 pid;
	u32 first_id; /* ids are never those of the parent process */
	u32 reap_at;
	struct scope_slot slot[SLOTS];
	struct scope_rec rec[RECS];
};

/* state */
_Thread_local struct scope_rec *rt_scope_self;
static struct pool *_Atomic pool;
static u32 limit;     /* slots that may be used; 0: not looked up yet */
static u32 sync_lock; /* one updater at a time */
/* for scope_host_<target>.c and scope_enter() */
u32 rt_scope_phase = 1; /* 1 | phase */
u32 rt_scope_flags;

/* ---- the system ------------------------------------------------------------- */

static u64 block_signals(void)
{
	u64 all = UINT64_MAX, old = 0;

	rt_syscall(SYS_rt_sigprocmask, SIG_BLOCK, (long)&all, (long)&old, 8);
	return old;
}

static void restore_signals(u64 mask)
{
	rt_syscall(SYS_rt_sigprocmask, SIG_SETMASK, (long)&mask, 0, 8);
}

static u32 my_tid(void)
{
	return (u32)rt_syscall(SYS_gettid, 0, 0, 0, 0);
}

static bool is_alive(u32 pid, u32 tid)
{
	return rt_syscall(SYS_tgkill, pid, tid, 0, 0) != -RT_ESRCH;
}

/* Spins, yields, then sleeps: a waiter of high priority must let the owner
 * run. */
static void pause_for(u32 tries)
{
	struct timespec t = {0, 50000};

	if (tries < 64)
		kiln_port_relax();
	else if (tries < 80)
		rt_syscall(SYS_sched_yield, 0, 0, 0, 0);
	else
		rt_syscall(SYS_nanosleep, (long)&t, 0, 0, 0);
}

/* The updater's half of a fence that readers do not execute. */
static void barrier(void)
{
	atomic_thread_fence(memory_order_seq_cst);
	if (!(load32(&rt_scope_flags, memory_order_relaxed) & SCOPE_FENCE))
		rt_syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0,
			0, 0);
}

/* ---- the pool ---------------------------------------------------------------- */

/* The least --max-cpus of the per-CPU maps that are linked into this image;
 * objects in other images are told to rt_scope_limit() when they register. */
static u32 linked_limit(void)
{
	u32 least = 0;

	for (const struct kiln_map_row *row = __start_kiln_maps;
		row != __stop_kiln_maps; row++) {
		const struct kiln_map *m =
			(const struct kiln_map *)((const u8 *)&row->map +
						  row->map);
		const struct kiln_map_ops *ops =
			(const struct kiln_map_ops *)(uintptr_t)m->ops;

		if (ops && ops->percpu && (!least || m->max_cpus < least))
			least = m->max_cpus;
	}
	if (!least)
		return SLOTS_DEFAULT;
	return least < SLOTS ? least : SLOTS;
}

static struct pool *map_pool(void)
{
	long p = rt_mmap(0, sizeof(struct pool));

	if (p < 0 && p > -4096)
		return NULL;
	/* fails before Linux 4.14: then children must not use kiln */
	rt_syscall(SYS_madvise, p, sizeof(struct pool), MADV_WIPEONFORK, 0);
	return (struct pool *)p;
}

static struct pool *new_pool(struct pool *old)
{
	struct pool *p = map_pool();

	if (!p)
		return NULL;
	if (!load32(&limit, memory_order_relaxed))
		store32(&limit, linked_limit(), memory_order_relaxed);
	for (u32 i = load32(&limit, memory_order_relaxed); i < SLOTS; i++)
		p->slot[i].owner = DISABLED;
	p->pid = (u32)rt_syscall(SYS_getpid, 0, 0, 0, 0);
	/* from the pid, because all that a fork keeps of the old pool is its
	 * address */
	p->first_id = 1 + (p->pid & 0x7fff) * RECS;
	if (rt_syscall(SYS_membarrier,
		    MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0, 0))
		atomic_fetch_or_explicit(ATOMIC32(&rt_scope_flags), SCOPE_FENCE,
			memory_order_relaxed);
	store32(&p->magic, MAGIC, memory_order_relaxed);
	if (!atomic_compare_exchange_strong_explicit(&pool, &old, p,
		    memory_order_acq_rel, memory_order_acquire)) {
		rt_syscall(SYS_munmap, (long)p, sizeof(*p), 0, 0);
		return old; /* another thread was first */
	}
	return p;
}

/* The pool of this process. Waits for memory if it must. */
static struct pool *the_pool(void)
{
	struct pool *p = atomic_load_explicit(&pool, memory_order_acquire);

	for (u32 tries = 80;
		!p || load32(&p->magic, memory_order_relaxed) != MAGIC;) {
		p = new_pool(p);
		if (!p)
			pause_for(tries);
	}
	return p;
}

static void lock_pool(struct pool *p)
{
	u32 none = 0;

	for (u32 tries = 0;
		!atomic_compare_exchange_weak_explicit(ATOMIC32(&p->lock),
			&none, 1, memory_order_acquire, memory_order_relaxed);
		tries++) {
		none = 0;
		pause_for(tries);
	}
}

static void unlock_pool(struct pool *p)
{
	store32(&p->lock, 0, memory_order_release);
}

/* ---- records: pool locked, signals blocked ---------------------------------------- */

/* Takes a dead thread's record from it, scopes that it left open included. */
static void reap(struct pool *p, struct scope_rec *r)
{
	if (!r->tid || is_alive(p->pid, r->tid))
		return;
	store32(&r->ctr, 0, memory_order_release);
	r->id = 0;
	store32(&r->tid, 0, memory_order_release);
}

/* A record for thread tid: one left by a dead thread of that number, else an
 * unused one. Looks whether a few others are dead, so that programs that
 * create threads for ever do not fill the pool. NULL: it is full. */
static struct scope_rec *claim_rec(struct pool *p, u32 tid)
{
	struct scope_rec *unused = NULL;

	for (u32 i = 0; i < p->n; i++) {
		if (p->rec[i].tid == tid)
			return &p->rec[i];
		if (!unused && !p->rec[i].tid)
			unused = &p->rec[i];
	}
	for (u32 i = 0; p->n && i < 4; i++)
		reap(p, &p->rec[p->reap_at++ % p->n]);
	if (unused)
		return unused;
	if (p->n == RECS)
		return NULL;
	/* pairs with the load in flip(): it finds a zeroed record */
	store32(&p->n, p->n + 1, memory_order_release);
	return &p->rec[p->n - 1];
}

static struct scope_rec *register_blocked(void)
{
	struct pool *p = the_pool();
	struct scope_rec *r;

	lock_pool(p);
	for (u32 tries = 0; !(r = claim_rec(p, my_tid())); tries++) {
		unlock_pool(p);
		pause_for(tries);
		lock_pool(p);
	}
	store32(&r->ctr, 0, memory_order_relaxed);
	r->id = p->first_id + (u32)(r - p->rec);
	r->random = 0;
	r->locks = 0;
	r->token = (r->token + EPOCH) & ~(EPOCH - 1);
	r->token |= r->id;
	store32(&r->tid, my_tid(), memory_order_release);
	unlock_pool(p);
	rt_scope_self = r;
	return r;
}

struct scope_rec *rt_scope_register(void)
{
	u64 mask = block_signals();
	struct scope_rec *r = register_blocked();

	restore_signals(mask);
	return r;
}

bool rt_scope_is_gone(u32 id)
{
	struct pool *p = the_pool();
	u32 i = id - p->first_id, tid;

	if (i >= load32(&p->n, memory_order_acquire))
		return true; /* of the process that forked this one */
	tid = load32(&p->rec[i].tid, memory_order_relaxed);
	return !tid || !is_alive(p->pid, tid);
}

u32 rt_scope_pid(void)
{
	return the_pool()->pid;
}

/* ---- slots --------------------------------------------------------------------------- */

static void own(struct scope_rec *r, struct pool *p, u32 i)
{
	r->slot = &p->slot[i];
	r->cpu = i;
}

static bool take_free(struct scope_rec *r, struct pool *p, u32 n)
{
	for (u32 k = 0; k < n; k++) {
		u32 i = (r->cpu + k) % n;
		u64 none = 0;

		if (!load64(&p->slot[i].owner, memory_order_relaxed) &&
			atomic_compare_exchange_strong_explicit(
				ATOMIC64(&p->slot[i].owner), &none,
				(uintptr_t)r, memory_order_acq_rel,
				memory_order_relaxed)) {
			own(r, p, i);
			return true;
		}
	}
	return false;
}

static bool has_scope(const struct scope_rec *r)
{
	/* acquire: pairs with L1, the slot's values are complete */
	return load32(&r->ctr, memory_order_acquire) & NEST;
}

/* Steps T1 to T3; new is a record, 0 or DISABLED. */
static bool take_over(struct scope_slot *s, u64 new)
{
	u64 owner = load64(&s->owner, memory_order_acquire);
	const struct scope_rec *t = (const struct scope_rec *)owner;

	if (owner & (ASKED | DISABLED))
		return false;
	if (t && has_scope(t))
		return false;
	if (!atomic_compare_exchange_strong_explicit(ATOMIC64(&s->owner),
		    &owner, owner | ASKED, memory_order_acq_rel,
		    memory_order_relaxed))
		return false;
	barrier();
	if (t && has_scope(t)) {
		store64(&s->owner, owner, memory_order_release);
		return false;
	}
	store64(&s->owner, new, memory_order_release);
	return true;
}

static bool take_used(struct scope_rec *r, struct pool *p, u32 n)
{
	for (u32 i = 0; i < n; i++)
		if (take_over(&p->slot[i], (uintptr_t)r)) {
			own(r, p, i);
			return true;
		}
	return false;
}

/* All slots are in use. Lets signals in, and updaters pass unless there is a
 * scope around this one. */
static void wait_for_slot(struct scope_rec *r, u64 mask, u32 tries)
{
	bool outer = (r->ctr & NEST) == 1;

	if (tries % 256 == 255) {
		struct pool *p = the_pool();

		lock_pool(p);
		for (u32 i = 0; i < p->n; i++)
			if (has_scope(&p->rec[i]))
				reap(p, &p->rec[i]);
		unlock_pool(p);
	}
	if (outer)
		store32(&r->ctr, 0, memory_order_release);
	restore_signals(mask);
	pause_for(tries);
	block_signals();
	if (outer)
		store32(&r->ctr, load32(&rt_scope_phase, memory_order_relaxed),
			memory_order_relaxed);
	/* E1 again, so the owner is read after it */
	atomic_thread_fence(memory_order_seq_cst);
}

static void take_slot(struct scope_rec *r, u64 mask)
{
	struct pool *p = the_pool();

	for (u32 tries = 0;; tries++) {
		u32 n = load32(&limit, memory_order_relaxed);
		u64 owner =
			r->slot ? load64(&r->slot->owner, memory_order_acquire)
				: 0;

		if (owner == (uintptr_t)r)
			return;
		if (owner != ((uintptr_t)r | ASKED) &&
			(take_free(r, p, n) || take_used(r, p, n)))
			return;
		wait_for_slot(r, mask, tries);
	}
}

/* Enter, where the short way did not do. E1 is done if there is a record. */
void rt_scope_slow(void)
{
	u64 mask = block_signals();
	struct scope_rec *r = rt_scope_self;

	if (!r || !r->id) {
		r = register_blocked();
		store32(&r->ctr, load32(&rt_scope_phase, memory_order_relaxed),
			memory_order_relaxed);
		atomic_thread_fence(memory_order_seq_cst);
	}
	take_slot(r, mask);
	restore_signals(mask);
}

RT_API uint32_t kiln_port_cpu(void)
{
	const struct scope_rec *r = rt_scope_self;

	return r ? r->cpu : 0;
}

int rt_scope_limit(u32 cpus)
{
	struct pool *p = the_pool();
	struct scope_rec *me = scope_me();

	if (!cpus)
		return -RT_EINVAL;
	if (has_scope(me))
		return -RT_EDEADLK;
	if (cpus >= load32(&limit, memory_order_relaxed))
		return 0;
	store32(&limit, cpus, memory_order_relaxed);
	for (u32 i = cpus; i < SLOTS; i++)
		for (u32 tries = 0; load64(&p->slot[i].owner,
					    memory_order_relaxed) != DISABLED &&
				    !take_over(&p->slot[i], DISABLED);
			tries++)
			pause_for(tries);
	return 0;
}

/* ---- grace periods ------------------------------------------------------------------------ */

/* Waits for one record; a thread that died in a scope is not waited for. */
static int wait_for(struct pool *p, struct scope_rec *r, u32 now, u64 deadline)
{
	u32 ctr;

	for (u32 tries = 0;; tries++) {
		/* acquire: pairs with L1 */
		ctr = load32(&r->ctr, memory_order_acquire);
		if (!(ctr & NEST) || !((ctr ^ now) & PHASE))
			return 0;
		pause_for(tries);
		if (tries % 128 == 127) {
			u64 mask = block_signals();

			lock_pool(p);
			reap(p, r);
			unlock_pool(p);
			restore_signals(mask);
		}
		if (tries > 80 && kiln_port_time_ns() > deadline) {
			rt_log(KILN_LOG_WARNING,
				"thread %u has been in a run scope for long",
				load32(&r->tid, memory_order_relaxed));
			return -RT_ETIMEDOUT;
		}
	}
}

static int flip(struct pool *p, u64 deadline)
{
	u32 now = load32(&rt_scope_phase, memory_order_relaxed) ^ PHASE;
	int err;

	store32(&rt_scope_phase, now, memory_order_relaxed);
	barrier();
	for (u32 i = 0; i < load32(&p->n, memory_order_acquire); i++) {
		err = wait_for(p, &p->rec[i], now, deadline);
		if (err)
			return err;
	}
	return 0;
}

bool rt_in_scope(void)
{
	return has_scope(scope_me());
}

u32 rt_scope_cpus(void)
{
	the_pool();
	return load32(&limit, memory_order_relaxed);
}

void rt_sync_after_fork(void)
{
	store32(&sync_lock, 0, memory_order_relaxed);
}

RT_API int kiln_synchronize(void)
{
	u64 deadline = kiln_port_time_ns() + GRACE_NS;
	struct pool *p = the_pool();
	int err;

	if (has_scope(scope_me()))
		return -RT_EDEADLK;
	if (kiln_port_lock(&sync_lock))
		return -RT_EDEADLK;
	barrier();
	err = flip(p, deadline);
	if (!err)
		err = flip(p, deadline);
	barrier();
	kiln_port_unlock(&sync_lock);
	return err;
}

RT_API void kiln_thread_reset(void)
{
	struct scope_rec *r = scope_me();

	r->token += EPOCH; /* nothing runs on this thread any more */
	store32(&r->ctr, 0, memory_order_release);
}
