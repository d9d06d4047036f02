/*
 * A library with a function that is hooked goes and comes again, at the same
 * address as a rule: links that it took along can be destroyed, and it is hooked
 * anew. Also while another thread asks for what cannot be hooked.
 *
 *	usage: reopen OBJECT LIBRARY
 */
#include <dlfcn.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

#include "kiln/runtime.h"

static struct kiln_object *object;

static int once(const char *library, bool is_early)
{
	struct kiln_program *p;
	struct kiln_program_stats before, after;
	struct kiln_attach_opts o = {.sz = sizeof(o)};
	struct kiln_link *l;
	void *h = dlopen(library, RTLD_NOW | RTLD_GLOBAL);
	int (*add)(int, int) = h ? (int (*)(int, int))dlsym(h, "add") : NULL;

	if (!add)
		return printf("%s\n", dlerror());
	p = kiln_object_find_program(object, "add_exit");
	kiln_program_stats(p, &before);
	o.target = (void *)add;
	l = kiln_program_attach(p, &o);
	if (!l || add(2, 3) != 5)
		return printf("not attached\n");
	kiln_program_stats(p, &after);
	if (after.run_cnt != before.run_cnt + 1)
		return printf("it did not run\n");
	if (is_early)
		kiln_link_destroy(l);
	dlclose(h);
	if (!is_early)
		kiln_link_destroy(l);
	return 0;
}

static void ignore_line(void *ctx, enum kiln_log_level level, const char *line)
{
	(void)ctx, (void)level, (void)line;
}

static atomic_bool opened;

static void *open_and_close(void *library)
{
	for (int k = 0; k < 100; k++) {
		void *h = dlopen(library, RTLD_NOW);

		if (h)
			dlclose(h);
	}
	opened = true;
	return NULL;
}

/* The dynamic linker runs constructors with a lock that dladdr() takes. */
static int refused_meanwhile(char *library)
{
	const struct kiln_attach_opts o = {
		.sz = sizeof(o), .target = (void *)puts};
	pthread_t thread;
	int bad = 0;

	kiln_set_log(ignore_line, NULL);
	alarm(20);
	if (pthread_create(&thread, NULL, open_and_close, library))
		return 1;
	while (!opened)
		bad |= kiln_program_attach(
			       kiln_object_find_program(object, "add_exit"),
			       &o) != NULL;
	pthread_join(thread, NULL);
	return bad;
}

int main(int argc, char **argv)
{
	/* of another program, which is not attached here */
	const struct kiln_symbol symbols[] = {{"add", (void *)puts}, {0}};
	const struct kiln_open_opts o = {.sz = sizeof(o), .symbols = symbols};
	int bad = argc != 3;

	object = kiln_object_open_file(argv[1], &o);
	kiln_stats_enable(true);
	if (!object || kiln_object_load(object))
		return 1;
	for (int k = 0; !bad && k < 6; k++)
		bad = once(argv[2], k & 1);
	if (!bad)
		bad = refused_meanwhile(argv[2]);
	kiln_object_close(object);
	return bad != 0;
}
