/*
 * How a function begins that can be hooked:
 *
 *	[bti c]
 *	nop		gate: closed; open: b stub
 * body:
 *
 * The word changes while threads run it: both values are of the instructions
 * that Arm ARM B2, "Concurrent modification and execution of instructions",
 * allows for that. Another core executes the one or the other, and after
 * maintenance and a context synchronization event the new one.
 */
#include <string.h>

#include "backend-arm64/enc.h"
#include "kiln/bytes.h"
#include "runtime/tramp.h"

enum { NOP = 0xd503201fu, BTI_C = 0xd503245fu, B_MASK = 0xfc000000u };
const u32 sled_size = 4;

u64 sled_of(const void *func)
{
	return (uintptr_t)func + (get_le32(func) == BTI_C ? 4 : 0);
}

bool sled_is_empty(const u8 *p)
{
	return get_le32(p) == NOP;
}

void sled_make(u8 *rw)
{
	(void)rw; /* it is as it should be */
}

bool sled_is_made(const u8 *p)
{
	return sled_is_empty(p) || sled_is_open(p);
}

bool sled_is_open(const u8 *p)
{
	return (get_le32(p) & B_MASK) == a64_b(0);
}

static bool is_in_reach(u64 at, u64 to)
{
	i64 off = (i64)(to - at);

	return off >= -(1 << 27) && off < 1 << 27 && off % 4 == 0;
}

bool sled_reaches(u64 sled, u64 stub)
{
	return is_in_reach(sled, stub);
}

void sled_aim(u8 *rw, u64 sled, u64 stub)
{
	(void)rw, (void)sled, (void)stub; /* the gate does that */
}

void sled_set(u8 *rw, u64 sled, u64 stub, bool open)
{
	store32((u32 *)(void *)rw, open ? a64_b((i64)(stub - sled)) : NOP,
		memory_order_release);
}

/* ---- stubs ------------------------------------------------------------------- */

bool stub_aim(u8 *rw, u64 at, u32 call, u32 jump, u64 body)
{
	if (call % 4 || jump % 4 ||
		(get_le32(rw + call) & B_MASK) != a64_bl(0) ||
		(get_le32(rw + jump) & B_MASK) != a64_b(0) ||
		!is_in_reach(at + call, body) || !is_in_reach(at + jump, body))
		return false;
	put_le32(rw + call, a64_bl((i64)(body - (at + call))));
	put_le32(rw + jump, a64_b((i64)(body - (at + jump))));
	return true;
}

/* ---- its frame (DWARF 5, 6.4.2; DWARF for the Arm 64-bit Architecture, 4.1) ------- */

const u8 stub_frame_ra = 30;

u8 *stub_frame_begin(u8 *p)
{
	/* CFA = sp */
	memcpy(p, (const u8[]){0x0c, 31, 0}, 3);
	return p + 3;
}

static u8 *advance(u8 *p, u32 *at, u32 to)
{
	*p = 0x04; /* DW_CFA_advance_loc4 */
	put_le32(p + 1, to - *at);
	*at = to;
	return p + 5;
}

/* The frame is gone for the instruction at `place`; at the one before, autiasp,
 * the return address is signed yet. */
static u8 *leave(u8 *p, u32 *at, u32 place)
{
	/* remember; CFA = sp; x29, x30 as before */
	const u8 gone[] = {0x0a, 0x0c, 31, 0, 0xc0 | 29, 0xc0 | 30};

	p = advance(p, at, place - 4);
	memcpy(p, gone, sizeof(gone));
	p = advance(p + sizeof(gone), at, place);
	*p++ = 0x2d; /* DW_CFA_AARCH64_negate_ra_state */
	p = advance(p, at, place + 4);
	*p = 0x0b; /* as remembered */
	return p + 1;
}

u8 *stub_frame(u8 *p, const struct kiln_hook_row *r)
{
	/* CFA = sp + 16; x29 at CFA - 16, x30 at CFA - 8 */
	const u8 pushed[] = {0x0e, 16, 0x80 | 29, 2, 0x80 | 30, 1};
	u32 at = 0;

	p = advance(p, &at, 4);
	*p++ = 0x2d; /* paciasp */
	p = advance(p, &at, 8);
	memcpy(p, pushed, sizeof(pushed));
	p = advance(p + sizeof(pushed), &at, 12);
	memcpy(p, (const u8[]){0x0d, 29}, 2); /* CFA = x29 + 16 */
	p += 2;
	if (r->ret < r->jump)
		p = leave(p, &at, r->ret);
	p = leave(p, &at, r->jump);
	if (r->ret > r->jump)
		p = leave(p, &at, r->ret);
	return p;
}
