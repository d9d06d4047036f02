#include "host.h"

struct ask {
	uint32_t outer, key32;
	uint64_t key;
};

static uint64_t from_array(uint32_t outer, uint64_t key)
{
	struct ask ask = {.outer = outer, .key = key};

	return run("from_array", &ask);
}

static uint64_t from_hash(uint32_t outer, uint32_t key)
{
	struct ask ask = {.outer = outer, .key32 = key};

	return run("from_hash", &ask);
}

static void put(struct kiln_map *m, uint64_t key, uint64_t value)
{
	CHECK(!kiln_map_update(m, &key, &value, 0));
}

static void initialised_by_the_object(void)
{
	struct kiln_map *found;
	uint32_t key = 0;

	put(map("a"), 7, 10);
	put(map("b"), 7, 20);
	CHECK(from_array(0, 7) == 1000 && from_array(2, 7) == 1000);
	CHECK(from_array(5, 7) == 1000);
	CHECK(from_array(1, 7) == 11 && from_array(4, 7) == 12);
	CHECK(from_array(3, 7) == 21 && from_array(3, 8) == 1001);
	CHECK(from_hash(0, 1) == 101 && from_hash(0, 2) == 1001);
	CHECK(from_hash(1, 1) == 1000);
	CHECK(!kiln_map_lookup(map("by_key"), &key, &found));
	CHECK(found == map("c"));
	CHECK(kiln_map_lookup(map("by_index"), &key, &found) == -ENOENT);
}

static void filled_by_the_host(void)
{
	struct kiln_map *m = kiln_map_create(1, "mine", 8, 8, 4, NULL);
	struct kiln_map *outer = map("by_index"), *none = NULL;
	uint32_t i = 2, big = 5;

	CHECK(m);
	put(m, 9, 50);
	CHECK(!kiln_map_update(outer, &i, &m, 0));
	CHECK(from_array(2, 9) == 51);
	kiln_map_free(m); /* the place still holds it */
	CHECK(from_array(2, 9) == 52);
	CHECK(!kiln_map_delete(outer, &i));
	CHECK(kiln_map_delete(outer, &i) == -ENOENT);
	CHECK(from_array(2, 9) == 1000);
	CHECK(kiln_map_update(outer, &big, &m, 0) == -E2BIG);
	CHECK(kiln_map_update(outer, &i, &none, 0) == -EBADF);
	CHECK(kiln_map_delete(outer, &big) == -E2BIG);
}

/* Only what the template says may go in. */
static void template(void)
{
	struct kiln_map *hash = kiln_map_create(1, "h", 8, 4, 4, NULL);
	struct kiln_map *longer = kiln_map_create(1, "l", 8, 8, 400, NULL);
	struct kiln_map *array = kiln_map_create(2, "a", 4, 8, 3, NULL);
	struct kiln_map *outer = map("by_index"), *counts = map("c");
	uint32_t i = 2;

	CHECK(hash && longer && array);
	CHECK(kiln_map_update(outer, &i, &hash, 0) == -EINVAL);
	CHECK(kiln_map_update(outer, &i, &outer, 0) == -EINVAL);
	CHECK(kiln_map_update(outer, &i, &counts, 0) == -EINVAL);
	CHECK(!kiln_map_update(outer, &i, &longer, 0));
	CHECK(kiln_map_update(map("by_key"), &i, &array, 0) == -EINVAL);
	kiln_map_free(hash);
	kiln_map_free(longer);
	kiln_map_free(array);
}

/* Who changes a map of maps waits for programs, and must not be one. */
static void inside_a_scope(void)
{
	struct kiln_map *outer = map("by_index"), *a = map("a");
	uint32_t i = 1;

	kiln_scope_enter();
	CHECK(kiln_map_update(outer, &i, &a, 0) == -EDEADLK);
	CHECK(kiln_map_delete(outer, &i) == -EDEADLK);
	kiln_scope_leave();
	CHECK(from_array(1, 7) == 13);
}

/* values[4] of a map that was made smaller. */
static void fewer_entries(const char *file)
{
	struct kiln_object *o = kiln_object_open_file(file, NULL);
	struct kiln_map *m = kiln_object_find_map(o, "by_index");

	CHECK(o && m && kiln_map_set_max_entries(m, 2) == -E2BIG);
	CHECK(!kiln_map_set_max_entries(m, 4));
	CHECK(kiln_object_load(o) == -E2BIG);
	kiln_object_close(o);
}

int main(int argc, char **argv)
{
	host_init(argc, argv);
	initialised_by_the_object();
	filled_by_the_host();
	template();
	inside_a_scope();
	if (argc > 1)
		fewer_entries(argv[1]);
	return 0;
}
