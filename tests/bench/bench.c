/*
 * Runs every workload as kiln's native code at -O2 and -O0, in the kernel
 * (its JIT, by BPF_PROG_TEST_RUN) and as gcc -O2 compiled it, in one run, and
 * prints times, ratios, code sizes and compile times. Times are medians of
 * several series; a difference in results between any two ends the run.
 *
 *   bench DIR [WORKLOAD...]     DIR has NAME.bpf.o and NAME.native.o
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <elf.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "kiln/compile.h"
#include "kiln/context.h"
#include "kiln/runtime.h"

enum { SERIES = 15, INPUT_BYTES = 2048, SERIES_NS = 2000000, MAX_MAPS = 8 };

struct input {
	uint8_t bytes[INPUT_BYTES];
	uint64_t result;
};

struct bench_map {
	const char *name;
	struct kiln_map *map;
};

#define ROW(name) void bench_##name(struct input *);
#include "workloads.def"
#undef ROW

static const struct workload {
	const char *name;
	void (*native)(struct input *);
} workloads[] = {
#define ROW(name) {#name, bench_##name},
#include "workloads.def"
#undef ROW
};

enum { N_WORK = sizeof(workloads) / sizeof(workloads[0]) };

extern struct bench_map *__start_bench_maps[], *__stop_bench_maps[];

uint64_t kiln_helper_map_lookup_elem(uint64_t, uint64_t);
/* For the workloads: bench.h. */
void *bench_lookup(struct kiln_map *map, const void *key);

void *bench_lookup(struct kiln_map *map, const void *key)
{
	return (void *)(uintptr_t)kiln_helper_map_lookup_elem(
		(uintptr_t)map, (uintptr_t)key);
}

static void die(const char *what, const char *name)
{
	fprintf(stderr, "bench: %s: %s\n", name, what);
	exit(1);
}

/* ---- time ------------------------------------------------------------------- */

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double median(double *v, int n)
{
	qsort(v, (size_t)n, sizeof(*v), by_value);
	return v[n / 2];
}

/* ---- legs --------------------------------------------------------------------- */

/* One way to run the workload that is being measured. */
struct leg {
	const char *name;
	/* Mean ns of one of n runs, each on what the one before left. */
	double (*run)(struct leg *l, unsigned n);
	void (*set)(struct leg *l, const struct input *in);
	void (*get)(struct leg *l, struct input *in);
	double ns;	/* median */
	size_t code;	/* bytes of machine code */
	double compile; /* ms */
	/* legs' own */
	const struct workload *w;
	struct input *in;
	struct kiln_object *obj;
	struct kiln_program *prog;
	struct bpf_object *bpf;
	int fd, input_fd;
};

static void direct_set(struct leg *l, const struct input *in)
{
	*l->in = *in;
}

static void direct_get(struct leg *l, struct input *in)
{
	*in = *l->in;
}

/* ---- native C ---- */

static double native_run(struct leg *l, unsigned n)
{
	uint64_t start = now_ns();

	for (unsigned i = 0; i < n; i++)
		l->w->native(l->in);
	return (double)(now_ns() - start) / n;
}

/* ---- kiln ---- */

static double kiln_run(struct leg *l, unsigned n)
{
	struct kiln_xdp_md md = {0};
	uint8_t packet[64] = {0};
	kiln_prog_fn fn = kiln_program_entry(l->prog);

	kiln_xdp_md_init(&md, packet, packet, packet + sizeof(packet), packet);
	uint64_t start = now_ns();
	for (unsigned i = 0; i < n; i++)
		fn(&md);
	return (double)(now_ns() - start) / n;
}

/* Bytes of the executable sections of an ELF object. */
static size_t text_size(const void *bytes)
{
	const Elf64_Ehdr *h = bytes;
	const Elf64_Shdr *s =
		(const void *)((const uint8_t *)bytes + h->e_shoff);
	size_t n = 0;

	for (unsigned i = 0; i < h->e_shnum; i++)
		if (s[i].sh_flags & SHF_EXECINSTR)
			n += s[i].sh_size;
	return n;
}

static void kiln_log(void *ctx, enum kiln_level level, const char *line)
{
	(void)ctx;
	if (level == KILN_ERROR)
		fprintf(stderr, "bench: %s\n", line);
}

