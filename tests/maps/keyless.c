#include "host.h"

static uint64_t put(uint64_t v)
{
	return run("put", &v);
}

int main(int argc, char **argv)
{
	uint64_t v = 0;

	host_init(argc, argv);
	CHECK(run("take", &v) == 0); /* nothing there: zeroed */
	CHECK(put(1) == 0 && put(2) == 0 && put(3) == 0);
	CHECK(put(2) == 1); /* seen before */
	CHECK(put(4) == 2); /* the queue is full */
	CHECK(run("take", &v) == (1ull << 32 | 3));
	CHECK(!kiln_map_lookup(map("queue"), NULL, &v) && v == 2);
	v = 50;
	CHECK(!kiln_map_update(map("queue"), NULL, &v, 0));
	CHECK(kiln_map_update(map("queue"), NULL, &v, 0) == -E2BIG);
	CHECK(!kiln_map_lookup_and_delete(map("stack"), NULL, &v) && v == 2);
	v = 4;
	CHECK(!kiln_map_lookup(map("seen"), NULL, &v) && v == 4);
	v = 1000;
	CHECK(kiln_map_lookup(map("seen"), NULL, &v) == -ENOENT);
	return 0;
}
