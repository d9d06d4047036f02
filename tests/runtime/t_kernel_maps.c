/*
 * The same random operations on a map of ours and on one of the kernel: same
 * results, same contents. From the host by bpf(2) and kiln_map_*, from a
 * program by helpers.
 *
 * Keys are few, so that maps run full and keys are hit often. An LRU map is
 * compared only as long as nothing needs to go: who goes is approximate.
 */
#define _GNU_SOURCE
#include <sched.h>
#include <unistd.h>

#include "kernel.h"
#include "rt_test.h"

static u64 rng = 88172645463325252;

static u32 rnd(u32 n)
{
	rng ^= rng << 13;
	rng ^= rng >> 7;
	rng ^= rng << 17;
	return (u32)(rng >> 20) % n;
}

struct pair {
	struct shape s;
	struct kiln_map *ours;
	int theirs;
	u32 keys;
};

static void pair_init(struct pair *p, struct shape s, u32 keys)
{
	u32 flags = s.type == BPF_MAP_TYPE_LPM_TRIE ? BPF_F_NO_PREALLOC : 0;

	s.c = kernel_cpus();
	p->s = s;
	p->keys = keys;
	p->ours = test_map_with(s, flags, 0);
	p->theirs = kernel_map(s.type, s.k, s.v, s.n, flags);
	assert_true(p->theirs >= 0);
}

static void pair_fini(struct pair *p)
{
	test_map_free(p->ours);
	close(p->theirs);
}

/* A prefix, of which many begin with each other; some are too long. */
static void prefix_of(const struct pair *p, u32 i, u8 *key)
{
	u32 bits = i % (8 * (p->s.k - 4) + 2);

	memset(key, i % 3 ? 0 : 0xff, p->s.k);
	memcpy(key, &bits, 4);
	key[4] ^= (u8)(i * 11 & 0xe0);
	key[p->s.k - 1] ^= (u8)(i >> 2);
}

/* Key number i: spread over all bytes. */
static void key_of(const struct pair *p, u32 i, u8 *key)
{
	if (p->s.type == BPF_MAP_TYPE_LPM_TRIE) {
		prefix_of(p, i, key);
		return;
	}
	memset(key, 0x11 * (i % 13), p->s.k);
	memcpy(key, &i, p->s.k < 4 ? p->s.k : 4);
}

static u64 random_flags(void)
{
	static const u64 flags[] = {0, 0, 0, 0, 1, 1, 2, 2, 3, 8, 1ull << 40};

	return flags[rnd(countof(flags))];
}

/* All keys, in the same order. */
static void same_walk(struct pair *p)
{
	u8 a[64] = {0}, b[64] = {0};
	int ra = kiln_map_next_key(p->ours, NULL, a);
	int rb = kernel_next_key(p->theirs, NULL, b);

	for (u32 n = 0; !ra && n < 1000; n++) {
		assert_int_equal(ra, rb);
		assert_memory_equal(a, b, p->s.k);
		ra = kiln_map_next_key(p->ours, a, a);
		rb = kernel_next_key(p->theirs, b, b);
	}
	assert_int_equal(ra, rb);
	for (u32 i = 0; i < p->keys; i++) {
		u8 key[64], c[64] = {0}, d[64] = {0};

		key_of(p, i, key);
		assert_int_equal(kiln_map_next_key(p->ours, key, c),
			kernel_next_key(p->theirs, key, d));
		assert_memory_equal(c, d, p->s.k);
	}
}

static void same_contents(struct pair *p)
{
	bool prefixes = p->s.type == BPF_MAP_TYPE_LPM_TRIE ||
			p->s.type == BPF_MAP_TYPE_DEVMAP ||
			p->s.type == BPF_MAP_TYPE_CPUMAP;
	u8 key[64], ours[1024] = {0}, theirs[1024] = {0};
	u32 n = 0;

	for (u32 i = 0; i < p->keys; i++) {
		key_of(p, i, key);
		int a = kiln_map_lookup(p->ours, key, ours);
		int b = kernel_lookup(p->theirs, key, theirs);

		assert_int_equal(a, b);
		if (a)
			continue;
		n++;
		assert_memory_equal(
			ours, theirs, kiln_map_value_bytes(p->ours));
	}
	if (prefixes)
		same_walk(p);
	else
		assert_int_equal(count_keys(p->ours), n);
}

