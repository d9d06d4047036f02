/* The same program compiled by kiln, loaded by its runtime. */
#include <errno.h>
#include <linux/bpf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "differ.h"

static void say(void *ctx, enum kiln_level level, const char *line)
{
	(void)ctx;
	if (level == KILN_ERROR)
		printf("  kiln: %s\n", line);
}

void *native_compile(const char *path, int level, size_t *size)
{
	const struct kiln_input in = {path, NULL, 0};
	struct kiln_compile_opts o = {
		.sz = sizeof(o), .opt = level ? level : -1, .log = say};
	void *out;

	return kiln_compile(&in, 1, &o, &out, size) ? NULL : out;
}

static void out_of_memory(void *ctx)
{
	(void)ctx;
	fprintf(stderr, "out of memory\n");
	exit(1);
}

/* The kernel's answer here, where nothing is forwarded; kiln's own, without an
 * embedder, is that a packet is not forwarded for want of a route. */
static u64 fib_lookup(void)
{
	return BPF_FIB_LKUP_RET_FWD_DISABLED;
}

bool nprog_load(
	struct nprog *n, const void *bytes, size_t size, const char *prog)
{
	const struct kiln_symbol symbols[] = {
		{"kiln_helper_fib_lookup", (void *)fib_lookup}, {0}};
	const struct kiln_open_opts o = {.sz = sizeof(o), .symbols = symbols};

	memset(n, 0, sizeof(*n));
	arena_init(&n->a, out_of_memory, NULL);
	n->obj = kiln_object_open_mem(bytes, size, &o);
	if (!n->obj || kiln_object_load(n->obj))
		return false;
	n->prog = kiln_object_find_program(n->obj, prog);
	return n->prog;
}

void nprog_unload(struct nprog *n)
{
	kiln_object_close(n->obj);
	arena_fini(&n->a);
}

static void keep(u8 *to, u32 *n, struct blob b)
{
	*n = (u32)(b.n < MAX_OUT ? b.n : MAX_OUT);
	memcpy(to, b.p, *n);
}

void nprog_run(struct nprog *n, const void *data, u32 size, struct result *r)
{
	u32 type = kiln_program_type(n->prog);
	struct blob bytes = {(u8 *)data, size}, none = {0};
	bool raw_tp = type == BPF_PROG_TYPE_RAW_TRACEPOINT;
	struct arena_mark mark = arena_mark(&n->a);
	struct run_ctx c;

	memset(r, 0, sizeof(*r));
	if (run_ctx_init(&c, &n->a, type, raw_tp ? none : bytes,
		    raw_tp ? bytes : none))
		r->err = -EINVAL;
	else {
		r->retval = (u32)kiln_program_run(n->prog, c.ctx.p);
		if (!raw_tp) {
			keep(r->data, &r->data_n, run_ctx_data(&c));
			struct blob uapi = run_ctx_uapi(&c);

			r->ctx_n = (u32)uapi.n;
			memcpy(r->ctx, uapi.p, uapi.n);
		}
	}
	arena_release(&n->a, mark);
}
