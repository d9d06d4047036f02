/*
 * The AAPCS64 calling convention as our functions use it: frames, prologue,
 * epilogue, and the wrapper that holds a run scope.
 *
 * A function is called with r1..r5 in X0 to X4 and returns r0 in X0. X19 to
 * X28 are kept; the used ones of them are stored, in pairs, and before them
 * X30 if the function calls. X29 is never touched: it goes on to point at our
 * caller's frame record. There is no red zone, and SP is always 16-aligned:
 *
 *	CFA ->	|                   |	SP at entry
 *	r10 ->	| (padding above)   |	SP + fp, 16-aligned
 *		| BPF frame         |	fn->frame bytes
 *		| spill slots       |	8 bytes each
 *		| stored registers  |	8 bytes each
 *	SP ->	 -------------------
 *
 * X30 is signed before it is stored (paciasp) and checked when it is back
 * (autiasp). paciasp is a landing pad; without it bti c is one. Functions that
 * only direct calls reach have one, too: linkers and the loader may lead such
 * a call through a veneer, which ends in br x16.
 *
 * Tail calls. prog.body and the subprograms below it that need it take the
 * address of the count of tail calls in X10. Whoever does so stores it like a
 * register that is kept, hands it on to its callees, and leaves it in X10 when
 * it makes a tail call: to the body of another program, its own frame gone.
 *
 * Run scope. kiln_scope_enter and kiln_scope_leave take no arguments and
 * return nothing. Unlike C functions they keep every register but X9, X16,
 * X17, X30 and the flags: X0 with the context (and the other arguments) lives
 * across the one, X0 with the result across the other.
 */
#include "backend-arm64/a64.h"
#include "kiln/format.h"

/* ---- frames -------------------------------------------------------------- */

/* Registers in the order of their places. */
static const u8 saved_regs[] = {A64_X30, A64_X19, A64_X20, A64_X21, A64_X22,
	A64_X23, A64_X24, A64_X25, A64_X26, A64_X27, A64_X28, A64_X10};

struct a64_frame a64_frame_make(const struct mfn *m)
{
	struct a64_frame f = {.sign_ra = m->has_calls};

	f.saved = m->used & a64_target.callee_saved;
	if (m->has_calls)
		f.saved |= 1u << A64_X30;
	if (m->counter) {
		f.counter = 8 * (u32)__builtin_popcountll(f.saved);
		f.saved |= 1u << A64_X10;
	}
	f.slots = 8 * (u32)__builtin_popcountll(f.saved);
	f.size = f.slots + 8 * m->nslots;
	if (m->uses_frame)
		f.size += m->frame;
	f.size = f.fp = (u32)align_up(f.size, 16);
	return f;
}

/* ---- prologue, epilogue -------------------------------------------------- */

static void put(struct buf *b, u32 word)
{
	buf_u32(b, word);
}

static u32 at(const struct buf *b)
{
	return (u32)b->n;
}

/* The registers of f by their places; how many. */
static u32 list_saved(const struct a64_frame *f, enum a64_gpr list[])
{
	u32 n = 0;

	for (u32 k = 0; k < countof(saved_regs); k++)
		if (f->saved >> saved_regs[k] & 1)
			list[n++] = (enum a64_gpr)saved_regs[k];
	return n;
}

/* SP += or -= size, 16-aligned. Code is emitted for below 16 MiB only. */
static void move_sp(struct buf *b, enum a64_addsub op, u32 size)
{
	if (size >> 12)
		put(b, a64_addsub_ri(op, 8, A64_SP, A64_SP, size & ~0xfffu));
	if (size & 0xfff)
		put(b, a64_addsub_ri(op, 8, A64_SP, A64_SP, size & 0xfff));
}

/* The first store moves SP as well, if it reaches. */
static bool is_joined(const struct a64_frame *f, u32 n)
{
	return n > 1 ? f->size <= 504 : n == 1 && f->size < 256;
}

static void saved_rows(const struct a64_frame *f, const struct buf *b,
	struct unit_fn *u, const enum a64_gpr *list, u32 k, u32 n)
{
	for (u32 r = k; r < k + 2 && r < n; r++)
		unit_add_cfi(u, at(b), CFI_SAVED, (u8)list[r],
			(i32)(8 * r) - (i32)f->size);
}

static void store(const struct a64_frame *f, struct buf *b,
	const enum a64_gpr *list, u32 k, u32 n, bool joined)
{
	i32 off = joined ? -(i32)f->size : (i32)(8 * k);

	if (k + 1 < n)
		put(b, a64_pair_rr(A64_STP, joined ? A64_PRE : A64_OFFSET,
			       list[k], list[k + 1], A64_SP, off));
	else if (joined)
		put(b, a64_str_pre(list[k], A64_SP, off));
	else
		put(b, a64_ldst_scaled(A64_STR, 8, list[k], A64_SP, (u32)off));
}

