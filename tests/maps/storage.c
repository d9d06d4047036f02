#include "host.h"

struct ask {
	void *object;
	uint64_t flags;
};

static uint64_t ask(const char *prog, void *object, uint64_t flags)
{
	struct ask a = {object, flags};

	return run(prog, &a);
}

int main(int argc, char **argv)
{
	int one, two;
	uint64_t value = 0;
	void *key = &one;

	host_init(argc, argv);
	CHECK(ask("count", &one, 0) == 1000); /* nothing yet */
	CHECK(ask("count", &one, 1) == 1 && ask("count", &one, 1) == 2);
	CHECK(ask("count", &two, 1) == 1 && ask("count", &one, 0) == 3);
	CHECK(ask("count", NULL, 1) == 1000 && ask("count", &two, 2) == 1000);
	CHECK(ask("from_ten", &one, 1) == 11 && ask("from_ten", &one, 1) == 12);
	CHECK(!kiln_map_lookup(map("tasks"), &key, &value) && value == 3);
	CHECK(!kiln_map_delete(map("tasks"), &key));
	CHECK(kiln_map_lookup(map("tasks"), &key, &value) == -ENOENT);
	CHECK(ask("forget", &two, 0) == 0);
	CHECK((int64_t)ask("forget", &two, 0) == -ENOENT);
	CHECK((int64_t)ask("forget", NULL, 0) == -EINVAL);
	CHECK(ask("count", &one, 1) == 1);
	return 0;
}
