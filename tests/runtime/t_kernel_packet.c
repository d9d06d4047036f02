/*
 * Packet helpers of ours against those of the running kernel: one call each, on
 * the same packet with the same arguments, which are constants of a program made
 * for it. Compared are the result, the packet, what the helper put on the stack,
 * and the context.
 */
#include <unistd.h>

#include "kernel.h"
#include "kiln/bytes.h"
#include "kiln/context.h"
#include "rt_test.h"

enum { STACK = 64, PACKET_MAX = 8192, HEADROOM = 4608, BUFFER = 16384 };

/* ---- a random number, a packet ---------------------------------------------- */

static u64 rng = 88172645463325252;

static u32 rnd(u32 n)
{
	rng ^= rng << 13;
	rng ^= rng >> 7;
	rng ^= rng << 17;
	return (u32)(rng >> 20) % n;
}

struct packet {
	u32 size;
	u8 b[256];
};

/* IPv4, IPv6, one or two VLAN tags, ARP; the rest is noise. */
static struct packet random_packet(void)
{
	static const u16 type[] = {
		0x0800, 0x0800, 0x86dd, 0x86dd, 0x8100, 0x88a8, 0x0806};
	struct packet p = {.size = 60 + rnd(100)};
	u16 first = type[rnd(countof(type))];
	u32 at = 12;

	for (u32 i = 0; i < p.size; i++)
		p.b[i] = (u8)rnd(256);
	p.b[0] &= 0xfe;
	for (u32 n = 0;; n++) {
		p.b[at] = (u8)(first >> 8);
		p.b[at + 1] = (u8)first;
		if ((first != 0x8100 && first != 0x88a8) || n == 2)
			break;
		at += 4;
		first = rnd(2) ? 0x0800 : 0x8100;
	}
	if (first == 0x0800 || first == 0x86dd)
		p.b[at + 2] = first == 0x0800 ? 0x45 : 0x60;
	return p;
}

/* ---- a call ------------------------------------------------------------------ */

/* Arguments 2 to 5: constants, or the address of mem. */
struct ask {
	u32 type, helper;
	u64 (*ours)(u64, u64, u64, u64, u64);
	const char *name;
	bool is_mem[4];
	u64 v[4];
	u8 mem[STACK];
	u32 tags; /* bpf_skb_vlan_push calls before */
};

/* What is seen behind it. */
struct answer {
	u64 ret;
	u32 len, protocol, vlan_present, vlan_tci, vlan_proto, pkt_type;
	u64 room; /* xdp: data - data_meta */
	u8 mem[STACK];
	u32 size;
	u8 b[PACKET_MAX];
};

static const u32 skb_field[] = {
	offsetof(struct __sk_buff, len),
	offsetof(struct __sk_buff, protocol),
	offsetof(struct __sk_buff, vlan_present),
	offsetof(struct __sk_buff, vlan_tci),
	offsetof(struct __sk_buff, vlan_proto),
	offsetof(struct __sk_buff, pkt_type),
};

struct code {
	struct bpf_insn v[256];
	u32 n;
};

static void add(struct code *c, struct bpf_insn i)
{
	c->v[c->n++] = i;
}

#define ADD(c, ...)                                           \
	do {                                                  \
		const struct bpf_insn more[] = {__VA_ARGS__}; \
		for (u32 at_ = 0; at_ < countof(more); at_++) \
			add(c, more[at_]);                    \
	} while (0)

/* r6: the context; mem at fp-72; r7: the result; r8: the map's value. */
static int load_call(const struct ask *a, int map)
{
	struct code c = {.n = 0};
	bool skb = a->type == BPF_PROG_TYPE_SCHED_CLS;

	ADD(&c, MOV(6, 1));
	for (u32 k = 0; k < a->tags; k++)
		ADD(&c, MOV(1, 6), MOVI(2, k ? 0xa888 : 0x0081),
			MOVI(3, 5 + (i32)k), CALL(BPF_FUNC_skb_vlan_push));
	for (u32 k = 0; k < STACK / 4; k++)
		ADD(&c, ST32I(10, (i16)(4 * k) - 72,
				(i32)get_le32(a->mem + 4 * k)));
	ADD(&c, MOV(1, 6));
	for (u32 k = 0; k < 4; k++)
		if (a->is_mem[k])
			ADD(&c, MOV(2 + k, 10), ADDI(2 + k, -72));
		else
			ADD(&c, LDIMM(2 + k, a->v[k]));
	ADD(&c, CALL((i32)a->helper), MOV(7, 0), ST32I(10, -76, 0),
		LDMAP(1, map), MOV(2, 10), ADDI(2, -76),
		CALL(BPF_FUNC_map_lookup_elem), JNEI(0, 0, 2), MOVI(0, 9), EXIT,
		MOV(8, 0), ST64(8, offsetof(struct answer, ret), 7));
	for (u32 k = 0; skb && k < countof(skb_field); k++)
		ADD(&c, LD32(1, 6, (i16)skb_field[k]),
			ST32(8, (i16)(offsetof(struct answer, len) + 4 * k),
				1));
	if (!skb)
		ADD(&c, LD32(1, 6, 0), LD32(2, 6, 8), SUB(1, 2),
			ST64(8, offsetof(struct answer, room), 1));
	for (u32 k = 0; k < STACK / 8; k++)
		ADD(&c, LD64(1, 10, (i16)(8 * k) - 72),
			ST64(8, (i16)(offsetof(struct answer, mem) + 8 * k),
				1));
	ADD(&c, MOVI(0, 2), EXIT);
	return kernel_prog_of(a->type, c.v, c.n);
}

