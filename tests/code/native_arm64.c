/* Native code of tests on arm64. */
#include <stdlib.h>
#include <sys/auxv.h>

#include "backend-arm64/a64.h"
#include "tests/code/native.h"

const struct target *const native_target = &a64_target;

/* Few: what five parameters need and one more; awkward: argument registers
 * that are not the first, and kept ones. */
#define BIT(r) (1u << (r))
const u64 native_few = BIT(A64_X0) | BIT(A64_X1) | BIT(A64_X2) | BIT(A64_X3) |
		       BIT(A64_X4) | BIT(A64_X19);
const u64 native_awkward = BIT(A64_X4) | BIT(A64_X3) | BIT(A64_X9) |
			   BIT(A64_X15) | BIT(A64_X28) | BIT(A64_X20) |
			   BIT(A64_X21);

u64 native_features(void)
{
	enum { ATOMICS = 1 << 8 }; /* HWCAP_ATOMICS */

	return getauxval(AT_HWCAP) & ATOMICS ? A64_F_LSE : 0;
}

__attribute__((noinline)) u64 native_callee(u64 a, u64 b, u64 c, u64 d, u64 e)
{
	u64 r = a + 3 * b + 5 * c + 7 * d + 11 * e;
	u64 misaligned = (u64)__builtin_frame_address(0) & 15;

	asm volatile(
		"mov x1, 0x1234; mov x2, x1; mov x3, x1; mov x4, x1;"
		"mov x5, x1; mov x6, x1; mov x7, x1; mov x8, x1; mov x9, x1;"
		"mov x10, x1; mov x11, x1; mov x12, x1; mov x13, x1;"
		"mov x14, x1; mov x15, x1; mov x16, x1; mov x17, x1" ::
			: "x1", "x2", "x3", "x4", "x5", "x6", "x7", "x8", "x9",
		"x10", "x11", "x12", "x13", "x14", "x15", "x16", "x17");
	return r + (misaligned << 56);
}

static u64 page(u64 addr)
{
	return addr >> 12;
}

static u32 adrp_to(const u8 *at, u64 addr)
{
	return a64_adrp(A64_X0, (i32)(page(addr) - page((u64)at)));
}

static u32 lo12(u64 addr, u32 size)
{
	return a64_ldst_scaled(A64_STR, size, A64_X0, A64_X0, addr & 0xfff) ^
	       a64_ldst_scaled(A64_STR, size, A64_X0, A64_X0, 0);
}

void native_put_stub(u8 *stub, const u8 *got)
{
	put_le32(stub, adrp_to(stub, (u64)got) | A64_X16);
	put_le32(stub + 4, a64_ldst_scaled(A64_LDR, 8, A64_X16, A64_X16,
				   (u64)got & 0xfff));
	put_le32(stub + 8, a64_br(A64_X16));
}

/* What to add to a word whose field is 0. */
static u32 field(const struct unit_rel *r, const struct native_place *p)
{
	u32 adrp = a64_adrp(A64_X0, 0);

	switch (r->type) {
	case A64_R_CALL26: return a64_bl((i64)(p->stub - (u64)p->at));
	case A64_R_ADR_PREL_PG_HI21: return adrp_to(p->at, p->addr) ^ adrp;
	case A64_R_ADR_GOT_PAGE: return adrp_to(p->at, p->got) ^ adrp;
	case A64_R_ADD_ABS_LO12_NC:
	case A64_R_LDST8_ABS_LO12_NC: return lo12(p->addr, 1);
	case A64_R_LDST16_ABS_LO12_NC: return lo12(p->addr, 2);
	case A64_R_LDST32_ABS_LO12_NC: return lo12(p->addr, 4);
	case A64_R_LDST64_ABS_LO12_NC: return lo12(p->addr, 8);
	case A64_R_LD64_GOT_LO12_NC: return lo12(p->got, 8);
	default: abort();
	}
}

void native_apply(const struct unit_rel *r, const struct native_place *p)
{
	put_le32(p->at, get_le32(p->at) | field(r, p));
}
