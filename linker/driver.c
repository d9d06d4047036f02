/*
 * A compilation from input bytes to object bytes: the stages in their order.
 * Every stage takes the one struct link, reports to its diagnostics and
 * finishes; the driver stops after the first stage that found an error.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "frontend/frontend.h"
#include "kiln/format.h"
#include "linker/linker.h"

enum { MAX_INPUT = 1 << 30, DEFAULT_CPUS = 64 };

/* Everything that one call to kiln_compile() owns. */
struct run {
	struct link l;
	struct kiln_compile_opts opts; /* the caller's, completed */
	jmp_buf oom;
	const struct lk_watch *watch;
	const struct kiln_input *in;
	size_t nin;
	struct fe_obj **obj;
	struct fe_opts fe;
	struct fe_target *target; /* --btf */
};

/* ---- options ------------------------------------------------------------- */

static void on_oom(void *ctx)
{
	struct run *r = ctx;

	longjmp(r->oom, 1);
}

static void on_diag(void *ctx, enum diag_level level, const char *line)
{
	const struct kiln_compile_opts *o = ctx;

	if (o->log)
		o->log(o->log_ctx, (enum kiln_level)level, line);
}

static const struct loc nowhere = {.insn = -1};

static const char *host_target(void)
{
#if defined(__aarch64__)
	return "aarch64";
#else
	return "x86_64";
#endif
}

/* "NAME+FEATURE+..." over the target's feature names; NAME is "baseline". */
static int parse_cpu(struct link *l, const char *cpu)
{
	const struct target *t = l->cg.target;

	l->cg.features = t->default_features;
	for (const char *p = cpu ? strchr(cpu, '+') : NULL; p;) {
		size_t n = strcspn(++p, "+");
		u32 i = 0;

		while (t->feature_names[i] &&
			(strlen(t->feature_names[i]) != n ||
				memcmp(t->feature_names[i], p, n)))
			i++;
		if (!t->feature_names[i]) {
			diag_error(&l->diag, &nowhere,
				"--cpu: %s has no feature %.*s", t->name,
				(int)n, p);
			return -EINVAL;
		}
		l->cg.features |= 1ull << i;
		p = p[n] ? p + n : NULL;
	}
	if (cpu && (strcspn(cpu, "+") != strlen("baseline") ||
			   strncmp(cpu, "baseline", strlen("baseline")))) {
		diag_error(&l->diag, &nowhere,
			"--cpu: unknown CPU %s, wanted "
			"baseline[+FEATURE...]",
			cpu);
		return -EINVAL;
	}
	return 0;
}

/* "" or what a C identifier may begin with: C must be able to name symbols. */
static bool is_name_start(const char *s)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz"
				      "ABCDEFGHIJKLMNOPQRSTUVWXYZ_";
	static const char digits[] = "0123456789";

	if (*s && !strchr(letters, *s))
		return false;
	while (*s && (strchr(letters, *s) || strchr(digits, *s)))
		s++;
	return !*s;
}

static int set_options(struct run *r, const struct kiln_compile_opts *o)
{
	struct link *l = &r->l;
	const char *name = o->target ? o->target : host_target();

	l->prefix = o->prefix ? o->prefix : "";
	if (!is_name_start(l->prefix)) {
		diag_error(&l->diag, &nowhere,
			"--prefix: \"%s\", wanted the start of a C identifier",
			l->prefix);
		return -EINVAL;
	}
	l->cg.target = target_find(name);
	if (!l->cg.target) {
		diag_error(&l->diag, &nowhere,
			"--target: unknown target %s, wanted %s", name,
			target_names(&l->a));
		return -EINVAL;
	}
	l->cg.opt = (u8)(o->opt < 0 ? 0 : o->opt ? o->opt : 2);
	l->cg.raw = o->raw;
	l->cg.strict_align = o->strict_align;
	l->cg.entry_sites = o->entry_sites;
	l->cg.inline_scope = o->hosted;
	l->cg.reg_mask = o->reg_mask;
	l->cg.tail_calls = (u8)o->tail_calls;
	if (o->tail_calls > KILN_TAIL_CALLS_STATIC) {
		diag_error(&l->diag, &nowhere, "tail_calls: unknown kind %u",
			o->tail_calls);
		return -EINVAL;
	}
	l->m.raw = o->raw;
	l->m.max_cpus = o->max_cpus ? o->max_cpus : DEFAULT_CPUS;
	l->m.progs = o->progs;
	r->fe = (struct fe_opts){.progs = o->progs,
		.types = o->types,
		.sets = o->sets,
		.map_entries = o->map_entries};
	return parse_cpu(l, o->cpu);
}