static int answers; /* array map with one struct answer */

static void ask_kernel(
	const struct ask *a, const struct packet *p, struct answer *out)
{
	int prog = load_call(a, answers);
	u32 key = 0;

	assert_true(prog >= 0);
	memset(out, 0, sizeof(*out));
	assert_int_equal(kernel_update(answers, &key, out, 0), 0);
	out->size = PACKET_MAX;
	assert_int_equal(
		kernel_run_packet(prog, p->b, p->size, out->b, &out->size), 2);
	assert_int_equal(kernel_lookup(answers, &key, out), 0);
	close(prog);
}

/* ---- ours -------------------------------------------------------------------- */

static u8 buffer[BUFFER];

static u64 call_ours(struct ask *a, void *ctx)
{
	u64 v[4];

	for (u32 k = 0; k < 4; k++)
		v[k] = a->is_mem[k] ? (uintptr_t)a->mem : a->v[k];
	return a->ours((uintptr_t)ctx, v[0], v[1], v[2], v[3]);
}

static void ask_skb(struct ask a, const struct packet *p,
	const struct answer *first, struct answer *out)
{
	u8 *data = buffer + HEADROOM;
	struct kiln_sk_buff skb = {
		.protocol = first->protocol, .pkt_type = first->pkt_type};

	memset(buffer, 0, sizeof(buffer));
	memcpy(data, p->b, p->size);
	kiln_sk_buff_init(&skb, buffer, data, data + p->size, buffer + BUFFER);
	for (u32 k = 0; k < a.tags; k++)
		kiln_helper_skb_vlan_push(
			(uintptr_t)&skb, k ? 0xa888 : 0x0081, 5 + k, 0, 0);
	out->ret = call_ours(&a, &skb);
	out->len = skb.len;
	out->protocol = skb.protocol;
	out->vlan_present = skb.vlan_present;
	out->vlan_tci = skb.vlan_tci;
	out->vlan_proto = skb.vlan_proto;
	out->pkt_type = skb.pkt_type;
	memcpy(out->mem, a.mem, STACK);
	out->size = (u32)((u8 *)skb.data_end - (u8 *)skb.data);
	memcpy(out->b, skb.data, out->size);
	assert_int_equal(skb.len, out->size);
}

static void ask_xdp(struct ask a, const struct packet *p, struct answer *out)
{
	u8 *data = buffer + HEADROOM;
	struct kiln_xdp_md md = {.rx_queue_index = 0};

	memset(buffer, 0, sizeof(buffer));
	memcpy(data, p->b, p->size);
	kiln_xdp_md_init(
		&md, data - 216, data, data + p->size, data + 4096 - 256 - 320);
	out->ret = call_ours(&a, &md);
	out->room = (u64)((u8 *)md.data - (u8 *)md.data_meta);
	memcpy(out->mem, a.mem, STACK);
	out->size = (u32)((u8 *)md.data_end - (u8 *)md.data_meta);
	memcpy(out->b, md.data_meta, out->size);
}

/* ---- the comparison ---------------------------------------------------------- */

static void describe(const struct ask *a)
{
	printf("%s(", a->name);
	for (u32 k = 0; k < 4; k++)
		if (a->is_mem[k])
			printf(" mem");
		else
			printf(" %#llx", (unsigned long long)a->v[k]);
	printf(") with %u tags\n", a->tags);
}

#define SAME(a, ours, kernels, f)                                     \
	do {                                                          \
		if ((ours)->f != (kernels)->f) {                      \
			describe(a);                                  \
			fail_msg(#f ": ours %lld, the kernel's %lld", \
				(long long)(ours)->f,                 \
				(long long)(kernels)->f);             \
		}                                                     \
	} while (0)

