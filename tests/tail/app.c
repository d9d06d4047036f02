/*
 * Programs that tail-call, by kiln, against the model; and what the host may do
 * with their map.
 *	app            the linked object
 *	app OBJECT     loaded
 */
#include <errno.h>
#include <kiln/context.h>
#include <kiln/runtime.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model.h"

static struct kiln_map *jmp, *trace;
static struct kiln_program *prog[MODEL_PROGS];
static struct kiln_object *object;

/* ---- the subject --------------------------------------------------------- */

static int set(unsigned slot, int p)
{
	int err = p < 0 ? kiln_map_delete(jmp, &slot)
			: kiln_map_update(jmp, &slot, &prog[p], 0);

	return p < 0 && err == -ENOENT ? 0 : err;
}

/* Both ways in. */
static int run(unsigned p)
{
	static unsigned runs;
	static char packet[64];
	struct kiln_xdp_md md = {0};

	kiln_xdp_md_init(&md, packet, packet, packet + 64, packet + 64);
	return runs++ % 2 ? (int)kiln_program_run(prog[p], &md)
			  : (int)kiln_program_entry(prog[p])(&md);
}

static int get_trace(struct model_trace *t)
{
	return kiln_map_lookup(trace, &(unsigned){0}, t);
}

static int set_trace(const struct model_trace *t)
{
	return kiln_map_update(trace, &(unsigned){0}, t, 0);
}

/* ---- the map ------------------------------------------------------------- */

static char said[256];

static void listen(void *ctx, enum kiln_log_level level, const char *line)
{
	(void)ctx, (void)level;
	snprintf(said, sizeof(said), "%s", line);
}

