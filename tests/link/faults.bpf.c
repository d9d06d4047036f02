/* Loads that may fault, of every width, from an application's own struct. */
#include <linux/bpf.h>
#include <kiln/bpf.h>

struct node {
	long a;
	int b;
	unsigned int c;
	short d;
	signed char e;
	unsigned char f;
	struct node *next;
	char pad[400];
	long far;
};

struct ctx {
	struct node *p[14];
	char bytes[16];
	long size;
	const void *from;
};

#define READ(name, expression)              \
	SEC("app")                          \
	long read_##name(struct ctx *ctx)   \
	{                                   \
		struct node *p = ctx->p[0]; \
                                            \
		return expression;          \
	}
READ(a, p->a)
READ(b, p->b)
READ(c, p->c)
READ(d, p->d)
READ(e, p->e)
READ(f, p->f)
READ(far, p->far)
READ(below, ((struct node *)((char *)p - 64))->a)
READ(next, p->next->next->a)

/* What is not loaded stays. */
SEC("app")
long around(struct ctx *ctx)
{
	long n = ctx->size, m = n * 3, sum = ctx->p[0]->a;

	sum += ctx->p[0]->b * 5;
	return sum + n + m;
}

/* So many pointers at once that the frame pointer's register is one. */
SEC("app")
long many(struct ctx *ctx)
{
	struct node *p[14];
	long sum = 0;

#pragma unroll
	for (int i = 0; i < 14; i++)
		p[i] = ctx->p[i];
	bpf_ktime_get_ns();
#pragma unroll
	for (int i = 0; i < 14; i++)
		sum += p[i]->a;
	bpf_ktime_get_ns();
#pragma unroll
	for (int i = 0; i < 14; i++)
		sum += p[i]->b;
	return sum;
}

static __noinline long of_node(struct node *p)
{
	return p->a + 1;
}

SEC("app")
long through(struct ctx *ctx)
{
	return of_node(ctx->p[0]);
}

/* Faults in both, called by two programs. */
static __noinline long inner(struct node *p, char *bytes)
{
	bytes[3] = (char)p->e;
	return p->a + p->b;
}

static __noinline long outer(struct node *p, long n)
{
	char bytes[40] = {(char)n, 2, 3, 4};
	long sum = inner(p, bytes) * n;

	return sum + p->c + bytes[3] + bytes[0];
}

SEC("app")
long shares(struct ctx *ctx)
{
	return outer(ctx->p[0], ctx->size) + 1;
}

SEC("app")
long shares_too(struct ctx *ctx)
{
	bpf_ktime_get_ns(); /* ctx is kept over it */
	return outer(ctx->p[1], 3) * inner(ctx->p[2], ctx->bytes);
}

/* Callbacks: of one program, and of two. */
static long (*loop)(__u32, void *, void *, __u64) = (void *)181;

static long each_of_one(__u32 k, void *ctx)
{
	return inner(((struct ctx *)ctx)->p[0], ((struct ctx *)ctx)->bytes) < 0;
}

static long each_of_two(__u32 k, void *ctx)
{
	return inner(((struct ctx *)ctx)->p[0], ((struct ctx *)ctx)->bytes) < 0;
}

SEC("app")
long loops(struct ctx *ctx)
{
	loop(2, each_of_one, ctx, 0);
	return loop(2, each_of_two, ctx, 0);
}

SEC("app")
long loops_too(struct ctx *ctx)
{
	return loop(2, each_of_two, ctx, 0);
}

static long (*probe_read_kernel)(void *, __u32, const void *) = (void *)113;
static long (*probe_read_str)(void *, __u32, const void *) = (void *)115;

SEC("app")
long probe(struct ctx *ctx)
{
	return probe_read_kernel(ctx->bytes, ctx->size, ctx->from);
}

SEC("app")
long probe_str(struct ctx *ctx)
{
	return probe_read_str(ctx->bytes, ctx->size, ctx->from);
}
