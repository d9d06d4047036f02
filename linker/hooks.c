/*
 * Functions that programs attach to. For each one there is, in one group,
 *
 *   .text.kiln_tramp.<f>        its stub, made from its model by the back end
 *   .data.rel.ro.kiln_hook.<f>  its address, filled in by who links or loads
 *   kiln_hooks                  one row per program that attaches to it
 *
 * Nobody names any of it: stub and programs are kept by SHF_GNU_RETAIN.
 */
#include <assert.h>
#include <elf.h>
#include <errno.h>
#include <string.h>

#include "ir/model.h"
#include "kiln/bytes.h"
#include "kiln/format.h"
#include "linker/linker.h"

#ifndef SHF_GNU_RETAIN
#define SHF_GNU_RETAIN (1 << 21)
#endif

/* ---- which --------------------------------------------------------------- */

static bool is_hook(const struct link *l, u32 func)
{
	return l->wanted[func] && l->m.func.v[func].is_prog &&
	       l->m.func.v[func].hook.model;
}

/* The module's own function of that name, compiled, or -1. */
static i64 find_own(const struct link *l, const char *name)
{
	for (u32 i = 0; i < l->m.func.n; i++)
		if (l->wanted[i] && !l->m.func.v[i].is_thunk &&
			!strcmp(l->m.func.v[i].name, name))
			return i;
	return -1;
}

static struct hooked *find_hooked(struct link *l, const char *name)
{
	for (u32 i = 0; i < l->hooked.n; i++)
		if (!strcmp(l->hooked.v[i].model->func, name))
			return &l->hooked.v[i];
	return NULL;
}

static int add_program(struct link *l, u32 func)
{
	const struct func *f = &l->m.func.v[func];
	struct hooked *h = find_hooked(l, f->hook.name);
	struct loc at = module_loc(&l->m, f, -1);

	if (!h) {
		h = vec_push(&l->a, &l->hooked);
		h->model = f->hook.model;
		h->is_own = !f->hook.of_target;
		h->optional = true;
	}
	h->optional &= f->hook.optional;
	*vec_push(&l->a, &h->prog) = func;
	if (!strcmp(h->model->text, f->hook.model->text))
		return 0;
	diag_error(&l->diag, &at,
		"%s is called by %s here and by %s by another program",
		f->hook.name, f->hook.model->text, h->model->text);
	return -EINVAL;
}

/* Its address is that of a function here, or the linker's to find. */
static void name_target(struct link *l, struct hooked *h)
{
	i64 own = h->is_own ? find_own(l, h->model->func) : -1;
	u32 n = l->m.sym.n;

	if (own >= 0 && !is_hook(l, (u32)own)) {
		h->sym = l->m.func.v[own].sym;
		return;
	}
	h->sym = module_undef(&l->m, SYM_EXTERN, h->model->func);
	if (h->sym == n && h->optional) /* nobody else named it */
		l->m.sym.v[n].bind = BIND_WEAK_UNDEF;
}

/* ---- --attach ------------------------------------------------------------ */

static bool is_at_start(const struct link *l, const struct func *f)
{
	for (u32 i = 0; l->o->attach && l->o->attach[i]; i++)
		if (!strcmp(l->o->attach[i], f->name))
			return true;
	return false;
}

static int check_attached(struct link *l, const char *name)
{
	struct loc at = {.file = l->m.file[0], .insn = -1};
	i64 i = find_own(l, name);
	const struct func *f = i < 0 ? NULL : &l->m.func.v[i];

	if (f && is_hook(l, (u32)i))
		return 0;
	if (!f || !f->is_prog) {
		diag_error(
			&l->diag, &at, "no program named %s (--attach)", name);
		return -EINVAL;
	}
	at = module_loc(&l->m, f, -1);
	if (f->hook.kind && *f->hook.name)
		diag_error(&l->diag, &at,
			"--attach: no prototype of %s is known (--btf FILE)",
			f->hook.name);
	else
		diag_error(&l->diag, &at,
			"--attach: its section names no function that it "
			"attaches to, wanted fentry/F, fexit/F, fmod_ret/F or "
			"freplace/F");
	return -EINVAL;
}

/* ---- stubs --------------------------------------------------------------- */

static int make_stub(struct link *l, struct hooked *h)
{
	const struct target *t = l->cg.target;
	int err;

	h->unit = arena_new(&l->a, struct unit_fn);
	h->unit->a = &l->a;
	h->unit->sym = SYM_NONE;
	buf_init(&h->unit->code, &l->a);
	err = t->stub(h->model, &l->a, h->unit, &h->places);
	if (err) {
		diag_error(&l->diag,
			&(struct loc){.file = l->m.file[0], .insn = -1},
			"the stub of %s is too large", h->model->func);
		return err;
	}
	assert(h->unit->code.n ==
		h->places.lits + sizeof(struct kiln_stub_lits));
	return 0;
}

