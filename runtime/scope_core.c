/*
 * Run scopes and grace periods without an operating system.
 *
 * Per CPU one word: how many scopes are open there, and the phase that the
 * first of them found. An updater takes something out of reach, flips the
 * phase, waits until no CPU has scopes of the old phase, and does that twice:
 * a scope that read the phase before the first flip and stored it after it is
 * not seen by the first wait, but is by the second.
 *
 *   enter: E1 word = word has scopes ? word + 1 : phase | 1
 *          E2 full fence      partner of S2: either the updater's scan sees
 *                             E1, or what follows E2 sees what came before S1
 *   leave: L1 word - 1 (release)
 *   sync:  S1 phase ^= PHASE  S2 full fence
 *          S3 for each word: wait while it has scopes of the old phase
 *
 * Contexts on one CPU may nest (interrupts) or interleave (threads): the word
 * is changed atomically, and interleaving only makes a scan wait longer.
 * kiln_port_cpu() must not change between enter and leave. CPUs from WORDS-1
 * on share the last word, whose scans wait for a moment without any scope.
 *
 * kiln_scope_enter and _leave are in scope_core_<target>.c: they save what a
 * C function may clobber and call the functions here.
 */
#include "kiln/runtime.h"
#include "runtime/rt.h"

#define NEST	 0xffffu
#define PHASE	 0x10000u
#define WORDS	 64
#define GRACE_NS ((u64)1000 * 1000 * 1000)

/* state */
static u32 phase = 1; /* what a first scope stores: 1 | phase */
static u32 word[WORDS];
static u32 sync_lock;

void rt_scope_core_enter(void);
void rt_scope_core_leave(void);

static u32 *my_word(void)
{
	u32 cpu = kiln_port_cpu();

	return &word[cpu < WORDS - 1 ? cpu : WORDS - 1];
}

void rt_scope_core_enter(void)
{
	_Atomic u32 *w = ATOMIC32(my_word());
	u32 old = atomic_load_explicit(w, memory_order_relaxed), new;

	do
		new = old &NEST ? old + 1
				: load32(&phase, memory_order_relaxed);
	while (!atomic_compare_exchange_weak_explicit(
		w, &old, new, memory_order_relaxed, memory_order_relaxed));
	atomic_thread_fence(memory_order_seq_cst); /* E2 */
}

void rt_scope_core_leave(void)
{
	atomic_fetch_sub_explicit(ATOMIC32(my_word()), 1, memory_order_release);
}

static bool is_old(u32 w, u32 now, u32 i)
{
	return w & NEST && (i == WORDS - 1 || (w ^ now) & PHASE);
}

static int flip(u64 deadline)
{
	u32 now = load32(&phase, memory_order_relaxed) ^ PHASE;

	store32(&phase, now, memory_order_relaxed);
	atomic_thread_fence(memory_order_seq_cst); /* S2 */
	for (u32 i = 0; i < WORDS; i++)
		/* acquire: pairs with L1, what the scope did is over */
		while (is_old(load32(&word[i], memory_order_acquire), now, i)) {
			if (kiln_port_time_ns() > deadline)
				return -RT_ETIMEDOUT;
			kiln_port_relax();
		}
	return 0;
}

bool rt_in_scope(void)
{
	return load32(my_word(), memory_order_relaxed) & NEST;
}

RT_API int kiln_synchronize(void)
{
	u64 deadline = kiln_port_time_ns() + GRACE_NS;
	int err;

	if (rt_in_scope())
		return -RT_EDEADLK;
	err = kiln_port_lock(&sync_lock);
	if (err)
		return -RT_EDEADLK;
	err = flip(deadline);
	if (!err)
		err = flip(deadline);
	kiln_port_unlock(&sync_lock);
	return err;
}
