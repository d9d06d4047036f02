/*
 * The core's port on Linux. Everything may be called from any thread and from
 * signal handlers. CPU slots and kiln_port_relax() are in scope_host*.c, the
 * log in log.c.
 */
#include <linux/membarrier.h>
#include <sys/random.h>
#include <sys/syscall.h>
#include <time.h>

#include "runtime/host.h"

RT_API uint64_t kiln_port_time_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (u64)t.tv_sec * 1000000000 + (u64)t.tv_nsec;
}

/* splitmix64, one sequence per thread; a fork starts new ones, because the
 * record is wiped. Not for secrets. */
RT_API uint32_t kiln_port_random(void)
{
	struct scope_rec *r = scope_me();
	u64 z = r->random;

	/* without entropy yet: what differs between threads and times */
	if (unlikely(!z) && rt_syscall(SYS_getrandom, (long)&z, sizeof(z),
				    GRND_NONBLOCK, 0) != sizeof(z))
		z = kiln_port_time_ns() ^ (u64)r->id << 32;
	r->random = z += 0x9e3779b97f4a7c15;
	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return (u32)(z >> 32);
}

RT_API uint64_t kiln_port_pid_tgid(void)
{
	return (u64)rt_scope_pid() << 32 | scope_me()->tid;
}

/* Code of loaded objects, which lie next to the runtime (mem.c), has 32 bits for
 * the distance of a map that they share: pages are asked for below, where nobody
 * else's are as a rule. A hint only: the kernel may give others. */
#define PAGES_BELOW ((u64)256 << 20)
#define PAGES_REACH ((u64)1 << 30)

static u64 pages_given; /* bytes */

static u64 hint(size_t size)
{
	u64 n = align_up(size, 65536); /* of the largest pages */
	u64 down = PAGES_BELOW + n +
		   atomic_fetch_add_explicit(
			   ATOMIC64(&pages_given), n, memory_order_relaxed);
	u64 here = (u64)(uintptr_t)&hint & ~(u64)65535;

	return down < PAGES_REACH && down < here ? here - down : 0;
}

RT_API void *kiln_port_pages(size_t size)
{
	long p = rt_mmap(hint(size), size);

	return p < 0 && p > -4096 ? NULL : (void *)p;
}

RT_API void kiln_port_core_sync(void)
{
	/* registering again is a no-op */
	rt_syscall(SYS_membarrier,
		MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_SYNC_CORE, 0, 0, 0);
	rt_syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED_SYNC_CORE,
		0, 0, 0);
}

/* ---- locks ----------------------------------------------------------------
 *
 * The word holds the id of the thread that has it. Critical sections are some
 * dozens of instructions without calls, so waiters spin; if the owner was
 * preempted they yield, then sleep. A thread that died inside (or the process
 * that forked) left the data in an unknown state: who waits for it for a
 * second gets -EBUSY.
 *
 * A signal handler, or a program on a function that the runtime calls, runs
 * in the middle of anything, and two threads
 *
 *	A holds S, is interrupted, waits for T
 *	B holds T, is interrupted, waits for S
 *
 * would wait for ever. So no thread waits long while it holds a lock: each
 * counts the locks that it holds or waits for (L1 before it tries, L4 when it
 * has let go), and who finds the count above 0 gives up after a moment, with
 * -EBUSY. A cycle of waiters needs one who holds and waits, and none does for
 * longer than that. Between L1 and L2 the count is one too high, which only
 * makes an interrupting context less patient.
 */

#define SPIN	 256
#define YIELD	 16
#define PATIENCE ((u64)1000 * 1000 * 1000)
#define MOMENT	 ((u64)2 * 1000 * 1000)

static bool try_lock(u32 *word, u32 me, u32 *owner)
{
	*owner = 0;
	return atomic_compare_exchange_strong_explicit(ATOMIC32(word), owner,
		me, memory_order_acquire, memory_order_relaxed);
}

/* `outer`: the thread has other locks already. */
static int lock_slow(u32 *word, u32 me, bool outer)
{
	struct timespec nap = {0, 20000};
	u64 start = 0, waited;
	u32 owner;

	for (u32 tries = 0; !try_lock(word, me, &owner); tries++) {
		if (tries < SPIN) {
			kiln_port_relax();
			continue;
		}
		if (tries < SPIN + YIELD) {
			rt_syscall(SYS_sched_yield, 0, 0, 0, 0);
			continue;
		}
		rt_syscall(SYS_nanosleep, (long)&nap, 0, 0, 0);
		if (!start)
			start = kiln_port_time_ns();
		waited = kiln_port_time_ns() - start;
		if (outer && waited > MOMENT)
			return -RT_EBUSY;
		if (waited > PATIENCE && rt_scope_is_gone(owner))
			return -RT_EBUSY;
	}
	return 0;
}

RT_API int kiln_port_lock(uint32_t *word)
{
	struct scope_rec *r = scope_me();
	u32 outer = r->locks, owner;
	int err;

	r->locks = outer + 1;			   /* L1 */
	atomic_signal_fence(memory_order_seq_cst); /* before L2, see above */
	if (likely(try_lock(word, r->id, &owner))) /* L2 */
		return 0;
	err = owner == r->id ? -RT_EBUSY : lock_slow(word, r->id, outer);
	if (err)
		r->locks = outer;
	return err;
}

RT_API void kiln_port_unlock(uint32_t *word)
{
	struct scope_rec *r = rt_scope_self;

	store32(word, 0, memory_order_release); /* L3 */
	atomic_signal_fence(memory_order_seq_cst);
	if (r && r->locks)  /* not in a child whose parent took the lock */
		r->locks--; /* L4 */
}
