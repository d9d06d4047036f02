/*
 * kiln run: what a program gets as its context, by its type: the UAPI struct as
 * --ctx-in has it, with the pointers that kiln fills in. The packet of --data-in
 * lies as the kernel's test run lays it.
 */
#include <errno.h>
#include <linux/bpf.h>
#include <string.h>

#include "kiln/bytes.h"
#include "kiln/context.h"
#include "kiln/context_sock.h"
#include "kiln/context_trace.h"
#include "linker/linker.h"

/* Room around packet data, as the kernel's test run gives. */
enum { HEADROOM = 256, TAILROOM = 320, MAX_DATA = 1 << 20 };

enum { ETH_HEADER = 14, LOOPBACK = 1, OWN_BYTES = 4096 };

/* Types of programs by the context that they share. */
struct ctx_kind {
	u32 prog_type;
	const char *name; /* of the UAPI struct */
	size_t size, uapi_size;
	/* The packet as it came; the rest of the context for it. */
	void (*reset)(struct run_ctx *c);
	/* What the program left as packet; NULL: it takes none. */
	struct blob (*result)(const struct run_ctx *c);
	size_t min_data;
	bool l3; /* data begins behind the Ethernet header */
	/* The pointers of UAPI structs that have 64 bits for them. */
	struct ctx_ptr {
		enum { PTR_NONE, PTR_DATA, PTR_END, PTR_NULL } to;
		u16 at;
	} ptr[4];
};

static u8 *frame_data(const struct run_ctx *c)
{
	return c->frame + HEADROOM;
}

static u8 *frame_end(const struct run_ctx *c)
{
	return frame_data(c) + c->data.n;
}

/* ---- packets ---------------------------------------------------------------- */

static void reset_xdp(struct run_ctx *c)
{
	kiln_xdp_md_init((void *)c->ctx.p, c->frame, frame_data(c),
		frame_end(c), frame_end(c) + TAILROOM);
}

/* With its metadata in front, as the kernel's test run. */
static struct blob result_xdp(const struct run_ctx *c)
{
	const struct kiln_xdp_md *md = (const void *)c->ctx.p;

	return (struct blob){md->data_meta,
		(size_t)((u8 *)md->data_end - (u8 *)md->data_meta)};
}

/* Who a frame is for that comes in on the loopback device: its own address is
 * 0, and so is the one for broadcasts. */
static u32 packet_type(const u8 *frame)
{
	static const u8 own[6];
	enum { HOST, MULTICAST = 2, OTHERHOST };

	if (frame[0] & 1)
		return MULTICAST;
	return memcmp(frame, own, 6) ? OTHERHOST : HOST;
}

/* As the kernel's test run makes it: a frame that came in on the loopback
 * device. What --ctx-in gave stays. */
static void reset_skb(struct run_ctx *c)
{
	struct kiln_sk_buff *skb = (void *)c->ctx.p;
	const u8 *frame = frame_data(c);

	kiln_sk_buff_init(skb, c->frame, frame_data(c), frame_end(c),
		frame_end(c) + TAILROOM);
	if (c->data.n < ETH_HEADER)
		return;
	if (c->kind->l3) {
		skb->data = (u8 *)skb->data + ETH_HEADER;
		skb->data_meta = skb->data;
		skb->len -= ETH_HEADER;
	}
	skb->pkt_type = skb->pkt_type ?: packet_type(frame);
	skb->protocol = skb->protocol ?: get_le16(frame + ETH_HEADER - 2);
	skb->ifindex = skb->ifindex ?: LOOPBACK;
	skb->wire_len = skb->wire_len ?: skb->len;
}

static struct blob result_skb(const struct run_ctx *c)
{
	const struct kiln_sk_buff *skb = (const void *)c->ctx.p;
	u8 *data = skb->data;

	/* the kernel puts an empty header in front */
	if (c->kind->l3 && data - c->frame >= ETH_HEADER) {
		data -= ETH_HEADER;
		memset(data, 0, ETH_HEADER);
	}
	return (struct blob){data, (size_t)((u8 *)skb->data_end - data)};
}

/* ---- structs with their pointers in place --------------------------------- */

static void set_pointers(struct run_ctx *c, void *data, void *end)
{
	const struct ctx_ptr *p = c->kind->ptr;

	for (; p->to != PTR_NONE; p++) {
		void *v = p->to == PTR_DATA  ? data
			  : p->to == PTR_END ? end
					     : NULL;

		memcpy(c->ctx.p + p->at, &v, sizeof(v));
	}
}

static u8 *get_pointer(const struct run_ctx *c, int to)
{
	const struct ctx_ptr *p = c->kind->ptr;
	u8 *v;

	while (p->to != (unsigned int)to)
		p++;
	memcpy(&v, c->ctx.p + p->at, sizeof(v));
	return v;
}

static void reset_uapi(struct run_ctx *c)
{
	set_pointers(c, frame_data(c), frame_end(c));
}

static struct blob result_uapi(const struct run_ctx *c)
{
	u8 *data = get_pointer(c, PTR_DATA);

	return (struct blob){data, (size_t)(get_pointer(c, PTR_END) - data)};
}

/* ---- kinds ------------------------------------------------------------------ */

// clang-format off
#define XDP { BPF_PROG_TYPE_XDP, "xdp_md", sizeof(struct kiln_xdp_md), \
	KILN_XDP_MD_UAPI_SIZE, reset_xdp, result_xdp, 0, false, {{0}} }
