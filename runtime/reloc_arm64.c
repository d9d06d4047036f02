/*
 * AArch64 relocations (ELF for the Arm 64-bit Architecture, section 5.7).
 * Built for arm64 only; reloc_x86.c is its mirror image.
 */
#if defined(__aarch64__)
#include <errno.h>

#include "kiln/bytes.h"
#include "runtime/object.h"

const u16 reloc_machine = EM_AARCH64;
const u32 veneer_size = 16;

u32 reloc_width(u32 type)
{
	switch (type) {
	case R_AARCH64_ABS64:
	case R_AARCH64_PREL64: return 8;
	case R_AARCH64_ABS32:
	case R_AARCH64_PREL32:
	case R_AARCH64_CALL26:
	case R_AARCH64_JUMP26:
	case R_AARCH64_ADR_PREL_PG_HI21:
	case R_AARCH64_ADR_GOT_PAGE:
	case R_AARCH64_LD64_GOT_LO12_NC:
	case R_AARCH64_ADD_ABS_LO12_NC:
	case R_AARCH64_LDST8_ABS_LO12_NC:
	case R_AARCH64_LDST16_ABS_LO12_NC:
	case R_AARCH64_LDST32_ABS_LO12_NC:
	case R_AARCH64_LDST64_ABS_LO12_NC: return 4;
	default: return 0;
	}
}

bool reloc_needs_slot(u32 type)
{
	return type == R_AARCH64_ADR_GOT_PAGE ||
	       type == R_AARCH64_LD64_GOT_LO12_NC;
}

bool reloc_is_branch(u32 type)
{
	return type == R_AARCH64_CALL26 || type == R_AARCH64_JUMP26;
}

/* ---- fields of instruction words -------------------------------------------- */

static void put_field(u8 *at, u32 mask, u32 bits)
{
	put_le32(at, (get_le32(at) & ~mask) | (bits & mask));
}

/* b, bl: imm26 in words. */
static int put_branch(const struct reloc *r, u64 target)
{
	i64 d = (i64)(target - r->place);

	if (d % 4)
		return -EINVAL;
	if (d < -(1ll << 27) || d >= 1ll << 27)
		return -ERANGE;
	put_field(r->at, 0x03ffffff, (u32)(d / 4));
	return 0;
}

/* adrp: pages between place and target, immhi:immlo. */
static int put_page(const struct reloc *r, u64 target)
{
	i64 d = (i64)((target & ~0xfffull) - (r->place & ~0xfffull));
	u32 pages = (u32)(d >> 12);

	if (d < -(1ll << 32) || d >= 1ll << 32)
		return -ERANGE;
	put_field(r->at, 0x60ffffe0,
		(pages & 3) << 29 | (pages >> 2 & 0x7ffff) << 5);
	return 0;
}

/* add, ldr, str: low 12 bits of the address, scaled by the access. */
static int put_lo12(const struct reloc *r, u64 target, u32 shift)
{
	u32 lo = target & 0xfff;

	if (lo & ((1u << shift) - 1))
		return -EINVAL;
	put_field(r->at, 0x003ffc00, lo >> shift << 10);
	return 0;
}

static int put_word(const struct reloc *r, i64 v)
{
	if (v < INT32_MIN || v > (i64)UINT32_MAX)
		return -ERANGE;
	put_le32(r->at, (u32)v);
	return 0;
}

int reloc_apply(const struct reloc *r)
{
	switch (r->type) {
	case R_AARCH64_ABS64: put_le64(r->at, r->value); return 0;
	case R_AARCH64_PREL64: put_le64(r->at, r->value - r->place); return 0;
	case R_AARCH64_ABS32: return put_word(r, (i64)r->value);
	case R_AARCH64_PREL32: return put_word(r, (i64)(r->value - r->place));
	case R_AARCH64_CALL26:
	case R_AARCH64_JUMP26:
		if (!put_branch(r, r->value))
			return 0;
		return r->veneer ? put_branch(r, r->veneer) : -ERANGE;
	case R_AARCH64_ADR_PREL_PG_HI21: return put_page(r, r->value);
	case R_AARCH64_ADR_GOT_PAGE: return put_page(r, r->slot);
	case R_AARCH64_LD64_GOT_LO12_NC: return put_lo12(r, r->slot, 3);
	case R_AARCH64_ADD_ABS_LO12_NC:
	case R_AARCH64_LDST8_ABS_LO12_NC: return put_lo12(r, r->value, 0);
	case R_AARCH64_LDST16_ABS_LO12_NC: return put_lo12(r, r->value, 1);
	case R_AARCH64_LDST32_ABS_LO12_NC: return put_lo12(r, r->value, 2);
	case R_AARCH64_LDST64_ABS_LO12_NC: return put_lo12(r, r->value, 3);
	default: return -EINVAL;
	}
}

/* adrp x16, slot; ldr x16, [x16, #:lo12:slot]; br x16. A linker may use x16
 * and x17 at every call (AAPCS64 6.1.1), and so does this. */
void veneer_write(u8 *rw, u64 place, u64 slot)
{
	const struct reloc page = {.at = rw, .place = place};
	const struct reloc lo12 = {.at = rw + 4, .place = place + 4};

	put_le32(rw, 0x90000010);      /* adrp x16, 0 */
	put_le32(rw + 4, 0xf9400210);  /* ldr x16, [x16] */
	put_le32(rw + 8, 0xd61f0200);  /* br x16 */
	put_le32(rw + 12, 0xd503201f); /* nop */
	put_page(&page, slot);
	put_lo12(&lo12, slot, 3);
}

#endif
