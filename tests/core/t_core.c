/*
 * matrix.bpf.c against each target of this folder: every answer, or the
 * refusal where there is none, and the same from libbpf and the kernel where
 * bpf(2) is there.
 *
 *   t_core MATRIX.bpf.o COMPILER DIRECTORY    targets: DIRECTORY/NAME.COMPILER.o
 */
#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kiln/bytes.h"
#include "ask.h"
#include "tests/elf/read.h"
#include "tests/runtime/kernel.h"
#include "tests/bpf_pace.h"

/* How to know an answer without BTF, by the context's bytes where it is one. */
enum how {
	NONE,	/* it must be refused */
	NUMBER, /* a */
	LOAD,	/* b bytes at a */
	SLOAD,	/* signed */
	BITS,	/* b bits at bit a */
	SBITS,
	TYPE_ID, /* of struct s in the target */
	OWN_ID,	 /* in the object */
};

struct want {
	enum how how;
	i32 a, b;
};

enum { TARGETS = 6 };

static const char *const targets[TARGETS] = {
	"same", "moved", "resized", "absent", "flavour", "none"};

struct row {
	const char *name;
	struct want want[TARGETS];
};

// clang-format off
#define U	 {NONE, 0, 0}
#define N(a)	 {NUMBER, a, 0}
#define L(a, b)	 {LOAD, a, b}
#define SL(a, b) {SLOAD, a, b}
#define B(a, b)	 {BITS, a, b}
#define SB(a, b) {SBITS, a, b}
#define ID	 {TYPE_ID, 0, 0}
#define OWN	 {OWN_ID, 0, 0}

static const struct row rows[] = {
	/*                     same        moved       resized     absent  flavour     none */
	{"offset",            {N(4),       N(36),      N(8),       U,      N(12),      U}},
	{"offset_flavour",    {N(4),       N(36),      N(8),       U,      N(12),      U}},
	{"offset_nested",     {N(20),      N(56),      N(34),      U,      N(28),      U}},
	{"offset_anonymous",  {N(24),      N(40),      N(40),      U,      N(32),      U}},
	{"offset_element",    {N(14),      N(78),      N(24),      U,      N(22),      U}},
	{"offset_of_second",  {N(52),      N(132),     N(80),      U,      N(68),      U}},
	{"size",              {N(4),       N(4),       N(1),       U,      N(4),       U}},
	{"size_array",        {N(8),       N(16),      N(20),      U,      N(8),       U}},
	{"exists",            {N(1),       N(1),       N(1),       N(0),   N(1),       N(0)}},
	{"exists_flavour",    {N(1),       N(1),       N(1),       N(0),   N(1),       N(0)}},
	{"is_signed",         {N(0),       N(0),       N(0),       U,      N(0),       U}},
	{"is_signed_int",     {N(1),       N(1),       N(1),       U,      N(1),       U}},
	{"lshift",            {N(32),      N(32),      N(56),      U,      N(32),      U}},
	{"rshift",            {N(32),      N(32),      N(56),      U,      N(32),      U}},
	{"bits",              {B(224, 5),  B(559, 5),  B(384, 37), U,      B(288, 5),  U}},
	{"sbits",             {SB(229, 7), SB(552, 7), SB(421, 3), U,      SB(293, 7), U}},
	{"offset_bits",       {N(28),      N(68),      N(48),      U,      N(36),      U}},
	{"size_bits",         {N(4),       N(4),       N(8),       U,      N(4),       U}},
	{"lshift_bits",       {N(59),      N(44),      N(27),      U,      N(59),      U}},
	{"rshift_bits",       {N(59),      N(59),      N(27),      U,      N(59),      U}},
	{"lshift_sbits",      {N(52),      N(49),      N(56),      U,      N(52),      U}},
	{"is_signed_bits",    {N(1),       N(1),       N(1),       U,      N(1),       U}},
	{"load",              {L(4, 4),    L(36, 4),   L(8, 1),    U,      L(12, 4),   U}},
	{"load_flavour",      {L(4, 4),    L(36, 4),   L(8, 1),    U,      L(12, 4),   U}},
	{"load_element",      {L(12, 2),   L(76, 2),   L(20, 4),   U,      L(20, 2),   U}},
	{"load_nested",       {SL(20, 4),  SL(56, 4),  U,          U,      SL(28, 4),  U}},
	{"load_signed",       {SL(40, 4),  SL(8, 4),   U,          U,      SL(48, 4),  U}},
	{"load_ptr",          {L(32, 8),   L(16, 8),   L(56, 8),   U,      L(40, 8),   U}},
	{"store",             {N(0x12345), N(0x12345), N(0x45),    U,      N(0x12345), U}},
	{"guarded",           {L(4, 4),    L(36, 4),   L(8, 1),    N(77),  L(12, 4),   N(77)}},
	{"type_exists",       {N(1),       N(1),       N(1),       N(1),   N(1),       N(0)}},
	{"type_exists_flavour", {N(1),     N(1),       N(1),       N(1),   N(1),       N(0)}},
	{"type_size",         {N(48),      N(96),      N(72),      N(16),  N(56),      N(0)}},
	{"type_id_here",      {OWN,        OWN,        OWN,        OWN,    OWN,        OWN}},
	{"type_id",           {ID,         ID,         ID,         ID,     ID,         N(0)}},
	{"matches_shape",     {N(1),       N(1),       N(0),       N(0),   N(1),       N(0)}},
	{"enum_exists",       {N(1),       N(1),       N(1),       N(0),   N(1),       N(0)}},
	{"enum_exists_flavour", {N(1),     N(1),       N(1),       N(0),   N(1),       N(0)}},
	{"enum_value",        {N(2),       N(40),      N(-7),      U,      N(9),       U}},
	{"enum_value_flavour", {N(2),      N(40),      N(-7),      U,      N(9),       U}},
};
// clang-format on

