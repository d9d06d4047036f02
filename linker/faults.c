/*
 * What loads that may fault are about: the records of .kiln.faults
 * (kiln/format.h) of a native object or image, by place.
 */
#include <stdlib.h>

#include "kiln/bytes.h"
#include "kiln/format.h"
#include "linker/linker.h"

/* The record at *off of a section; false if it does not lie inside. */
static bool next_record(
	const struct native *n, u32 sec, u64 *off, struct nat_fault *f)
{
	const struct nat_sec *c = &n->sec.v[sec];
#define FIELD(f) offsetof(struct kiln_fault_note, f)
	u64 head = sizeof(struct kiln_fault_note), size;

	if (!c->p || !range_inside(*off, head, c->size))
		return false;
	size = get_le32(c->p + *off + FIELD(size));
	if (size <= head || size % 8 || !range_inside(*off, size, c->size) ||
		c->p[*off + size - 1])
		return false;
	*f = (struct nat_fault){nat_addr(n, sec, *off + FIELD(insn)),
		get_le32(c->p + *off + FIELD(bpf)),
		(const char *)c->p + *off + head};
	*off += size;
	return true;
#undef FIELD
}

static int cmp_place(const void *a, const void *b)
{
	const struct nat_fault *x = a, *y = b;

	if (x->insn.sec != y->insn.sec)
		return x->insn.sec < y->insn.sec ? -1 : 1;
	return (x->insn.off > y->insn.off) - (x->insn.off < y->insn.off);
}

int nat_read_faults(struct native *n)
{
	for (u32 i = 0; (i = nat_find(n, KILN_SEC_FAULTS, i));)
		for (u64 off = 0; off < n->sec.v[i].size;) {
			struct nat_fault f;

			if (!next_record(n, i, &off, &f))
				return nat_error(n,
					"section " KILN_SEC_FAULTS
					": record at %#llx is damaged",
					(unsigned long long)off);
			if (f.insn.sec) /* its function was not dropped */
				*vec_push(n->a, &n->fault) = f;
		}
	if (n->fault.n)
		qsort(n->fault.v, n->fault.n, sizeof(*n->fault.v), cmp_place);
	return 0;
}

const struct nat_fault *nat_fault_at(const struct native *n, struct place at)
{
	const struct nat_fault key = {.insn = at};

	return n->fault.n ? bsearch(&key, n->fault.v, n->fault.n, sizeof(key),
				    cmp_place)
			  : NULL;
}