#define CHECK(x)                                               \
	do {                                                   \
		if (!(x)) {                                    \
			printf("line %d: %s\n", __LINE__, #x); \
			exit(EXIT_FAILURE);                    \
		}                                              \
	} while (0)

static void check_map(void)
{
	struct kiln_program *other = kiln_object_find_program(object, "other");
	struct kiln_program *p = prog[2], *none = NULL, *got = NULL;
	unsigned k = 3, far = 8, next;

	CHECK(kiln_map_value_bytes(jmp) == sizeof(p));
	for (unsigned i = 0; i < MODEL_SLOTS; i++)
		CHECK(!set(i, -1));
	CHECK(kiln_map_lookup(jmp, &k, &got) == -ENOENT);
	CHECK(kiln_map_delete(jmp, &k) == -ENOENT);
	CHECK(kiln_map_update(jmp, &k, &p, 1) == -EINVAL);
	CHECK(kiln_map_update(jmp, &k, &p, 2) == -EINVAL);
	CHECK(kiln_map_update(jmp, &far, &p, 0) == -E2BIG);
	CHECK(kiln_map_delete(jmp, &far) == -E2BIG);
	CHECK(kiln_map_lookup(jmp, &far, &got) == -ENOENT);
	CHECK(kiln_map_update(jmp, &k, &none, 0) == -EINVAL);
	CHECK(!kiln_map_update(jmp, &k, &p, 0));
	CHECK(!kiln_map_update(jmp, &k, &p, 0));
	CHECK(!kiln_map_lookup(jmp, &k, &got) && got == p);
	CHECK(!kiln_map_next_key(jmp, &k, &next) && next == 4);
	kiln_set_log(listen, NULL);
	CHECK(kiln_map_update(jmp, &k, &other, 0) == -EINVAL);
	CHECK(strstr(said,
		"map jmp: the context of other is sched_cls, wanted xdp"));
	kiln_set_log(NULL, NULL);
	CHECK(!kiln_map_lookup(jmp, &k, &got) && got == p);
	CHECK(!kiln_map_delete(jmp, &k));
	CHECK(kiln_map_lookup(jmp, &k, &got) == -ENOENT);
}

static void update_in_scope(unsigned slot, int p)
{
	kiln_scope_enter();
	CHECK(!set(slot, p));
	kiln_scope_leave();
}

/* Whether the sites of a slot jump: what the loaded object's gate says. Updates
 * that cannot wait for a grace period leave that to the next one of any slot. */
static void check_gates(void)
{
	size_t size = 0;
	const char *gate = kiln_object_find_global(object, "jmp.gates", &size);
	unsigned k = 1;

	if (!gate) /* linked, or without sites */
		return;
	CHECK(size == MODEL_SLOTS);
	CHECK(!set(1, -1) && !gate[1]);
	CHECK(!kiln_map_update(jmp, &k, &prog[0], 0) && gate[1]);
	CHECK(!kiln_map_update(jmp, &k, &prog[0], 0) && gate[1]);
	CHECK(!kiln_map_update(jmp, &k, &prog[3], 0) && gate[1]);
	update_in_scope(1, 0);
	CHECK(!gate[1]);
	CHECK(!kiln_map_update(jmp, &k, &prog[0], 0) && gate[1]);
	update_in_scope(1, 3);
	CHECK(!gate[1] && !set(2, -1) && !gate[1]);
	CHECK(!set(7, 0) && gate[1]); /* no site has that index */
	CHECK(!kiln_map_delete(jmp, &k) && !gate[1]);
}

/* Two objects with one map: an update opens and closes the sites of both. */
static void check_shared(const char *file)
{
	struct kiln_object *o = kiln_object_open_file(file, NULL);
	struct kiln_program *leaf = NULL;
	struct kiln_map *m;
	unsigned k = 1;

	CHECK(o);
	m = kiln_object_find_map(o, "jmp");
	CHECK(m && kiln_map_set_max_entries(m, MODEL_SLOTS - 1) == -E2BIG);
	CHECK(!kiln_map_reuse(m, jmp) && !kiln_object_load(o));
	CHECK(kiln_object_find_map(o, "jmp") == jmp);
	const char *gate = kiln_object_find_global(o, "jmp.gates", NULL);

	CHECK(gate && !set(1, -1) && !gate[1]);
	leaf = kiln_object_find_program(o, "leaf");
	CHECK(!kiln_map_update(jmp, &k, &leaf, 0) && gate[1]);
	CHECK(!set_trace(&(struct model_trace){0}) && !set(0, -1));
	CHECK(run(1) == 101); /* leaf, with that object's trace */
	CHECK(!kiln_map_delete(jmp, &k) && !gate[1]);
	kiln_object_close(o);
	CHECK(!kiln_map_update(jmp, &k, &prog[0], 0));
}

/* ... or to an object that comes or goes. */
static void check_gates_reopen(const char *file)
{
	const char *gate = kiln_object_find_global(object, "jmp.gates", NULL);
	struct kiln_object *o = kiln_object_open_file(file, NULL);

	CHECK(!set(1, -1));
	update_in_scope(1, 0);
	CHECK(!gate[1] && o && !gate[1]);
	CHECK(!kiln_object_load(o) && gate[1]);
	update_in_scope(1, 3);
	CHECK(!gate[1]);
	kiln_object_close(o);
	CHECK(gate[1]);
}

/* A program of another object: gone from the map once that is closed. */
static void check_close(const char *file)
{
	struct kiln_object *o = kiln_object_open_file(file, NULL);
	unsigned k = 0, dead = 1;
	struct kiln_program *leaf;

	CHECK(o && !kiln_object_load(o));
	leaf = kiln_object_find_program(o, "leaf");
	CHECK(leaf);
	for (unsigned i = 0; i < MODEL_SLOTS; i++)
		CHECK(!set(i, -1));
	CHECK(!kiln_map_update(jmp, &k, &leaf, 0));
	CHECK(!kiln_map_update(jmp, &dead, &leaf, 0));
	CHECK(!set(2, 0));
	CHECK(!set_trace(&(struct model_trace){0}));
	CHECK(run(1) == 101); /* leaf, with that object's trace */
	kiln_object_close(o);
	CHECK(kiln_map_lookup(jmp, &k, &leaf) == -ENOENT);
	CHECK(kiln_map_lookup(jmp, &dead, &leaf) == -ENOENT);
	k = 2;
	CHECK(!kiln_map_lookup(jmp, &k, &leaf) && leaf == prog[0]);
	CHECK(!set_trace(&(struct model_trace){0}));
	CHECK(run(1) == 203);
}

int main(int argc, char **argv)
{
	const struct subject s = {set, run, get_trace, set_trace};
	const char *file = argc > 2 ? argv[2] : NULL;

	if (argc > 1 && argv[1][0]) {
		object = kiln_object_open_file(argv[1], NULL);
		CHECK(object && !kiln_object_load(object));
	} else {
		object = kiln_object_self();
		CHECK(object);
	}
	jmp = kiln_object_find_map(object, "jmp");
	trace = kiln_object_find_map(object, "trace");
	CHECK(jmp && trace);
	for (unsigned k = 0; k < MODEL_PROGS; k++) {
		prog[k] = kiln_object_find_program(object, model_name[k]);
		CHECK(prog[k]);
	}
	check_map();
	check_gates();
	CHECK(!check_subject(&s, 200));
	if (file && kiln_object_find_global(object, "jmp.gates", NULL))
		check_shared(file), check_gates_reopen(file);
	if (file)
		check_close(file);
	kiln_object_close(object);
	return EXIT_SUCCESS;
}
