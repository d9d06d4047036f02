/*
 * Tail calls of known indices, kiln's and the kernel's, and what an update of
 * the map costs.
 *
 *	tail_bench BPF-OBJECT NAME=NATIVE-OBJECT...
 *
 * A run of the chain less a run of its last program, by 33; the least of some
 * rounds in which all take turns.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <kiln/context.h>
#include <kiln/runtime.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { ROUNDS = 15, RUNS = 200000, CALLS = 33, MAX = 8, UPDATES = 300 };

static double now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

/* ---- the kernel ---------------------------------------------------------- */

static int kernel_prog[2] = {-1, -1};

static int silent(enum libbpf_print_level level, const char *f, va_list ap)
{
	(void)level, (void)f, (void)ap;
	return 0;
}

static void open_kernel(const char *file)
{
	struct bpf_object *o;

	libbpf_set_print(silent);
	libbpf_set_strict_mode(LIBBPF_STRICT_ALL);
	o = bpf_object__open(file);
	if (!o || bpf_object__load(o)) {
		printf("the kernel does not take it\n");
		return;
	}
	kernel_prog[0] =
		bpf_program__fd(bpf_object__find_program_by_name(o, "p0"));
	kernel_prog[1] =
		bpf_program__fd(bpf_object__find_program_by_name(o, "p33"));
}

static double kernel_run(int which)
{
	char packet[64] = {0};
	LIBBPF_OPTS(bpf_test_run_opts, o, .data_in = packet,
		.data_size_in = sizeof(packet), .repeat = RUNS);

	if (bpf_prog_test_run_opts(kernel_prog[which], &o) || o.retval != 2)
		return 1e9;
	return o.duration;
}

/* ---- kiln ---------------------------------------------------------------- */

static struct native {
	const char *name;
	struct kiln_object *o;
	struct kiln_program *prog[2];
	double best[2];
} native[MAX];
static int nnative;

static void open_native(char *arg)
{
	struct native *n = &native[nnative++];
	char *file = strchr(arg, '=');

	if (!file)
		exit(2);
	*file++ = 0;
	n->name = arg;
	n->o = kiln_object_open_file(file, NULL);
	if (!n->o || kiln_object_load(n->o))
		exit(2);
	n->prog[0] = kiln_object_find_program(n->o, "p0");
	n->prog[1] = kiln_object_find_program(n->o, "p33");
	n->best[0] = n->best[1] = 1e9;
}

static double native_run(struct kiln_program *p, int runs)
{
	struct kiln_xdp_md md = {0};
	double start = now_ns();

	for (int k = 0; k < runs; k++)
		if (kiln_program_run(p, &md) != 2)
			abort();
	return (now_ns() - start) / runs;
}

static void least(double *best, double v)
{
	*best = v < *best ? v : *best;
}

/* ---- updates ------------------------------------------------------------- */

static _Atomic int stop;

static void *busy(void *arg)
{
	struct kiln_xdp_md md = {0};

	while (!stop)
		kiln_program_run(arg, &md);
	return NULL;
}

static double update_ns(struct native *n, int threads)
{
	struct kiln_program *p[2] = {
		n->prog[1], kiln_object_find_program(n->o, "other")};
	struct kiln_map *m = kiln_object_find_map(n->o, "jmp");
	unsigned key = CALLS;
	pthread_t t[2];
	double start, ns;

	stop = 0;
	for (int k = 0; k < threads; k++)
		pthread_create(&t[k], NULL, busy, n->prog[0]);
	start = now_ns();
	for (int k = 1; k <= UPDATES; k++)
		if (kiln_map_update(m, &key, &p[k % 2], 0))
			return -1;
	ns = (now_ns() - start) / UPDATES;
	stop = 1;
	for (int k = 0; k < threads; k++)
		pthread_join(t[k], NULL);
	return ns;
}

int main(int argc, char **argv)
{
	double kernel[2] = {1e9, 1e9};

	if (argc < 3 || argc > MAX + 2)
		return 2;
	open_kernel(argv[1]);
	for (int k = 2; k < argc; k++)
		open_native(argv[k]);
	for (int r = 0; r < ROUNDS; r++)
		for (int w = 0; w < 2; w++) {
			for (int k = 0; k < nnative; k++)
				least(&native[k].best[w],
					native_run(native[k].prog[w], RUNS));
			least(&kernel[w], kernel_run(w));
		}
	printf("%-10s %14s %14s\n", "", "33 calls, ns", "one, ns");
	if (kernel[0] < 1e9)
		printf("%-10s %14.1f %14.2f\n", "kernel", kernel[0],
			(kernel[0] - kernel[1]) / CALLS);
	for (int k = 0; k < nnative; k++)
		printf("%-10s %14.1f %14.2f\n", native[k].name,
			native[k].best[0],
			(native[k].best[0] - native[k].best[1]) / CALLS);
	printf("\n%-10s %14s %14s %14s\n", "update, us", "0 busy", "1 busy",
		"2 busy");
	for (int k = 0; k < nnative; k++) {
		double us = update_ns(&native[k], 0) / 1e3;

		if (us < 0)
			continue; /* frozen */
		printf("%-10s %14.2f", native[k].name, us);
		for (int t = 1; t < 3; t++)
			printf(" %14.2f", update_ns(&native[k], t) / 1e3);
		printf("\n");
	}
	return 0;
}
