/* A walk through a list whose loads may fault, and through one whose loads
 * may not: there the pointers are numbers. */
#include <linux/bpf.h>
#include <kiln/bpf.h>

struct node {
	struct node *next;
	long value;
};

struct marked {
	struct node *first;
	long rounds;
};

SEC("app")
long marked(struct marked *ctx)
{
	struct node *n = ctx->first;

	for (long i = ctx->rounds; i; i--)
		n = n->next;
	return (long)n;
}

struct node_of_numbers {
	unsigned long next;
	long value;
};

struct plain {
	unsigned long first;
	long rounds;
};

SEC("app")
long plain(struct plain *ctx)
{
	struct node_of_numbers *n = (void *)ctx->first;

	for (long i = ctx->rounds; i; i--)
		n = (void *)n->next;
	return (long)n;
}
