/*
 * Runs the programs of faults.bpf.c, which are linked to it and, given a file,
 * loaded as well, on memory that is not there.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <kiln/runtime.h>

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

static struct kiln_object *obj;
static const char *what = "linked";
static int bad;

static void check(int ok, const char *name, long got)
{
	if (!ok)
		printf("wrong: %s: %s: %ld\n", what, name, got);
	bad |= !ok;
}

static long run(const char *name, struct ctx *c)
{
	struct kiln_program *p = kiln_object_find_program(obj, name);

	if (!p) {
		printf("no program %s\n", name);
		exit(1);
	}
	return (long)kiln_program_run(p, c);
}

static long run_on(const char *name, const void *p)
{
	struct ctx c = {.size = 7};

	for (int i = 0; i < 14; i++)
		c.p[i] = (struct node *)(uintptr_t)p;
	return run(name, &c);
}

/* ---- addresses ----------------------------------------------------------- */

static long page;

static void *map(long pages, int prot)
{
	char *p = mmap(NULL, (size_t)(pages * page), prot,
		MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return p == MAP_FAILED ? NULL : p;
}

static void *unmapped(void)
{
	void *p = map(4, PROT_READ);

	munmap(p, (size_t)(4 * page));
	return p;
}

/* The second page of a file of one. */
static void *past_end(void)
{
	int fd = memfd_create("short", MFD_CLOEXEC);
	char *p = NULL;

	if (!ftruncate(fd, page))
		p = mmap(
			NULL, (size_t)(2 * page), PROT_READ, MAP_SHARED, fd, 0);
	close(fd);
	return p + page;
}

static void t_no_memory(void)
{
	static const char *const names[] = {"read_a", "read_b", "read_c",
		"read_d", "read_e", "read_f", "read_far", "read_below",
		"read_next", "many"};
	const void *const bad_pointers[] = {NULL, unmapped(), map(1, PROT_NONE),
		(void *)(UINT64_C(1) << 63),
		(void *)UINT64_C(0x0100000000000000),
		(void *)UINT64_C(0xdead000000000100), (void *)-4096l,
		past_end()};

	for (size_t k = 0; k < sizeof(bad_pointers) / sizeof(void *); k++) {
		for (size_t n = 0; n < sizeof(names) / sizeof(*names); n++) {
			long got = run_on(names[n], bad_pointers[k]);

			check(got == 0, names[n], got);
		}
		check(run_on("around", bad_pointers[k]) == 28, "around", 0);
		check(run_on("through", bad_pointers[k]) == 1, "through", 0);
	}
}

static struct node valid = {.a = -5,
	.b = -6,
	.c = 0xfffffff0,
	.d = -7,
	.e = -8,
	.f = 250,
	.next = &valid,
	.far = 11};

static void t_memory(void)
{
	static const struct {
		const char *name;
		long wanted;
	} reads[] = {{"read_a", -5}, {"read_b", -6}, {"read_c", 0xfffffff0},
		{"read_d", -7}, {"read_e", -8}, {"read_f", 250},
		{"read_far", 11}, {"read_next", -5}, {"around", -7},
		{"many", -154}, {"through", -4}};

	for (size_t k = 0; k < sizeof(reads) / sizeof(*reads); k++) {
		long got = run_on(reads[k].name, &valid);

		check(got == reads[k].wanted, reads[k].name, got);
	}
}

/* The last fields of a node are on a page that is not there. */
static void t_part_of_an_object(void)
{
	char *p = map(2, PROT_READ | PROT_WRITE);
	struct node *n = (struct node *)(p + page - 64);

	munmap(p + page, (size_t)page);
	n->a = 3;
	n->next = NULL;
	check(run_on("read_a", n) == 3, "before the end", 0);
	check(run_on("read_far", n) == 0, "behind the end", 0);
	check(run_on("read_next", n) == 0, "NULL in memory", 0);
	check(run_on("read_below", p) == 0, "before the beginning", 0);
	check(run_on("read_a", p + page - 4) == 0, "across the end", 0);
}

/* ---- counters ------------------------------------------------------------ */

static uint64_t faults_of(const char *name)
{
	return kiln_program_faults(kiln_object_find_program(obj, name));
}

static void t_counters(void)
{
	struct kiln_program *p = kiln_object_find_program(obj, "read_a");
	uint64_t mine = kiln_program_faults(p);
	uint64_t all = kiln_object_faults(obj);

	run_on("read_a", NULL);
	run_on("read_a", &valid);
	run_on("read_b", NULL);
	check(kiln_program_faults(p) - mine == 1, "faults of a program",
		(long)(kiln_program_faults(p) - mine));
	check(kiln_object_faults(obj) - all == 2, "faults of the object",
		(long)(kiln_object_faults(obj) - all));
}

/* Of the program that runs, whoever else calls a subprogram. */
static void t_counters_of_subprograms(void)
{
	static const struct {
		const char *name;
		uint64_t faults[4], all;
	} runs[] = {
		{"shares", {4, 0, 0, 0}, 4},
		{"shares_too", {0, 7, 0, 0}, 7},
		/* in callbacks of its own; those of two count nowhere */
		{"loops", {0, 0, 6, 0}, 12},
		{"loops_too", {0, 0, 0, 0}, 6},
	};

	for (int k = 0; k < 4; k++) {
		uint64_t before[4], all = kiln_object_faults(obj);

		for (int n = 0; n < 4; n++)
			before[n] = faults_of(runs[n].name);
		run_on(runs[k].name, NULL);
		for (int n = 0; n < 4; n++)
			check(faults_of(runs[n].name) - before[n] ==
					runs[k].faults[n],
				runs[k].name, n);
		check(kiln_object_faults(obj) - all == runs[k].all,
			"faults of an object with subprograms",
			(long)(kiln_object_faults(obj) - all));
	}
}

/* ---- probe_read ----------------------------------------------------------- */

static long probe(const char *name, const void *from, long size, char *out)
{
	struct ctx c = {.from = from, .size = size};
	long got;

	memset(c.bytes, 'x', sizeof(c.bytes));
	got = run(name, &c);
	memcpy(out, c.bytes, sizeof(c.bytes));
	return got;
}

static void t_probe(void)
{
	char out[16], *p = map(2, PROT_READ | PROT_WRITE);
	static const char text[16] __attribute__((aligned(8))) = "kiln: a text";

	munmap(p + page, (size_t)page);
	for (long n = 0; n <= 16; n++)
		for (long at = 0; at + n <= 16; at++) {
			check(probe("probe", text + at, n, out) == 0, "probe",
				n);
			check(!memcmp(out, text + at, (size_t)n) &&
					(n == 16 || out[n] == 'x'),
				"probed bytes", n);
		}
	/* all of it is 0, and nothing behind it changes */
	memset(p + page - 8, 'k', 8);
	for (long n = 1; n < 16; n++) {
		long inside = n < 8 ? n : 8;

		check(probe("probe", p + page - inside, n, out) ==
				(inside == n ? 0 : -EFAULT),
			"probe across the end", n);
		for (long k = 0; k < 16; k++)
			check(out[k] == (k >= n		      ? 'x'
						: inside == n ? 'k'
							      : 0),
				"bytes of it", k);
	}
	check(probe("probe", NULL, 16, out) == -EFAULT, "probe of NULL", 0);
	check(probe("probe", (void *)(UINT64_C(1) << 63), 16, out) == -EFAULT,
		"probe of a non-canonical address", 0);
}

static void t_probe_str(void)
{
	char out[16], *p = map(2, PROT_READ | PROT_WRITE);

	munmap(p + page, (size_t)page);
	check(probe("probe_str", "kiln", 16, out) == 5, "str", 0);
	check(!memcmp(out, "kiln\0xx", 7), "str: bytes", 0);
	check(probe("probe_str", "kiln", 3, out) == 3, "str cut", 0);
	check(!memcmp(out, "ki\0x", 4), "str cut: bytes", 0);
	check(probe("probe_str", "kiln", 0, out) == 0, "str of 0", 0);
	memcpy(p + page - 5, "abcd", 5);
	check(probe("probe_str", p + page - 5, 16, out) == 5, "str to the end",
		0);
	memset(p + page - 4, 'e', 4);
	check(probe("probe_str", p + page - 4, 16, out) == -EFAULT,
		"str across the end", 0);
	for (int k = 0; k < 16; k++)
		check(!out[k], "str across the end: bytes", k);
	check(probe("probe_str", p + page - 4, 4, out) == 4,
		"str without an end", 0);
	check(!memcmp(out, "eee\0x", 5), "str without an end: bytes", 0);
}

/* ---- threads --------------------------------------------------------------- */

static char *flapping;
static _Atomic int stop;

static void *flap(void *arg)
{
	while (!atomic_load(&stop)) {
		munmap(flapping, (size_t)page);
		mmap(flapping, (size_t)page, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
		((volatile struct node *)flapping)->a = 9;
	}
	return arg;
}

/* A thread that the runtime never saw. */
static void *read_often(void *arg)
{
	long zero = 0, nine = 0;

	(void)arg;
	for (int k = 0; k < 3000 || !zero || !nine; k++) {
		long got = run_on("read_a", flapping);

		zero += got == 0;
		nine += got == 9;
		check(got == 0 || got == 9, "a page that comes and goes", got);
		if (k > 3000000)
			break;
	}
	return NULL;
}

static void t_threads(void)
{
	pthread_t t[3], f;

	atomic_store(&stop, 0);
	flapping = map(1, PROT_READ | PROT_WRITE);
	pthread_create(&f, NULL, flap, NULL);
	for (int k = 0; k < 3; k++)
		pthread_create(&t[k], NULL, read_often, NULL);
	for (int k = 0; k < 3; k++)
		pthread_join(t[k], NULL);
	atomic_store(&stop, 1);
	pthread_join(f, NULL);
}

/* ---- handlers --------------------------------------------------------------- */

static char *volatile guarded;
static struct {
	int count, sig, code;
	void *addr, *stack;
	long inside;
	sigset_t mask;
} seen;

/* The application's handler, there before kiln's. */
static void app_handler(int sig, siginfo_t *si, void *uc)
{
	(void)uc;
	seen.count++;
	seen.sig = sig;
	seen.code = si->si_code;
	seen.addr = si->si_addr;
	seen.stack = __builtin_frame_address(0);
	sigprocmask(SIG_BLOCK, NULL, &seen.mask);
	/* a program faults in here, too */
	seen.inside = run_on("around", NULL);
	if (guarded)
		mprotect(guarded, (size_t)page, PROT_READ | PROT_WRITE);
}

/* What a handler changed meanwhile is read again. */
static void touch(char *p)
{
	*(volatile char *)p = 1;
	__asm__ volatile("" ::: "memory");
}

static void t_handler_before(void)
{
	memset(&seen, 0, sizeof(seen));
	guarded = map(1, PROT_NONE);
	touch(guarded + 12);
	check(seen.count == 1, "own handler: calls", seen.count);
	check(seen.sig == SIGSEGV && seen.code == SEGV_ACCERR &&
			seen.addr == guarded + 12,
		"own handler: siginfo", seen.code);
	check(seen.inside == 28, "a fault in the own handler", seen.inside);
	check(sigismember(&seen.mask, SIGUSR1) == 1 &&
			!sigismember(&seen.mask, SIGSEGV),
		"own handler: mask", 0);
	sigset_t now;
	sigprocmask(SIG_BLOCK, NULL, &now);
	check(!sigismember(&now, SIGUSR1), "mask behind the handler", 0);
	guarded = NULL;
	raise(SIGSEGV);
	check(seen.count == 2 && seen.code <= 0, "a signal that was sent",
		seen.code);
}

static char alternate[64 * 1024];

static void t_alternate_stack(void)
{
	stack_t ss = {.ss_sp = alternate, .ss_size = sizeof(alternate)};
	stack_t none = {.ss_flags = SS_DISABLE};

	sigaltstack(&ss, NULL);
	check(run_on("around", NULL) == 28, "alternate stack", 0);
	memset(&seen, 0, sizeof(seen));
	guarded = map(1, PROT_NONE);
	touch(guarded);
	guarded = NULL;
	check((char *)seen.stack > alternate &&
			(char *)seen.stack < alternate + sizeof(alternate),
		"own handler on the alternate stack", 0);
	check(seen.inside == 28, "a fault on the alternate stack", 0);
	sigaltstack(&none, NULL);
}

/* An application that puts its own handler in front asks kiln_fault(). */
static int asked;

static void front_handler(int sig, siginfo_t *si, void *uc)
{
	asked++;
	if (!kiln_fault(sig, si, uc))
		_exit(3);
}

static void t_handler_in_front(void)
{
	struct sigaction a = {.sa_flags = SA_SIGINFO | SA_NODEFER}, old;

	a.sa_sigaction = front_handler;
	sigaction(SIGSEGV, &a, &old);
	asked = 0;
	check(run_on("around", NULL) == 28, "kiln_fault()", 0);
	check(asked == 2, "kiln_fault(): calls", asked);
	sigaction(SIGSEGV, &old, NULL);
}

/* Without a handler before kiln's the process dies as it always did. */
static void die(void)
{
	obj = kiln_object_self();
	run_on("read_a", NULL);
	*(volatile char *)0 = 1;
	exit(0);
}

static void t_fork(void)
{
	int status = 0;
	pid_t pid = fork();

	if (!pid)
		_exit(run_on("around", NULL) == 28 ? 0 : 1);
	waitpid(pid, &status, 0);
	check(WIFEXITED(status) && !WEXITSTATUS(status), "a child", status);
}

/* ---- objects that come and go -------------------------------------------------- */

static const char *file;

static void *load_and_run(void *arg)
{
	struct ctx c = {.size = 7};

	(void)arg;
	for (int k = 0; k < 40; k++) {
		struct kiln_object *o = kiln_object_open_file(file, NULL);

		if (!o || kiln_object_load(o)) {
			check(0, "load", k);
			return NULL;
		}
		struct kiln_program *p = kiln_object_find_program(o, "around");
		check(kiln_program_run(p, &c) == 28, "while others unload", k);
		check(kiln_program_faults(p) == 2, "its own faults", k);
		kiln_object_close(o);
	}
	return NULL;
}

static void t_load_in_threads(void)
{
	pthread_t t[4];

	for (int k = 0; k < 4; k++)
		pthread_create(&t[k], NULL, load_and_run, NULL);
	for (int k = 0; k < 4; k++)
		pthread_join(t[k], NULL);
}

static void all(void)
{
	t_memory();
	t_no_memory();
	t_part_of_an_object();
	t_counters();
	t_counters_of_subprograms();
	t_probe();
	t_probe_str();
	t_threads();
	t_handler_before();
	t_alternate_stack();
	t_handler_in_front();
	t_fork();
}

int main(int argc, char **argv)
{
	struct sigaction a = {.sa_flags = SA_SIGINFO};

	page = sysconf(_SC_PAGESIZE);
	if (argc > 1 && !strcmp(argv[1], "die"))
		die();
	a.sa_sigaction = app_handler;
	sigemptyset(&a.sa_mask);
	sigaddset(&a.sa_mask, SIGUSR1);
	sigaction(SIGSEGV, &a, NULL);
	obj = kiln_object_self();
	all();
	if (argc > 1) {
		what = "loaded";
		file = argv[1];
		obj = kiln_object_open_file(file, NULL);
		if (!obj || kiln_object_load(obj))
			return 1;
		all();
		kiln_object_close(obj);
		t_load_in_threads();
	}
	return bad;
}
