/*
 * x86-64 relocations (System V psABI, AMD64 supplement, table 4.9). Built
 * for x86-64 only; reloc_arm64.c is its mirror image.
 */
#if defined(__x86_64__)
#include <errno.h>

#include "backend-x86/enc.h"
#include "kiln/bytes.h"
#include "runtime/object.h"

const u16 reloc_machine = EM_X86_64;
const u32 veneer_size = 16;

u32 reloc_width(u32 type)
{
	switch (type) {
	case R_X86_64_64:
	case R_X86_64_PC64: return 8;
	case R_X86_64_PC32:
	case R_X86_64_PLT32:
	case R_X86_64_32:
	case R_X86_64_32S:
	case R_X86_64_GOTPCREL:
	case R_X86_64_GOTPCRELX:
	case R_X86_64_REX_GOTPCRELX: return 4;
	default: return 0;
	}
}

bool reloc_needs_slot(u32 type)
{
	return type == R_X86_64_GOTPCREL || type == R_X86_64_GOTPCRELX ||
	       type == R_X86_64_REX_GOTPCRELX;
}

bool reloc_is_branch(u32 type)
{
	return type == R_X86_64_PLT32;
}

static int put_pc32(const struct reloc *r, u64 target)
{
	i64 d = (i64)(target - r->place);

	if (!fits_i32(d))
		return -ERANGE;
	put_le32(r->at, (u32)d);
	return 0;
}

int reloc_apply(const struct reloc *r)
{
	switch (r->type) {
	case R_X86_64_64: put_le64(r->at, r->value); return 0;
	case R_X86_64_PC64: put_le64(r->at, r->value - r->place); return 0;
	case R_X86_64_PC32: return put_pc32(r, r->value);
	case R_X86_64_PLT32:
		if (!put_pc32(r, r->value))
			return 0;
		return r->veneer ? put_pc32(r, r->veneer + (u64)r->addend)
				 : -ERANGE;
	case R_X86_64_32:
		if (!fits_u32((i64)r->value))
			return -ERANGE;
		put_le32(r->at, (u32)r->value);
		return 0;
	case R_X86_64_32S:
		if (!fits_i32((i64)r->value))
			return -ERANGE;
		put_le32(r->at, (u32)r->value);
		return 0;
	case R_X86_64_GOTPCREL:
	case R_X86_64_GOTPCRELX:
	case R_X86_64_REX_GOTPCRELX:
		return put_pc32(r, r->slot + (u64)r->addend);
	default: return -EINVAL;
	}
}

/* jmp *slot(%rip); the reservation keeps slot within 2 GiB. */
void veneer_write(u8 *rw, u64 place, u64 slot)
{
	const struct x86_mem m = {.base = X86_RIP,
		.index = X86_NOREG,
		.disp = (i32)(slot - (place + 6))};

	x86_jmp_m(rw, m);
}

#endif
