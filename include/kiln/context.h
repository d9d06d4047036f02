/*
 * Contexts: what a program gets as its argument. The UAPI structure comes
 * first and keeps its layout; behind it stand, as 64-bit members, the pointers
 * that the UAPI has only 32 bits for. Their 32-bit originals are never read
 * by compiled programs and must hold 0: an access that kiln failed to redirect
 * then finds an empty packet.
 */
#ifndef KILN_CONTEXT_H
#define KILN_CONTEXT_H

#include <stddef.h>
#include <stdint.h>

#include "kiln/format.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Programs of type xdp. */
struct kiln_xdp_md {
	/* UAPI struct xdp_md */
	uint32_t uapi_data, uapi_data_end, uapi_data_meta; /* 0 */
	uint32_t ingress_ifindex;
	uint32_t rx_queue_index;
	uint32_t egress_ifindex;
	/* The packet: data_meta <= data <= data_end. Without metadata
	 * data_meta is data. */
	void *data;
	void *data_end;
	void *data_meta;
	/* The buffer around it, for helpers that move its ends; NULL: they
	 * cannot. data_hard_start <= data_meta, data_end <= data_hard_end. */
	void *data_hard_start;
	void *data_hard_end;
};

#define KILN_XDP_MD_UAPI_SIZE 24

/* Lets md describe the packet [data, data_end) without metadata, in a buffer
 * [start, end). The UAPI's scalars stay as they are. */
static inline void kiln_xdp_md_init(struct kiln_xdp_md *md, void *start,
	void *data, void *data_end, void *end)
{
	md->uapi_data = 0;
	md->uapi_data_end = 0;
	md->uapi_data_meta = 0;
	md->data = data;
	md->data_end = data_end;
	md->data_meta = data;
	md->data_hard_start = start;
	md->data_hard_end = end;
}

KILN_SIZE(kiln_xdp_md, 64);
KILN_AT(kiln_xdp_md, uapi_data, 0);
KILN_AT(kiln_xdp_md, uapi_data_end, 4);
KILN_AT(kiln_xdp_md, uapi_data_meta, 8);
KILN_AT(kiln_xdp_md, ingress_ifindex, 12);
KILN_AT(kiln_xdp_md, rx_queue_index, 16);
KILN_AT(kiln_xdp_md, egress_ifindex, 20);
KILN_AT(kiln_xdp_md, data, 24);
KILN_AT(kiln_xdp_md, data_end, 32);
KILN_AT(kiln_xdp_md, data_meta, 40);
KILN_AT(kiln_xdp_md, data_hard_start, 48);
KILN_AT(kiln_xdp_md, data_hard_end, 56);

#ifdef __cplusplus
}
#endif
#endif
