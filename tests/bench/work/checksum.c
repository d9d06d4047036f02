/* Internet checksum over 512 bytes. */
#include "../bench.h"

WORK(struct input *in, u64 seed)
{
	const u16 *p = (const void *)in->bytes;
	u32 sum = (u32)seed & 0xffff;
	for (u32 i = 0; i < 256; i++)
		sum += p[i];
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return (u16)~sum;
}
