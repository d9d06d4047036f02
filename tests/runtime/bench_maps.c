/*
 * Nanoseconds per map operation, net of the loop, beside the kernel's: there a
 * program with a loop of its own, run by BPF_PROG_TEST_RUN. Best of several
 * runs. Array lookups are calls here; compiled programs have them inline.
 *
 *   usage: bench_maps
 */
#define _GNU_SOURCE
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "kernel.h"
#include "kiln/map_size.h"
#include "kiln/runtime.h"
#include "runtime/rt.h"

enum { LOOP = 1000, RUNS = 2000, BEST_OF = 7, ENTRIES = 1024 };

enum op { OP_NOTHING, OP_LOOKUP, OP_UPDATE, OP_PUSH_POP };

struct bench {
	const char *name;
	u32 type, entries;
	enum op op;
};

static u32 key_size(const struct bench *b)
{
	if (b->op == OP_PUSH_POP)
		return 0;
	return b->type == BPF_MAP_TYPE_LPM_TRIE ? 8 : 4;
}

/* ---- the kernel -------------------------------------------------------------- */

/* r6 counts; key at fp-8 (of tries at fp-16, 32 bits long), value at fp-24. */
static int loop_prog(int map, enum op op, bool trie)
{
	struct bpf_insn insn[32] = {MOVI(6, 0), MOVI(7, 32), ST32(10, -12, 7),
		ST32(10, -8, 6), ST64(10, -24, 6)};
	const int key = trie ? -12 : -8;
	const struct bpf_insn lookup[] = {LDMAP(1, map), MOV(2, 10),
		ADDI(2, key), CALL(BPF_FUNC_map_lookup_elem)};
	const struct bpf_insn update[] = {LDMAP(1, map), MOV(2, 10),
		ADDI(2, key), MOV(3, 10), ADDI(3, -24), MOVI(4, 0),
		CALL(BPF_FUNC_map_update_elem)};
	const struct bpf_insn push_pop[] = {LDMAP(1, map), MOV(2, 10),
		ADDI(2, -24), MOVI(3, 0), CALL(BPF_FUNC_map_push_elem),
		LDMAP(1, map), MOV(2, 10), ADDI(2, -24),
		CALL(BPF_FUNC_map_pop_elem)};
	u32 n = 5;

	if (op == OP_LOOKUP) {
		memcpy(insn + n, lookup, sizeof(lookup));
		n += countof(lookup);
	} else if (op == OP_UPDATE) {
		memcpy(insn + n, update, sizeof(update));
		n += countof(update);
	}
	if (op == OP_PUSH_POP) {
		memcpy(insn + n, push_pop, sizeof(push_pop));
		n += countof(push_pop);
	}
	insn[n] = ADDI(6, 1);
	insn[n + 1] = JNEI(6, LOOP, (i16) - (int)(n - 1));
	insn[n + 2] = MOVI(0, 2);
	insn[n + 3] = EXIT;
	return kernel_prog(insn, n + 4);
}

static double time_prog(int map, enum op op, bool trie)
{
	u8 packet[64] = {0};
	int prog = loop_prog(map, op, trie);
	u32 ns, best = UINT32_MAX;

	if (prog < 0)
		return -1;
	for (int i = 0; i < BEST_OF; i++) {
		if (kernel_run(prog, packet, sizeof(packet), RUNS, &ns) != 2)
			return -1;
		best = ns < best ? ns : best;
	}
	close(prog);
	return (double)best / LOOP;
}

static double bench_kernel(const struct bench *b)
{
	bool trie = b->type == BPF_MAP_TYPE_LPM_TRIE;
	int map = kernel_map(b->type, key_size(b), 8, b->entries,
		trie ? BPF_F_NO_PREALLOC : 0);
	u8 *value = calloc(kernel_cpus(), 8);
	double ns = -1;

	for (u32 i = 0; map >= 0 && value && i < b->entries; i++) {
		u32 key[2] = {32, i};

		kernel_update(map, trie ? key : &i, value, 0);
	}
	if (map >= 0)
		ns = time_prog(map, b->op, trie) -
		     time_prog(map, OP_NOTHING, trie);
	free(value);
	close(map);
	return ns;
}

/* ---- ours --------------------------------------------------------------------- */

static const struct kiln_map_ops *ops_of(u32 type)
{
	switch (type) {
#define MAP_KIND(type, name, ops, ...) \
	case KILN_MAP_TYPE_##type:     \
		return &kiln_map_ops_##ops;
#include "kiln/maps.def"
#undef MAP_KIND
	}
	return NULL;
}

/* Keeps the compiler from seeing through what the loop does. */
static volatile u64 sink;