/* Interface 1 is there everywhere; a queue may be too long. */
static void fill_value(const struct pair *p, u8 *value, size_t size)
{
	static const u32 queue[] = {0, 8, 64, 16384, 16385};

	for (size_t i = 0; i < size; i++)
		value[i] = (u8)rnd(256);
	if (p->s.type != BPF_MAP_TYPE_DEVMAP &&
		p->s.type != BPF_MAP_TYPE_DEVMAP_HASH &&
		p->s.type != BPF_MAP_TYPE_CPUMAP)
		return;
	memset(value, 0, size);
	value[0] = rnd(3) != 0;
	if (p->s.type == BPF_MAP_TYPE_CPUMAP)
		memcpy(value, &queue[rnd(countof(queue))], 4);
}

static void one_op(struct pair *p)
{
	u8 key[64], a[1024] = {0}, b[1024] = {0};
	u64 flags = random_flags();
	size_t size = kiln_map_value_bytes(p->ours);

	key_of(p, rnd(p->keys), key);
	switch (rnd(9)) {
	case 8:
		assert_int_equal(kiln_map_lookup_and_delete(p->ours, key, a),
			kernel_take(p->theirs, key, b));
		assert_memory_equal(a, b, size);
		break;
	case 0:
	case 1:
		assert_int_equal(kiln_map_delete(p->ours, key),
			kernel_delete(p->theirs, key));
		break;
	case 2:
		assert_int_equal(kiln_map_lookup(p->ours, key, a),
			kernel_lookup(p->theirs, key, b));
		assert_memory_equal(a, b, size);
		break;
	default:
		fill_value(p, a, size);
		assert_int_equal(kiln_map_update(p->ours, key, a, flags),
			kernel_update(p->theirs, key, a, flags));
	}
}

static void host_ops(struct shape s, u32 keys)
{
	struct pair p;

	pair_init(&p, s, keys);
	for (int i = 0; i < 20000; i++) {
		one_op(&p);
		if (i % 500 == 0)
			same_contents(&p);
	}
	same_contents(&p);
	pair_fini(&p);
}

static void t_host_array(void **state)
{
	(void)state;
	host_ops((struct shape){.type = 2, .k = 4, .v = 7, .n = 6}, 9);
	host_ops((struct shape){.type = 2, .k = 4, .v = 24, .n = 1}, 3);
	host_ops((struct shape){.type = 6, .k = 4, .v = 8, .n = 6}, 9);
	host_ops((struct shape){.type = 6, .k = 4, .v = 40, .n = 3}, 9);
}

static void t_host_hash(void **state)
{
	(void)state;
	host_ops((struct shape){.type = 1, .k = 4, .v = 8, .n = 10}, 15);
	host_ops((struct shape){.type = 1, .k = 8, .v = 3, .n = 1}, 3);
	host_ops((struct shape){.type = 1, .k = 16, .v = 64, .n = 17}, 30);
	host_ops((struct shape){.type = 1, .k = 37, .v = 13, .n = 33}, 40);
	host_ops((struct shape){.type = 5, .k = 4, .v = 8, .n = 10}, 15);
	host_ops((struct shape){.type = 5, .k = 6, .v = 24, .n = 7}, 9);
}

static void t_host_lru(void **state)
{
	(void)state;
	host_ops((struct shape){.type = 9, .k = 4, .v = 8, .n = 4096}, 15);
	host_ops((struct shape){.type = 9, .k = 13, .v = 9, .n = 4096}, 15);
	host_ops((struct shape){.type = 10, .k = 4, .v = 8, .n = 4096}, 15);
	host_ops((struct shape){.type = 10, .k = 6, .v = 24, .n = 4096}, 15);
}

static void t_host_targets(void **state)
{
	struct pair p;
	u32 cpus = kernel_cpus();

	(void)state;
	host_ops((struct shape){.type = 14, .k = 4, .v = 4, .n = 6}, 9);
	host_ops((struct shape){.type = 14, .k = 4, .v = 8, .n = 6}, 9);
	host_ops((struct shape){.type = 25, .k = 4, .v = 4, .n = 6}, 9);
	host_ops((struct shape){.type = 25, .k = 4, .v = 8, .n = 6}, 9);
	/* each update starts a thread there */
	pair_init(&p, (struct shape){.type = 16, .k = 4, .v = 4, .n = cpus},
		cpus + 2);
	for (int i = 0; i < 200; i++)
		one_op(&p);
	same_contents(&p);
	pair_fini(&p);
}

static void t_host_lpm_trie(void **state)
{
	(void)state;
	host_ops((struct shape){.type = 11, .k = 8, .v = 8, .n = 20}, 60);
	host_ops((struct shape){.type = 11, .k = 8, .v = 8, .n = 200}, 150);
	host_ops((struct shape){.type = 11, .k = 5, .v = 3, .n = 1}, 20);
	host_ops((struct shape){.type = 11, .k = 20, .v = 24, .n = 50}, 300);
	host_ops((struct shape){.type = 11, .k = 13, .v = 5, .n = 50}, 100);
}

