/* RFC 1624 incremental updates of a header checksum. */
#include "../bench.h"

WORK(struct input *in, u64 seed)
{
	u16 *p = (void *)in->bytes;
	u32 csum = (u32)seed & 0xffff;
	for (u32 i = 0; i < 128; i++) {
		u16 old = p[i], new = (u16)(old + i);
		csum = (u16)~csum + (u16)~old + new;
		csum = (csum >> 16) + (csum & 0xffff);
		csum = (u16) ~(csum + (csum >> 16));
		p[i] = new;
	}
	return csum;
}