static u64 push_pop(struct kiln_map *m, u64 *v)
{
	return kiln_helper_map_push_elem((uintptr_t)m, (uintptr_t)v, 0, 0, 0) +
	       kiln_helper_map_pop_elem((uintptr_t)m, (uintptr_t)v, 0, 0, 0);
}

static u64 run_once(struct kiln_map *m, enum op op)
{
	bool trie = m->type == KILN_MAP_TYPE_LPM_TRIE;
	u64 start = kiln_port_time_ns(), v;

	for (u32 i = 0; i < LOOP; i++) {
		volatile u32 bits = 32, prefix[2] = {bits, i};
		const volatile u32 *key = trie ? prefix : &prefix[1];

		v = i;
		if (op == OP_LOOKUP)
			sink = kiln_helper_map_lookup_elem(
				(uintptr_t)m, (uintptr_t)key, 0, 0, 0);
		else if (op == OP_UPDATE)
			sink = kiln_helper_map_update_elem((uintptr_t)m,
				(uintptr_t)key, (uintptr_t)&v, 0, 0);
		else if (op == OP_PUSH_POP)
			sink = push_pop(m, &v);
		else
			sink = v;
	}
	return kiln_port_time_ns() - start;
}

static double time_ours(struct kiln_map *m, enum op op)
{
	u64 best = UINT64_MAX, ns;

	for (int i = 0; i < RUNS; i++) {
		ns = run_once(m, op);
		best = ns < best ? ns : best;
	}
	return (double)best / LOOP;
}

static double bench_ours(const struct bench *b)
{
	struct kiln_map m = {.type = b->type,
		.key_size = key_size(b),
		.value_size = 8,
		.flags = b->type == KILN_MAP_TYPE_LPM_TRIE ? F_NO_PREALLOC : 0,
		.max_entries = b->entries,
		.max_cpus = 64,
		.ops = (uintptr_t)ops_of(b->type)};
	u64 *value = calloc(64, 8);
	double ns;

	for (u32 i = 0; value && i < b->entries; i++) {
		u32 key[2] = {32, i};

		kiln_map_update(&m, m.key_size == 8 ? key : &key[1], value, 0);
	}
	free(value);
	kiln_scope_enter();
	ns = time_ours(&m, b->op) - time_ours(&m, OP_NOTHING);
	kiln_scope_leave();
	return ns;
}

static double bench_scope(void)
{
	u64 best = UINT64_MAX, ns;

	for (int r = 0; r < RUNS; r++) {
		ns = kiln_port_time_ns();
		for (u32 i = 0; i < LOOP; i++) {
			kiln_scope_enter();
			kiln_scope_leave();
		}
		ns = kiln_port_time_ns() - ns;
		best = ns < best ? ns : best;
	}
	return (double)best / LOOP;
}

int main(void)
{
	static const struct bench bench[] = {
		{"array lookup", 2, ENTRIES, OP_LOOKUP},
		{"array update", 2, ENTRIES, OP_UPDATE},
		{"per-CPU array lookup", 6, ENTRIES, OP_LOOKUP},
		{"hash lookup", 1, ENTRIES, OP_LOOKUP},
		{"hash update", 1, ENTRIES, OP_UPDATE},
		{"per-CPU hash lookup", 5, ENTRIES, OP_LOOKUP},
		{"per-CPU hash update", 5, ENTRIES, OP_UPDATE},
		{"LRU lookup", 9, 2 * ENTRIES, OP_LOOKUP},
		{"LRU update", 9, 2 * ENTRIES, OP_UPDATE},
		{"LRU update, evicting", 9, ENTRIES / 4, OP_UPDATE},
		{"per-CPU LRU lookup", 10, 2 * ENTRIES, OP_LOOKUP},
		{"per-CPU LRU update", 10, 2 * ENTRIES, OP_UPDATE},
		{"per-CPU LRU, evicting", 10, ENTRIES / 4, OP_UPDATE},
		{"LPM trie lookup", 11, ENTRIES, OP_LOOKUP},
		{"LPM trie update", 11, ENTRIES, OP_UPDATE},
		{"queue push and pop", 22, ENTRIES, OP_PUSH_POP},
		{"stack push and pop", 23, ENTRIES, OP_PUSH_POP},
	};
	bool kernel = kernel_is_there();
	cpu_set_t one;

	CPU_ZERO(&one);
	CPU_SET(0, &one);
	sched_setaffinity(0, sizeof(one), &one);
	printf("%-24s %8s %8s\n", "ns per operation", "kiln", "kernel");
	for (size_t i = 0; i < countof(bench); i++) {
		printf("%-24s %8.2f", bench[i].name, bench_ours(&bench[i]));
		if (kernel)
			printf(" %8.2f", bench_kernel(&bench[i]));
		printf("\n");
		fflush(stdout);
	}
	printf("%-24s %8.2f\n", "scope enter and leave", bench_scope());
	return 0;
}
