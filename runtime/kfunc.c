/*
 * Kernel functions (kfuncs) that need no kernel: programs declare them as
 * extern (__ksym). Weak, as an application may bring its own.
 */
#include "kiln/runtime.h"
#include "runtime/rt.h"

#define KFUNC __attribute__((weak))

/* ---- bpf_for(): numbers from start to end - 1 ------------------------------ */

enum { LOOP_MAX = 1 << 23 }; /* as in kernels: BPF_MAX_LOOPS */

/* What is in the program's struct bpf_iter_num. */
struct iter_num {
	i32 cur; /* the number given out last */
	i32 end;
};

int bpf_iter_num_new(struct iter_num *it, int start, int end);
int *bpf_iter_num_next(struct iter_num *it);
void bpf_iter_num_destroy(struct iter_num *it);
void bpf_rcu_read_lock(void);
void bpf_rcu_read_unlock(void);

KFUNC int bpf_iter_num_new(struct iter_num *it, int start, int end)
{
	*it = (struct iter_num){0, 0}; /* empty, should it fail */
	if (start > end)
		return -RT_EINVAL;
	if ((i64)end - (i64)start > LOOP_MAX)
		return -RT_E2BIG;
	/* of the smallest start nothing is before it: it wraps, and back */
	it->cur = (i32)((u32)start - 1u);
	it->end = end;
	return 0;
}

KFUNC int *bpf_iter_num_next(struct iter_num *it)
{
	i32 next = (i32)((u32)it->cur + 1u);

	if (next >= it->end) {
		*it = (struct iter_num){0, 0};
		return NULL;
	}
	it->cur = next;
	return &it->cur;
}

KFUNC void bpf_iter_num_destroy(struct iter_num *it)
{
	*it = (struct iter_num){0, 0};
}

/* ---- RCU: a run scope, for elements whose memory can go away --------------- */

KFUNC void bpf_rcu_read_lock(void)
{
	kiln_scope_enter();
}

KFUNC void bpf_rcu_read_unlock(void)
{
	kiln_scope_leave();
}
