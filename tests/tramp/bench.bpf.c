/* Programs of bench.c. */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

SEC("fentry/hookable") int enter(void *ctx)
{
	return 0;
}

SEC("fexit/hookable") int leave(void *ctx)
{
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
