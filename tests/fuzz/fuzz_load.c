/*
 * libFuzzer target for the loader: native objects as hostile input. What must
 * hold for any bytes: no crash (ASan, UBSan), failure exactly if it was said why,
 * and nothing is left of a closed object. Nothing of it is run; its maps are
 * changed before it is loaded, and used after.
 *
 * A long run, after configuring with -DKILN_FUZZ=ON:
 *
 *   cd BUILD/tests/fuzz
 *   ./fuzz_load -max_total_time=600 -max_len=32768 load-corpus load-seeds
 *
 * A file that crashed: ./fuzz_load FILE.
 */
#include <stdlib.h>
#include <string.h>

#include "kiln/base.h"
#include "kiln/map_size.h"
#include "kiln/runtime.h"

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);
int LLVMFuzzerInitialize(int *argc, char ***argv);

/* Statics with state: lines of the log, a map for all. */
static unsigned said;
static struct kiln_map *spare;

static void on_log(void *ctx, enum kiln_log_level level, const char *line)
{
	(void)ctx, (void)level;
	if (!*line)
		abort();
	said++;
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc, (void)argv;
	kiln_set_log(on_log, NULL);
	spare = kiln_map_create(KILN_MAP_TYPE_ARRAY, "spare", 4, 8, 4, NULL);
	return spare ? 0 : 1;
}

/* By EI_OSABI, which nobody reads. */
static void change(struct kiln_object *o, unsigned how)
{
	static const u8 zero[8];
	size_t size;

	for (struct kiln_map *m = NULL; (m = kiln_object_next_map(o, m));) {
		if (how & 1)
			kiln_map_set_max_entries(m, 77);
		if (how & 2)
			kiln_map_reuse(m, spare);
	}
	if (how & 4 && kiln_object_find_global(o, "knob", &size))
		kiln_object_set_global(o, "knob", zero, 4);
}

/* Nobody calls the functions. A stub that was used once stays for ever. */
static void attach(struct kiln_object *o)
{
	struct kiln_link *link[8];
	u32 n = 0;

	for (struct kiln_program *p = NULL;
		n < countof(link) && (p = kiln_object_next_program(o, p));)
		link[n++] = kiln_program_attach(p, NULL);
	/* the others are the object's to detach */
	for (u32 k = 0; k < n; k += 2)
		kiln_link_destroy(link[k]);
	kiln_object_close(o);
	for (u32 k = 1; k < n; k += 2)
		kiln_link_destroy(link[k]);
}

static void use(struct kiln_object *o)
{
	static u8 key[1 << 16], value[1 << 16];

	for (struct kiln_map *m = NULL; (m = kiln_object_next_map(o, m));) {
		if (m->key_size > sizeof(key) ||
			kiln_map_value_bytes(m) > sizeof(value) ||
			m->values_size > 1 << 24)
			continue;
		kiln_map_next_key(m, NULL, key);
		kiln_map_lookup(m, m->key_size ? key : NULL, value);
	}
	for (struct kiln_program *p = NULL;
		(p = kiln_object_next_program(o, p));)
		if (!kiln_object_find_program(o, kiln_program_name(p)))
			abort();
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	struct kiln_object *o;
	bool loaded;

	said = 0;
	o = kiln_object_open_mem(data, size, NULL);
	if (o)
		change(o, data[7]);
	loaded = o && !kiln_object_load(o);
	if (loaded == (said != 0))
		abort();
	if (loaded)
		use(o);
	if (loaded && data[7] & 8)
		attach(o);
	else
		kiln_object_close(o);
	return 0;
}
