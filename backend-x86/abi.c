/*
 * The x86-64 SysV calling convention as our functions use it: frames,
 * prologue, epilogue, and the wrapper that holds a run scope.
 *
 * A function is called with r1..r5 in RDI, RSI, RDX, RCX, R8 and returns r0 in
 * RAX. RBX, RBP, R12..R15 are kept; the used ones of them are pushed. There is
 * no frame pointer and no red zone:
 *
 *	CFA ->	|                   |	RSP before the call, 16-aligned
 *		| return address    |
 *		| pushed registers  |	the counter's pointer last
 *	r10 ->	| (padding above)   |	RSP + fp, 16-aligned
 *		| BPF frame         |	fn->frame bytes
 *		| spill slots       |	8 bytes each
 *	RSP ->	 -------------------
 *
 * RSP is 16-aligned here if the function calls or addresses its BPF frame;
 * other leaves need no alignment.
 *
 * Tail calls. prog.body and the subprograms below it that need it take the
 * address of the count of tail calls in RAX. Whoever does so keeps it in its
 * frame, hands it on to its callees, and leaves it in RAX when it makes a tail
 * call: to the body of another program, its own frame gone.
 *
 * Run scope. kiln_scope_enter and kiln_scope_leave take no arguments and
 * return nothing. Unlike C functions they keep every register but R10, R11
 * and the flags: RDI with the context (and the other arguments) lives across
 * the one, RAX with the result across the other. Whoever implements them in
 * C saves the rest around it. They are called with RSP 16-aligned.
 */
#include "backend-x86/x86.h"
#include "kiln/format.h"

/* ---- frames --------------------------------------------------------------------- */

/* Registers in the order of their pushes. */
static const u8 saved_regs[] = {
	X86_RBP, X86_R15, X86_R14, X86_R13, X86_R12, X86_RBX};

/* Entries that only direct calls reach need no endbr64. */
static bool has_landing_pad(const struct cg *cg, u32 sym)
{
	return sym >= cg->nsyms || !cg->syms[sym].direct_only;
}

struct x86_frame x86_frame_make(const struct mfn *m, const struct cg *cg)
{
	struct x86_frame f = {.landing_pad = has_landing_pad(cg, m->sym)};

	f.saved = m->used & x86_target.callee_saved;
	f.counter = m->counter;
	f.npush = (u32)__builtin_popcountll(f.saved) + f.counter;
	f.size = m->nslots * 8;
	if (m->uses_frame) {
		f.fp = (u32)align_up(f.size + m->frame, 16);
		f.size = f.fp;
	}
	if (m->uses_frame || m->has_calls)
		f.size = (u32)align_up(8 + 8 * f.npush + f.size, 16) - 8 -
			 8 * f.npush;
	return f;
}

/* ---- prologue, epilogue ----------------------------------------------------------- */

/* 8 bytes are a push of something: one byte instead of four. */
static u8 *drop_stack(u8 *p, u32 size)
{
	if (size == 8)
		return x86_push_r(p, X86_RAX);
	return x86_alu_ri(p, X86_ALU_SUB, X86_SIZE_8, X86_RSP, (i32)size);
}

/* RCX is free at a return and at a tail call, RAX is not. */
static u8 *raise_stack(u8 *p, u32 size)
{
	if (size == 8)
		return x86_pop_r(p, X86_RCX);
	return x86_alu_ri(p, X86_ALU_ADD, X86_SIZE_8, X86_RSP, (i32)size);
}

u8 *x86_prologue(const struct x86_frame *f, u8 *p, u32 at, struct unit_fn *u)
{
	const u8 *start = p;
	i32 cfa = 8;

	if (f->landing_pad)
		p = x86_endbr64(p);
	for (u32 k = 0; k < countof(saved_regs); k++) {
		u8 r = saved_regs[k];

		if (!(f->saved >> r & 1))
			continue;
		p = x86_push_r(p, (enum x86_gpr)r);
		cfa += 8;
		unit_add_cfi(u, at + (u32)(p - start), CFI_CFA_OFFSET, 0, cfa);
		unit_add_cfi(u, at + (u32)(p - start), CFI_SAVED, r, -cfa);
	}
	if (f->counter) {
		p = x86_push_r(p, X86_RAX);
		cfa += 8;
		unit_add_cfi(u, at + (u32)(p - start), CFI_CFA_OFFSET, 0, cfa);
	}
	if (f->size) {
		p = drop_stack(p, f->size);
		unit_add_cfi(u, at + (u32)(p - start), CFI_CFA_OFFSET, 0,
			cfa + (i32)f->size);
	}
	return p;
}