/* ---- input ---------------------------------------------------------------- */

static int read_file(
	struct link *l, const char *name, const u8 **bytes, size_t *size)
{
	struct loc at = {.file = name, .insn = -1};
	struct stat st;
	FILE *f = fopen(name, "rbe");

	if (!f) {
		int err = errno;

		diag_error(&l->diag, &at, "%s", strerror(err));
		return -err;
	}
	if (fstat(fileno(f), &st) || !S_ISREG(st.st_mode) ||
		st.st_size > MAX_INPUT) {
		diag_error(
			&l->diag, &at, "not a regular file of at most 1 GiB");
		fclose(f);
		return -EINVAL;
	}
	u8 *p = arena_alloc(&l->a, (size_t)st.st_size);
	*size = fread(p, 1, (size_t)st.st_size, f);
	*bytes = p;
	fclose(f);
	return 0;
}

/* What the options name besides the inputs. */
static int open_others(struct run *r)
{
	const struct kiln_compile_opts *o = &r->opts;
	struct link *l = &r->l;
	const u8 *bytes;
	size_t size;
	int err = o->btf ? read_file(l, o->btf, &bytes, &size) : 0;

	if (err)
		return err;
	if (o->btf) {
		r->fe.target = r->target = fe_target_new(&l->m, o->btf);
		if (fe_target_read(&l->m, r->target, bytes, size))
			return -EINVAL;
	}
	err = o->kconfig ? read_file(l, o->kconfig, &bytes, &size) : 0;
	if (err || !o->kconfig)
		return err;
	r->fe.kconfig = fe_kconfig_open(&l->m, o->kconfig, bytes, size);
	return r->fe.kconfig ? 0 : -EINVAL;
}

static int open_input(struct run *r, size_t i)
{
	struct link *l = &r->l;
	const u8 *bytes = r->in[i].bytes;
	size_t size = r->in[i].size;

	if (!bytes) {
		int err = read_file(l, r->in[i].name, &bytes, &size);

		if (err)
			return err;
	}
	l->m.file[l->m.nfile++] = r->in[i].name;
	if (l->m.raw)
		return fe_raw(&l->m, r->in[i].name, bytes, size);
	r->obj[i] = fe_open(&l->m, r->in[i].name, bytes, size);
	return r->obj[i] ? 0 : -EINVAL;
}

/* ---- stages --------------------------------------------------------------- */

static void done(const struct run *r, const char *stage)
{
	if (r->watch && r->watch->stage)
		r->watch->stage(r->watch->ctx, &r->l, stage);
}

static bool dumps(const struct link *l, const char *stage)
{
	return l->o->dump_stage && !strcmp(l->o->dump_stage, stage);
}

static int read_input(struct run *r, size_t i)
{
	struct link *l = &r->l;
	int err = open_input(r, i);

	if (err || l->m.raw)
		return err;
	if (dumps(l, "elf"))
		fe_dump_elf(l->o->dump, r->obj[i]);
	/* types first: map definitions and functions are described by them */
	if ((err = fe_btf(&l->m, r->obj[i])))
		return err;
	if ((err = fe_maps(&l->m, r->obj[i])))
		return err;
	if ((err = fe_reloc(&l->m, r->obj[i], &r->fe)))
		return err;
	/* values that depend on the target's types: before anything reads
	 * instructions */
	return fe_core(&l->m, r->obj[i], &r->fe);
}

