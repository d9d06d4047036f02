/*
 * libFuzzer target for everything that reads a BPF object: container, BTF,
 * maps, relocations, decoding, control flow, register types; for input that
 * holds a second ELF file further on, the linking of two objects; and, for
 * input that is no ELF file, bare instructions. What must hold for any bytes: no
 * crash (ASan, UBSan), and a stage fails exactly if it said why.
 *
 * A long run, after configuring with -DKILN_FUZZ=ON:
 *
 *   cd BUILD/tests/fuzz
 *   ./fuzz_object -max_total_time=600 -max_len=65536 corpus seeds
 *
 * A file that crashed: ./fuzz_object FILE. It becomes a case of tests/elf.
 */
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "frontend/frontend.h"
#include "kiln/bytes.h"
#include "kiln/compile.h"

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);
int LLVMFuzzerInitialize(int *argc, char ***argv);

struct run {
	struct arena a;
	struct diag diag;
	struct module m;
	struct fe_obj *obj[2];
	struct fe_target *target;
	const char *file[2];
	jmp_buf oom;
};

/* Statics with state: where dumps go. */
static FILE *null;

static void on_oom(void *ctx)
{
	struct run *r = ctx;

	longjmp(r->oom, 1);
}

static void on_diag(void *ctx, enum diag_level level, const char *line)
{
	(void)ctx, (void)level;
	if (!*line)
		abort();
}

/* Options by EI_OSABI, which nobody reads: for the seeds' own names. */
static const struct fe_opts *options(const u8 *data, size_t size)
{
	static const struct kiln_name_value knobs[] = {
		{"knob", "-7"}, {NULL, NULL}};
	static const struct kiln_name_value kconfig[] = {{"CONFIG_HZ", "250"},
		{"CONFIG_SMP", "y"}, {"CONFIG_TUN", "m"}, {"CONFIG_HOST", "me"},
		{NULL, NULL}};
	static const struct kiln_name_value maps[] = {{"m", "7"}, {NULL, NULL}};
	static const struct kiln_name_value types[] = {
		{"xd*", "sched_cls"}, {NULL, NULL}};
	static const struct fe_opts by_abi[] = {{.sets = NULL}, {.sets = knobs},
		{.sets = kconfig}, {.map_entries = maps, .types = types}};

	return &by_abi[size > 7 ? data[7] % countof(by_abi) : 0];
}

/* Where a second ELF file begins, or size. */
static size_t second_file(const u8 *data, size_t size)
{
	for (size_t at = 64; at + 64 <= size; at += 8)
		if (!memcmp(data + at, "\177ELF", 4))
			return at;
	return size;
}

static int read_one(struct run *r, u32 i, const u8 *data, size_t size,
	const struct fe_opts *opts)
{
	r->m.nfile = i + 1;
	r->obj[i] = fe_open(&r->m, r->file[i], data, size);
	if (!r->obj[i])
		return -1;
	fe_dump_elf(null, r->obj[i]);
	return fe_btf(&r->m, r->obj[i]) || fe_maps(&r->m, r->obj[i]) ||
			       fe_reloc(&r->m, r->obj[i], opts) ||
			       fe_core(&r->m, r->obj[i], opts)
		       ? -1
		       : 0;
}

static int read_object(struct run *r, const u8 *data, size_t size)
{
	struct fe_opts with_target = *options(data, size), *opts = &with_target;

	if (size >= 4 && memcmp(data, "\177ELF", 4)) {
		r->m.raw = true;
		return fe_raw(&r->m, r->file[0], data, size);
	}
	if (size > 7 &&
		data[7] & 0x80) { /* CO-RE to its own types, found by name */
		opts->target = r->target = fe_target_new(&r->m, r->file[0]);
		if (fe_target_read(&r->m, r->target, data, size))
			return -1;
	}
	size_t end = second_file(data, size);
	if (read_one(r, 0, data, end, opts) ||
		(end < size && read_one(r, 1, data + end, size - end, opts)) ||
		fe_link(&r->m, r->obj, r->m.nfile, opts))
		return -1;
	u32 before = r->diag.errors;
	for (u32 i = 0; i < r->m.map.n; i++)
		fe_map_check(&r->m, i);
	r->diag.errors = before;
	return 0;
}

static int understand(struct run *r)
{
	if (fe_decode(&r->m))
		return -1;
	fe_dump_decode(null, &r->m);
	if (fe_flow(&r->m))
		return -1;
	fe_dump_flow(null, &r->m);
	if (fe_types(&r->m))
		return -1;
	fe_dump_types(null, &r->m);
	return fe_struct_ops(&r->m);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc, (void)argv;
	null = fopen("/dev/null", "w");
	return null ? 0 : 1;
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	struct run *r = calloc(1, sizeof(*r));

	if (!r)
		return 0;
	arena_init(&r->a, on_oom, r);
	r->diag.fn = on_diag;
	r->file[0] = "fuzz.o";
	r->file[1] = "second.o";
	r->m = (struct module){.a = &r->a,
		.diag = &r->diag,
		.license = "",
		.file = r->file,
		.nfile = 1};
	if (!setjmp(r->oom)) {
		int err = read_object(r, data, size);

		if (!err)
			err = understand(r);
		if (!err != !r->diag.errors)
			abort();
	}
	for (u32 i = 0; i < countof(r->obj); i++)
		if (r->obj[i])
			fe_close(r->obj[i]);
	if (r->target)
		fe_target_close(r->target);
	arena_fini(&r->a);
	free(r);
	return 0;
}
