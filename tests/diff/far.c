/*
 * Branches over more code than the short forms of the targets' jumps reach: 128
 * bytes on x86-64, 1 MiB on arm64. Forwards and backwards, taken or not, in each
 * leg of this build as in the interpreter.
 *
 *	r0 = r2; r3 = 2
 *	head:	if r2 == TAKEN goto over; goto body; over: gotol end
 *	body:	r0 *= odd; r0 ^= number; ...           BODY times
 *	end:	r0 += 1; r3 -= 1; if r3 == 0 goto out; gotol head
 *	out:	exit
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "decode.h"
#include "leg.h"

enum { TAKEN = 8, SLOTS = 2 * 120000 };

struct program {
	u8 *bytes;
	u32 n;
};

static u32 put(struct program *p, u8 code, u8 dst, u8 src, i16 off, i32 imm)
{
	put_insn(p->bytes + 8 * (size_t)p->n,
		(struct insn){code, dst, src, off, imm});
	return p->n++;
}

/* A gotol from `at` to `to`. */
static void link_far(struct program *p, u32 at, u32 to)
{
	put_insn(p->bytes + 8 * (size_t)at,
		(struct insn){0x06, 0, 0, 0, (i32)to - (i32)at - 1});
}

static void make(struct program *p, u32 body)
{
	u32 head, over, end;

	p->n = 0;
	put(p, 0xbf, 0, 2, 0, 0);
	put(p, 0xb7, 3, 0, 0, 2);
	head = put(p, 0x15, 2, 0, 1, TAKEN);
	put(p, 0x05, 0, 0, 1, 0);
	over = put(p, 0x06, 0, 0, 0, 0);
	for (u32 k = 0; k < body; k++) {
		put(p, 0x27, 0, 0, 0, (i32)(0x12345679 + 2 * k));
		put(p, 0xa7, 0, 0, 0, (i32)(k * 0x9e3779b1));
	}
	end = put(p, 0x07, 0, 0, 0, 1);
	link_far(p, over, end);
	put(p, 0x17, 3, 0, 0, 1);
	put(p, 0x15, 3, 0, 1, 0);
	link_far(p, put(p, 0x06, 0, 0, 0, 0), head);
	put(p, 0x95, 0, 0, 0, 0);
}

static enum leg_status run(
	const struct program *p, const struct leg *leg, u32 size, u64 *r0)
{
	u8 mem[2 * TAKEN] = {0};
	struct leg_run r = {
		.bytes = p->bytes, .slots = p->n, .mem = mem, .mem_size = size};
	enum leg_status status = leg->run(&r);

	if (status != LEG_OK)
		printf("%s: %s\n", leg->name, r.text);
	*r0 = r.r0;
	return status;
}

/* The number of differences. */
static int compare(const struct program *p, const struct leg *leg, u32 size)
{
	u64 want, got;

	if (run(p, &legs[0], size, &want) || run(p, leg, size, &got))
		return 1;
	if (want == got)
		return 0;
	printf("%s, %u slots, r2 = %u: r0 is 0x%llx, wanted 0x%llx\n",
		leg->name, p->n, size, (unsigned long long)got,
		(unsigned long long)want);
	return 1;
}

/* x86-64's long form reaches everything; all levels branch alike. */
static bool needs_more(const struct leg *leg)
{
	return !strcmp(leg->name, "arm64-O2");
}

int main(void)
{
	/* the last one is 1 MiB and more of arm64's code */
	static const u32 bodies[] = {1, 5, 9, 10, 11, 100, 46000};
	struct program p = {.bytes = malloc(8 * SLOTS)};
	int bad = !p.bytes;

	for (const struct leg *leg = legs + 1; leg->name && !bad; leg++) {
		if (!leg->takes_all || (leg->open && leg->open()))
			continue;
		u32 n = countof(bodies) - !needs_more(leg);

		for (u32 k = 0; k < n; k++) {
			make(&p, bodies[k]);
			bad += compare(&p, leg, TAKEN);
			bad += compare(&p, leg, 2 * TAKEN);
		}
	}
	free(p.bytes);
	return bad != 0;
}
