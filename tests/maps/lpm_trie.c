#include "host.h"

#include <string.h>

struct route {
	uint32_t bits;
	uint8_t data[4];
};

static void add(uint32_t bits, uint8_t a, uint8_t b, uint32_t hop)
{
	struct route r = {bits, {a, b}};

	CHECK(!kiln_map_update(map("routes"), &r, &hop, 0));
}

static uint64_t ask(const char *prog, uint8_t a, uint8_t b, uint8_t c)
{
	uint8_t address[4] = {a, b, c, 1};

	return run(prog, address);
}

int main(int argc, char **argv)
{
	struct route r;
	unsigned n = 0;

	host_init(argc, argv);
	CHECK(ask("route", 10, 1, 1) == 0);
	add(8, 10, 0, 1);
	add(16, 10, 1, 2);
	add(0, 0, 0, 3);
	CHECK(ask("route", 10, 1, 1) == 2 && ask("route", 10, 2, 1) == 1);
	CHECK(ask("route", 11, 1, 1) == 3);
	CHECK(ask("block", 10, 1, 1) == 0 && ask("route", 10, 1, 1) == 0);
	CHECK((int64_t)ask("block", 10, 1, 1) == -EEXIST);
	CHECK(ask("route", 10, 1, 2) == 2);
	CHECK(ask("unblock", 10, 1, 1) == 0 && ask("route", 10, 1, 1) == 2);
	CHECK((int64_t)ask("unblock", 10, 1, 1) == -ENOENT);
	for (int err = kiln_map_next_key(map("routes"), NULL, &r); !err;
		err = kiln_map_next_key(map("routes"), &r, &r))
		n++;
	CHECK(n == 3 && r.bits == 0);
	return 0;
}