static void same_bytes(const struct ask *a, const char *what, const u8 *ours,
	const u8 *kernels, u32 n)
{
	for (u32 k = 0; k < n; k++)
		if (ours[k] != kernels[k]) {
			describe(a);
			fail_msg("%s, byte %u: ours %#x, the kernel's %#x",
				what, k, ours[k], kernels[k]);
		}
}

static void compare(struct ask *a)
{
	struct packet p = random_packet();
	struct answer ours = {.ret = 0}, kernels, first;
	struct ask nothing = {
		.type = a->type, .helper = BPF_FUNC_get_prandom_u32};

	ask_kernel(a, &p, &kernels);
	if (a->type == BPF_PROG_TYPE_XDP) {
		ask_xdp(*a, &p, &ours);
		SAME(a, &ours, &kernels, room);
	} else {
		ask_kernel(&nothing, &p, &first);
		ask_skb(*a, &p, &first, &ours);
		SAME(a, &ours, &kernels, ret);
		SAME(a, &ours, &kernels, len);
		SAME(a, &ours, &kernels, protocol);
		SAME(a, &ours, &kernels, vlan_present);
		if (kernels.vlan_present) {
			SAME(a, &ours, &kernels, vlan_tci);
			SAME(a, &ours, &kernels, vlan_proto);
		}
		SAME(a, &ours, &kernels, pkt_type);
	}
	SAME(a, &ours, &kernels, ret);
	SAME(a, &ours, &kernels, size);
	same_bytes(a, "stack", ours.mem, kernels.mem, STACK);
	same_bytes(a, "packet", ours.b, kernels.b, ours.size);
}

static struct ask skb_call(
	const char *name, u32 helper, u64 (*ours)(u64, u64, u64, u64, u64))
{
	struct ask a = {.type = BPF_PROG_TYPE_SCHED_CLS,
		.helper = helper,
		.ours = ours,
		.name = name};

	for (u32 k = 0; k < STACK; k++)
		a.mem[k] = (u8)rnd(256);
	return a;
}

static struct ask xdp_call(
	const char *name, u32 helper, u64 (*ours)(u64, u64, u64, u64, u64))
{
	struct ask a = skb_call(name, helper, ours);

	a.type = BPF_PROG_TYPE_XDP;
	return a;
}

#define SKB(name) skb_call(#name, BPF_FUNC_##name, kiln_helper_##name)
#define XDP(name) xdp_call(#name, BPF_FUNC_##name, kiln_helper_##name)

enum { ROUNDS = 150 };

/* Near and far, and no number that makes sense. */
static u64 some_offset(void)
{
	static const u64 odd[] = {0xffff, 0x10000, 0x7fffffff, 0x80000000,
		0xffffffff, 0xfffffff0};

	return rnd(12) ? rnd(170) : odd[rnd(countof(odd))];
}

/* ---- bytes in and out -------------------------------------------------------- */

static void t_skb_bytes(void **state)
{
	(void)state;
	for (u32 k = 0; k < ROUNDS; k++) {
		struct ask load = SKB(skb_load_bytes);
		struct ask store = SKB(skb_store_bytes);
		struct ask rel = SKB(skb_load_bytes_relative);

		load.v[0] = store.v[0] = rel.v[0] = some_offset();
		load.is_mem[1] = store.is_mem[1] = rel.is_mem[1] = true;
		load.v[2] = store.v[2] = rel.v[2] = 1 + rnd(STACK);
		store.v[3] = rnd(4) ? rnd(4) : rnd(16);
		rel.v[3] = rnd(3);
		compare(&load);
		compare(&store);
		compare(&rel);
	}
}

static void t_xdp_bytes(void **state)
{
	(void)state;
	for (u32 k = 0; k < ROUNDS; k++) {
		struct ask load = XDP(xdp_load_bytes);
		struct ask store = XDP(xdp_store_bytes);
		struct ask len = XDP(xdp_get_buff_len);

		load.v[0] = store.v[0] = some_offset();
		load.is_mem[1] = store.is_mem[1] = true;
		load.v[2] = store.v[2] = 1 + rnd(STACK);
		compare(&load);
		compare(&store);
		compare(&len);
	}
}

/* ---- checksums --------------------------------------------------------------- */

static u64 some_sum(void)
{
	static const u64 odd[] = {
		0, 0xffff, 0xffffffff, 1, 0xfffe, 0xffff0000, 0x1ffffffff};

	return rnd(4) ? (u64)rnd(UINT32_MAX) << rnd(8) : odd[rnd(countof(odd))];
}