static int frontend(struct run *r)
{
	struct link *l = &r->l;
	int err;

	if (!r->nin || (l->m.raw && r->nin > 1)) {
		diag_error(&l->diag, &nowhere, "%zu inputs given, wanted %s",
			r->nin, l->m.raw ? "one" : "one or more");
		return -EINVAL;
	}
	err = open_others(r);
	for (size_t i = 0; i < r->nin && !err; i++)
		err = read_input(r, i);
	if (!err && !l->m.raw)
		err = fe_link(&l->m, r->obj, r->nin, &r->fe);
	if (!err && !l->m.raw)
		err = fe_hooks(&l->m);
	if (err || l->diag.errors)
		return err ? err : -EINVAL;
	done(r, "read");
	if (fe_decode(&l->m))
		return -EINVAL;
	done(r, "decode");
	if (dumps(l, "decode"))
		fe_dump_decode(l->o->dump, &l->m);
	if (fe_flow(&l->m))
		return -EINVAL;
	done(r, "flow");
	if (dumps(l, "flow"))
		fe_dump_flow(l->o->dump, &l->m);
	if (fe_types(&l->m))
		return -EINVAL;
	done(r, "types");
	if (dumps(l, "types"))
		fe_dump_types(l->o->dump, &l->m);
	return fe_struct_ops(&l->m);
}

static const char *sym_name(void *ctx, u32 sym)
{
	const struct link *l = ctx;

	return l->m.sym.v[sym].name;
}

static void dump_ir(const struct link *l, const char *stage, const struct fn *f)
{
	if (dumps(l, stage))
		ir_print(l->o->dump, f, sym_name, (void *)l);
}

static void pass_done(void *ctx, const char *pass, const struct fn *f)
{
	(void)f;
	done(ctx, pass);
}

/* One function: IR -> passes -> machine IR -> registers -> bytes. */
static int compile_func(struct run *r, u32 i)
{
	struct link *l = &r->l;
	const struct target *t = l->cg.target;
	struct func *func = &l->m.func.v[i];
	struct placed *p = &l->placed[i];
	struct fn *f = fe_lower(&l->m, i, &l->fa, &l->cg);

	if (!f)
		return -EINVAL;
	/* lowering names helpers: the table may have moved */
	l->cg.syms = l->m.sym.v;
	l->cg.nsyms = l->m.sym.n;
	ir_check(f, "lower");
	done(r, "lower");
	dump_ir(l, "ir", f);
	ir_optimise(f, &l->cg, pass_done, r);
	t->legalise(f, &l->cg);
	ir_check(f, "legalise");
	done(r, "legalise");
	dump_ir(l, "opt", f);
	struct mfn *m = t->select(f, &l->cg, &l->ma);
	arena_reset(&l->fa); /* its memory serves registers */
	done(r, "select");
	mir_regalloc(m, t, l->cg.reg_mask ? l->cg.reg_mask : t->allocatable);
	done(r, "registers");
	if (dumps(l, "mir"))
		mir_print(l->o->dump, m, t);
	p->unit = arena_new(&l->a, struct unit_fn);
	p->unit->a = &l->a;
	p->unit->sym = func->body_sym;
	buf_init(&p->unit->code, &l->a);
	int err = t->emit(m, &l->cg, p->unit);
	done(r, "emit");
	if (err) {
		struct loc at = module_loc(&l->m, func, -1);

		diag_error(&l->diag, &at,
			"function of %u instructions is too large for "
			"the branches of %s",
			func->n, t->name);
	}
	return err;
}

static bool needs_scope(const struct link *l, u32 i)
{
	return l->m.func.v[i].is_prog && l->m.func.v[i].needs_scope;
}

