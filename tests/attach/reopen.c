/*
 * A library with a function that is hooked goes and comes again, at the same
 * address as a rule: links that it took along can be destroyed, and it is hooked
 * anew.
 *
 *	usage: reopen OBJECT LIBRARY
 */
#include <dlfcn.h>
#include <stdio.h>

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
	kiln_object_close(object);
	return bad != 0;
}
