/*
 * What goes over the pipes to the process that runs another target's code, in
 * little-endian order (both ends are):
 *
 *	request: struct wire_request, object, memory
 *	answer:  struct wire_answer, memory
 */
#ifndef TESTS_LEGS_WIRE_H
#define TESTS_LEGS_WIRE_H

#include "kiln/base.h"

struct wire_request {
	u32 object_size;
	u32 mem_size;
};

struct wire_answer {
	u64 r0;
	u32 status; /* enum leg_status */
	char text[252];
};

_Static_assert(sizeof(struct wire_request) == 8, "no padding");
_Static_assert(sizeof(struct wire_answer) == 264, "no padding");

#endif
