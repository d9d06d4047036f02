/*
 * Programs at functions of the executable: attach.bpf.c, linked into it, or
 * loaded.
 *
 *	usage: attach [FILE]
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kiln/runtime.h"
#include "targets.h"

static struct kiln_object *object;
static int failures;
static char last_line[512];

#ifdef LINKED
extern long seen[], nseen;
extern int verdict;
#define GLOBAL(name) (&(name))
#else
#define GLOBAL(name) kiln_object_find_global(object, #name, NULL)
#endif

static void keep_line(void *ctx, enum kiln_log_level level, const char *line)
{
	(void)ctx, (void)level;
	snprintf(last_line, sizeof(last_line), "%s", line);
}

#define check(what)                                                            \
	do {                                                                   \
		if (!(what)) {                                                 \
			printf("%s:%d: not so: %s (%s)\n", __FILE__, __LINE__, \
				#what, last_line);                             \
			failures++;                                            \
		}                                                              \
	} while (0)

/* Not inlined, and not known to the compiler. */
static int (*volatile call_add)(int, int) = add;

static struct kiln_link *attach(const char *name, uint64_t cookie)
{
	const struct kiln_attach_opts o = {.sz = sizeof(o), .cookie = cookie};

	return kiln_program_attach(kiln_object_find_program(object, name), &o);
}

static void set_verdict(int v)
{
	*(int *)GLOBAL(verdict) = v;
}

static void forget(void)
{
	*(long *)GLOBAL(nseen) = 0;
	calls = 0;
}

/* What programs said since forget(): -1 ends. */
static int said(const long *want)
{
	const long *seen_now = (long *)GLOBAL(seen);
	long n = *(long *)GLOBAL(nseen), k = 0;

	for (; want[k] != -1; k++)
		if (k >= n || seen_now[k] != want[k])
			break;
	if (want[k] == -1 && k == n)
		return 1;
	printf("said:");
	for (k = 0; k < n; k++)
		printf(" %ld", seen_now[k]);
	printf("\n");
	return 0;
}
#define SAID(...)      check(said((const long[]){__VA_ARGS__, -1}))
#define SAID_NOTHING() check(said((const long[]){-1}))

static void entry_and_exit(void)
{
	struct kiln_link *entry = attach("add_entry", 1);
	struct kiln_link *exit1 = attach("add_exit", 2);
	struct kiln_link *exit2 = attach("add_exit", 3);

	check(entry && exit1 && exit2);
	forget();
	check(call_add(20, -3) == 17);
	check(calls == 1);
	SAID(1001, 20, -3, 2002, 17, 2003, 17);
	check(!kiln_link_destroy(exit1));
	forget();
	check(call_add(1, 2) == 3);
	SAID(1001, 1, 2, 2003, 3);
	kiln_link_destroy(entry);
	kiln_link_destroy(exit2);
	forget();
	check(call_add(1, 2) == 3);
	SAID_NOTHING();
	entry = attach("add_entry", 4); /* again */
	call_add(5, 6);
	SAID(1004, 5, 6);
	kiln_link_destroy(entry);
}

static void mod_ret_stops(void)
{
	struct kiln_link *link[] = {attach("add_exit", 9), attach("add_mod", 1),
		attach("add_mod", 2), attach("add_entry", 7)};

	forget();
	set_verdict(0);
	check(call_add(2, 3) == 5);
	SAID(1007, 2, 3, 3001, 0, 3002, 0, 2009, 5);
	forget();
	set_verdict(-22);
	check(call_add(2, 3) == -22);
	check(calls == 0);
	SAID(1007, 2, 3, 3001, 0, 2009, -22);
	for (int k = 0; k < 4; k++)
		kiln_link_destroy(link[k]);
	set_verdict(0);
}

static void replace_runs_instead(void)
{
	struct kiln_link *link = attach("add_replace", 0), *exit;

	check(link);
	exit = attach("add_exit", 5);
	forget();
	check(call_add(6, 7) == 42);
	check(calls == 0);
	SAID(4000, 2005, 42);
	check(!attach("add_replace", 0) && errno == EBUSY);
	check(strstr(last_line, "replaced by another program"));
	kiln_link_destroy(link);
	check(call_add(6, 7) == 13);
	kiln_link_destroy(exit);
}

