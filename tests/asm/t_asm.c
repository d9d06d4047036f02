/*
 * The assembler: every form of the notation to its bytes, bytes to text and
 * back, and what is refused.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "asm.h"
#include "decode.h"

struct form {
	const char *text;
	const char *hex;
};

static const struct form forms[] = {
	{"r0 = 5", "b700000005000000"},
	{"w3 = -1", "b4030000ffffffff"},
	{"w3 = 0xffffffff", "b4030000ffffffff"},
	{"r1 = r2", "bf21000000000000"},
	{"w1 = w2", "bc21000000000000"},
	{"r1 = (s8)r2", "bf21080000000000"},
	{"r1 = (s32)r2", "bf21200000000000"},
	{"w1 = (s16)w2", "bc21100000000000"},
	{"r7 = 0x1122334455667788 ll", "18070000887766550000000044332211"},
	{"r7 = -1 ll", "18070000ffffffff00000000ffffffff"},
	{"r1 += r2", "0f21000000000000"},
	{"w1 -= 7", "1401000007000000"},
	{"r1 *= r2", "2f21000000000000"},
	{"r1 /= r2", "3f21000000000000"},
	{"r1 s/= r2", "3f21010000000000"},
	{"w1 s%= 3", "9401010003000000"},
	{"r1 |= 1", "4701000001000000"},
	{"r1 &= w", NULL},
	{"r1 &= -8", "57010000f8ffffff"},
	{"r1 <<= r2", "6f21000000000000"},
	{"w1 >>= 3", "7401000003000000"},
	{"r1 s>>= 3", "c701000003000000"},
	{"r1 ^= r9", "af91000000000000"},
	{"r1 %= r9", "9f91000000000000"},
	{"w4 = -w4", "8404000000000000"},
	{"r4 = -r4", "8704000000000000"},
	{"r4 = be16 r4", "dc04000010000000"},
	{"r4 = le32 r4", "d404000020000000"},
	{"r4 = bswap64 r4", "d704000040000000"},
	{"r1 = *(u8 *)(r2 + 3)", "7121030000000000"},
	{"r1 = *(u16 *)(r2 -1)", "6921ffff00000000"},
	{"r1 = *(u32 *)(r2)", "6121000000000000"},
	{"r1 = *(u64 *)(r10 -8)", "79a1f8ff00000000"},
	{"r1 = *(s8 *)(r2 + 3)", "9121030000000000"},
	{"r1 = *(s32 *)(r2 + 3)", "8121030000000000"},
	{"*(u8 *)(r10 - 1) = 7", "720affff07000000"},
	{"*(u64 *)(r10 - 8) = -1", "7a0af8ffffffffff"},
	{"*(u32 *)(r10 - 4) = r3", "633afcff00000000"},
	{"lock *(u64 *)(r1 + 0) += r2", "db21000000000000"},
	{"lock *(u32 *)(r1 + 0) ^= r2", "c3210000a0000000"},
	{"r2 = atomic64_fetch_add((u64 *)(r1 +0), r2)", "db21000001000000"},
	{"r2 = atomic_fetch_and((u32 *)(r1 +4), r2)", "c321040051000000"},
	{"r2 = atomic_xchg((u32 *)(r1 +4), r2)", "c3210400e1000000"},
	{"r0 = atomic_cmpxchg((u64 *)(r1 +8), r0, r3)", "db310800f1000000"},
	{"r3 = load_acquire((u16 *)(r1 + 2))", "cb13020000010000"},
	{"store_release((u8 *)(r1 + 2), r3)", "d331020010010000"},
	{"r0 = *(u16 *)skb[12]", "280000000c000000"},
	{"r0 = *(u8 *)skb[r3 - 4]", "50300000fcffffff"},
	{"if r1 == r2 goto +1", "1d21010000000000"},
	{"if w1 s<= -1 goto -1", "d601ffffffffffff"},
	{"if r1 & 4 goto +0", "4501000004000000"},
	{"goto +3", "0500030000000000"},
	{"gotol -1", "06000000ffffffff"},
	{"may_goto pc+2", "e500020000000000"},
	{"call 181", "85000000b5000000"},
	{"call +1", "8510000001000000"},
	{"callx r3", "8d03000000000000"},
	{"exit", "9500000000000000"},
	{"r2 = &+7 ll", "18420000070000000000000000000000"},
	{".slot 0102030405060708", "0102030405060708"},
	{"L: r0 = 0\ngoto L", "b7000000000000000500feff00000000"},
	/* refused */
	{"r0 = 0x80000000", NULL},
	{"w0 = 0x100000000", NULL},
	{"r0 = w1", NULL},
	{"r16 = 1", NULL},
	{"r1 = *(u32 *)(r2 + 32768)", NULL},
	{"goto nowhere", NULL},
	{"r0 = 1 1", NULL},
	{"r1 = atomic_xchg((u32 *)(r1 +4), r2)", NULL},
	{"r0 += ", NULL},
	{"A: A: exit", NULL},
	{"r2 = -r3", NULL},
};

static void to_hex(const struct asm_code *code, char *hex)
{
	for (size_t k = 0; k < 8 * (size_t)code->slots; k++)
		sprintf(hex + 2 * k, "%02x", code->bytes[k]);
}

static void t_asm_forms(void **state)
{
	char error[128], hex[128];

	(void)state;
	for (size_t k = 0; k < countof(forms); k++) {
		struct asm_code code;
		int ret = asm_parse(forms[k].text, &code, error, sizeof(error));

		if (!forms[k].hex) {
			if (!ret)
				fail_msg("taken: %s", forms[k].text);
			continue;
		}
		if (ret)
			fail_msg("%s: %s", forms[k].text, error);
		to_hex(&code, hex);
		if (strcmp(hex, forms[k].hex))
			fail_msg("%s is %s, wanted %s", forms[k].text, hex,
				forms[k].hex);
		asm_free(&code);
	}
}

/* Printing and reading gives the same bytes, whatever the bytes are. */
static void round_trip(const u8 *bytes, u32 slots)
{
	struct asm_code code;
	char *text = NULL, error[128];
	size_t size = 0;
	FILE *f = open_memstream(&text, &size);

	assert_non_null(f);
	asm_print(f, bytes, slots);
	fclose(f);
	if (asm_parse(text, &code, error, sizeof(error)))
		fail_msg("%s in\n%s", error, text);
	if (code.slots != slots || memcmp(code.bytes, bytes, 8 * (size_t)slots))
		fail_msg("other bytes from\n%s", text);
	asm_free(&code);
	free(text);
}

static void t_asm_print_round_trips(void **state)
{
	u32 x = 1;
	u8 bytes[8 * 16];

	(void)state;
	for (int n = 0; n < 20000; n++) {
		for (size_t k = 0; k < sizeof(bytes); k++) {
			x = x * 1664525 + 1013904223;
			bytes[k] = (u8)(x >> 24);
			/* mostly plausible: registers and targets in range */
			if (k % 8 == 1 && n % 2)
				bytes[k] = (u8)(x >> 20) & 0x99;
			if (k % 8 > 1 && n % 4 != 3)
				bytes[k] = k % 8 == 2 ? (x >> 24) % 8 : 0;
		}
		round_trip(bytes, 16);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(t_asm_forms),
		cmocka_unit_test(t_asm_print_round_trips),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
