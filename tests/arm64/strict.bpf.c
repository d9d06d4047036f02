/* Accesses of every size to a packet, to the stack and to a map value; bytes
 * that would be combined to words. */
#include <linux/bpf.h>

#include "kiln/bpf.h"

typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long long u64;

struct value {
	u64 sum;
	u32 word;
	u16 half;
	u8 byte;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__type(key, u32);
	__type(value, struct value);
	__uint(max_entries, 1);
} values SEC(".maps");

static u64 bytes(const u8 *p)
{
	return p[3] | p[2] << 8 | p[1] << 16 | (u64)p[0] << 24;
}

SEC("xdp") int strict(struct xdp_md *ctx)
{
	u8 *p = (u8 *)(long)ctx->data, *end = (u8 *)(long)ctx->data_end;
	u32 zero = 0;
	u64 frame[2] = {1, 2};
	struct value *v = bpf_map_lookup_elem(&values, &zero);

	if (!v || p + 32 > end)
		return 0;
	frame[1] += *(u64 *)p + *(u32 *)(p + 8) + *(u16 *)(p + 12);
	frame[0] += *(short *)(p + 14) + *(int *)(p + 16) + bytes(p + 20);
	v->sum += frame[0] ^ frame[1];
	v->word += (u32)frame[0];
	v->half += (u16)frame[1];
	*(u64 *)(p + 24) = v->sum;
	*(u32 *)(p + 20) = v->word;
	*(u16 *)(p + 18) = v->half;
	p[16] = p[17] = v->byte++;
	return (int)(v->sum >> 7 ^ v->sum >> 39);
}
