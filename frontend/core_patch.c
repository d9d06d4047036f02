/*
 * What CO-RE found out -> one instruction: into an immediate, a 64-bit load, or
 * the offset of a load or store, whose width follows its field's where the
 * value stays right. The instruction must hold the object's own value, or the
 * record is not meant for it.
 */
#include <bpf/btf.h>

#include "frontend/code.h"
#include "frontend/core.h"

/* ---- notes --------------------------------------------------------------- */

static void note(struct core_job *j, enum core_state state, const char *text)
{
	u8 *now = &j->o->m->insn.v[j->insn].core;

	if (*now < state)
		*now = (u8)state;
	*vec_push(j->o->m->a, &j->o->m->core) =
		(struct core_note){j->insn, text, 0};
}

int core_unresolved(struct core_job *j, const char *why)
{
	struct module *m = j->o->m;

	note(j, CORE_UNRESOLVED,
		arena_printf(m->a, "CO-RE: %s of %s %s %s", j->kind->name,
			j->text, why,
			j->target ? j->target->name
				  : "the object's own types"));
	return 0;
}

/* ---- patching ------------------------------------------------------------ */

enum {
	CLASS_LD,
	CLASS_LDX,
	CLASS_ST,
	CLASS_STX,
	CLASS_ALU,
	CLASS_ALU64 = 7,
	CODE_LDDW = 0x18,
	MODE = 0xe0,
	MODE_MEM = 0x60,
	SIZE = 0x18,
};

static int not_meant(struct core_job *j, u64 got, u64 wanted)
{
	return core_error(j,
		"CO-RE relocation: its %s of %s is %lld, but the instruction "
		"has %lld",
		j->kind->name, j->text, (long long)wanted, (long long)got);
}

static void note_value(struct core_job *j, u64 from, u64 to)
{
	note(j, CORE_RELOCATED,
		arena_printf(j->o->m->a, "%s of %s: %lld -> %lld",
			j->kind->name, j->text, (long long)from,
			(long long)to));
}

static int patch_alu(struct core_job *j, struct insn *i,
	const struct core_value *own, const struct core_value *v)
{
	bool is32 = (i->code & 7) == CLASS_ALU;
	i64 new = (i64)v->v;

	if (i->code & 8)
		return core_error(j, "CO-RE relocation on an instruction "
				     "without an immediate");
	if (own && !own->loose && i->imm != (i32)own->v)
		return not_meant(j, (u64)(i64)i->imm, own->v);
	if (!fits_i32(new) && !(is32 && fits_u32(new)))
		return core_unresolved(
			j, "is too large for the instruction by");
	note_value(j, (u64)(i64)i->imm, v->v);
	i->imm = (i32) new;
	return 0;
}

/* An enumerator in BTF of 32 bits does not say whether its upper half is its
 * sign or 0, and old compilers cut wider ones off: the instruction knows. */
static bool widen(
	struct core_job *j, u64 now, const struct core_value *own, u64 *new)
{
	const struct btf_type *t = btf__type_by_id(
		j->types.own.b, fe_btf_strip(j->types.own.b, j->rec->type));

	if (!own || now == own->v)
		return true;
	if (j->rec->kind != CORE_ENUM_VALUE || !btf_is_enum(t) ||
		(u32)now != (u32)own->v)
		return false;
	if (now >> 32 && (u32) * new != (u32)now)
		return false;
	*new = now >> 32 ? now : (u32) * new;
	return true;
}

static int patch_lddw(struct core_job *j, struct insn *i,
	const struct core_value *own, const struct core_value *v)
{
	u64 now = (u32)i[0].imm, new = v->v;

	if (j->left < 2 || i[1].code)
		return core_error(
			j, "CO-RE relocation on half of a 64-bit load");
	if (i->sym != SYM_NONE)
		return core_error(j, "CO-RE relocation beside another one");
	now |= (u64)(u32)i[1].imm << 32;
	if (!widen(j, now, own, &new))
		return not_meant(j, now, own->v);
	note_value(j, now, new);
	i[0].imm = (i32)(u32) new;
	i[1].imm = (i32)(new >> 32);
	return 0;
}

static u64 width_of(u8 code)
{
	static const u8 size[] = {4, 2, 1, 8};

	return size[code >> 3 & 3];
}

static bool set_width(struct insn *i, u64 size)
{
	for (u8 k = 0; k < 4; k++)
		if (width_of((u8)(k << 3)) == size) {
			i->code = (u8)((i->code & ~SIZE) | k << 3);
			return true;
		}
	return false;
}

/* The field's size changed: so does the access, where the value stays. */
static bool resize(struct insn *i, const struct core_value *own,
	const struct core_value *v)
{
	if (own->size == v->size || !own->size || !v->size)
		return own->size == v->size;
	return own->resize && own->resize == v->resize &&
	       (i->code & MODE) == MODE_MEM && width_of(i->code) == own->size &&
	       set_width(i, v->size);
}

static int patch_mem(struct core_job *j, struct insn *i,
	const struct core_value *own, const struct core_value *v)
{
	if (j->rec->kind != CORE_FIELD_OFFSET)
		return core_error(j,
			"CO-RE relocation: %s of %s on a load or store",
			j->kind->name, j->text);
	if (own && !own->loose && (u64)(i64)i->off != own->v)
		return not_meant(j, (u64)(i64)i->off, own->v);
	if (v->v > INT16_MAX)
		return core_unresolved(
			j, "is too large for the instruction by");
	if (own && !resize(i, own, v))
		return core_unresolved(
			j, arena_printf(j->o->m->a,
				   "has %llu bytes instead of %llu, which this "
				   "load or store cannot follow, by",
				   (unsigned long long)v->size,
				   (unsigned long long)own->size));
	note_value(j, (u64)(i64)i->off, v->v);
	i->off = (i16)v->v;
	return 0;
}

int core_patch(struct core_job *j, const struct core_value *own,
	const struct core_value *v)
{
	struct insn *i = &j->o->m->insn.v[j->insn];

	switch (i->code & 7) {
	case CLASS_ALU:
	case CLASS_ALU64: return patch_alu(j, i, own, v);
	case CLASS_LDX:
	case CLASS_ST:
	case CLASS_STX: return patch_mem(j, i, own, v);
	default: break;
	}
	if (i->code == CODE_LDDW)
		return patch_lddw(j, i, own, v);
	return core_error(j,
		"CO-RE relocation on opcode 0x%02x, wanted "
		"arithmetic, a load or a store",
		i->code);
}
