/*
 * .eh_frame: one CIE, one FDE per function (DWARF 5 section 6.4, LSB "eh_frame
 * sections"). Pointers are PC-relative signed 32 bits ("zR", DW_EH_PE_pcrel |
 * DW_EH_PE_sdata4), so read-only data needs no dynamic relocation.
 */
#include <assert.h>
#include <elf.h>

#include "kiln/bytes.h"
#include "linker/dwarf.h"
#include "linker/linker.h"

enum { PE_PCREL_SDATA4 = 0x1b };

/* A CIE or FDE is padded with DW_CFA_nop to 8 bytes; its length field counts
 * what follows it. */
static void close_entry(struct buf *b, size_t at)
{
	while ((b->n - at) % 8)
		buf_u8(b, DW_CFA_nop);
	put_le32(b->p + at, (u32)(b->n - at - 4));
}

static void put_cie(struct buf *b, const struct target *t)
{
	size_t at = buf_zero(b, 8); /* length; CIE id is 0 */

	buf_u8(b, 1); /* version */
	buf_put(b, "zR", 3);
	buf_uleb(b, t->code_align);
	buf_sleb(b, t->data_align);
	buf_u8(b, t->dwarf_ra);
	buf_uleb(b, 1); /* augmentation: one byte, FDE pointer encoding */
	buf_u8(b, PE_PCREL_SDATA4);
	buf_u8(b, DW_CFA_def_cfa);
	buf_uleb(b, t->dwarf_sp);
	buf_uleb(b, (u64)t->entry_cfa);
	if (t->ra_on_stack) {
		assert(t->dwarf_ra < 0x40);
		buf_u8(b, DW_CFA_offset | t->dwarf_ra);
		buf_uleb(b, (u64)(-8 / t->data_align));
	}
	close_entry(b, at);
}

static void put_advance(struct buf *b, u32 delta)
{
	if (!delta)
		return;
	if (delta < 0x40) {
		buf_u8(b, (u8)(DW_CFA_advance_loc | delta));
		return;
	}
	if (delta < 0x10000) {
		buf_u8(b, DW_CFA_advance_loc2);
		buf_u16(b, (u16)delta);
		return;
	}
	buf_u8(b, DW_CFA_advance_loc4);
	buf_u32(b, delta);
}

static void put_rule(
	struct buf *b, const struct target *t, const struct unit_cfi *c)
{
	u8 reg = t->dwarf_reg[c->reg]; /* unused by rules without one */

	switch ((enum unit_cfi_kind)c->kind) {
	case CFI_CFA_OFFSET:
		buf_u8(b, DW_CFA_def_cfa_offset);
		buf_uleb(b, (u64)c->value);
		break;
	case CFI_CFA_REG:
		buf_u8(b, DW_CFA_def_cfa);
		buf_uleb(b, reg);
		buf_uleb(b, (u64)c->value);
		break;
	case CFI_SAVED:
		assert(reg < 0x40 && c->value % t->data_align == 0);
		buf_u8(b, DW_CFA_offset | reg);
		buf_uleb(b, (u64)(c->value / t->data_align));
		break;
	case CFI_RESTORED: buf_u8(b, DW_CFA_restore | reg); break;
	case CFI_REMEMBER: buf_u8(b, DW_CFA_remember_state); break;
	case CFI_RECALL: buf_u8(b, DW_CFA_restore_state); break;
	case CFI_NEGATE_RA: buf_u8(b, DW_CFA_AARCH64_negate_ra_state); break;
	}
}

static void put_fde(struct link *l, sec_id eh, sec_id text, u32 start,
	const struct unit_fn *u)
{
	const struct target *t = l->cg.target;
	struct image *g = &l->img;
	struct buf *b = &img_sec(g, eh)->bytes;
	size_t at = buf_zero(b, 16);
	u32 pc = 0;

	put_le32(b->p + at + 4, (u32)(at + 4)); /* back to the CIE at 0 */
	img_rel(g, eh, at + 8, t->rel_pc32, img_sec_sym(g, text), start);
	put_le32(b->p + at + 12, (u32)u->code.n);
	buf_uleb(b, 0); /* augmentation data */
	for (u32 i = 0; i < u->cfi.n; i++) {
		put_advance(b, (u->cfi.v[i].off - pc) / t->code_align);
		pc = u->cfi.v[i].off;
		put_rule(b, t, &u->cfi.v[i]);
	}
	close_entry(b, at);
}

void lk_eh_frame(struct link *l)
{
	struct image *g = &l->img;
	sec_id eh = img_sec_new(g, ".eh_frame", SHT_PROGBITS, SHF_ALLOC, 8);

	put_cie(&img_sec(g, eh)->bytes, l->cg.target);
	for (u32 i = 0; i < l->m.func.n; i++) {
		const struct placed *p = &l->placed[i];

		if (!l->wanted[i])
			continue;
		if (p->wrapper)
			put_fde(l, eh, p->sec, p->entry, p->wrapper);
		put_fde(l, eh, p->sec, p->off, p->unit);
	}
	for (u32 i = 0; i < l->hooked.n; i++)
		put_fde(l, eh, l->hooked.v[i].sec, 0, l->hooked.v[i].unit);
}