int lk_hooks(struct link *l)
{
	int err = 0;

	for (u32 i = 0; l->o->attach && l->o->attach[i]; i++)
		err |= check_attached(l, l->o->attach[i]);
	for (u32 i = 0; i < l->m.func.n; i++)
		if (is_hook(l, i))
			err |= add_program(l, i);
	for (u32 i = 0; i < l->hooked.n && !err; i++) {
		name_target(l, &l->hooked.v[i]);
		err = make_stub(l, &l->hooked.v[i]);
	}
	return err;
}

/* ---- sections ------------------------------------------------------------ */

static u32 local_sym(struct link *l, const char *prefix, const char *func,
	u8 type, sec_id sec, u64 size)
{
	return img_sym_new(&l->img,
		&(struct osym){
			.name = arena_printf(&l->a, "%s%s", prefix, func),
			.bind = STB_LOCAL,
			.type = type,
			.sec = sec,
			.size = size});
}

static void place_stub(struct link *l, struct hooked *h)
{
	struct image *g = &l->img;
	const char *f = h->model->func;
	const struct unit_fn *u = h->unit;

	h->sec = img_sec_new(g, arena_printf(&l->a, KILN_TRAMP_PREFIX "%s", f),
		SHT_PROGBITS,
		SHF_ALLOC | SHF_EXECINSTR | SHF_GROUP | SHF_GNU_RETAIN,
		u->align > 16 ? u->align : 16);
	buf_put(&img_sec(g, h->sec)->bytes, u->code.p, u->code.n);
	img_sec(g, h->sec)->group =
		img_group_new(g, local_sym(l, "kiln_tramp.", f, STT_FUNC,
					 h->sec, h->places.lits));
}

static void place_word(struct link *l, struct hooked *h)
{
	struct image *g = &l->img;
	const char *f = h->model->func;

	h->word = img_sec_new(g,
		arena_printf(&l->a, ".data.rel.ro.kiln_hook.%s", f),
		SHT_PROGBITS, SHF_ALLOC | SHF_WRITE | SHF_GROUP, 8);
	img_sec(g, h->word)->group = img_sec(g, h->sec)->group;
	buf_zero(&img_sec(g, h->word)->bytes, 8);
	local_sym(l, KILN_HOOK_PREFIX, f, STT_OBJECT, h->word, 8);
	img_rel_any(l, h->word, 0, l->cg.target->rel_abs64, h->sym, 0);
}

void lk_place_hooks(struct link *l)
{
	for (u32 i = 0; i < l->hooked.n; i++) {
		place_stub(l, &l->hooked.v[i]);
		place_word(l, &l->hooked.v[i]);
	}
}

/* ---- rows ---------------------------------------------------------------- */

static void add_row(struct link *l, sec_id s, const struct hooked *h, u32 func)
{
	const struct func *f = &l->m.func.v[func];
	const struct placed *p = &l->placed[func];
	struct buf *b = &img_sec(&l->img, s)->bytes;
	size_t at = buf_zero(b, sizeof(struct kiln_hook_row));
	u32 flags = (is_at_start(l, f) ? KILN_HOOK_AT_START : 0) |
		    (f->hook.optional ? KILN_HOOK_OPTIONAL : 0);
#define FIELD(x) (at + offsetof(struct kiln_hook_row, x))

	b->p[FIELD(kind)] = f->hook.kind;
	b->p[FIELD(flags)] = (u8)flags;
	put_le16(b->p + FIELD(nargs), (u16)h->model->nargs);
	put_le16(b->p + FIELD(nret), (u16)h->model->ret.nwords);
	put_le16(b->p + FIELD(lits), (u16)h->places.lits);
	put_le16(b->p + FIELD(call), (u16)h->places.call);
	put_le16(b->p + FIELD(jump), (u16)h->places.jump);
	put_le16(b->p + FIELD(ret), (u16)h->places.ret);
	row_text(l, s, FIELD(target), h->word, 0);
	row_string(l, s, FIELD(name), h->model->func);
	row_text(l, s, FIELD(prog), p->sec, p->entry);
	row_text(l, s, FIELD(stub), h->sec, 0);
	row_string(l, s, FIELD(model), h->model->text);
#undef FIELD
}

void lk_hook_rows(struct link *l)
{
	for (u32 i = 0; i < l->hooked.n; i++) {
		const struct hooked *h = &l->hooked.v[i];
		sec_id s = row_sec(l, KILN_SEC_HOOKS, h->sec);

		for (u32 k = 0; k < h->prog.n; k++)
			add_row(l, s, h, h->prog.v[k]);
	}
}