static void all_words_are_seen(void)
{
	struct kiln_link *a = attach("many_exit", 0);
	struct kiln_link *b = attach("swap_exit", 0);
	struct kiln_link *c = attach("nothing_entry", 0);

	forget();
	check(many(1, 2, 3, 4, 5, 6, 7, 8, 9) == 285);
	struct pair p = swap((struct pair){10, 20});
	check(p.a == 20 && p.b == 10);
	nothing();
	SAID(8, 9, 285, 10, 20, 20, 10, 5000);
	check(calls == 3);
	kiln_link_destroy(a);
	kiln_link_destroy(b);
	kiln_link_destroy(c);
}

/* Also where BTF does not say that it is one (GCC 12). */
static void signed_enums_are_extended(void)
{
	struct kiln_link *l = attach("enum_entry", 0);

	forget();
	check(enum_value(BELOW) == -2);
	SAID(-2);
	kiln_link_destroy(l);
}

static void recursive_functions(void)
{
	struct kiln_link *l = attach("inner_exit", 0);

	check(l);
	forget();
	check(nested(2) == 2);
	SAID(0, 0, 1, 1, 2, 2);
	kiln_link_destroy(l);
}

static void active_programs_are_passed_over(void)
{
	struct kiln_program *p = kiln_object_find_program(object, "add_again");
	struct kiln_link *l = attach("add_again", 0);
	struct kiln_link *m = attach("add_entry", 1);
	struct kiln_program_stats before, after;

	check(l && m);
	kiln_program_stats(p, &before);
	forget();
	check(call_add(1, 1) == 2);
	SAID(6000, 1001, 7, 8, 15, 1001, 1, 1);
	kiln_program_stats(p, &after);
	check(after.recursion_misses == before.recursion_misses + 1);
	kiln_link_destroy(l);
	kiln_link_destroy(m);
}

static void many_programs(void)
{
	enum { N = 100 };
	struct kiln_link *link[N];
	long want[2 * N + 1];

	for (int k = 0; k < N; k++) {
		link[k] = attach("add_exit", (uint64_t)k);
		check(link[k]);
		want[2 * k] = 2000 + k;
		want[2 * k + 1] = 3;
	}
	want[2 * N] = -1;
	forget();
	check(call_add(1, 2) == 3);
	check(said(want));
	for (int k = 0; k < N; k += 2)
		kiln_link_destroy(link[k]);
	for (int k = 1; k < N; k += 2) {
		want[k - 1] = 2000 + k;
		want[k] = 3;
	}
	want[N] = -1;
	forget();
	check(call_add(1, 2) == 3);
	check(said(want));
	for (int k = 1; k < N; k += 2)
		kiln_link_destroy(link[k]);
	forget();
	call_add(1, 2);
	SAID_NOTHING();
}

/* A BPF program that was compiled with --entry-sites. */
static void programs_are_hooked(void)
{
	struct kiln_program *p = kiln_object_find_program(object, "dropper");
	struct kiln_link *l = attach("dropper_exit", 0);
	uint64_t ctx[16] = {0};

	check(l);
	forget();
	check(kiln_program_run(p, ctx) == 1);
	check(kiln_program_entry(p)(ctx) == 1);
	SAID(7000, 1, 7000, 1);
	kiln_link_destroy(l);
	check(kiln_program_run(p, ctx) == 1);
	SAID(7000, 1, 7000, 1);
}

/* Both are counted when statistics are on, and not before. */
static void statistics(void)
{
	struct kiln_program *p = kiln_object_find_program(object, "add_entry");
	struct kiln_link *l = attach("add_entry", 0);
	struct kiln_program_stats a, b;
	uint64_t ctx[4] = {0};

	kiln_program_stats(p, &a);
	call_add(1, 2);
	kiln_program_stats(p, &b);
	check(a.run_cnt == b.run_cnt);
	kiln_stats_enable(true);
	call_add(1, 2);
	call_add(1, 2);
	kiln_program_run(p, ctx + 1);
	kiln_stats_enable(false);
	call_add(1, 2);
	kiln_program_stats(p, &b);
	check(b.run_cnt == a.run_cnt + 3);
	check(b.run_time_ns > a.run_time_ns);
	kiln_link_destroy(l);
}

/* What is writable and executable at one time. */
static void no_code_is_writable(void)
{
	FILE *f = fopen("/proc/self/maps", "r");
	char line[512];

	while (f && fgets(line, sizeof(line), f))
		check(!strstr(line, "rwx") && !strstr(line, "-wx"));
	if (f)
		fclose(f);
}

