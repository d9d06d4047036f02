/*
 * Time of loading an object, beside the kernel's loading the same programs:
 * opening is not counted on either side. Best of some rounds.
 *
 *   usage: bench_load NAME BPF-OBJECT NATIVE-OBJECT
 */
#include <bpf/libbpf.h>
#include <time.h>

#include "host.h"

enum { ROUNDS = 7 };

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static double load_here(const char *file)
{
	struct kiln_object *o = opened(file, NULL);
	double start = now();

	CHECK(!kiln_object_load(o));
	start = now() - start;
	kiln_object_close(o);
	return start;
}

static double open_and_load_here(const char *file)
{
	double start = now();
	struct kiln_object *o = loaded(file, NULL);

	start = now() - start;
	kiln_object_close(o);
	return start;
}

/* 0: the kernel refuses it */
static double load_there(const char *file)
{
	struct bpf_object *o = bpf_object__open_file(file, NULL);
	double start = now();

	if (libbpf_get_error(o) || bpf_object__load(o))
		start = 0;
	else
		start = now() - start;
	if (!libbpf_get_error(o))
		bpf_object__close(o);
	return start;
}

static double best(double (*load)(const char *), const char *file)
{
	double least = load(file);

	for (int i = 1; i < ROUNDS; i++) {
		double t = load(file);

		least = t < least ? t : least;
	}
	return least;
}

static int quiet(enum libbpf_print_level level, const char *fmt, va_list args)
{
	(void)level, (void)fmt, (void)args;
	return 0;
}

int main(int argc, char **argv)
{
	CHECK(argc == 4);
	libbpf_set_print(quiet);
	double kernel = best(load_there, argv[2]);
	double load = best(load_here, argv[3]);
	double both = best(open_and_load_here, argv[3]);

	printf("%-18s load %9.1f us, with open %9.1f us; ", argv[1], load,
		both);
	if (kernel > 0)
		printf("kernel %10.1f us, %.0f times as long\n", kernel,
			kernel / both);
	else
		printf("kernel: refused\n");
	return 0;
}