static void t_csum_replace(void **state)
{
	static const u8 size[] = {0, 2, 4, 2, 4, 2, 4, 1, 8, 15};

	(void)state;
	for (u32 k = 0; k < 4 * ROUNDS; k++) {
		struct ask l3 = SKB(l3_csum_replace);
		struct ask l4 = SKB(l4_csum_replace);

		l3.v[0] = l4.v[0] = rnd(20) ? rnd(170) & ~1u : some_offset();
		l3.v[3] = l4.v[3] = size[rnd(countof(size))];
		l3.v[1] = l4.v[1] = l3.v[3] || !rnd(4) ? some_sum() : 0;
		l3.v[2] = l4.v[2] = some_sum();
		l3.v[3] |= rnd(20) ? 0 : 0x10;
		l4.v[3] |= rnd(20) ? rnd(8) << 4 : rnd(32) << 4;
		compare(&l3);
		compare(&l4);
	}
}

static void t_csum_beside_the_packet(void **state)
{
	(void)state;
	for (u32 k = 0; k < 6; k++) {
		struct ask update = SKB(csum_update);
		struct ask level = SKB(csum_level);

		level.v[0] = k;
		compare(&update);
		compare(&level);
	}
}

/* ---- room ---------------------------------------------------------------------- */

static void t_skb_ends(void **state)
{
	(void)state;
	for (u32 k = 0; k < ROUNDS; k++) {
		struct ask tail = SKB(skb_change_tail);
		struct ask head = SKB(skb_change_head);
		struct ask pull = SKB(skb_pull_data);
		struct ask type = SKB(skb_change_type);

		tail.v[0] = rnd(20) ? rnd(400) : 0xffffffff;
		tail.v[1] = !rnd(20);
		head.v[0] = rnd(20) ? rnd(200) : 0xffffffff - rnd(20);
		head.v[1] = !rnd(20);
		pull.v[0] = rnd(200);
		type.v[0] = rnd(6);
		compare(&tail);
		compare(&head);
		compare(&pull);
		compare(&type);
	}
}

static void t_skb_change_proto(void **state)
{
	(void)state;
	for (u32 k = 0; k < ROUNDS; k++) {
		struct ask a = SKB(skb_change_proto);

		a.v[0] = rnd(8) ? (rnd(2) ? 0x0008 : 0xdd86) : rnd(65536);
		a.v[1] = !rnd(20);
		compare(&a);
	}
}

static void t_skb_adjust_room(void **state)
{
	(void)state;
	for (u32 k = 0; k < 6 * ROUNDS; k++) {
		struct ask a = SKB(skb_adjust_room);
		i32 by = (i32)rnd(140) - 60;

		a.v[0] = (u64)(u32)(rnd(30) ? by : by * 100);
		a.v[1] = rnd(20) ? rnd(2) : rnd(4);
		a.v[2] = rnd(3) ? 1u << rnd(9) | 1u << rnd(9) : rnd(1024);
		if (!rnd(4))
			a.v[2] = 0;
		if (a.v[2] & 6)
			a.v[2] |= (u64)rnd(80) << 56;
		compare(&a);
	}
}

static void t_skb_vlan(void **state)
{
	static const u16 proto[] = {0x0081, 0xa888, 0x0008, 0};

	(void)state;
	for (u32 k = 0; k < 2 * ROUNDS; k++) {
		struct ask push = SKB(skb_vlan_push);
		struct ask pop = SKB(skb_vlan_pop);

		push.v[0] = proto[rnd(countof(proto))];
		push.v[1] = rnd(65536);
		push.tags = rnd(3);
		pop.tags = rnd(4);
		compare(&push);
		compare(&pop);
	}
}

static void t_xdp_ends(void **state)
{
	(void)state;
	for (u32 k = 0; k < 2 * ROUNDS; k++) {
		struct ask head = XDP(xdp_adjust_head);
		struct ask tail = XDP(xdp_adjust_tail);
		struct ask meta = XDP(xdp_adjust_meta);

		head.v[0] = (u64)((i64)rnd(400) - 200);
		tail.v[0] = (u64)((i64)rnd(400) - 200);
		meta.v[0] = (u64)((i64)rnd(300) - 280);
		if (!rnd(20))
			head.v[0] = tail.v[0] = meta.v[0] = rnd(UINT32_MAX);
		compare(&head);
		compare(&tail);
		compare(&meta);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(t_skb_bytes),
		cmocka_unit_test(t_xdp_bytes),
		cmocka_unit_test(t_csum_replace),
		cmocka_unit_test(t_csum_beside_the_packet),
		cmocka_unit_test(t_skb_ends),
		cmocka_unit_test(t_skb_change_proto),
		cmocka_unit_test(t_skb_adjust_room),
		cmocka_unit_test(t_skb_vlan),
		cmocka_unit_test(t_xdp_ends),
	};

	if (!kernel_is_there())
		return SKIPPED;
	answers = kernel_map(
		BPF_MAP_TYPE_ARRAY, 4, offsetof(struct answer, size), 1, 0);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
