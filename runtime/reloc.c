/*
 * Relocations of a loaded object: which bytes, with which values. The psABI's
 * formulas are in reloc_<target>.c. Indices and offsets were checked when the
 * object was opened.
 */
#include <errno.h>
#include <stdlib.h>

#include "runtime/object.h"

static bool applies(const struct kiln_object *o, u32 sec)
{
	return o->sh[sec].sh_type == SHT_RELA &&
	       o->sec[o->sh[sec].sh_info].seg != SEG_NONE;
}

static const Elf64_Rela *relas(const struct kiln_object *o, u32 sec, u64 *n)
{
	*n = o->sh[sec].sh_size / sizeof(Elf64_Rela);
	return (const void *)(o->bytes + o->sh[sec].sh_offset);
}

/* ---- slots and veneers ---------------------------------------------------------- */

static bool needs_slot(const struct kiln_object *o, const Elf64_Rela *r)
{
	u32 type = (u32)ELF64_R_TYPE(r->r_info);
	u32 sym = (u32)ELF64_R_SYM(r->r_info);

	return reloc_needs_slot(type) ||
	       (reloc_is_branch(type) && o->sym[sym].st_shndx == SHN_UNDEF);
}

int reloc_count(struct kiln_object *o)
{
	for (u32 i = 1; i < o->nsec; i++) {
		u64 n;

		if (!applies(o, i))
			continue;
		const Elf64_Rela *r = relas(o, i, &n);
		for (u64 k = 0; k < n; k++) {
			u32 sym = (u32)ELF64_R_SYM(r[k].r_info);

			if (!o->slot_of[sym] && needs_slot(o, &r[k]))
				o->slot_of[sym] = ++o->nslots;
		}
	}
	return 0;
}

static u64 slot_addr(const struct kiln_object *o, u32 sym)
{
	return o->slot_of[sym]
		       ? (u64)(uintptr_t)o->seg[SEG_RELRO].addr + o->slots_off +
				 8ull * (o->slot_of[sym] - 1)
		       : 0;
}

static u64 veneer_off(const struct kiln_object *o, u32 sym)
{
	return o->veneers_off + (u64)veneer_size * (o->slot_of[sym] - 1);
}

static u64 veneer_addr(const struct kiln_object *o, u32 sym)
{
	return o->slot_of[sym] ? (u64)(uintptr_t)o->seg[SEG_TEXT].addr +
					 veneer_off(o, sym)
			       : 0;
}

static void fill_slots(struct kiln_object *o)
{
	u64 *slot;

	if (!o->nslots)
		return; /* the segment may be empty */
	slot = (u64 *)(void *)(o->seg[SEG_RELRO].rw + o->slots_off);
	for (u32 i = 0; i < o->nsym; i++) {
		if (!o->slot_of[i])
			continue;
		slot[o->slot_of[i] - 1] = o->symval[i];
		veneer_write(o->seg[SEG_TEXT].rw + veneer_off(o, i),
			veneer_addr(o, i), slot_addr(o, i));
	}
}

/* ---- application ------------------------------------------------------------------- */

static int apply_one(
	struct kiln_object *o, u32 target, const Elf64_Rela *r, u64 index)
{
	const struct rt_sec *s = &o->sec[target];
	u32 sym = (u32)ELF64_R_SYM(r->r_info);
	const struct reloc x = {
		.type = (u32)ELF64_R_TYPE(r->r_info),
		.at = o->seg[s->seg].rw + s->off + r->r_offset,
		.place = (u64)(uintptr_t)o->seg[s->seg].addr + s->off +
			 r->r_offset,
		.value = o->symval[sym] + (u64)r->r_addend,
		.sym = o->symval[sym],
		.addend = r->r_addend,
		.slot = slot_addr(o, sym),
		.veneer = veneer_addr(o, sym),
	};
	int err = reloc_apply(&x);

	if (err)
		obj_error(o,
			"section %s: relocation %llu (type %u, symbol "
			"%s%+lld): %s",
			o->shstr + o->sh[target].sh_name,
			(unsigned long long)index, x.type, obj_sym_name(o, sym),
			(long long)r->r_addend,
			err == -ERANGE ? "out of reach"
				       : "does not fit its instruction");
	return err;
}

static bool is_own(const struct kiln_object *o, u32 target, const Elf64_Rela *r)
{
	return o->sec[target].seg != SEG_TEXT &&
	       o->sym[ELF64_R_SYM(r->r_info)].st_shndx != SHN_UNDEF;
}

int reloc_apply_all(struct kiln_object *o, bool own)
{
	if (!own)
		fill_slots(o);
	for (u32 i = 1; i < o->nsec; i++) {
		u32 target = o->sh[i].sh_info;
		u64 n;

		if (!applies(o, i))
			continue;
		const Elf64_Rela *r = relas(o, i, &n);
		for (u64 k = 0; k < n; k++) {
			int err = own && !is_own(o, target, &r[k])
					  ? 0
					  : apply_one(o, target, &r[k], k);

			if (err)
				return err;
		}
	}
	return 0;
}
