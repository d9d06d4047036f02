/* Count calls of f() and what returned from it. */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

unsigned long entries, exits;

SEC("fentry/f") int enter(void *ctx)
{
	entries++;
	return 0;
}

SEC("fexit/f") int leave(void *ctx)
{
	exits++;
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
