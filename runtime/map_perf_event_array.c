/*
 * BPF_MAP_TYPE_PERF_EVENT_ARRAY: a ring of MAP_PERF_RING bytes per CPU slot,
 * under the slot's number as key. Until somebody consumes there is no event, as
 * in the kernel. A slot has one program at a time, but that may be interrupted
 * by another one of its thread: the ring's lock tells.
 */
#include "kiln/context.h"
#include "kiln/runtime.h"
#include "runtime/ring.h"

enum { SAMPLE_MAX = 0xffff };

static u64 slot_bytes(u32 cpus)
{
	return map_cpu_stride(map_ring_bytes(MAP_PERF_RING), cpus);
}

struct ring *perf_ring_of(struct kiln_map *m, u32 cpu)
{
	if (!m || m->type != KILN_MAP_TYPE_PERF_EVENT_ARRAY || map_ready(m) ||
		cpu >= m->max_cpus)
		return NULL;
	return (struct ring *)(uintptr_t)(m->values +
					  cpu * slot_bytes(m->max_cpus));
}

static void setup(struct kiln_map *m)
{
	for (u32 c = 0; c < m->max_cpus; c++)
		ring_setup(
			(struct ring *)(uintptr_t)(m->values +
						   c * slot_bytes(m->max_cpus)),
			MAP_PERF_RING);
}

RT_API const struct kiln_map_ops kiln_map_ops_perf_event_array = {
	.lookup = ring_no_lookup,
	.update = ring_no_update,
	.del = ring_no_delete,
	.for_each = ring_no_each,
	.read = ring_no_read,
	.write = ring_no_update,
	.next_key = ring_no_next,
	.setup = setup,
};

/* ---- consuming ------------------------------------------------------------------ */

struct perf_call {
	kiln_perf_sample_fn fn;
	void *ctx;
	int cpu;
};

static int one_sample(void *ctx, void *data, size_t n)
{
	const struct perf_call *c = ctx;

	c->fn(c->ctx, c->cpu, data, (uint32_t)n);
	return 0;
}

RT_API int kiln_perf_consume(struct kiln_map *m, kiln_perf_sample_fn sample,
	kiln_perf_lost_fn lost, void *ctx)
{
	struct perf_call c = {sample, ctx, 0};
	struct ring *r = perf_ring_of(m, 0);
	u64 missed;
	int n = 0;

	if (!r || !sample)
		return -RT_EINVAL;
	for (; r; r = perf_ring_of(m, (u32)++c.cpu)) {
		store32(&r->open, 1, memory_order_release);
		n += ring_consume(r, one_sample, &c);
		missed = atomic_exchange_explicit(
			ATOMIC64(&r->lost), 0, memory_order_relaxed);
		if (missed && lost)
			lost(ctx, c.cpu, missed);
	}
	return n;
}

/* ---- helpers ------------------------------------------------------------------- */

#define F_INDEX	  0xffffffffull
#define F_CTXLEN  (0xfffffull << 32)
#define CTX_SHIFT 32

/* The program's data, then what the helper adds of the packet. */
struct sample {
	const void *data, *more;
	u64 n_data, n_more;
};

static u64 output(struct kiln_map *m, u64 index, const struct sample *s)
{
	u32 cpu = kiln_port_cpu();
	u64 n = s->n_data + s->n_more;
	struct ring *r = perf_ring_of(m, cpu);
	u8 *p;

	index = index == F_INDEX ? cpu : index;
	if (index >= m->max_entries)
		return FAILED(E2BIG);
	if (!r || !load32(&r->open, memory_order_acquire))
		return FAILED(ENOENT);
	if (index != cpu) /* events are their CPU's */
		return FAILED(EOPNOTSUPP);
	if (s->n_data > SAMPLE_MAX || n > SAMPLE_MAX)
		return FAILED(E2BIG);
	p = ring_reserve(r, n);
	if (!p) {
		atomic_fetch_add_explicit(
			ATOMIC64(&r->lost), 1, memory_order_relaxed);
		return FAILED(ENOSPC);
	}
	__builtin_memcpy(p, s->data, s->n_data);
	if (s->n_more)
		__builtin_memcpy(p + s->n_data, s->more, s->n_more);
	ring_commit(p, 0, false);
	return 0;
}

/* bpf_perf_event_output(ctx, map, flags, data, size) */
HELPER_FN(perf_event_output)
{
	const struct sample s = {PTR(void, a4), NULL, a5, 0};

	if (a3 & ~F_INDEX)
		return FAILED(EINVAL);
	return output(PTR(struct kiln_map, a2), a3, &s);
}

/* Of a packet's program: flags may ask for its first bytes. */
static u64 packet_output(u64 map, u64 flags, const struct sample *data,
	const void *packet, const void *end)
{
	struct sample s = *data;

	s.more = packet;
	s.n_more = (flags & F_CTXLEN) >> CTX_SHIFT;
	if (flags & ~(F_INDEX | F_CTXLEN))
		return FAILED(EINVAL);
	if (s.n_more > (u64)((const u8 *)end - (const u8 *)packet))
		return FAILED(EFAULT);
	return output(PTR(struct kiln_map, map), flags & F_INDEX, &s);
}

HELPER_FN(skb_event_output)
{
	const struct kiln_sk_buff *skb = PTR(struct kiln_sk_buff, a1);
	const struct sample s = {PTR(void, a4), NULL, a5, 0};

	return packet_output(a2, a3, &s, skb->data, skb->data_end);
}

HELPER_FN(xdp_event_output)
{
	const struct kiln_xdp_md *md = PTR(struct kiln_xdp_md, a1);
	const struct sample s = {PTR(void, a4), NULL, a5, 0};

	return packet_output(a2, a3, &s, md->data, md->data_end);
}

/* ---- objects of the application, whose packets only it knows --------------------- */

RT_API RT_WEAK const void *kiln_skb_bytes(const void *skb, size_t *size)
{
	(void)skb;
	*size = 0;
	return NULL;
}

RT_API RT_WEAK const void *kiln_xdp_bytes(const void *xdp, size_t *size)
{
	(void)xdp;
	*size = 0;
	return NULL;
}

HELPER_FN(skb_output)
{
	const struct sample s = {PTR(void, a4), NULL, a5, 0};
	const u8 *packet = NULL;
	size_t n = 0;

	if (a3 & F_CTXLEN)
		packet = kiln_skb_bytes(PTR(void, a1), &n);
	return packet_output(a2, a3, &s, packet, packet ? packet + n : packet);
}

HELPER_FN(xdp_output)
{
	const struct sample s = {PTR(void, a4), NULL, a5, 0};
	const u8 *packet = NULL;
	size_t n = 0;

	if (a3 & F_CTXLEN)
		packet = kiln_xdp_bytes(PTR(void, a1), &n);
	return packet_output(a2, a3, &s, packet, packet ? packet + n : packet);
}
