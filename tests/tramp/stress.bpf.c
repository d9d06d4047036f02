/* Programs of stress.c: each tells the application that it ran. */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "stress.h"

extern void saw(struct call *call, unsigned long cookie, int kind) __ksym;

unsigned long runs;

SEC("fentry/work") int BPF_PROG(enter, struct call *call)
{
	saw(call, bpf_get_attach_cookie(ctx), AT_ENTRY);
	return 0;
}

SEC("fexit/work") int BPF_PROG(leave, struct call *call, long result)
{
	if (result != call->depth + 1)
		saw(call, ~0ul, AT_EXIT); /* nobody's */
	saw(call, bpf_get_attach_cookie(ctx), AT_EXIT);
	return 0;
}

SEC("fentry/work") int BPF_PROG(extra, struct call *call)
{
	__sync_fetch_and_add(&runs, 1);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
