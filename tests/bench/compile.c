/*
 * How fast kiln compiles, and how much memory it takes, as functions grow:
 *
 *   bench_compile [-t TARGET] [-n SLOTS] [-v] [-o FILE] [SHAPE|FILE.o]...
 *
 * The shapes are those of shapes.c; a file is a BPF object of any origin. -n
 * gives one size instead of the usual ones, -v shows every stage, -o leaves the
 * last shape's BPF object in a file. Per line: microseconds per slot, that to
 * the same at BASE slots, million slots a second, and memory: the peak of all
 * that a compilation allocates, per slot. -O2; processor time, because other
 * processes run, too.
 *
 * Each sample is taken in a process of its own, as a command is: it pays for
 * the pages it touches. The libraries are warm.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "linker/linker.h"
#include "shapes.h"

enum { SAMPLES = 5, STAGES = 40, BASE = 10000 };

static const u32 sizes[] = {1000, 10000, 100000, 400000};

struct input {
	const char *name;
	u8 *bytes;
	size_t size;
	u32 slots;
};

struct stage {
	char name[16];
	double us;
	u64 bytes; /* that arenas handed out */
};

/* What a child sends its parent. */
struct sample {
	double us;
	long kib; /* growth of the peak */
	struct stage stage[STAGES];
	u32 nstage;
	/* while it runs */
	double last;
	u64 last_bytes;
};

struct options {
	const char *target; /* or NULL: all */
	const char *save;
	u32 slots; /* or 0: sizes */
	bool verbose;
};

static void die(const char *what, const char *name)
{
	fprintf(stderr, "bench_compile: %s: %s\n", name, what);
	exit(1);
}

static double now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static long peak_kib(void)
{
	struct rusage u;

	getrusage(RUSAGE_SELF, &u);
	return u.ru_maxrss;
}

/* ---- one sample ---------------------------------------------------------- */

static void log_line(void *ctx, enum kiln_level level, const char *line)
{
	(void)ctx;
	if (level == KILN_ERROR)
		fprintf(stderr, "%s\n", line);
}

static u64 total_of(const struct arena *a)
{
	return a->total + (a->scratch ? a->scratch->total : 0);
}

/* A pass that runs twice, and the stages of all functions, add up. */
static void on_stage(void *ctx, const struct link *l, const char *name)
{
	struct sample *s = ctx;
	u32 k = 0;

	while (k < s->nstage && strcmp(s->stage[k].name, name))
		k++;
	if (k == STAGES)
		die("too many stages", name);
	if (k == s->nstage)
		snprintf(s->stage[s->nstage++].name, sizeof(s->stage[0].name),
			"%s", name);
	double t = now_us();
	u64 bytes = total_of(&l->a) + total_of(&l->fa) + total_of(&l->ma);
	s->stage[k].us += t - s->last;
	s->stage[k].bytes += bytes - s->last_bytes;
	s->last_bytes = bytes;
	s->last = now_us();
}

/* Stages are timed apart: asking the time for each costs. */
static void compile(const struct input *in, const char *target, bool stages,
	struct sample *out)
{
	struct kiln_input input = {in->name, in->bytes, in->size};
	struct kiln_compile_opts o = {
		.sz = sizeof(o), .target = target, .log = log_line};
	struct lk_watch watch = {.stage = on_stage, .ctx = out};
	long before = peak_kib();
	double start = now_us();
	size_t size;
	void *bytes;

	out->last = start;
	if (stages ? lk_compile(&input, 1, &o, &watch, &bytes, &size)
		   : kiln_compile(&input, 1, &o, &bytes, &size))
		die("is refused", in->name);
	out->us = now_us() - start;
	out->kib = peak_kib() - before;
	kiln_free(bytes);
}

static void sample(const struct input *in, const char *target, bool stages,
	struct sample *out)
{
	int fd[2], status;

	if (pipe(fd))
		die("pipe", in->name);
	pid_t pid = fork();
	if (!pid) {
		struct sample s = {0};

		compile(in, target, stages, &s);
		_exit(write(fd[1], &s, sizeof(s)) != sizeof(s));
	}
	close(fd[1]);
	if (read(fd[0], out, sizeof(*out)) != sizeof(*out) ||
		waitpid(pid, &status, 0) != pid || status)
		die("no result", in->name);
	close(fd[0]);
}

/* ---- lines of the table -------------------------------------------------- */

static int by_time(const void *a, const void *b)
{
	const struct sample *x = a, *y = b;

	return (x->us > y->us) - (x->us < y->us);
}

static struct sample median(
	const struct input *in, const char *target, bool stages)
{
	struct sample s[SAMPLES];

	for (u32 k = 0; k < SAMPLES; k++)
		sample(in, target, stages, &s[k]);
	qsort(s, SAMPLES, sizeof(*s), by_time);
	return s[SAMPLES / 2];
}

