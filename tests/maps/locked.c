#include "host.h"

#include <pthread.h>

enum { F_LOCK = 4, ROUNDS = 20000 };

struct pair {
	uint64_t a;
	uint32_t lock, odd;
	uint64_t b;
};

static uint64_t step(const char *prog, uint32_t key)
{
	return run(prog, &key);
}

static int64_t set(uint32_t key, uint32_t number, uint32_t flags)
{
	uint32_t ask[3] = {key, number, flags};

	return (int64_t)run("set_hash", ask);
}

/* A lock in the host's copy is neither read nor written. */
static void copies(const char *name)
{
	struct pair in = {.a = 5, .lock = 0xffff, .odd = 1, .b = 5}, out;
	struct kiln_map *m = map(name);
	uint32_t key = 1;

	CHECK(!kiln_map_update(m, &key, &in, 0));
	CHECK(!kiln_map_lookup(m, &key, &out));
	CHECK(out.a == 5 && out.b == 5 && out.odd == 1 && !out.lock);
	in.a = in.b = 8;
	in.odd = 0;
	CHECK(!kiln_map_update(m, &key, &in, F_LOCK));
	CHECK(!kiln_map_lookup_flags(m, &key, &out, F_LOCK));
	CHECK(out.a == 8 && out.b == 8 && !out.odd && !out.lock);
	CHECK(kiln_map_lookup_flags(m, &key, &out, 1) == -EINVAL);
	CHECK(kiln_map_update(m, &key, &in, F_LOCK | 3) == -EINVAL);
	CHECK(kiln_map_update(m, &key, &in, F_LOCK | 1) == -EEXIST);
}

static void by_programs(void)
{
	struct pair out;
	uint32_t key = 1;

	CHECK(step("step_array", 1) == 8 && step("step_array", 1) == 9);
	CHECK(step("step_hash", 1) == 8);
	CHECK(set(1, 20, F_LOCK) == 0 && step("step_hash", 1) == 20);
	CHECK(set(1, 30, 0) == 0 && step("step_hash", 1) == 30);
	CHECK(set(2, 40, F_LOCK | 2) == -ENOENT);
	CHECK(set(2, 40, F_LOCK) == 0 && step("step_hash", 2) == 40);
	CHECK(set(1, 20, 8) == -EINVAL);
	CHECK(!kiln_map_lookup(map("hash"), &key, &out) && !out.lock);
}

static void *writer(void *arg)
{
	struct kiln_map *m = arg;
	uint32_t key = 0;

	for (uint32_t i = 0; i < ROUNDS; i++) {
		struct pair p = {.a = i, .odd = i & 1, .b = i};

		CHECK(!kiln_map_update(m, &key, &p, F_LOCK));
	}
	return NULL;
}

/* What is read and written under the lock is whole. */
static void threads(const char *name)
{
	struct kiln_map *m = map(name);
	struct pair p = {0}, out;
	uint32_t key = 0;
	pthread_t t[2];

	CHECK(!kiln_map_update(m, &key, &p, 0));
	for (int i = 0; i < 2; i++)
		CHECK(!pthread_create(&t[i], NULL, writer, m));
	for (int i = 0; i < ROUNDS; i++) {
		CHECK(!kiln_map_lookup_flags(m, &key, &out, F_LOCK));
		CHECK(out.a == out.b && out.odd == (out.a & 1));
	}
	for (int i = 0; i < 2; i++)
		pthread_join(t[i], NULL);
	CHECK(!kiln_map_lookup(m, &key, &out));
	CHECK(out.a == ROUNDS - 1 && out.b == out.a && !out.lock);
}

int main(int argc, char **argv)
{
	host_init(argc, argv);
	copies("array");
	copies("hash");
	by_programs();
	CHECK(!kiln_map_delete(map("hash"), &(uint32_t){2}));
	threads("array");
	threads("hash");
	return 0;
}