struct run {
	u8 *object; /* MATRIX.bpf.o, type_exists of shape_t made a match */
	size_t size;
	char target[512];
	struct btf *btf; /* of the target */
	u32 own_id;	 /* of struct s in the object */
	struct ask ask;
	u32 column, failed, by_kernel;
};

/* ---- the object ---------------------------------------------------------- */

enum { CORE_TYPE_EXISTS = 8, CORE_TYPE_MATCHES = 12 };

/* In .BTF.ext, {insn, type, access, kind} with that type and kind. */
static u32 make_matches(u8 *p, u64 n, u32 type)
{
	u32 made = 0;

	for (u64 i = 0; i + 16 <= n; i += 4)
		if (get_le32(p + i + 4) == type &&
			get_le32(p + i + 12) == CORE_TYPE_EXISTS) {
			put_le32(p + i + 12, CORE_TYPE_MATCHES);
			made++;
		}
	return made;
}

static void read_matrix(struct run *r, const char *file)
{
	r->object = read_file(file, &r->size);
	struct btf *b = btf__parse(file, NULL);
	i32 shape = btf__find_by_name_kind(b, "shape_t", BTF_KIND_TYPEDEF);
	u64 at = get_le64(r->object + 40);
	u32 n = get_le16(r->object + 60), made = 0;
	const u8 *sh = r->object + at;
	const u8 *str =
		r->object + get_le64(sh + get_le16(r->object + 62) * 64u + 24);

	for (u32 i = 0; i < n; i++, sh += 64)
		if (!strcmp((const char *)str + get_le32(sh), ".BTF.ext"))
			made = make_matches(r->object + get_le64(sh + 24),
				get_le64(sh + 32), (u32)shape);
	r->own_id = (u32)btf__find_by_name_kind(b, "s", BTF_KIND_STRUCT);
	btf__free(b);
	if (made < 2) {
		fprintf(stderr, "%s: no relocation of shape_t\n", file);
		exit(2);
	}
}

/* ---- what is right ------------------------------------------------------- */

static u64 extract(const u8 *ctx, i32 bit, i32 bits, bool sign)
{
	u64 v = 0;

	for (i32 i = 0; i < bits; i++)
		v |= (u64)(ctx[(bit + i) / 8] >> (bit + i) % 8 & 1) << i;
	if (sign && v >> (bits - 1))
		v |= bits < 64 ? ~0ull << bits : 0;
	return v;
}

static u64 right(const struct run *r, struct want w)
{
	u8 ctx[CTX];
	i32 id;

	ask_fill(ctx);
	switch (w.how) {
	case NUMBER: return (u64)(i64)w.a;
	case LOAD: return extract(ctx, w.a * 8, w.b * 8, false);
	case SLOAD: return extract(ctx, w.a * 8, w.b * 8, true);
	case BITS: return extract(ctx, w.a, w.b, false);
	case OWN_ID: return r->own_id;
	case SBITS: return extract(ctx, w.a, w.b, true);
	default:
		id = btf__find_by_name_kind(r->btf, "s", BTF_KIND_STRUCT);
		if (id < 0)
			id = btf__find_by_name_kind(
				r->btf, "s___new", BTF_KIND_STRUCT);
		return (u64)(i64)id;
	}
}

