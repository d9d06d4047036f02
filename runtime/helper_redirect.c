/*
 * Redirects: the program says by its verdict that the packet goes elsewhere and
 * by one of these helpers where to. That stands in the context then, for the
 * application, which does it: a program has no way to send.
 *
 * The last argument is made by the compiler: the redirect member of the context.
 */
#include "kiln/context.h"
#include "kiln/map_size.h"
#include "runtime/rt.h"

enum { /* verdicts of uapi/linux/bpf.h and pkt_cls.h */
	XDP_ABORTED = 0,
	XDP_ACTIONS = 3, /* mask: ABORTED, DROP, PASS, TX */
	XDP_REDIRECT = 4,
	TC_ACT_SHOT = 2,
	TC_ACT_REDIRECT = 7,
};

enum {
	F_INGRESS = 1,
	F_BROADCAST = 8,
	F_EXCLUDE_INGRESS = 16,
	REDIR_NEIGH = 20, /* sizeof(struct bpf_redir_neigh) */
};

static void go(
	u64 redirect, enum kiln_redirect_kind kind, u64 ifindex, u64 flags)
{
	struct kiln_redirect *r = PTR(struct kiln_redirect, redirect);

	*r = (struct kiln_redirect){
		.kind = (u32)kind, .ifindex = (u32)ifindex, .flags = flags};
}

HELPER_FN(redirect)
{
	if (a2 & ~(u64)F_INGRESS)
		return TC_ACT_SHOT;
	go(a3, KILN_REDIRECT_IFINDEX, a1, a2);
	return TC_ACT_REDIRECT;
}

HELPER_FN(xdp_redirect)
{
	if (a2)
		return XDP_ABORTED;
	go(a3, KILN_REDIRECT_IFINDEX, a1, 0);
	return XDP_REDIRECT;
}

HELPER_FN(redirect_peer)
{
	if (a2)
		return TC_ACT_SHOT;
	go(a3, KILN_REDIRECT_PEER, a1, 0);
	return TC_ACT_REDIRECT;
}

HELPER_FN(redirect_neigh)
{
	u32 size = (u32)a3;
	struct kiln_redirect *r = PTR(struct kiln_redirect, a5);

	if ((size && size < REDIR_NEIGH) || a4)
		return TC_ACT_SHOT;
	go(a5, KILN_REDIRECT_NEIGH, a1, 0);
	if (size) {
		r->neigh_size = REDIR_NEIGH;
		__builtin_memcpy(r->neigh, PTR(void, a2), REDIR_NEIGH);
	}
	return TC_ACT_REDIRECT;
}

/* Flags that bpf_redirect_map takes for a kind of map; the lowest two bits are
 * the verdict where the map has nothing under the key. */
static u64 map_flags(u32 type)
{
	enum { DEVMAP = 14, DEVMAP_HASH = 25 };

	return type == DEVMAP || type == DEVMAP_HASH
		       ? F_BROADCAST | F_EXCLUDE_INGRESS
		       : 0;
}

HELPER_FN(redirect_map)
{
	struct kiln_map *m = PTR(struct kiln_map, a1);
	const struct kiln_map_ops *ops = PTR(struct kiln_map_ops, m->ops);
	struct kiln_redirect *r = PTR(struct kiln_redirect, a4);
	u32 key = (u32)a2;

	if (a3 & ~(XDP_ACTIONS | map_flags(m->type)))
		return XDP_ABORTED;
	if (m->key_size != sizeof(key) || !ops->lookup ||
		(!(a3 & F_BROADCAST) && !ops->lookup(m, &key)))
		return a3 & XDP_ACTIONS;
	go(a4, KILN_REDIRECT_MAP, 0, a3);
	r->map = m;
	r->key = key;
	return XDP_REDIRECT;
}