/* base: us per slot that this is compared with, or 0. */
static double line(const struct input *in, const char *target, double base,
	const struct options *o)
{
	struct sample s = median(in, target, false);
	double us = s.us / in->slots;

	printf("%-24s %-8s %8u %7.3f", in->name, target, in->slots, us);
	if (base > 0)
		printf(" %6.2f", us / base);
	else
		printf(" %6s", "-");
	printf(" %7.2f %7.0f\n", 1 / us, 1024.0 * (double)s.kib / in->slots);
	if (o->verbose) {
		s = median(in, target, true);
		for (u32 k = 0; k < s.nstage; k++)
			printf("    %-12s %7.3f us %4.0f %% %7.0f B\n",
				s.stage[k].name, s.stage[k].us / in->slots,
				100 * s.stage[k].us / s.us,
				(double)s.stage[k].bytes / in->slots);
	}
	fflush(stdout);
	return us;
}

static void save(const struct input *in, const char *file)
{
	FILE *f = fopen(file, "wb");

	if (!f || fwrite(in->bytes, 1, in->size, f) != in->size || fclose(f))
		die("cannot be written", file);
}

static double one_size(const struct shape *s, const char *target, u32 slots,
	double base, const struct options *o)
{
	struct input in = {.name = s->name};

	in.bytes = shape_object(s, slots, &in.slots, &in.size);
	if (o->save)
		save(&in, o->save);
	double us = line(&in, target, base, o);
	free(in.bytes);
	return us;
}

static void one_shape(
	const struct shape *s, const char *target, const struct options *o)
{
	double base = 0;

	for (u32 k = 0; k < countof(sizes); k++) {
		u32 slots = o->slots ? o->slots : sizes[k];
		double us = one_size(s, target, slots, base, o);

		if (slots == BASE)
			base = us;
		if (o->slots)
			return;
	}
}

/* ---- objects of any origin ----------------------------------------------- */

static void read_file(struct input *in)
{
	FILE *f = fopen(in->name, "rb");

	if (!f || fseek(f, 0, SEEK_END))
		die("cannot be read", in->name);
	in->size = (size_t)ftell(f);
	rewind(f);
	in->bytes = malloc(in->size + 1);
	if (!in->bytes || fread(in->bytes, 1, in->size, f) != in->size)
		die("cannot be read", in->name);
	fclose(f);
}

/* Slots of what is compiled, by the way of a compilation. */
static void count_slots(void *ctx, const struct link *l, u32 func)
{
	*(u32 *)ctx += l->m.func.v[func].n;
}

static void one_file(
	const char *name, const char *target, const struct options *o)
{
	struct input in = {.name = name};
	struct kiln_compile_opts opts = {
		.sz = sizeof(opts), .target = target, .log = log_line};
	struct lk_watch watch = {.func = count_slots, .ctx = &in.slots};
	size_t size;
	void *out;

	read_file(&in);
	struct kiln_input input = {name, in.bytes, in.size};
	if (lk_compile(&input, 1, &opts, &watch, &out, &size))
		die("is refused", name);
	kiln_free(out);
	const char *slash = strrchr(name, '/');
	in.name = slash ? slash + 1 : name;
	line(&in, target, 0, o);
	free(in.bytes);
}

/* ---- the whole ----------------------------------------------------------- */

static const struct shape *find_shape(const char *name)
{
	for (const struct shape *s = shapes; s->name; s++)
		if (!strcmp(s->name, name))
			return s;
	return NULL;
}

static void one_target(
	const char *target, int narg, char **arg, const struct options *o)
{
	for (const struct shape *s = shapes; !narg && s->name; s++)
		one_shape(s, target, o);
	for (int k = 0; k < narg; k++) {
		const struct shape *s = find_shape(arg[k]);

		if (s)
			one_shape(s, target, o);
		else
			one_file(arg[k], target, o);
	}
}

/* The first compilation of a process loads and sets up libraries. */
static void warm_up(const char *target)
{
	struct input in = {.name = "warm-up"};
	struct sample s = {0};

	in.bytes = shape_object(&shapes[0], 10, &in.slots, &in.size);
	compile(&in, target, false, &s);
	free(in.bytes);
}

static void usage(void)
{
	fprintf(stderr, "usage: bench_compile [-t TARGET] [-n SLOTS] [-v] "
			"[-o FILE] [SHAPE|FILE.o]...\n\nshapes:\n");
	for (const struct shape *s = shapes; s->name; s++)
		fprintf(stderr, "  %-8s %s\n", s->name, s->what);
	exit(2);
}

static void parse(struct options *o, int argc, char **argv)
{
	int c;

	while ((c = getopt(argc, argv, "t:n:vo:")) != -1) {
		if (c == 't')
			o->target = optarg;
		else if (c == 'n')
			o->slots = (u32)strtoul(optarg, NULL, 10);
		else if (c == 'v')
			o->verbose = true;
		else if (c == 'o')
			o->save = optarg;
		else
			usage();
	}
}

int main(int argc, char **argv)
{
	static const char *const targets[] = {"x86_64", "aarch64"};
	struct options o = {0};

	parse(&o, argc, argv);
	printf("%-24s %-8s %8s %7s %6s %7s %7s\n", "shape", "target", "slots",
		"us/slot", "to 10k", "M/s", "B/slot");
	for (u32 k = 0; k < countof(targets); k++) {
		const char *t = o.target ? o.target : targets[k];

		warm_up(t);
		one_target(t, argc - optind, argv + optind, &o);
		if (o.target)
			break;
	}
	return 0;
}