/* Parent and child change the same function for themselves. */
static void forked(void)
{
	struct kiln_link *l = attach("add_entry", 1), *m;
	int status;

	fflush(stdout);
	pid_t pid = fork();
	if (!pid) {
		forget();
		kiln_link_destroy(l);
		call_add(1, 2);
		SAID_NOTHING();
		m = attach("add_exit", 8);
		call_add(1, 2);
		SAID(2008, 3);
		fflush(stdout);
		_exit(failures != 0);
	}
	forget();
	check(waitpid(pid, &status, 0) == pid && status == 0);
	call_add(4, 5);
	SAID(1001, 4, 5);
	m = attach("nothing_entry", 0);
	nothing();
	SAID(1001, 4, 5, 5000);
	kiln_link_destroy(m);
	kiln_link_destroy(l);
	forget();
	call_add(4, 5);
	SAID_NOTHING();
}

static pid_t half;
void split(void);

void split(void)
{
	fflush(stdout);
	half = fork();
}

/* What is attached runs in both, though the parent's thread was in a scope. */
static void programs_fork(void)
{
	struct kiln_link *l = attach("nothing_splits", 0);
	struct kiln_link *m = attach("nothing_entry", 0);
	int status;

	check(l && m);
	forget();
	nothing();
	SAID(5000);
	kiln_link_destroy(l);
	nothing();
	SAID(5000, 5000);
	check(!kiln_synchronize());
	if (!half) {
		fflush(stdout);
		_exit(failures != 0);
	}
	check(waitpid(half, &status, 0) == half && status == 0);
	kiln_link_destroy(m);
}

/* A daemon closes what descriptors it has, and gets their numbers again. Code
 * changes without any, but in emulators, which want another mapping. */
__attribute__((unused)) static void descriptors_are_the_applications(void)
{
	struct kiln_link *l = attach("add_entry", 1);
	int status, pipes[2];

	fflush(stdout);
	pid_t pid = fork();
	if (!pid) {
		for (int fd = 3; fd < 64; fd++)
			close(fd);
		while (!pipe(pipes) && pipes[1] < 32)
			;
		kiln_link_destroy(l); /* on pages of its own */
		for (int fd = 3; fd < 32; fd++)
			check(fcntl(fd, F_GETFD) >= 0);
		forget();
		call_add(1, 2);
		SAID_NOTHING();
		_exit(failures != 0);
	}
	check(waitpid(pid, &status, 0) == pid && status == 0);
	kiln_link_destroy(l);
}

static void inside_a_scope(void)
{
	kiln_scope_enter();
	check(!attach("add_entry", 0) && errno == EDEADLK);
	kiln_scope_leave();
}

static void refused(const char *name, void *target, int err, const char *why)
{
	const struct kiln_attach_opts o = {.sz = sizeof(o), .target = target};
	struct kiln_link *l =
		kiln_program_attach(kiln_object_find_program(object, name), &o);

	check(!l && errno == err);
	check(strstr(last_line, why));
}

static void wrong_targets(void)
{
	refused("add_entry", (void *)nested, EINVAL, "KILN_HOOKABLE");
	refused("add_entry", dlsym(RTLD_DEFAULT, "lfind"), EINVAL,
		"kiln-module.o");
	struct kiln_link *l = attach("nothing_entry", 0);
	refused("add_entry", (void *)nothing, EEXIST, "is called by s32 (s32");
	kiln_link_destroy(l);
}

static void closed(const char *path)
{
	struct kiln_link *l = attach("add_entry", 0);

	check(l);
	kiln_object_close(object);
	check(call_add(1, 2) == 3);
	kiln_link_destroy(l);
	object = kiln_object_open_file(path, NULL);
	check(object && !kiln_object_load(object));
	l = attach("add_entry", 6);
	forget();
	call_add(1, 2);
	SAID(1006, 1, 2);
	kiln_object_close(object);
	kiln_link_destroy(l);
}

int main(int argc, char **argv)
{
	kiln_set_log(keep_line, NULL);
	if (argc > 1) {
		object = kiln_object_open_file(argv[1], NULL);
		if (!object || kiln_object_load(object)) {
			printf("%s\n", last_line);
			return 1;
		}
	} else {
		object = kiln_object_self();
	}
	if (!object)
		return 1;
	entry_and_exit();
	mod_ret_stops();
	replace_runs_instead();
	all_words_are_seen();
	signed_enums_are_extended();
	recursive_functions();
	active_programs_are_passed_over();
	many_programs();
	programs_are_hooked();
	statistics();
	forked();
	programs_fork();
#ifndef EMULATED
	descriptors_are_the_applications();
#endif
	inside_a_scope();
	wrong_targets();
	no_code_is_writable();
	if (argc > 1)
		closed(argv[1]);
	return failures != 0;
}
