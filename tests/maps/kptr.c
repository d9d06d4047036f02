#include "host.h"

struct value {
	uint64_t n;
	void *one, *two;
};

static int object[8]; /* how often the destructor had it */
static struct kiln_map *want_map;
static uint32_t want_off;

/* Takes the place of the runtime's. */
void kiln_kptr_dtor(struct kiln_map *m, uint32_t off, void *ptr)
{
	CHECK(!want_map || (m == want_map && off == want_off));
	CHECK((int *)ptr >= object && (int *)ptr < object + 8);
	++*(int *)ptr;
}

static void *put(uint32_t kind, uint32_t key, uint32_t second, void *p)
{
	struct {
		uint32_t kind, key, second;
		void *object;
	} a = {kind, key, second, p};

	return (void *)run("exchange", &a);
}

static void update(struct kiln_map *m, uint32_t key)
{
	struct value v = {7, &object[7], &object[7]}, out;

	CHECK(!kiln_map_update(m, &key, &v, 0));
	CHECK(!kiln_map_lookup(m, &key, &out));
	CHECK(out.n == 7 && !out.one && !out.two); /* the host has none */
}

static void kind_of(uint32_t kind, const char *name)
{
	struct kiln_map *m = want_map = map(name);
	uint32_t key = 1;

	for (int i = 0; i < 8; i++)
		object[i] = 0;
	update(m, 1);
	CHECK(put(kind, 1, 0, &object[0]) == NULL);
	CHECK(put(kind, 1, 0, &object[1]) == &object[0]); /* the program's */
	CHECK(put(kind, 1, 1, &object[2]) == NULL);
	want_off = 16;
	CHECK(put(kind, 1, 0, NULL) == &object[1]);
	update(m, 1); /* replaced */
	CHECK(object[2] == 1 && !object[0] && !object[1]);
	want_off = 8;
	CHECK(put(kind, 1, 0, &object[3]) == NULL);
	if (kind) {
		CHECK(!kiln_map_delete(m, &key));
		CHECK(object[3] == 1);
		update(m, 1);
		CHECK(put(kind, 1, 0, &object[4]) == NULL);
		CHECK(!kiln_map_lookup_and_delete(m, &key, &(struct value){0}));
		CHECK(object[4] == 1);
	}
	if (kind == 2) { /* evicted */
		update(m, 1);
		CHECK(put(kind, 1, 0, &object[5]) == NULL);
		for (uint32_t k = 2; k < 8; k++)
			update(m, k);
		CHECK(object[5] == 1);
	}
	CHECK(!object[7]);
}

/* What is in the maps goes with the object. */
static void closing(void)
{
	want_map = NULL;
	update(map("hash"), 2);
	put(0, 0, 0, &object[6]);
	put(0, 0, 1, &object[6]);
	put(1, 2, 1, &object[7]);
	object[6] = object[7] = 0;
	kiln_object_close(obj);
	CHECK(object[6] == 2 && object[7] == 1);
}

int main(int argc, char **argv)
{
	host_init(argc, argv);
	kind_of(0, "array");
	kind_of(1, "hash");
	kind_of(2, "lru");
	if (argc > 1)
		closing();
	return 0;
}
