/* Rows of a unit. */
#include "ir/codegen.h"

void unit_add_rel(struct unit_fn *u, u32 off, u32 type, u32 sym, i64 addend)
{
	*vec_push(u->a, &u->rel) = (struct unit_rel){
		.off = off, .type = type, .sym = sym, .addend = addend};
}

void unit_add_line(struct unit_fn *u, u32 off, u32 insn)
{
	if (u->line.n && u->line.v[u->line.n - 1].insn == insn)
		return;
	if (!u->line.n && insn == INSN_NONE)
		return;
	*vec_push(u->a, &u->line) = (struct unit_line){off, insn};
}

void unit_add_cfi(
	struct unit_fn *u, u32 off, enum unit_cfi_kind kind, u8 reg, i32 value)
{
	*vec_push(u->a, &u->cfi) = (struct unit_cfi){
		.off = off, .kind = (u8)kind, .reg = reg, .value = value};
}

void unit_add_site(struct unit_fn *u, u32 off, u8 size, u32 sym, u32 key)
{
	*vec_push(u->a, &u->site) = (struct unit_site){
		.off = off,
		.kind = SITE_TAIL_CALL,
		.size = size,
		.sym = sym,
		.key = key,
	};
}

void unit_add_entry(struct unit_fn *u, u32 off, u8 size)
{
	*vec_push(u->a, &u->site) = (struct unit_site){
		.off = off, .kind = SITE_ENTRY, .size = size};
}
