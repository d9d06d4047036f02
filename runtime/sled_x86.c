/*
 * How a function begins that can be hooked:
 *
 *	[endbr64]
 *	EB 05		jmp body	gate: 05 closed, 00 open
 *	E9 rel32	jmp stub	written while the gate is closed
 * body:
 *
 * made from 7 bytes of no operation before anybody runs it. Afterwards the gate
 * is the one byte of it that changes while threads run it. Intel's manual (SDM
 * vol. 3, "Handling Self- and Cross-Modifying Code") promises nothing for that
 * without a synchronization of all cores. What stands against this: instructions
 * keep their bounds and opcodes, the two values are valid displacements of one
 * short jump, nothing is there to be torn, and which of the two a core sees does
 * not matter. rel32 is not fetched before its gate is open, and all cores
 * serialize in between.
 */
#include <string.h>

#include "backend-x86/enc.h"
#include "kiln/bytes.h"
#include "runtime/tramp.h"

enum { SHUT = 5, OPEN = 0 };
const u32 sled_size = 7;

static const u8 endbr64[4] = {0xf3, 0x0f, 0x1e, 0xfa};

u64 sled_of(const void *func)
{
	return (uintptr_t)func + (memcmp(func, endbr64, 4) ? 0 : 4);
}

/* Bytes of the no-operation at p (Intel SDM vol. 2, NOP), which ends at n or
 * before; 0: it is none. */
static u32 nop_size(const u8 *p, u32 n)
{
	u32 k = 0;

	while (k < n && p[k] == 0x66)
		k++;
	if (k < n && p[k] == 0x90)
		return k + 1;
	if (n - k < 3 || p[k] != 0x0f || p[k + 1] != 0x1f)
		return 0;
	u8 modrm = p[k + 2];
	k += 3 + ((modrm & 7) == 4) + (modrm >> 6 == 1) + 4 * (modrm >> 6 == 2);
	return modrm >> 6 == 3 || modrm >> 3 & 7 || k > n ? 0 : k;
}

bool sled_is_empty(const u8 *p)
{
	u32 at = 0, n = 1;

	for (; n && at < sled_size; at += n)
		n = nop_size(p + at, sled_size - at);
	return n;
}

void sled_make(u8 *rw)
{
	memcpy(rw, (const u8[]){0xeb, SHUT, 0xe9, 0, 0, 0, 0}, sled_size);
}

bool sled_is_made(const u8 *p)
{
	return p[0] == 0xeb && (p[1] == SHUT || p[1] == OPEN) && p[2] == 0xe9;
}

bool sled_is_open(const u8 *p)
{
	return p[1] == OPEN;
}

static bool branch(u8 *rw, u64 at, u64 to, u8 *(*enc)(u8 *, i32))
{
	u8 bytes[8];
	i64 rel = (i64)(to - (at + 5));

	if (rel != (i32)rel)
		return false;
	enc(bytes, (i32)rel);
	memcpy(rw, bytes, 5);
	return true;
}

bool sled_reaches(u64 sled, u64 stub)
{
	u8 bytes[8];

	return branch(bytes, sled + 2, stub, x86_jmp_rel32);
}

void sled_aim(u8 *rw, u64 sled, u64 stub)
{
	branch(rw + 2, sled + 2, stub, x86_jmp_rel32);
}

void sled_set(u8 *rw, u64 sled, u64 stub, bool open)
{
	(void)sled, (void)stub;
	atomic_store_explicit((_Atomic u8 *)(rw + 1), open ? OPEN : SHUT,
		memory_order_release);
}

/* ---- stubs ------------------------------------------------------------------- */

bool stub_aim(u8 *rw, u64 at, u32 call, u32 jump, u64 body)
{
	return rw[call] == 0xe8 && rw[jump] == 0xe9 &&
	       branch(rw + call, at + call, body, x86_call_rel32) &&
	       branch(rw + jump, at + jump, body, x86_jmp_rel32);
}

/* ---- its frame (DWARF 5, 6.4.2; x86-64 psABI, "DWARF Register Number Mapping") ---- */

const u8 stub_frame_ra = 16;

u8 *stub_frame_begin(u8 *p)
{
	/* CFA = rsp + 8; return address at CFA - 8 */
	const u8 at_entry[] = {0x0c, 7, 8, 0x80 | 16, 1};

	memcpy(p, at_entry, sizeof(at_entry));
	return p + sizeof(at_entry);
}

/* From n bytes behind *at on. */
static u8 *advance(u8 *p, u32 *at, u32 to)
{
	*p = 0x04; /* DW_CFA_advance_loc4 */
	put_le32(p + 1, to - *at);
	*at = to;
	return p + 5;
}

/* The frame is gone for the instruction at `place`. */
static u8 *leave(u8 *p, u32 *at, u32 place, u32 size)
{
	/* remember; CFA = rsp + 8; rbp as before */
	const u8 gone[] = {0x0a, 0x0c, 7, 8, 0xc0 | 6};

	p = advance(p, at, place);
	memcpy(p, gone, sizeof(gone));
	p = advance(p + sizeof(gone), at, place + size);
	*p = 0x0b; /* as remembered */
	return p + 1;
}

u8 *stub_frame(u8 *p, const struct kiln_hook_row *r)
{
	/* CFA = rsp + 16; rbp at CFA - 16 */
	const u8 pushed[] = {0x0e, 16, 0x80 | 6, 2};
	u32 at = 0;

	p = advance(p, &at, 5);
	memcpy(p, pushed, sizeof(pushed));
	p = advance(p + sizeof(pushed), &at, 8);
	memcpy(p, (const u8[]){0x0d, 6}, 2); /* CFA = rbp + 16 */
	p += 2;
	if (r->ret < r->jump)
		p = leave(p, &at, r->ret, 1);
	p = leave(p, &at, r->jump, 5);
	if (r->ret > r->jump)
		p = leave(p, &at, r->ret, 1);
	return p;
}