static void kiln_open(struct leg *l, const char *file, int opt)
{
	const struct kiln_compile_opts o = {
		.sz = sizeof(o), .opt = opt, .log = kiln_log};
	const struct kiln_input in = {file, NULL, 0};
	uint32_t zero = 0;
	double ms[5];
	size_t size;
	void *out = NULL;

	for (int i = 0; i < 5; i++) {
		uint64_t start = now_ns();

		kiln_free(out);
		if (kiln_compile(&in, 1, &o, &out, &size))
			die("kiln does not compile it", file);
		ms[i] = (double)(now_ns() - start) / 1e6;
	}
	l->compile = median(ms, 5);
	l->code = text_size(out);
	l->obj = kiln_object_open_mem(out, size, NULL);
	kiln_free(out);
	if (!l->obj || kiln_object_load(l->obj))
		die("kiln does not load it", file);
	l->prog = kiln_object_next_program(l->obj, NULL);
	struct kiln_map *m = kiln_object_find_map(l->obj, "input");
	l->in = (struct input *)bench_lookup(m, &zero);
	l->run = kiln_run;
}

/* ---- the kernel ---- */

static double kernel_run(struct leg *l, unsigned n)
{
	uint8_t packet[64] = {0};
	LIBBPF_OPTS(bpf_test_run_opts, o, .data_in = packet,
		.data_size_in = sizeof(packet), .repeat = (int)n);

	if (bpf_prog_test_run_opts(l->fd, &o) || !o.retval)
		die("the kernel does not run it", l->w->name);
	return o.duration;
}

static void kernel_set(struct leg *l, const struct input *in)
{
	uint32_t zero = 0;

	if (bpf_map_update_elem(l->input_fd, &zero, in, BPF_ANY))
		die("the kernel's input map", l->w->name);
}

static void kernel_get(struct leg *l, struct input *in)
{
	uint32_t zero = 0;

	if (bpf_map_lookup_elem(l->input_fd, &zero, in))
		die("the kernel's input map", l->w->name);
}

static int kernel_open(struct leg *l, const char *file)
{
	struct bpf_prog_info info = {0};
	uint32_t size = sizeof(info);

	l->bpf = bpf_object__open_file(file, NULL);
	if (!l->bpf || bpf_object__load(l->bpf))
		return -1;
	l->fd = bpf_program__fd(
		bpf_object__find_program_by_name(l->bpf, "bench"));
	l->input_fd = bpf_object__find_map_fd_by_name(l->bpf, "input");
	if (!bpf_obj_get_info_by_fd(l->fd, &info, &size))
		l->code = info.jited_prog_len;
	l->run = kernel_run;
	l->set = kernel_set;
	l->get = kernel_get;
	return 0;
}

/* ---- one workload ---------------------------------------------------------------- */

enum { LEG_KILN, LEG_KILN0, LEG_GCC, LEG_KERNEL, LEGS };

/* Every second key of the hash has a value. */
static void fill_maps(struct leg *legs)
{
	struct kiln_map *m = kiln_object_find_map(legs[LEG_KILN].obj, "flows");

	for (uint32_t key = 0; m && key < 256; key += 2) {
		uint64_t v = key * 3;

		kiln_map_update(m, &key, &v, 0);
		kiln_map_update(
			kiln_object_find_map(legs[LEG_KILN0].obj, "flows"),
			&key, &v, 0);
		if (legs[LEG_KERNEL].run)
			bpf_map_update_elem(
				bpf_object__find_map_fd_by_name(
					legs[LEG_KERNEL].bpf, "flows"),
				&key, &v, BPF_ANY);
	}
}

/* The native function uses the maps of a kiln object of its own. */
static void bind_native(struct leg *l, const char *file)
{
	struct leg own = {.w = l->w};

	kiln_open(&own, file, 2);
	for (struct bench_map **m = __start_bench_maps; m < __stop_bench_maps;
		m++) {
		struct kiln_map *map =
			kiln_object_find_map(own.obj, (*m)->name);

		if (map)
			(*m)->map = map;
	}
	struct kiln_map *flows = kiln_object_find_map(own.obj, "flows");
	for (uint32_t key = 0; flows && key < 256; key += 2) {
		uint64_t v = key * 3;

		kiln_map_update(flows, &key, &v, 0);
	}
	l->obj = own.obj;
}

static size_t file_text(const char *file)
{
	FILE *f = fopen(file, "rb");
	static uint8_t bytes[1 << 20];
	size_t n = f ? fread(bytes, 1, sizeof(bytes), f) : 0;

	if (f)
		fclose(f);
	return n > sizeof(Elf64_Ehdr) ? text_size(bytes) : 0;
}

static void open_legs(struct leg *legs, const struct workload *w,
	const char *dir, struct input *native)
{
	char bpf[4096], obj[4096];

	snprintf(bpf, sizeof(bpf), "%s/%s.bpf.o", dir, w->name);
	snprintf(obj, sizeof(obj), "%s/%s.native.o", dir, w->name);
	for (int i = 0; i < LEGS; i++)
		legs[i] = (struct leg){
			.w = w, .set = direct_set, .get = direct_get};
	kiln_open(&legs[LEG_KILN], bpf, 2);
	kiln_open(&legs[LEG_KILN0], bpf, -1);
	legs[LEG_GCC].run = native_run;
	legs[LEG_GCC].in = native;
	legs[LEG_GCC].code = file_text(obj);
	bind_native(&legs[LEG_GCC], bpf);
	kernel_open(&legs[LEG_KERNEL], bpf);
	fill_maps(legs);
}

