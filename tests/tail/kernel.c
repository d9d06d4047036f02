/*
 * The model against the running kernel: what it says of tail calls is so.
 *	t_tail_kernel OBJECT
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "model.h"

enum { SKIPPED = 77 };

static int jmp, trace, prog[MODEL_PROGS];

static int set(unsigned slot, int p)
{
	int err = p < 0 ? bpf_map_delete_elem(jmp, &slot)
			: bpf_map_update_elem(jmp, &slot, &prog[p], BPF_ANY);

	return p < 0 && err == -ENOENT ? 0 : err;
}

static int run(unsigned p)
{
	char packet[64] = {0};
	LIBBPF_OPTS(bpf_test_run_opts, o, .data_in = packet,
		.data_size_in = sizeof(packet), .repeat = 1);
	int err = bpf_prog_test_run_opts(prog[p], &o);

	return err ? err : (int)o.retval;
}

static int get_trace(struct model_trace *t)
{
	return bpf_map_lookup_elem(trace, &(unsigned){0}, t);
}

static int set_trace(const struct model_trace *t)
{
	return bpf_map_update_elem(trace, &(unsigned){0}, t, BPF_ANY);
}

static int silent(enum libbpf_print_level level, const char *f, va_list ap)
{
	(void)level, (void)f, (void)ap;
	return 0;
}

int main(int argc, char **argv)
{
	const struct subject s = {set, run, get_trace, set_trace};
	struct bpf_object *o;

	if (argc != 2)
		return 1;
	libbpf_set_print(silent);
	libbpf_set_strict_mode(LIBBPF_STRICT_ALL);
	o = bpf_object__open(argv[1]);
	if (!o || bpf_object__load(o)) {
		printf("skipped: the kernel does not take %s: errno %d\n",
			argv[1], errno);
		bpf_object__close(o);
		return SKIPPED;
	}
	jmp = bpf_object__find_map_fd_by_name(o, "jmp");
	trace = bpf_object__find_map_fd_by_name(o, "trace");
	for (unsigned k = 0; k < MODEL_PROGS; k++)
		prog[k] = bpf_program__fd(
			bpf_object__find_program_by_name(o, model_name[k]));
	int err = check_subject(&s, 60);
	bpf_object__close(o);
	return err ? EXIT_FAILURE : EXIT_SUCCESS;
}