static void check(struct run *r, const char *who, const char *name, u64 got,
	struct want w)
{
	if (got == right(r, w))
		return;
	printf("%s: %s: %s: got %lld, wanted %lld\n", r->target, name, who,
		(long long)got, (long long)right(r, w));
	r->failed++;
}

/* ---- kiln ---------------------------------------------------------------- */

static void by_kiln(struct run *r, const char *name, struct want w)
{
	u64 got;
	bool answered = ask_kiln(&r->ask, name, &got);

	if (answered && w.how != NONE) {
		check(r, "kiln", name, got, w);
	} else if (answered || w.how != NONE ||
		   !strstr(r->ask.log, ": CO-RE: ")) {
		printf("%s: %s: kiln: %s: %s\n", r->target, name,
			answered ? "not refused" : "refused", r->ask.log);
		r->failed++;
	}
}

/* ---- libbpf and the kernel ----------------------------------------------- */

static int say_nothing(
	enum libbpf_print_level level, const char *fmt, va_list ap)
{
	(void)level, (void)fmt, (void)ap;
	return 0;
}

/* Two things that are not libbpf's to say: the verifier takes no computed
 * offset into a context, and libbpf wants integers of one name, which
 * compilers spell differently, where its documentation does not. */
static bool is_ours(const struct run *r, const char *name)
{
	return !strncmp(name, "bits", 4) || !strncmp(name, "sbits", 5) ||
	       (strstr(r->target, ".gcc.") && !strncmp(name, "matches", 7));
}

static void by_kernel(struct run *r, const char *name, struct want w)
{
	LIBBPF_OPTS(bpf_object_open_opts, open, .btf_custom_path = r->target);
	LIBBPF_OPTS(bpf_test_run_opts, run);
	u8 ctx[CTX] __attribute__((aligned(8)));
	struct bpf_object *obj =
		bpf_object__open_mem(r->object, r->size, &open);
	struct bpf_program *p;

	if (!obj || is_ours(r, name)) {
		bpf_object__close(obj);
		return;
	}
	bpf_object__for_each_program(p, obj) bpf_program__set_autoload(
		p, !strcmp(bpf_program__name(p), name));
	bpf_pace();
	int err = bpf_object__load(obj);
	p = bpf_object__find_program_by_name(obj, name);
	ask_fill(ctx);
	run.ctx_in = ctx;
	run.ctx_size_in = sizeof(ctx);
	if (!err)
		err = bpf_prog_test_run_opts(bpf_program__fd(p), &run);
	r->by_kernel++;
	if (!err && w.how != NONE) {
		check(r, "libbpf", name, get_le64(ctx + ANSWER), w);
	} else if (!err != (w.how != NONE)) {
		printf("%s: %s: libbpf: %s\n", r->target, name,
			err ? "refused" : "not refused");
		r->failed++;
	}
	bpf_object__close(obj);
}

/* ---- all ----------------------------------------------------------------- */

static void run_row(struct run *r, const struct row *row, bool kernel)
{
	struct want w = row->want[r->column];
	char in_sub[64];

	snprintf(in_sub, sizeof(in_sub), "%s_in_sub", row->name);
	by_kiln(r, row->name, w);
	by_kiln(r, in_sub, w);
	if (!kernel)
		return;
	by_kernel(r, row->name, w);
	by_kernel(r, in_sub, w);
}

int main(int argc, char **argv)
{
	struct run r = {0};
	bool kernel = kernel_is_there();

	if (argc != 4)
		return 2;
	libbpf_set_print(say_nothing);
	read_matrix(&r, argv[1]);
	r.ask.in[0] = (struct kiln_input){"matrix.bpf.o", r.object, r.size};
	r.ask.n = 1;
	r.ask.target = r.target;
	for (r.column = 0; r.column < TARGETS; r.column++) {
		snprintf(r.target, sizeof(r.target), "%s/%s.%s.o", argv[3],
			targets[r.column], argv[2]);
		r.btf = btf__parse(r.target, NULL);
		if (!r.btf)
			return 2;
		for (u32 i = 0; i < countof(rows); i++)
			run_row(&r, &rows[i], kernel);
		btf__free(r.btf);
	}
	ask_done(&r.ask);
	free(r.object);
	printf("%zu questions, %u targets, %u answers of libbpf, %u failed\n",
		2 * countof(rows), TARGETS, r.by_kernel, r.failed);
	return r.failed ? 1 : 0;
}
