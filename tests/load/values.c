/* Globals and maps between open and load, and afterwards. */
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "host.h"

__attribute__((visibility("default"))) uint64_t app_inside(uint64_t arg);
uint64_t app_inside(uint64_t arg)
{
	return arg;
}

static const char *file;

/* Whether writing there ends a child by SIGSEGV. */
static bool write_faults(int *at)
{
	pid_t pid = fork();
	int status;

	if (!pid) {
		signal(SIGSEGV, SIG_DFL);
		*(volatile int *)at = 1;
		_exit(0);
	}
	CHECK(pid > 0 && waitpid(pid, &status, 0) == pid);
	return WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV;
}

static void knobs_are_set_before_load(void)
{
	struct kiln_object *o = opened(file, NULL);
	size_t size;
	int *knob = kiln_object_find_global(o, "knob", &size), v = 11;
	uint64_t *wide = kiln_object_find_global(o, "wide", NULL);

	CHECK(knob && size == 4 && *knob == 5 && wide && !*wide);
	CHECK(!kiln_object_set_global(o, "knob", &v, 4) && *knob == 11);
	CHECK(kiln_object_set_global(o, "knob", &v, 3) == -EINVAL);
	CHECK(kiln_object_set_global(o, "nope", &v, 4) == -ENOENT);
	*wide = 1ull << 40;
	CHECK(!kiln_object_load(o));
	CHECK(run(o, "count", 1) == 0 && run(o, "count", 1) == 11 + *wide);
	CHECK(kiln_object_find_global(o, "knob", NULL) == knob);
	CHECK(kiln_object_set_global(o, "knob", &v, 4) == -EPERM);
	CHECK(write_faults(knob));
	kiln_object_close(o);
}

static void instances_share_nothing(void)
{
	struct kiln_object *a = opened(file, NULL), *b = opened(file, NULL);
	uint64_t runs = 100;
	int v = 2;

	CHECK(!kiln_object_set_global(a, "knob", &v, 4));
	CHECK(!kiln_object_load(a) && !kiln_object_load(b));
	CHECK(run(a, "count", 0) == 0 && run(b, "count", 0) == 0);
	CHECK(run(a, "count", 0) == 2 && run(b, "count", 0) == 5);
	CHECK(!kiln_object_set_global(b, "runs", &runs, 8));
	CHECK(*(uint64_t *)kiln_object_find_global(a, "runs", NULL) == 2);
	kiln_object_close(a);
	CHECK(run(b, "count", 0) == 10);
	CHECK(*(uint64_t *)kiln_object_find_global(b, "runs", NULL) == 101);
	kiln_object_close(b);
}

static void maps_are_resized(void)
{
	static const struct kiln_map_entries sizes[] = {{"percpu", 50},
		{NULL, 0}},
					     wrong[] = {{"none", 1}, {NULL, 0}};
	struct kiln_open_opts opts = {.sz = sizeof(opts), .map_entries = sizes};
	struct kiln_object *o = opened(file, &opts);
	struct kiln_map *counts = map(o, "counts"), *seen = map(o, "seen");
	uint32_t key = 0;

	CHECK(counts->max_entries == 4 && map(o, "percpu")->max_entries == 50);
	CHECK(kiln_map_set_max_entries(counts, 0) < 0);
	CHECK(counts->max_entries == 4);
	CHECK(!kiln_map_set_max_entries(counts, 1000000));
	CHECK(!kiln_map_set_max_entries(seen, 3));
	CHECK(kiln_map_lookup(counts, &key, &opts) < 0);
	CHECK(!kiln_object_load(o));
	CHECK(kiln_map_set_max_entries(counts, 5) == -EBUSY);
	CHECK(run(o, "count", 999999) == 0 && run(o, "count", 999999) == 5);
	CHECK(run(o, "count", 1000000) == UINT64_MAX);
	CHECK(value(counts, 999999) == 10 && value(counts, 0) == 0);
	CHECK(run(o, "add_percpu", 49) == 1 && run(o, "add_percpu", 49) == 2);
	CHECK(run(o, "add_percpu", 50) == UINT64_MAX);
	for (uint32_t i = 0; i < 3; i++)
		CHECK(!run(o, "remember", i));
	CHECK(run(o, "remember", 3) == (uint64_t)-E2BIG);
	kiln_object_close(o);
	opts.map_entries = wrong;
	CHECK(!kiln_object_open_file(file, &opts) && errno == ENOENT);
}

static void maps_are_shared(void)
{
	struct kiln_object *a = loaded(file, NULL), *b = opened(file, NULL);
	struct kiln_map *of_a = map(a, "counts"), *of_b = map(b, "counts");

	CHECK(kiln_map_reuse(of_b, map(a, "seen")) == -EINVAL);
	CHECK(kiln_map_reuse(of_b, map(b, "percpu")) == -EINVAL);
	CHECK(kiln_map_reuse(of_a, of_b) == -EBUSY);
	CHECK(!kiln_map_reuse(of_b, of_a));
	CHECK(!kiln_map_reuse(map(b, "seen"), map(a, "seen")));
	CHECK(!kiln_object_load(b));
	CHECK(map(b, "counts") == of_a);
	CHECK(run(a, "count", 2) == 0 && run(b, "count", 2) == 5);
	CHECK(run(a, "remember", 9) == 0);
	CHECK(run(b, "remember", 9) == (uint64_t)-EEXIST);
	kiln_object_close(a); /* b still has its maps */
	CHECK(run(b, "count", 2) == 10 && value(of_a, 2) == 15);
	CHECK(run(b, "remember", 10) == 0);
	kiln_object_close(b);
}

/* Places near the runtime do not run out. */
static void many_share_a_map(void)
{
	enum { MANY = 90 };
	static struct kiln_object *o[MANY];

	for (int i = 0; i < MANY; i++) {
		o[i] = opened(file, NULL);
		if (i)
			CHECK(!kiln_map_reuse(
				map(o[i], "counts"), map(o[0], "counts")));
		CHECK(!kiln_object_load(o[i]));
		run(o[i], "count", 2);
	}
	CHECK(value(map(o[0], "counts"), 2) == 5 * MANY);
	for (int i = 0; i < MANY; i++)
		kiln_object_close(o[i]);
}

static void a_map_of_the_host_serves(void)
{
	struct kiln_map *m = kiln_map_create(2, "own", 4, 8, 100, NULL);
	struct kiln_object *o = opened(file, NULL);

	CHECK(m && !kiln_map_reuse(map(o, "counts"), m));
	CHECK(!kiln_map_reuse(map(o, "spare"), m));
	CHECK(!kiln_object_load(o));
	CHECK(run(o, "count", 99) == 0 && run(o, "count", 100) == UINT64_MAX);
	CHECK(value(m, 99) == 5);
	/* in two places it is still one of the object's maps */
	int n = 0;
	for (struct kiln_map *i = NULL; (i = kiln_object_next_map(o, i)); n++)
		;
	CHECK(n == 3);
	kiln_map_free(m); /* the object holds it */
	CHECK(run(o, "count", 99) == 5);
	kiln_object_close(o);
}

int main(int argc, char **argv)
{
	CHECK(argc == 3);
	file = argv[1];
	knobs_are_set_before_load();
	instances_share_nothing();
	maps_are_resized();
	maps_are_shared();
	many_share_a_map();
	a_map_of_the_host_serves();
	return 0;
}
