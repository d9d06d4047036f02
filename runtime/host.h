/*
 * What the hosted files of the runtime share: threads, scopes, the log.
 */
#ifndef KILN_RUNTIME_HOST_H
#define KILN_RUNTIME_HOST_H

#include "kiln/runtime.h"
#include "runtime/rt.h"

/* ---- scope_host.c: threads, CPU slots, grace periods -------------------------- */

#define SCOPE_LINE  64
#define SCOPE_SLOTS 512	    /* CPU slots that there may be */
#define SCOPE_NEST  0xffffu /* of ctr: how many scopes are open */

struct scope_slot {
	u64 owner; /* struct scope_rec *, or another value: not its own */
} __attribute__((aligned(SCOPE_LINE)));

/* What the runtime knows of a thread. Offsets of the first three are known to
 * scope_host_<target>.c. Written by its thread; read by updaters. */
struct scope_rec {
	u32 ctr; /* scopes open: count | phase of the first */
	u32 id;	 /* never 0 while a thread has it: owner word of locks */
	struct scope_slot
		*slot; /* the one it had last, maybe not its own now */
	u32 cpu;       /* number of that slot */
	u32 tid;       /* 0: nobody's */
	u64 random;    /* state of kiln_port_random() */
	u32 locks;     /* that it holds or waits for: kiln_port_lock() */
	u64 token;     /* id | epoch << 32: of what it runs, until a reset */
} __attribute__((aligned(SCOPE_LINE)));

KILN_AT(scope_rec, ctr, 0);
KILN_AT(scope_rec, slot, 8);

extern _Thread_local struct scope_rec *rt_scope_self
	__attribute__((tls_model("initial-exec"), visibility("hidden")));
/* Gives the calling thread a record. Async-signal-safe. */
struct scope_rec *rt_scope_register(void);

/* The calling thread's record. It has lost its id after a fork. */
static inline struct scope_rec *scope_me(void)
{
	struct scope_rec *r = rt_scope_self;

	return likely(r && r->id) ? r : rt_scope_register();
}

extern u32 rt_scope_phase __attribute__((visibility("hidden")));
/* What makes entering slower: a fence is needed, as it is done whatever is set; or
 * runs are counted. */
enum { SCOPE_FENCE = 1, SCOPE_STATS = 2 };
extern u32 rt_scope_flags __attribute__((visibility("hidden"))); /* atomic */
void rt_scope_slow(void);

/* kiln_scope_enter() and _leave() for C: the same steps. False: rt_scope_slow() has
 * to do the rest. */
static always_inline bool scope_try(struct scope_rec *r, bool fence)
{
	u32 ctr = load32(&r->ctr, memory_order_relaxed);

	store32(&r->ctr,
		ctr & SCOPE_NEST
			? ctr + 1
			: load32(&rt_scope_phase, memory_order_relaxed),
		memory_order_relaxed); /* E1 */
	atomic_signal_fence(memory_order_seq_cst);
	if (unlikely(fence))
		atomic_thread_fence(memory_order_seq_cst);
	return r->slot && load64(&r->slot->owner, memory_order_relaxed) ==
				  (uintptr_t)r; /* E2 */
}

static always_inline struct scope_rec *scope_enter(void)
{
	struct scope_rec *r = rt_scope_self;

	if (likely(r && scope_try(r,
				load32(&rt_scope_flags, memory_order_relaxed))))
		return r;
	rt_scope_slow();
	return rt_scope_self;
}

static inline bool scope_counts(void)
{
	return unlikely(
		load32(&rt_scope_flags, memory_order_relaxed) & SCOPE_STATS);
}

static always_inline void scope_leave(struct scope_rec *r)
{
	store32(&r->ctr, load32(&r->ctr, memory_order_relaxed) - 1,
		memory_order_release); /* L1 */
}

/* From now on no thread gets a CPU slot >= cpus: an object has per-CPU storage
 * for no more. Waits for scopes that hold one; 0, -EINVAL or -EDEADLK (inside
 * a scope). */
int rt_scope_limit(u32 cpus);
u32 rt_scope_cpus(void); /* how many slots there are */
/* Whether the thread that a lock's owner word names is certainly gone. */
bool rt_scope_is_gone(u32 id);
u32 rt_scope_pid(void);
/* In the child: nobody is in kiln_synchronize(). */
void rt_sync_after_fork(void);

/* ---- scope_host_<target>.c: instructions ---------------------------------------- */

/* System calls without libc's errno and lazy binding: they clobber nothing
 * that a run scope's caller may hold. Negative errno. */
long rt_syscall(long nr, long a, long b, long c, long d);
/* Private zeroed memory, not reserved, at the address if that is free: its
 * address or negative errno. */
long rt_mmap(u64 hint, size_t size);

/* ---- ring_buffer.c --------------------------------------------------------------- */

/* The map goes, and no program runs any more: what it has of the system's. */
void rt_ring_close(struct kiln_map *m);

/* ---- fault_host_<target>.c: registers in a signal's ucontext_t ------------------- */

struct fault_fixup;
u64 fault_pc(const void *uc);
u64 fault_sp(const void *uc);
/* The link register; 0: this target has none. */
u64 fault_link(const void *uc);
/* The address in a return address as it is kept, which may be signed. */
u64 fault_return(u64 kept);
void fault_resume(void *uc, const struct fault_fixup *f);

/* ---- log.c ----------------------------------------------------------------------- */

void rt_log(enum kiln_log_level level, const char *fmt, ...) printf_like(2, 3);
void rt_log_line(enum kiln_log_level level, const char *line);

#endif
