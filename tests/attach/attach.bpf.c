/* Programs for tests/attach: what they saw is in their globals. */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

char LICENSE[] SEC("license") = "GPL";

#define LOG 256
long seen[LOG], nseen;
int verdict; /* of fmod_ret */

static void say(long what)
{
	if (nseen < LOG && nseen >= 0)
		seen[nseen & (LOG - 1)] = what;
	nseen++;
}

SEC("fentry/add")
int BPF_PROG(add_entry, int a, int b)
{
	say(1000 + (long)bpf_get_attach_cookie(ctx));
	say(a);
	say(b);
	return 0;
}

SEC("fexit/add")
int BPF_PROG(add_exit, int a, int b, int ret)
{
	say(2000 + (long)bpf_get_attach_cookie(ctx));
	say(ret);
	return 0;
}

SEC("fmod_ret/add")
int BPF_PROG(add_mod, int a, int b, int ret)
{
	say(3000 + (long)bpf_get_attach_cookie(ctx));
	say(ret);
	return verdict;
}

SEC("freplace/add")
int add_replace(int a, int b)
{
	say(4000);
	return a * b;
}

SEC("fexit/many")
int BPF_PROG(many_exit, long a, long b, long c, long d, long e, long f, long g,
	long h, long i, long ret)
{
	say(h);
	say(i);
	say(ret);
	return 0;
}

SEC("fexit/swap")
int swap_exit(unsigned long long *ctx)
{
	say((long)ctx[0]);
	say((long)ctx[1]);
	say((long)ctx[2]);
	say((long)ctx[3]);
	return 0;
}

SEC("fentry/enum_value")
int enum_entry(unsigned long long *ctx)
{
	say((long)ctx[0]);
	return 0;
}

SEC("fentry/nothing")
int BPF_PROG(nothing_entry)
{
	say(5000);
	return 0;
}

SEC("?fexit/inner")
int BPF_PROG(inner_exit, int depth, int ret)
{
	say(depth);
	say(ret);
	return 0;
}

extern int add(int a, int b) __ksym;

/* calls its function */
SEC("fentry/add")
int BPF_PROG(add_again, int a, int b)
{
	say(6000);
	say(add(7, 8));
	return 0;
}

extern void split(void) __ksym __weak;

/* goes on in two processes */
SEC("fentry/nothing")
int BPF_PROG(nothing_splits)
{
	if (split)
		split();
	return 0;
}

SEC("?fentry/missing")
int BPF_PROG(missing_entry)
{
	return 0;
}

SEC("xdp")
int dropper(struct xdp_md *ctx)
{
	return 1;
}

SEC("fexit/dropper")
int BPF_PROG(dropper_exit, struct xdp_md *x, int ret)
{
	say(7000);
	say(ret);
	return 0;
}
