#include "host.h"

#include <kiln/context.h>

static uint64_t ask(const char *prog, uint32_t key)
{
	return run(prog, &key);
}

static uint64_t redirect(const char *prog, uint32_t queue)
{
	struct kiln_xdp_md md = {.rx_queue_index = queue};
	uint64_t verdict = run(prog, &md);

	if (verdict == 4) /* XDP_REDIRECT */
		CHECK(md.redirect.key == queue);
	return verdict;
}

int main(int argc, char **argv)
{
	uint32_t key = 1, zero = 0, value = 0, big = 1u << 20, eth[2] = {7, 0};

	host_init(argc, argv);
	CHECK(ask("device", 1) == 1000);
	CHECK(!kiln_map_update(map("devices"), &key, eth, 0));
	CHECK(ask("device", 1) == 7 && ask("device", 2) == 1000);
	CHECK(kiln_map_update(map("devices"), &key, eth, 1) == -EEXIST);
	CHECK(kiln_map_update(map("devices"), &big, eth, 0) == -E2BIG);
	CHECK(kiln_map_delete(map("devices"), &big) == -EINVAL);
	eth[0] = 0;
	CHECK(!kiln_map_update(map("devices"), &key, eth, 0));
	CHECK(ask("device", 1) == 1000);

	value = 9;
	CHECK(!kiln_map_update(map("hashed"), &big, &value, 2));
	CHECK(ask("device_of", big) == 9);
	CHECK(kiln_map_update(map("hashed"), &big, &zero, 0) == -EINVAL);

	CHECK(redirect("to_queue", 1) == 2); /* XDP_PASS */
	CHECK(!kiln_map_update(map("queues"), &key, &zero, 0));
	CHECK(ask("queue", 1) == 0 && redirect("to_queue", 1) == 4);
	CHECK(!kiln_map_lookup(map("queues"), &key, &value) && value == 0);
	CHECK(!kiln_map_delete(map("queues"), &key));
	CHECK(ask("queue", 1) == 1000);
	CHECK(kiln_map_lookup(map("queues"), &key, &value) == -ENOENT);

	CHECK(redirect("to_cpu", 1) == 1); /* XDP_DROP */
	CHECK(kiln_map_update(map("cpus"), &key, &big, 0) == -EOVERFLOW);
	value = 64;
	CHECK(!kiln_map_update(map("cpus"), &key, &value, 0));
	CHECK(redirect("to_cpu", 1) == 4);
	return 0;
}