void a64_prologue(const struct a64_frame *f, struct buf *b, struct unit_fn *u)
{
	enum a64_gpr list[countof(saved_regs)];
	u32 n = list_saved(f, list);
	bool joined = is_joined(f, n);

	put(b, a64_hint(f->sign_ra ? A64_PACIASP : A64_BTI_C));
	if (f->sign_ra)
		unit_add_cfi(u, at(b), CFI_NEGATE_RA, 0, 0);
	if (f->size && !joined) {
		move_sp(b, A64_SUB, f->size & ~0xfffu);
		if (f->size >> 12)
			unit_add_cfi(u, at(b), CFI_CFA_OFFSET, 0,
				(i32)(f->size & ~0xfffu));
		move_sp(b, A64_SUB, f->size & 0xfff);
		unit_add_cfi(u, at(b), CFI_CFA_OFFSET, 0, (i32)f->size);
	}
	for (u32 k = 0; k < n; k += 2) {
		store(f, b, list, k, n, joined && k == 0);
		if (joined && k == 0)
			unit_add_cfi(u, at(b), CFI_CFA_OFFSET, 0, (i32)f->size);
		saved_rows(f, b, u, list, k, n);
	}
}

static void load(const struct a64_frame *f, struct buf *b,
	const enum a64_gpr *list, u32 k, u32 n, bool joined)
{
	i32 off = joined ? (i32)f->size : (i32)(8 * k);

	if (k + 1 < n)
		put(b, a64_pair_rr(A64_LDP, joined ? A64_POST : A64_OFFSET,
			       list[k], list[k + 1], A64_SP, off));
	else if (joined)
		put(b, a64_ldr_post(list[k], A64_SP, off));
	else
		put(b, a64_ldst_scaled(A64_LDR, 8, list[k], A64_SP, (u32)off));
}

static bool has_rows(const struct a64_frame *f)
{
	return f->size || f->sign_ra;
}

/* SP is back before the last rows, and so the loads go from the top down. */
void a64_tear_down(
	const struct a64_frame *f, struct buf *b, bool last, struct unit_fn *u)
{
	enum a64_gpr list[countof(saved_regs)];
	u32 n = list_saved(f, list);
	bool joined = is_joined(f, n);

	if (has_rows(f) && !last)
		unit_add_cfi(u, at(b), CFI_REMEMBER, 0, 0);
	for (u32 k = (n + 1) / 2 * 2; k > 0;) {
		k -= 2;
		load(f, b, list, k, n, joined && k == 0);
		for (u32 r = k; r < k + 2 && r < n; r++)
			unit_add_cfi(u, at(b), CFI_RESTORED, (u8)list[r], 0);
		if (joined && k == 0)
			unit_add_cfi(u, at(b), CFI_CFA_OFFSET, 0, 0);
	}
	if (f->size && !joined) {
		move_sp(b, A64_ADD, f->size & ~0xfffu);
		if (f->size >> 12)
			unit_add_cfi(u, at(b), CFI_CFA_OFFSET, 0,
				(i32)(f->size & 0xfff));
		move_sp(b, A64_ADD, f->size & 0xfff);
		unit_add_cfi(u, at(b), CFI_CFA_OFFSET, 0, 0);
	}
	if (f->sign_ra) {
		put(b, a64_hint(A64_AUTIASP));
		unit_add_cfi(u, at(b), CFI_NEGATE_RA, 0, 0);
	}
}

void a64_recall(
	const struct a64_frame *f, const struct buf *b, struct unit_fn *u)
{
	if (has_rows(f))
		unit_add_cfi(u, at(b), CFI_RECALL, 0, 0);
}

void a64_epilogue(
	const struct a64_frame *f, struct buf *b, bool last, struct unit_fn *u)
{
	a64_tear_down(f, b, last, u);
	put(b, a64_ret());
	if (!last)
		a64_recall(f, b, u);
}

/* ---- the wrapper --------------------------------------------------------- */

static void call_sym(struct unit_fn *u, u32 sym)
{
	unit_add_rel(u, at(&u->code), A64_R_CALL26, sym, 0);
	put(&u->code, a64_bl(0));
}

/* bti c; nop: what a patchable function entry of C looks like. */
static void entry_site(struct unit_fn *u)
{
	put(&u->code, a64_hint(A64_BTI_C));
	unit_add_entry(u, at(&u->code), KILN_ARM64_SLED);
	put(&u->code, a64_hint(A64_NOP));
}

/* paciasp; store x30; enter; [count = 0; x10 = &count;] body; leave; load x30;
 * autiasp; ret */
static void hold_scope(const struct wrap *w, struct unit_fn *out)
{
	struct a64_frame f = {
		.saved = 1u << A64_X30, .size = 16, .sign_ra = true};

	out->stack = f.size;
	a64_prologue(&f, &out->code, out);
	call_sym(out, w->enter);
	if (w->counter) { /* behind x30 */
		put(&out->code, a64_ldst_scaled(A64_STR, 4, A64_ZR, A64_SP, 8));
		put(&out->code, a64_addsub_ri(A64_ADD, 8, A64_X10, A64_SP, 8));
	}
	call_sym(out, w->body);
	call_sym(out, w->leave);
	a64_epilogue(&f, &out->code, true, out);
}

int a64_wrapper(const struct wrap *w, struct arena *a, struct unit_fn *out)
{
	out->a = a;
	out->align = 16;
	if (w->site)
		entry_site(out);
	if (w->scope)
		hold_scope(w, out);
	return 0;
}
