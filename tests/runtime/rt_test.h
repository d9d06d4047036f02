/* What the runtime's tests share: maps on the heap, cmocka. */
#ifndef KILN_TESTS_RUNTIME_RT_TEST_H
#define KILN_TESTS_RUNTIME_RT_TEST_H

// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
// clang-format on
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kiln/map_size.h"
#include "kiln/runtime.h"
#include "runtime/rt.h"

struct shape {
	u32 type, k, v, n, c;
};

static inline const struct kiln_map_ops *test_ops(u32 type)
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

/* A map as the compiler makes it, with zeroed storage of exactly the size
 * that the formula says, so that ASan sees what goes beyond. */
static inline struct kiln_map *test_map_with(
	struct shape s, u32 flags, u64 extra)
{
	struct kiln_map *m = calloc(1, sizeof(*m));
	void *storage = NULL;
	const struct map_shape shape = {s.type, s.k, s.v, s.n, s.c, extra};
	u64 bytes;

	assert_int_equal(kiln_map_storage(&shape, &bytes), 0);
	assert_int_equal(posix_memalign(&storage, 64, bytes), 0);
	memset(storage, 0, bytes);
	*m = (struct kiln_map){.type = s.type,
		.key_size = s.k,
		.value_size = s.v,
		.max_entries = s.n,
		.flags = flags,
		.extra = extra,
		.max_cpus = s.c,
		.values = (uintptr_t)storage,
		.values_size = bytes,
		.ops = (uintptr_t)test_ops(s.type)};
	return m;
}

static inline struct kiln_map *test_map(struct shape s)
{
	return test_map_with(s, 0, 0);
}

static inline void test_map_free(struct kiln_map *m)
{
	free((void *)(uintptr_t)m->values);
	free(m);
}

static inline void *prog_lookup(struct kiln_map *m, const void *key)
{
	return PTR(void, kiln_helper_map_lookup_elem(
				 (uintptr_t)m, (uintptr_t)key, 0, 0, 0));
}

static inline int prog_update(
	struct kiln_map *m, const void *key, const void *value, u64 flags)
{
	return (int)kiln_helper_map_update_elem(
		(uintptr_t)m, (uintptr_t)key, (uintptr_t)value, flags, 0);
}

static inline int prog_delete(struct kiln_map *m, const void *key)
{
	return (int)kiln_helper_map_delete_elem(
		(uintptr_t)m, (uintptr_t)key, 0, 0, 0);
}

/* Keys in a map, by next_key; each once or it fails. */
static inline u32 count_keys(struct kiln_map *m)
{
	u8 key[64];
	u32 n = 0;
	int err = kiln_map_next_key(m, NULL, key);

	for (; !err; n++) {
		assert_true(n <= m->max_entries);
		err = kiln_map_next_key(m, key, key);
	}
	assert_int_equal(err, -RT_ENOENT);
	return n;
}

#endif