#define SKB(type, l3) { BPF_PROG_TYPE_##type, "__sk_buff", \
	sizeof(struct kiln_sk_buff), KILN_SK_BUFF_UAPI_SIZE, reset_skb, \
	result_skb, ETH_HEADER, l3, {{0}} }
#define UAPI(type, name, of, result, ...) { BPF_PROG_TYPE_##type, name, \
	sizeof(struct of), sizeof(struct of), reset_uapi, result, 0, false, \
	{__VA_ARGS__} }
#define PTR(to, of, f) {PTR_##to, offsetof(struct of, f)}

static const struct ctx_kind kinds[] = {
	XDP,
	SKB(SCHED_CLS, false),
	SKB(SCHED_ACT, false),
	SKB(SOCKET_FILTER, true),
	SKB(CGROUP_SKB, true),
	SKB(LWT_IN, true),
	SKB(LWT_OUT, true),
	SKB(LWT_XMIT, true),
	SKB(LWT_SEG6LOCAL, true),
	SKB(SK_SKB, true),
	SKB(FLOW_DISSECTOR, true),
	UAPI(CGROUP_SOCK,      "bpf_sock",           kiln_sock,       NULL, {0}),
	UAPI(CGROUP_SOCK_ADDR, "bpf_sock_addr",      kiln_sock_addr,  NULL,
		PTR(NULL, kiln_sock_addr, sk)),
	UAPI(CGROUP_SYSCTL,    "bpf_sysctl",         kiln_sysctl,     NULL, {0}),
	UAPI(CGROUP_DEVICE,    "bpf_cgroup_dev_ctx", kiln_cgroup_dev, NULL, {0}),
	UAPI(CGROUP_SOCKOPT,   "bpf_sockopt",        kiln_sockopt,    result_uapi,
		PTR(DATA, kiln_sockopt, optval),
		PTR(END,  kiln_sockopt, optval_end),
		PTR(NULL, kiln_sockopt, sk)),
	UAPI(SOCK_OPS,         "bpf_sock_ops",       kiln_sock_ops,   result_uapi,
		PTR(DATA, kiln_sock_ops, skb_data),
		PTR(END,  kiln_sock_ops, skb_data_end),
		PTR(NULL, kiln_sock_ops, sk)),
	UAPI(SK_MSG,           "sk_msg_md",          kiln_sk_msg,     result_uapi,
		PTR(DATA, kiln_sk_msg, data),
		PTR(END,  kiln_sk_msg, data_end),
		PTR(NULL, kiln_sk_msg, sk)),
	UAPI(SK_REUSEPORT,     "sk_reuseport_md",    kiln_sk_reuseport, result_uapi,
		PTR(DATA, kiln_sk_reuseport, data),
		PTR(END,  kiln_sk_reuseport, data_end),
		PTR(NULL, kiln_sk_reuseport, sk)),
	UAPI(SK_LOOKUP,        "bpf_sk_lookup",      kiln_sk_lookup,  NULL,
		PTR(NULL, kiln_sk_lookup, sk)),
	UAPI(KPROBE,           "pt_regs",            kiln_pt_regs,    NULL, {0}),
	UAPI(PERF_EVENT, "bpf_perf_event_data", kiln_perf_event_data, NULL, {0}),
};
// clang-format on

static const struct ctx_kind *kind_of(u32 prog_type)
{
	for (size_t k = 0; k < countof(kinds); k++)
		if (kinds[k].prog_type == prog_type)
			return &kinds[k];
	return NULL;
}

/* ---- in and out ------------------------------------------------------------- */

static const char *make_data(struct run_ctx *c, struct arena *a)
{
	if (c->data.n && (!c->kind || !c->kind->result))
		return "programs of this type take no packet";
	if (c->data.n > MAX_DATA)
		return "more than 1 MiB of data";
	if (c->data.n && c->data.n < c->kind->min_data)
		return "shorter than the 14 bytes of an Ethernet header";
	c->frame = arena_alloc(a, HEADROOM + c->data.n + TAILROOM);
	if (c->data.n)
		memcpy(frame_data(c), c->data.p, c->data.n);
	return NULL;
}

const char *run_ctx_init(struct run_ctx *c, struct arena *a, u32 prog_type,
	struct blob data, struct blob in)
{
	const struct ctx_kind *kind = kind_of(prog_type);
	const char *why;

	*c = (struct run_ctx){.kind = kind, .data = data};
	c->ctx.n = kind ? kind->uapi_size : in.n ?: OWN_BYTES;
	if (in.n > c->ctx.n)
		return arena_printf(a, "larger than struct %s", kind->name);
	why = make_data(c, a);
	if (why)
		return why;
	c->ctx.p = arena_alloc(a, kind ? kind->size : c->ctx.n);
	if (in.n)
		memcpy(c->ctx.p, in.p, in.n);
	if (kind)
		kind->reset(c);
	return NULL;
}

struct blob run_ctx_data(const struct run_ctx *c)
{
	if (c->kind && c->kind->result)
		return c->kind->result(c);
	return (struct blob){0};
}

struct blob run_ctx_uapi(struct run_ctx *c)
{
	if (c->kind)
		set_pointers(c, NULL, NULL); /* nobody else's addresses */
	return c->ctx;
}
