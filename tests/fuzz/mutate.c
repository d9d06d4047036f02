/* Mutation of ELF files, for all fuzzers. */
#include "kiln/base.h"
#include "kiln/bytes.h"

size_t LLVMFuzzerMutate(u8 *data, size_t size, size_t max);
size_t LLVMFuzzerCustomMutator(u8 *data, size_t size, size_t max, u32 seed);

static u32 next(u32 *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 17;
	*state ^= *state << 5;
	return *state;
}

/* A value that tables of sizes, offsets and indices trip over. */
static u32 odd_value(const u8 *data, size_t size, u32 old, u32 *s)
{
	static const u32 odd[] = {0, 1, 2, 3, 4, 7, 8, 12, 16, 24, 0x7f, 0x80,
		0xff, 0xffff, 0x7fffffff, 0x80000000, 0xfffffff8, 0xffffffff};

	switch (next(s) % 6) {
	case 0: return odd[next(s) % countof(odd)];
	case 1: return old + 1;
	case 2: return old - 1;
	case 3: return old + 8;
	case 4: return (u32)size;
	default: return get_le32(data + next(s) % (size - 3));
	}
}

/* Half of the time a few words of the file become odd ones: that reaches the
 * checks behind the header, where bytes at random mostly do not. */
size_t LLVMFuzzerCustomMutator(u8 *data, size_t size, size_t max, u32 seed)
{
	u32 s = seed | 1;

	if (size < 64 || next(&s) % 2)
		return LLVMFuzzerMutate(data, size, max);
	for (u32 n = 1 + next(&s) % 3; n; n--) {
		size_t at = next(&s) % (size - 3) & ~(size_t)3;
		u32 v = odd_value(data, size, get_le32(data + at), &s);

		switch (next(&s) % 3) {
		case 0: data[at + next(&s) % 4] = (u8)v; break;
		case 1: put_le16(data + at, (u16)v); break;
		default: put_le32(data + at, v); break;
		}
	}
	return size;
}