/* ---- kinds without keys -------------------------------------------------------- */

static void keyless_op(struct pair *p)
{
	u64 flags = random_flags();
	u32 key = 1, a = rnd(1000), b = a;

	switch (rnd(8)) {
	case 0:
		assert_int_equal(kiln_map_delete(p->ours, NULL),
			kernel_delete(p->theirs, NULL));
		assert_int_equal(kiln_map_next_key(p->ours, NULL, &a),
			kernel_next_key(p->theirs, NULL, &b));
		break;
	case 1:
		assert_int_equal(kiln_map_update(p->ours, &key, &a, 0),
			kernel_update(p->theirs, &key, &b, 0));
		break;
	case 2:
	case 3:
		assert_int_equal(kiln_map_lookup_and_delete(p->ours, NULL, &a),
			kernel_take(p->theirs, NULL, &b));
		break;
	case 4:
		assert_int_equal(kiln_map_lookup(p->ours, NULL, &a),
			kernel_lookup(p->theirs, NULL, &b));
		break;
	default:
		assert_int_equal(kiln_map_update(p->ours, NULL, &a, flags),
			kernel_update(p->theirs, NULL, &b, flags));
	}
}

static void keyless_ops(u32 type, u32 n)
{
	u32 a = 0, b = 0;
	struct pair p;

	pair_init(&p, (struct shape){.type = type, .k = 0, .v = 4, .n = n}, 0);
	for (int i = 0; i < 20000; i++)
		keyless_op(&p);
	while (!kiln_map_lookup_and_delete(p.ours, NULL, &a)) {
		assert_int_equal(kernel_take(p.theirs, NULL, &b), 0);
		assert_int_equal(a, b);
	}
	pair_fini(&p);
}

static void t_host_queue(void **state)
{
	(void)state;
	keyless_ops(BPF_MAP_TYPE_QUEUE, 1);
	keyless_ops(BPF_MAP_TYPE_QUEUE, 7);
}

static void t_host_stack(void **state)
{
	(void)state;
	keyless_ops(BPF_MAP_TYPE_STACK, 1);
	keyless_ops(BPF_MAP_TYPE_STACK, 7);
}

/* Who is found by chance depends on the hash. */
static void t_host_bloom_filter(void **state)
{
	struct shape s = {.type = BPF_MAP_TYPE_BLOOM_FILTER, .v = 4, .n = 1000};
	u32 chance = 0, key = 1;
	struct pair p;

	(void)state;
	pair_init(&p, s, 0);
	for (u32 i = 0; i < 1000; i++) {
		u64 flags = random_flags();
		int err = kiln_map_update(p.ours, NULL, &i, flags);

		assert_int_equal(err, kernel_update(p.theirs, NULL, &i, flags));
		if (err)
			assert_int_equal(
				kiln_map_update(p.ours, NULL, &i, 0), 0);
		assert_int_equal(kiln_map_lookup(p.ours, NULL, &i), 0);
	}
	for (u32 i = 0; i < 1000; i++)
		assert_int_equal(kiln_map_lookup(p.ours, NULL, &i), 0);
	for (u32 i = 1000; i < 11000; i++)
		chance += !kiln_map_lookup(p.ours, NULL, &i);
	assert_true(chance < 500); /* 2.8 % by theory with these sizes */
	assert_int_equal(
		kiln_map_delete(p.ours, NULL), kernel_delete(p.theirs, NULL));
	assert_int_equal(kiln_map_next_key(p.ours, NULL, &key),
		kernel_next_key(p.theirs, NULL, &key));
	assert_int_equal(kiln_map_lookup_and_delete(p.ours, NULL, &key),
		kernel_take(p.theirs, NULL, &key));
	pair_fini(&p);
}

static void next_keys_agree(struct shape s, bool order)
{
	u8 a[64], b[64], v[1024] = {0};
	struct pair p;
	int ra, rb;

	pair_init(&p, s, 8);
	for (u32 i = 0; i < 3 && s.type != 2; i++) {
		key_of(&p, i, a);
		assert_int_equal(kiln_map_update(p.ours, a, v, 0), 0);
		assert_int_equal(kernel_update(p.theirs, a, v, 0), 0);
	}
	for (u32 i = 0; i < 8; i++) {
		key_of(&p, i, v);
		ra = kiln_map_next_key(p.ours, i ? v : NULL, a);
		rb = kernel_next_key(p.theirs, i ? v : NULL, b);
		if (!order && i && i < 3)
			continue; /* it depends on the hash */
		assert_int_equal(ra, rb);
		if (!ra && order)
			assert_memory_equal(a, b, s.k);
	}
	pair_fini(&p);
}

