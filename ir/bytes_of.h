/* Where the bytes of a value come from. bytes_of.c. */
#ifndef KILN_IR_BYTES_OF_H
#define KILN_IR_BYTES_OF_H

#include "ir/ir.h"

/* Byte `at` of value ref; ref 0: the constant byte `at`. */
struct byte_src {
	u32 ref;
	u8 at;
};

struct byte_tree {
	struct byte_src b[8]; /* an I32 has zeroes in 4..7 */
	u32 nodes;	      /* how many operations were looked through */
	bool shared;	      /* one of them has other users, too */
};

/* Looks through shifts, masks, extensions, swaps, ors and the sums that are
 * ors. uses: number of users by ref, of the refs below nuses; newer ones are
 * not looked through. Bounded cost. */
void bytes_of(const struct fn *f, const u32 *uses, u32 nuses, ref v,
	struct byte_tree *t);

#endif
