/* The tables of include/kiln/: instruction forms, helpers, kinds of map. */
#include <linux/bpf.h>

#include "frontend/code.h"
#include "kiln/map_size.h"

/* ---- instruction forms --------------------------------------------------- */

// clang-format off
const struct isa_row isa_rows[] = {
#define INSN(code_, sel_, val_, kind_, arg_, group_, dst_, src_, off_, imm_, text_) \
	{.code = (code_), .sel = ISA_SEL_##sel_, .val = (val_),                     \
	 .kind = ISA_##kind_, .arg = ISA_A_##arg_, .group = ISA_G_##group_,         \
	 .dst = ISA_F_##dst_, .src = ISA_F_##src_, .off = ISA_F_##off_,             \
	 .imm = ISA_F_##imm_, .text = (text_)},
#include "kiln/isa.def"
#undef INSN
};
// clang-format on

const u32 isa_nrows = countof(isa_rows);
_Static_assert(countof(isa_rows) < 256, "insn.form is a byte");

/* ---- helpers ------------------------------------------------------------- */

enum { NATIVE, HOOK, INLINE }; /* the runtime's column */
enum { NONE, SCOPE };
enum {
	READS = CALLF_READS,
	WRITES = CALLF_WRITES,
	RW = READS | WRITES,
	CTXW = CALLF_CTX,
	PACKET = CALLF_PACKET,
	ACQUIRE = CALLF_ACQUIRE,
	RELEASE = CALLF_RELEASE,
	PURE = CALLF_PURE,
	NORETURN = CALLF_NORETURN,
	ALL = READS | WRITES | CTXW | PACKET | ACQUIRE | RELEASE,
};

// clang-format off
const struct helper fe_helpers[] = {
#define HELPER(id_, name_, kind_, scope_, effects_, ret_, a1_, a2_, a3_, a4_, a5_) \
	{.id = (id_), .name = #name_, .scope = (scope_) == SCOPE,            \
	 .effects = (effects_),                                              \
	 .ret = HRET_##ret_, \
	 .nargs = (HARG_##a1_ != 0) + (HARG_##a2_ != 0) +                    \
		(HARG_##a3_ != 0) + (HARG_##a4_ != 0) + (HARG_##a5_ != 0),   \
	 .arg = {HARG_##a1_, HARG_##a2_, HARG_##a3_, HARG_##a4_, HARG_##a5_}},
#include "kiln/helpers.def"
#undef HELPER
};
// clang-format on

const u32 fe_nhelpers = countof(fe_helpers);

const char *fe_helper_name(const struct helper *h, bool skb, bool xdp)
{
	enum { SKB, XDP };
	static const struct {
		u32 id;
		u8 ctx;
		const char *name;
	} form[] = {
#define HELPER(...)
#define FORM(id, ctx, name) {id, ctx, #name},
#include "kiln/helpers.def"
#undef FORM
#undef HELPER
	};

	for (u32 k = 0; k < countof(form); k++)
		if (form[k].id == h->id && (form[k].ctx == SKB ? skb : xdp))
			return form[k].name;
	return h->name;
}

const struct harg_mem fe_harg_mem[] = {
	[HARG_KEY] = {ARG_READ, 0},
	[HARG_VALUE] = {ARG_READ, 0},
	[HARG_OUTVAL] = {ARG_WRITE, 0},
	[HARG_IOVAL] = {ARG_RW, 0},
	[HARG_IN] = {ARG_READ, 0},
	[HARG_OUT] = {ARG_WRITE, 0},
	[HARG_INOUT] = {ARG_RW, 0},
	[HARG_FROM] = {ARG_READ, 0},
	[HARG_STR] = {ARG_ESCAPE, 0},
	[HARG_ANY] = {ARG_ESCAPE, 0},
	[HARG_OBJ] = {ARG_ESCAPE, 0},
	[HARG_OPT] = {ARG_ESCAPE, 0}, /* %s */
	[HARG_IN16] = {ARG_READ, 16},
	[HARG_IN20] = {ARG_READ, 20},
	[HARG_IN40] = {ARG_READ, 40},
	[HARG_OUT4] = {ARG_WRITE, 4},
	[HARG_OUT8] = {ARG_WRITE, 8},
	[HARG_OUT16] = {ARG_WRITE, 16},
	[HARG_INOUT4] = {ARG_RW, 4},
	[HARG_INOUT16] = {ARG_RW, 16},
	[HARG_LAST] = {ARG_SCALAR, 0},
};

const struct helper *fe_helper(i64 id)
{
	u32 lo = 0, hi = fe_nhelpers;

	while (lo < hi) {
		u32 mid = (lo + hi) / 2;

		if (fe_helpers[mid].id == id)
			return &fe_helpers[mid];
		if (fe_helpers[mid].id < id)
			lo = mid + 1;
		else
			hi = mid;
	}
	return NULL;
}

/* ---- kinds of map -------------------------------------------------------- */

bool fe_map_needs_scope(u32 type)
{
	const struct kiln_map_kind *k = kiln_map_kind(type);

	return k && k->scope;
}