static void t_next_key(void **state)
{
	(void)state;
	next_keys_agree(
		(struct shape){.type = 2, .k = 4, .v = 8, .n = 5}, true);
	next_keys_agree(
		(struct shape){.type = 1, .k = 4, .v = 8, .n = 5}, false);
}

/* ---- from a program ----------------------------------------------------------- */

/* What the program is asked and answers, as a packet. */
struct ask {
	u32 op; /* 0 lookup, 1 update, 2 delete, 3 lookup then update */
	u32 key;
	u64 flags, value, ret, seen;
};

/* Values are 8 bytes. r6 packet, r7 value address. */
static int asking_prog(int map)
{
	const struct bpf_insn insn[] = {PACKET(sizeof(struct ask)),
		/* stack: key at -8, value at -16 */
		LD32(1, 6, 4), ST32(10, -8, 1), LD64(1, 6, 16),
		ST64(10, -16, 1), LD32(8, 6, 0), MOVI(7, 0),
		/* 0, 3: lookup; 2: delete */
		JEQI(8, 1, 15), LDMAP(1, map), MOV(2, 10), ADDI(2, -8),
		JNEI(8, 2, 3), CALL(BPF_FUNC_map_delete_elem), ST64(6, 24, 0),
		JA(17), CALL(BPF_FUNC_map_lookup_elem), MOV(7, 0),
		JEQI(7, 0, 14), JEQI(8, 3, 3), LD64(1, 7, 0), ST64(6, 32, 1),
		JA(10),
		/* 1, 3: update, then the old address again */
		LDMAP(1, map), MOV(2, 10), ADDI(2, -8), MOV(3, 10),
		ADDI(3, -16), LD64(4, 6, 8), CALL(BPF_FUNC_map_update_elem),
		ST64(6, 24, 0), JNEI(7, 0, 2),
		/* out */
		MOVI(0, 2), EXIT, LD64(1, 7, 0), ST64(6, 32, 1), JA(-5)};

	return kernel_prog(insn, countof(insn));
}

static void ask_ours(struct kiln_map *m, struct ask *a)
{
	u64 *v = NULL;

	kiln_scope_enter();
	if (a->op == 2)
		a->ret = (u64)(i64)prog_delete(m, &a->key);
	if (a->op == 0 || a->op == 3)
		v = prog_lookup(m, &a->key);
	if (a->op == 1 || (a->op == 3 && v))
		a->ret = (u64)(i64)prog_update(m, &a->key, &a->value, a->flags);
	if (v)
		a->seen = *v;
	kiln_scope_leave();
}

static void prog_ops(u32 type, u32 entries, u32 keys)
{
	struct pair p;
	int prog;

	pair_init(&p,
		(struct shape){.type = type, .k = 4, .v = 8, .n = entries},
		keys);
	prog = asking_prog(p.theirs);
	assert_true(prog >= 0);
	for (int i = 0; i < 10000; i++) {
		struct ask a = {.op = rnd(4),
			.key = rnd(keys),
			.flags = random_flags(),
			.value = rnd(1000),
			.seen = 4711};
		struct ask b = a;

		ask_ours(p.ours, &a);
		assert_int_equal(kernel_run(prog, &b, sizeof(b), 1, NULL), 2);
		assert_int_equal(a.ret, b.ret);
		assert_int_equal(a.seen, b.seen);
	}
	close(prog);
	pair_fini(&p);
}

static void t_prog_array(void **state)
{
	(void)state;
	prog_ops(2, 4, 6);
	prog_ops(6, 4, 6);
}

static void t_prog_hash(void **state)
{
	(void)state;
	prog_ops(1, 5, 8);
	prog_ops(5, 5, 8);
	prog_ops(9, 4096, 8);
	prog_ops(10, 4096, 8);
}

/* Programs of both sides run on the same slot. */
static void stay_on_cpu_0(void)
{
	cpu_set_t one;

	CPU_ZERO(&one);
	CPU_SET(0, &one);
	sched_setaffinity(0, sizeof(one), &one);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(t_host_array),
		cmocka_unit_test(t_host_hash),
		cmocka_unit_test(t_host_lru),
		cmocka_unit_test(t_host_targets),
		cmocka_unit_test(t_host_lpm_trie),
		cmocka_unit_test(t_host_queue),
		cmocka_unit_test(t_host_stack),
		cmocka_unit_test(t_host_bloom_filter),
		cmocka_unit_test(t_next_key),
		cmocka_unit_test(t_prog_array),
		cmocka_unit_test(t_prog_hash),
	};

	if (!kernel_is_there())
		return SKIPPED;
	stay_on_cpu_0();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
