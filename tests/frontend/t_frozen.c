/* Loads of data that nobody changes any more become constants; others stay. */
#include <linux/bpf.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "fixture.h"

/* A program that reads a section of 24 bytes, 0x80 to 0x97:
 *
 *	[0, 4)   const volatile, fixed by --set     [8, 16)  address of something
 *	[4, 8)   const volatile, not fixed          [16, 24) anything
 */
struct frozen {
	struct fixture x;
	u8 bytes[24];
	struct datasec *d;
};

static void init(struct frozen *z, bool writable)
{
	struct module *m = &z->x.m;

	fix_init(&z->x);
	for (u32 k = 0; k < sizeof(z->bytes); k++)
		z->bytes[k] = (u8)(0x80 + k);
	z->d = vec_push(m->a, &m->data);
	*z->d = (struct datasec){
		.name = ".rodata",
		.bytes = z->bytes,
		.size = sizeof(z->bytes),
		.align = 8,
		.writable = writable,
		.sym = module_sym(m, SYM_DATA, BIND_LOCAL, ".rodata", 0),
	};
	*vec_push(m->a, &z->d->var) = (struct data_var){
		.name = "fixed", .size = 4, .knob = true, .set = true};
	*vec_push(m->a, &z->d->var) = (struct data_var){
		.name = "open", .off = 4, .size = 4, .knob = true};
	*vec_push(m->a, &z->d->rel) =
		(struct data_rel){.off = 8, .sym = z->d->sym};
}

/* The IR of a program whose first instruction loads the section's address,
 * after folding. */
static char *folded(struct frozen *z, const char *text, i64 addend)
{
	struct func *f = fix_func(&z->x, "p", SYM_PROG, text);
	char *out = NULL;
	size_t size = 0;

	f->prog_type = BPF_PROG_TYPE_XDP;
	fix_name(&z->x, f, 0, z->d->sym);
	z->x.m.insn.v[f->first].addend = addend;
	if (fe_decode(&z->x.m) || fe_flow(&z->x.m) || fe_types(&z->x.m))
		fail_msg("%s", z->x.log);
	struct fn *fn = fe_lower(&z->x.m, 0, &z->x.a, NULL);
	pass_fold(fn);
	pass_fold(fn); /* phis that lost an argument */
	pass_dce(fn);
	FILE *to = open_memstream(&out, &size);
	ir_print(to, fn, NULL, NULL);
	fclose(to);
	return out;
}

static void becomes(bool writable, const char *access, i64 addend, u64 want)
{
	char text[128];
	struct frozen z;

	init(&z, writable);
	snprintf(text, sizeof(text), "r1 = 0 ll\nr0 = *(%s)\nexit", access);
	char *got = folded(&z, text, addend);
	const char *ret = strstr(got, "\tret ");
	if (!ret || strtoull(ret + 5, NULL, 0) != want || strstr(got, "load"))
		fail_msg("%s:\n%swanted %llx", access, got,
			(unsigned long long)want);
	free(got);
	fix_fini(&z.x);
}

static void t_frozen_loads_become_constants(void **state)
{
	(void)state;
	becomes(false, "u32 *)(r1 +0", 0, 0x83828180);
	becomes(false, "u8 *)(r1 +3", 0, 0x83);
	becomes(false, "u16 *)(r1 +17", 0, 0x9291);
	becomes(false, "u16 *)(r1 -1", 18, 0x9291);
	becomes(false, "u64 *)(r1 +16", 0, 0x93929190); /* returns int */
	becomes(false, "s8 *)(r1 +16", 0, 0xffffff90);
	becomes(false, "s16 *)(r1 +22", 0, 0xffff9796);
	/* fixed by --set, wherever the compiler has put it */
	becomes(true, "u32 *)(r1 +0", 0, 0x83828180);
}

static void stays(bool writable, const char *access, i64 addend)
{
	char text[128];
	struct frozen z;

	init(&z, writable);
	snprintf(text, sizeof(text), "r1 = 0 ll\nr0 = *(%s)\nexit", access);
	char *got = folded(&z, text, addend);
	if (!strstr(got, " = load"))
		fail_msg("%s:\n%swanted a load", access, got);
	free(got);
	fix_fini(&z.x);
}

static void t_frozen_others_stay(void **state)
{
	(void)state;
	stays(false, "u32 *)(r1 +4", 0); /* a knob that is not fixed */
	stays(false, "u8 *)(r1 +7", 0);
	stays(false, "u32 *)(r1 +2", 0);
	stays(false, "u64 *)(r1 +0", 0);
	stays(true, "u64 *)(r1 +16", 0); /* writable */
	stays(true, "u16 *)(r1 +3", 0);
	stays(false, "u64 *)(r1 +8", 0); /* relocated */
	stays(false, "u8 *)(r1 +15", 0);
	stays(false, "u64 *)(r1 +12", 0);
	stays(false, "u64 *)(r1 +20", 0); /* ends behind the section */
	stays(false, "u8 *)(r1 +24", 0);
	stays(false, "u8 *)(r1 -1", 0);
}

static void t_frozen_variable_offsets_stay(void **state)
{
	struct frozen z;

	(void)state;
	init(&z, false);
	char *got = folded(&z,
		"r2 = 0 ll\nr1 = *(u32 *)(r1 +12)\nr2 += r1\n"
		"r0 = *(u8 *)(r2 +16)\nexit",
		0);
	if (!strstr(got, "rodata"))
		fail_msg("%s", got);
	free(got);
	fix_fini(&z.x);
}

static void t_frozen_branches_go(void **state)
{
	struct frozen z;

	(void)state;
	init(&z, false);
	char *got = folded(&z,
		"r2 = 0 ll\nr3 = *(u8 *)(r2 +1)\nr0 = 5\n"
		"if r3 == 129 goto out\nr0 = *(u32 *)(r1 +12)\nout:\nexit",
		0);
	if (strstr(got, "load") || strstr(got, "\tbr") ||
		!strstr(got, "\tret 5 "))
		fail_msg("%s", got);
	free(got);
	fix_fini(&z.x);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(t_frozen_loads_become_constants),
		cmocka_unit_test(t_frozen_others_stay),
		cmocka_unit_test(t_frozen_variable_offsets_stay),
		cmocka_unit_test(t_frozen_branches_go),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