static int make_wrapper(struct link *l, u32 i)
{
	struct placed *p = &l->placed[i];
	u32 enter = 0, leave = 0;

	if (needs_scope(l, i)) {
		enter = module_undef(&l->m, SYM_RUNTIME, KILN_SCOPE_ENTER);
		leave = module_undef(&l->m, SYM_RUNTIME, KILN_SCOPE_LEAVE);
	}

	l->cg.syms = l->m.sym.v;
	l->cg.nsyms = l->m.sym.n;
	p->wrapper = arena_new(&l->a, struct unit_fn);
	p->wrapper->a = &l->a;
	p->wrapper->sym = l->m.func.v[i].sym;
	buf_init(&p->wrapper->code, &l->a);
	const struct wrap w = {
		.site = lk_has_site(l, &l->m.func.v[i]),
		.scope = needs_scope(l, i),
		.body = l->m.func.v[i].body_sym,
		.enter = enter,
		.leave = leave,
		.counter = l->m.func.v[i].counter,
	};

	return l->cg.target->wrapper(&w, &l->a, p->wrapper);
}

static void dump_unit(const struct link *l, const struct unit_fn *u)
{
	FILE *out = l->o->dump;

	fprintf(out, "%s: %zu bytes, align %u, stack %u\n",
		l->m.sym.v[u->sym].name, u->code.n, u->align, u->stack);
	for (size_t i = 0; i < u->code.n; i++)
		fprintf(out, "%s%02x%s", i % 16 ? " " : "  ", u->code.p[i],
			i % 16 == 15 || i + 1 == u->code.n ? "\n" : "");
	for (u32 i = 0; i < u->rel.n; i++)
		fprintf(out, "  rel %#x type %u %s%+lld\n", u->rel.v[i].off,
			u->rel.v[i].type, l->m.sym.v[u->rel.v[i].sym].name,
			(long long)u->rel.v[i].addend);
	for (u32 i = 0; i < u->fault.n; i++)
		fprintf(out, "  fault %#x fixup %#x\n", u->fault.v[i].insn,
			u->fault.v[i].fixup);
	for (u32 i = 0; i < u->cfi.n; i++)
		fprintf(out, "  cfi %#x kind %u reg %u value %d\n",
			u->cfi.v[i].off, u->cfi.v[i].kind, u->cfi.v[i].reg,
			u->cfi.v[i].value);
}

static int generate(struct run *r)
{
	struct link *l = &r->l;

	for (u32 i = 0; i < l->m.func.n; i++) {
		if (!l->wanted[i])
			continue;
		int err = compile_func(r, i);
		arena_reset(&l->fa);
		arena_reset(&l->ma);
		if (!err &&
			(needs_scope(l, i) || lk_has_site(l, &l->m.func.v[i])))
			err = make_wrapper(l, i);
		if (err == -ENOMEM)
			return err;
		if (!err && dumps(l, "unit"))
			dump_unit(l, l->placed[i].unit);
		if (!err && r->watch && r->watch->func)
			r->watch->func(r->watch->ctx, l, i);
	}
	return l->diag.errors ? -EINVAL : 0;
}

/* The worst stack of every program: its own frame plus its deepest callee.
 * The call graph has no cycles and is at most 8 deep (flow.c). A subprogram
 * that makes a tail call leaves the frames above it behind, 33 times. */
static u32 worst_stack(struct link *l, u32 i)
{
	struct func *f = &l->m.func.v[i];
	u32 deepest = 0;
	bool waits = false;

	if (f->stack)
		return f->stack;
	for (u32 k = 0; k < f->ncallee; k++) {
		u32 n = worst_stack(l, f->callee[k]);

		deepest = n > deepest ? n : deepest;
		waits |= l->m.func.v[f->callee[k]].counter;
	}
	f->stack = deepest + l->placed[i].unit->stack;
	if (f->is_prog && waits)
		f->stack *= 1 + KILN_MAX_TAIL_CALLS;
	if (l->placed[i].wrapper)
		f->stack += l->placed[i].wrapper->stack;
	return f->stack;
}

static int check_maps(struct link *l)
{
	int err = 0;

	for (u32 i = 0; i < l->m.map.n; i++)
		if (l->map_used[i])
			err |= fe_map_check(&l->m, i);
	return err;
}

