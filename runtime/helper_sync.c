/*
 * What programs of several CPUs need of each other, in values of maps.
 *
 * A spin lock is a word that holds its owner, 0 when free, as kiln_port_lock()
 * has it. The kernel keeps everything off the CPU while one is held; here a
 * signal handler may interrupt the holder, and a program in it that wants the
 * same lock could wait for ever: that is a fatal error.
 */
#include "runtime/rt.h"

HELPER_FN(spin_lock)
{
	static const char text[] =
		"bpf_spin_lock: this context has it already, "
		"or its owner is gone";

	if (kiln_port_lock(PTR(u32, a1))) {
		kiln_port_log(text, sizeof(text) - 1);
		__builtin_trap();
	}
	return 0;
}

HELPER_FN(spin_unlock)
{
	kiln_port_unlock(PTR(u32, a1));
	return 0;
}

/* The object that was there is the program's now. */
HELPER_FN(kptr_xchg)
{
	return atomic_exchange_explicit(
		ATOMIC64(PTR(u64, a1)), a2, memory_order_seq_cst);
}

/* Variables of the kernel's that every CPU has are the application's here, which
 * has one: that of CPU 0. */
HELPER_FN(this_cpu_ptr)
{
	return a1;
}

HELPER_FN(per_cpu_ptr)
{
	return (u32)a2 ? 0 : a1;
}
