/* What the pipeline and its host share. */
#ifndef PIPELINE_H
#define PIPELINE_H

/* Slots of the map `stages`. */
enum stage {
	STAGE_ARP,
	STAGE_IPV4,
	STAGE_IPV6,
	STAGE_TCP,
	STAGE_UDP,
	STAGE_ICMP,
	STAGE_COUNT
};

#endif
