/* A seed: programs that attach to another one, and one whose loads may fault. */
#include <linux/bpf.h>
#include <kiln/bpf.h>

struct request {
	int kind;
	struct request *next;
};

SEC("raw") int handle(struct request *r)
{
	return r->kind;
}

SEC("fentry/handle") int before(__u64 *ctx)
{
	struct request *r = (void *)ctx[0];

	return r->next->kind;
}

SEC("fexit/handle") int after(__u64 *ctx)
{
	return (int)ctx[1];
}

SEC("fmod_ret/handle") int instead(__u64 *ctx)
{
	return 0;
}
