/* Programs that attach to functions of hooks.c, and two that do not. */
#include <linux/bpf.h>
#include <kiln/bpf.h>

typedef __u64 u64;

struct node {
	int id;
	struct node *next;
};

u64 seen[16];

/* Of two functions: words are those of whose arguments it is given. */
static __noinline long count(u64 *ctx)
{
	return bpf_get_func_arg_cnt(ctx);
}

SEC("fentry/mixed") int on_mixed(u64 *ctx)
{
	u64 v = 77;

	for (int i = 0; i < 6; i++)
		seen[i] = ctx[i];
	seen[6] = bpf_get_func_arg(ctx, 5, &v);
	seen[7] = v;
	seen[8] = bpf_get_func_arg(ctx, 6, &v);
	seen[9] = v;
	seen[10] = bpf_get_func_arg(ctx, (__u32)ctx[1], &v);
	seen[11] = v;
	seen[12] = bpf_get_func_ret(ctx, &v);
	seen[13] = count(ctx);
	seen[14] = bpf_get_attach_cookie(ctx);
	return 0;
}

SEC("fexit/mixed") int out_mixed(u64 *ctx)
{
	u64 v = 77;

	seen[0] = bpf_get_func_ret(ctx, &v);
	seen[1] = v;
	seen[2] = ctx[6];
	seen[3] = ctx[7];
	return 0;
}

SEC("fexit/nothing") int out_nothing(u64 *ctx)
{
	u64 v = 77;

	seen[0] = bpf_get_func_ret(ctx, &v);
	seen[1] = v;
	seen[2] = count(ctx);
	return 0;
}

SEC("fmod_ret/walk") int mod_walk(u64 *ctx)
{
	struct node *n = (void *)ctx[0];

	return n->next->id;
}

/* Called like the function, and writes what is the application's. */
SEC("freplace/walk")
long new_walk(struct node *n, short step, unsigned char more, int back)
{
	n->id += step;
	return n->id + more + back;
}

SEC("freplace/nothing") void new_nothing(void)
{
	seen[15]++;
}

SEC("?fentry/absent") int on_absent(u64 *ctx)
{
	return 0;
}

SEC("xdp") int p1(struct xdp_md *ctx)
{
	return ctx->data_end - ctx->data;
}

SEC("xdp") int p2(struct xdp_md *ctx)
{
	return 2;
}

char LICENSE[] SEC("license") = "GPL";