static int stages(struct run *r, void **out, size_t *out_size)
{
	struct link *l = &r->l;
	int err;

	/* 1. bytes -> module: everything hostile ends here */
	if ((err = frontend(r)))
		return err;
	/* 2. what is compiled, and under which names */
	if ((err = lk_resolve(l)))
		return -EINVAL;
	if ((err = check_maps(l)))
		return -EINVAL;
	lk_map_storage(l);
	/* 3. functions -> units */
	if ((err = generate(r)))
		return err;
	for (u32 i = 0; i < l->m.func.n; i++)
		if (l->wanted[i])
			worst_stack(l, i);
	/* stubs of the functions that programs attach to */
	if ((err = lk_hooks(l)))
		return err;
	if (l->o->dump_stage)
		return 0;
	/* 4. units, maps, data -> sections and symbols */
	if ((err = lk_layout(l)))
		return -EINVAL;
	done(r, "layout");
	/* 5. rows that describe them; they need final offsets */
	if ((err = lk_tables(l)))
		return -EINVAL;
	lk_eh_frame(l);
	lk_debug(l);
	done(r, "tables");
	/* 6. sections -> ELF */
	err = lk_elfout(l, out, out_size);
	done(r, "write");
	return err;
}

/* ---- the whole -------------------------------------------------------------- */

/* Callers of another version have a shorter struct, or a longer one: what
 * they set there must not be ignored. */
static int copy_opts(struct run *r, const struct kiln_compile_opts *o)
{
	size_t n = o ? o->sz : 0;
	bool newer = o && n < sizeof(o->sz);

	if (n)
		memcpy(&r->opts, o, n < sizeof(r->opts) ? n : sizeof(r->opts));
	for (size_t i = sizeof(r->opts); i < n; i++)
		newer |= ((const u8 *)o)[i] != 0;
	if (!newer)
		return 0;
	diag_error(&r->l.diag, &nowhere,
		"options of %zu bytes, this kiln has %zu", n, sizeof(r->opts));
	return -EINVAL;
}

static void init(struct run *r, const struct kiln_input *in, size_t n)
{
	struct link *l = &r->l;

	r->in = in;
	r->nin = n;
	l->o = &r->opts;
	l->elf_fd = -1;
	l->diag = (struct diag){.fn = on_diag, .ctx = &r->opts};
	arena_init(&l->a, on_oom, r);
	arena_init_with(&l->fa, &l->a);
	arena_init_with(&l->ma, &l->a);
	l->m.a = &l->a;
	l->m.diag = &l->diag;
	l->m.license = "";
}

static void fini(struct run *r)
{
	lk_elfout_fini(&r->l);
	for (size_t i = 0; r->obj && i < r->nin; i++)
		if (r->obj[i])
			fe_close(r->obj[i]);
	if (r->target)
		fe_target_close(r->target);
	arena_fini(&r->l.ma);
	arena_fini(&r->l.fa);
	arena_fini(&r->l.a);
	free(r);
}

/* Here running out of memory ends. */
static int compile(struct run *r, const struct kiln_compile_opts *opts,
	void **out, size_t *out_size)
{
	int err;

	if (setjmp(r->oom)) {
		diag_error(&r->l.diag, &nowhere, "out of memory");
		return -ENOMEM;
	}
	err = copy_opts(r, opts);
	if (err)
		return err;
	r->obj = arena_array(&r->l.a, struct fe_obj *, r->nin);
	r->l.m.file = arena_array(&r->l.a, const char *, r->nin);
	err = set_options(r, &r->opts);
	return err ? err : stages(r, out, out_size);
}

int lk_compile(const struct kiln_input *in, size_t n,
	const struct kiln_compile_opts *opts, const struct lk_watch *watch,
	void **out, size_t *out_size)
{
	struct run *r = calloc(1, sizeof(*r));
	int err;

	*out = NULL;
	*out_size = 0;
	if (!r) {
		if (opts && opts->sz >= sizeof(*opts))
			on_diag((void *)opts, DIAG_ERROR, "out of memory");
		return -ENOMEM;
	}
	r->watch = watch;
	init(r, in, n);
	err = compile(r, opts, out, out_size);
	fini(r);
	return err;
}
