/* One program, two ways to run it, one comparison. */
#include <string.h>

#include "asm.h"
#include "subject.h"

static struct leg_run run_of(const struct gen_prog *prog, u8 *mem)
{
	memcpy(mem, prog->mem, prog->mem_size);
	return (struct leg_run){
		.bytes = prog->bytes,
		.slots = prog->slots,
		.mem = mem,
		.mem_size = prog->mem_size,
		.written_only = prog->written_only,
		.steps = 1000 * 1000,
	};
}

static bool invalid(struct outcome *out, const char *text)
{
	out->verdict = V_INVALID;
	snprintf(out->text, sizeof(out->text), "%s", text);
	return false;
}

/* Twice, at different addresses, which must not show. */
bool subject_expect(const struct gen_prog *prog, struct outcome *out)
{
	u8 moved[GEN_MEM];
	struct leg_run a = run_of(prog, out->mem), b = run_of(prog, moved);

	if (leg_interp(&a) != LEG_OK)
		return invalid(out, a.text);
	if (leg_interp_moved(&b) != LEG_OK)
		return invalid(out, b.text);
	if (a.r0 != b.r0 || memcmp(out->mem, moved, prog->mem_size))
		return invalid(out, "the outcome depends on addresses");
	out->r0 = a.r0;
	return true;
}

void subject_compare(const struct gen_prog *prog, const struct leg *leg,
	bool apart, struct outcome *out)
{
	struct leg_run run = run_of(prog, out->leg_mem);
	enum leg_status status =
		apart ? leg_run_apart(leg, &run) : leg->run(&run);

	out->leg_r0 = run.r0;
	snprintf(out->text, sizeof(out->text), "%s", run.text);
	if (status == LEG_REFUSED && !leg->takes_all)
		out->verdict = V_REFUSED;
	else if (status != LEG_OK)
		out->verdict = V_BROKEN;
	else if (run.r0 != out->r0 ||
		 memcmp(out->mem, out->leg_mem, prog->mem_size))
		out->verdict = V_DIFFERS;
	else
		out->verdict = V_SAME;
}

enum verdict subject_try(const struct gen_prog *prog, const struct leg *leg,
	bool apart, struct outcome *out)
{
	if (subject_expect(prog, out))
		subject_compare(prog, leg, apart, out);
	return out->verdict;
}

static void print_hex(FILE *to, const u8 *p, u32 n)
{
	while (n--)
		fprintf(to, "%02x", *p++);
}

void subject_print(FILE *to, const char *name, const struct gen_prog *prog)
{
	struct outcome out = {0};
	bool valid = subject_expect(prog, &out);

	fprintf(to, "case %s:\nmem ", name);
	print_hex(to, prog->mem, prog->mem_size);
	fprintf(to, "\n");
	asm_print(to, prog->bytes, prog->slots);
	if (!valid) {
		fprintf(to, "# not valid: %s\n", out.text);
		return;
	}
	fprintf(to, "-> 0x%llx", (unsigned long long)out.r0);
	if (prog->mem_size) {
		fprintf(to, " mem ");
		print_hex(to, out.mem, prog->mem_size);
	}
	fprintf(to, "\n");
}