static void random_input(struct input *in)
{
	uint64_t x = 88172645463325252u;

	memset(in, 0, sizeof(*in));
	for (int i = 0; i < INPUT_BYTES; i++) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		in->bytes[i] = (uint8_t)(x >> 32);
	}
}

/* One run each from the same input must leave the same result and bytes. */
static void compare(struct leg *legs)
{
	struct input in, want, got;

	random_input(&in);
	for (int i = 0; i < LEGS; i++) {
		if (!legs[i].run)
			continue;
		legs[i].set(&legs[i], &in);
		legs[i].run(&legs[i], 1);
		legs[i].get(&legs[i], &got);
		if (i == LEG_KILN)
			want = got;
		else if (memcmp(&want, &got, sizeof(got)))
			die("results differ", legs[i].w->name);
	}
}

/* Series of all legs take turns, so that a busy moment meets them all. */
static void measure(struct leg *legs)
{
	double v[LEGS][SERIES];
	unsigned n = 1;

	while (legs[LEG_KILN].run(&legs[LEG_KILN], n) * n < SERIES_NS)
		n *= 2;
	for (int s = 0; s < SERIES; s++)
		for (int i = 0; i < LEGS; i++)
			if (legs[i].run)
				v[i][s] = legs[i].run(&legs[i], n);
	for (int i = 0; i < LEGS; i++)
		if (legs[i].run)
			legs[i].ns = median(v[i], SERIES);
}

static void close_legs(struct leg *legs)
{
	for (int i = 0; i < LEGS; i++) {
		kiln_object_close(legs[i].obj);
		bpf_object__close(legs[i].bpf);
	}
}

/* ---- the table ----------------------------------------------------------------------- */

struct means {
	double log[4]; /* kernel, gcc, -O0, size against the kernel */
	int n[4];
};

static void add(struct means *m, int i, double a, double b)
{
	if (a <= 0 || b <= 0) {
		printf("%8s", "-");
		return;
	}
	m->log[i] += log(a / b);
	m->n[i]++;
	printf("%8.2f", a / b);
}

static void print_row(const struct leg *l, struct means *m)
{
	const struct leg *k = &l[LEG_KILN];

	printf("%-16s %9.0f", k->w->name, k->ns);
	add(m, 0, k->ns, l[LEG_KERNEL].ns);
	add(m, 1, k->ns, l[LEG_GCC].ns);
	add(m, 2, k->ns, l[LEG_KILN0].ns);
	printf("%8zu %7zu %7zu", k->code, l[LEG_KERNEL].code, l[LEG_GCC].code);
	add(m, 3, (double)k->code, (double)l[LEG_KERNEL].code);
	printf("%8.2f\n", k->compile);
	fflush(stdout);
}

static int is_wanted(const char *name, int argc, char **argv)
{
	for (int i = 2; i < argc; i++)
		if (!strcmp(name, argv[i]))
			return 1;
	return argc <= 2;
}

static int quiet(enum libbpf_print_level level, const char *fmt, va_list ap)
{
	(void)level;
	(void)fmt;
	(void)ap;
	return 0;
}

int main(int argc, char **argv)
{
	static struct input native;
	struct leg legs[LEGS];
	struct means m = {0};

	if (argc < 2)
		die("usage: bench DIR [WORKLOAD...]", "arguments");
	libbpf_set_print(quiet);
	printf("%-16s %9s%8s%8s%8s%8s %7s %7s%8s%8s\n", "", "kiln -O2",
		"time /", "time /", "time /", "bytes", "bytes", "bytes",
		"size /", "compile");
	printf("%-16s %9s%8s%8s%8s%8s %7s %7s%8s%8s\n", "workload", "ns",
		"kernel", "gcc -O2", "-O0", "kiln", "kernel", "gcc", "kernel",
		"ms");
	for (int i = 0; i < N_WORK; i++) {
		if (!is_wanted(workloads[i].name, argc, argv))
			continue;
		open_legs(legs, &workloads[i], argv[1], &native);
		compare(legs);
		measure(legs);
		print_row(legs, &m);
		close_legs(legs);
	}
	printf("%-26s", "geometric mean");
	for (int i = 0; i < 3; i++)
		printf("%8.2f", m.n[i] ? exp(m.log[i] / m.n[i]) : 0);
	printf("%24s%8.2f\n", "", m.n[3] ? exp(m.log[3] / m.n[3]) : 0);
	if (!m.n[0])
		printf("kernel: not run, bpf() is not available here\n");
	return 0;
}