static bool has_rows(const struct x86_frame *f)
{
	return f->npush || f->size;
}

u8 *x86_tear_down(
	const struct x86_frame *f, u8 *p, u32 at, bool last, struct unit_fn *u)
{
	const u8 *start = p;
	u32 size = f->size + 8 * f->counter;
	i32 cfa = 8 + 8 * (i32)f->npush - 8 * f->counter;

	if (has_rows(f) && !last)
		unit_add_cfi(u, at, CFI_REMEMBER, 0, 0);
	if (size) {
		p = raise_stack(p, size);
		unit_add_cfi(u, at + (u32)(p - start), CFI_CFA_OFFSET, 0, cfa);
	}
	for (u32 k = countof(saved_regs); k-- > 0;) {
		u8 r = saved_regs[k];

		if (!(f->saved >> r & 1))
			continue;
		p = x86_pop_r(p, (enum x86_gpr)r);
		cfa -= 8;
		unit_add_cfi(u, at + (u32)(p - start), CFI_CFA_OFFSET, 0, cfa);
		unit_add_cfi(u, at + (u32)(p - start), CFI_RESTORED, r, 0);
	}
	return p;
}

void x86_recall(const struct x86_frame *f, u32 at, struct unit_fn *u)
{
	if (has_rows(f))
		unit_add_cfi(u, at, CFI_RECALL, 0, 0);
}

u8 *x86_epilogue(
	const struct x86_frame *f, u8 *p, u32 at, bool last, struct unit_fn *u)
{
	const u8 *start = p;

	p = x86_ret(x86_tear_down(f, p, at, last, u));
	if (!last)
		x86_recall(f, at + (u32)(p - start), u);
	return p;
}

/* ---- the wrapper ------------------------------------------------------------------- */

static u8 *call_sym(struct unit_fn *u, const u8 *start, u8 *p, u32 sym)
{
	p = x86_call_rel32(p, 0);
	unit_add_rel(u, (u32)(p - start) - 4, X86_R_PLT32, sym, -4);
	return p;
}

/* endbr64; nop: what a patchable function entry of C looks like. */
static u8 *entry_site(u8 *p, const u8 *start, struct unit_fn *u)
{
	p = x86_endbr64(p);
	unit_add_entry(u, (u32)(p - start), KILN_X86_SLED);
	return x86_nop(p, KILN_X86_SLED);
}

/* endbr64; push; enter; [count = 0; rax = &count;] body; leave; pop; ret */
static u8 *hold_scope(
	const struct wrap *w, u8 *p, const u8 *start, struct unit_fn *out)
{
	struct x86_frame f = {.size = 8, .landing_pad = !w->site};

	p = x86_prologue(&f, p, (u32)(p - start), out);
	p = call_sym(out, start, p, w->enter);
	if (w->counter) {
		p = x86_mov_mi(p, X86_SIZE_4, x86_at(X86_RSP, 0), 0);
		p = x86_mov_rr(p, X86_SIZE_8, X86_RAX, X86_RSP);
	}
	p = call_sym(out, start, p, w->body);
	p = call_sym(out, start, p, w->leave);
	out->stack = 16;
	return x86_epilogue(&f, p, (u32)(p - start), true, out);
}

int x86_wrapper(const struct wrap *w, struct arena *a, struct unit_fn *out)
{
	u8 *start, *p;

	out->a = a;
	out->align = 16;
	p = start = buf_room(&out->code, 64);
	if (w->site)
		p = entry_site(p, start, out);
	if (w->scope)
		p = hold_scope(w, p, start, out);
	out->code.n += (size_t)(p - start);
	return 0;
}
