/*
 * Modules: the executable and the libraries that kiln-module.o registers. Their
 * pages with functions that can be hooked become text of ours (text.c), in which
 * all sleds are made (sled_<target>.c), before anybody runs them: in a
 * constructor before all others of the module.
 *
 * A function can be hooked if it has a sled, by the compiler's list of them, and
 * lies in the section kiln_text or is named by KILN_HOOK(). Other pages stay as
 * they are.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <link.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "runtime/map_prog_array.h"
#include "runtime/object.h"
#include "runtime/tramp.h"

extern const u32 kiln_abi_1;

struct module {
	struct module *next;
	struct kiln_tables t;
	u64 lo, hi;	   /* its segments lie in there */
	int err;	   /* why its functions cannot be hooked, or 0 */
	struct text *text; /* by address, apart */
	u32 ntext;
};

/* state */
static struct module *modules; /* under tramp_lock */
static _Atomic bool exiting;   /* nothing is taken away any more */

/* ---- sleds ----------------------------------------------------------------- */

/* Number k: of C functions by the compiler's list, then of BPF programs by their
 * sites. 0: none, UINT64_MAX: no more. */
static u64 sled_number(const struct kiln_tables *t, size_t k)
{
	size_t n = (size_t)(t->sleds_end - t->sleds);

	if (k < n)
		return (uintptr_t)t->sleds[k];
	k -= n;
	if (k >= (size_t)(t->sites_end - t->sites))
		return UINT64_MAX;
	return t->sites[k].kind == KILN_SITE_ENTRY ? obj_self(&t->sites[k].addr)
						   : 0;
}

static bool has_sled(const struct kiln_tables *t, u64 sled)
{
	u64 s;

	for (size_t k = 0; (s = sled_number(t, k)) != UINT64_MAX; k++)
		if (s == sled)
			return true;
	return false;
}

static bool is_in_text(const struct kiln_tables *t, u64 addr)
{
	return addr >= (uintptr_t)t->text && addr < (uintptr_t)t->text_end;
}

/* Of this module; one of another may have that name in its own list. */
static bool is_named(const struct kiln_tables *t, u64 sled)
{
	for (const struct kiln_hook_name *n = t->names; n < t->names_end; n++)
		if (n->func && sled_of(n->func) == sled)
			return true;
	return false;
}

/* Addresses of sleds that are to be made, at `out` if that is not NULL. */
static size_t list_sleds(const struct kiln_tables *t, u64 *out)
{
	size_t n = 0;
	u64 sled;

	for (size_t k = 0; (sled = sled_number(t, k)) != UINT64_MAX; k++) {
		if (!sled || !(is_in_text(t, sled) || is_named(t, sled)) ||
			!sled_is_empty(PTR(u8, sled)))
			continue;
		if (out)
			out[n] = sled;
		n++;
	}
	return n;
}

static int by_address(const void *a, const void *b)
{
	u64 x, y;

	memcpy(&x, a, sizeof(x));
	memcpy(&y, b, sizeof(y));
	return (x > y) - (x < y);
}

/* ---- pages ----------------------------------------------------------------- */

/* Runs of pages that have sleds. */
static void find_pages(struct module *m, const u64 *sled, size_t n)
{
	u64 page = (u64)sysconf(_SC_PAGESIZE);
	struct text *t = m->text - 1;

	for (size_t k = 0; k < n; k++) {
		u64 lo = sled[k] & ~(page - 1);
		u64 hi = align_up(sled[k] + sled_size, page);

		if (t < m->text || lo > (uintptr_t)t->addr + t->size) {
			t++;
			*t = (struct text){.addr = PTR(u8, lo), .fd = -1};
			m->ntext++;
		}
		if (hi > (uintptr_t)t->addr + t->size)
			t->size = hi - (uintptr_t)t->addr;
	}
}

static struct text *find_text(const struct module *m, u64 sled)
{
	for (u32 k = 0; k < m->ntext; k++)
		if (sled - (uintptr_t)m->text[k].addr < m->text[k].size)
			return &m->text[k];
	return NULL;
}

static int map_pages(struct module *m, const u64 *sled, size_t n)
{
	size_t s = 0;
	int err = 0;

	for (u32 k = 0; !err && k < m->ntext; k++) {
		struct text *t = &m->text[k];

		err = text_copy(t);
		for (; !err && s < n && find_text(m, sled[s]) == t; s++)
			sled_make(text_rw(t, PTR(void, sled[s])));
		if (!err)
			err = text_run(t, true);
	}
	return err;
}

static int make_sleds(struct module *m)
{
	size_t n = list_sleds(&m->t, NULL);
	u64 *sled;
	int err;

	if (!n)
		return 0;
	sled = calloc(n, sizeof(*sled));
	m->text = calloc(n, sizeof(*m->text));
	if (!sled || !m->text) {
		free(sled);
		return -ENOMEM;
	}
	list_sleds(&m->t, sled);
	qsort(sled, n, sizeof(*sled), by_address);
	find_pages(m, sled, n);
	err = map_pages(m, sled, n);
	free(sled);
	return err;
}

static void free_module(struct module *m)
{
	for (u32 k = 0; k < m->ntext; k++)
		text_close(&m->text[k]);
	free(m->text);
	free(m);
}

/* ---- finding ----------------------------------------------------------------- */

static struct module *find_module(u64 addr)
{
	struct module *m = modules;

	while (m && addr - m->lo >= m->hi - m->lo)
		m = m->next;
	return m;
}

static struct module *find_tables(const struct kiln_tables *t)
{
	struct module *m = modules;

	while (m && memcmp(&m->t, t, sizeof(*t)))
		m = m->next;
	return m;
}

/* ---- programs of loaded objects ------------------------------------------------ */

int tramp_make_sites(struct kiln_object *o)
{
	const struct kiln_site_row *r = o->site, *end;
	int err;

	if (!o->nsite)
		return 0;
	end = r + o->nsite;
	for (; r < end && r->kind != KILN_SITE_ENTRY; r++)
		;
	err = r < end ? text_edit(&o->text) : 0;
	if (err || r == end)
		return err;
	for (; r < end; r++)
		if (r->kind == KILN_SITE_ENTRY && r->size == sled_size &&
			sled_is_empty(PTR(u8, obj_self(&r->addr))))
			sled_make(text_rw(
				&o->text, PTR(void, obj_self(&r->addr))));
	text_done(&o->text, o->text.addr, o->text.size);
	return 0;
}

static bool is_site(const struct kiln_object *o, u64 sled)
{
	for (u32 k = 0; k < o->nsite; k++)
		if (o->site[k].kind == KILN_SITE_ENTRY &&
			obj_self(&o->site[k].addr) == sled)
			return true;
	return false;
}

static bool find_site(u64 func, struct tramp_place *p)
{
	struct kiln_object *o = NULL;

	if (kiln_port_lock(&rt_text_lock))
		return false;
	while ((o = prog_next_object(o)))
		if (func - (uintptr_t)o->text.addr < o->text.size)
			break;
	if (o) {
		p->sled = sled_of(PTR(void, func));
		p->text = &o->text;
	}
	bool found = o && is_site(o, p->sled) && sled_is_made(PTR(u8, p->sled));
	kiln_port_unlock(&rt_text_lock);
	return found;
}

static u64 find_program(const char *name)
{
	struct kiln_object *o = NULL;
	u64 found = 0;

	if (kiln_port_lock(&rt_text_lock))
		return 0;
	while (!found && (o = prog_next_object(o)))
		for (u32 k = 0; k < o->nprog; k++)
			if (o->prog[k].has_site &&
				!strcmp(o->prog[k].name, name))
				found = (uintptr_t)o->prog[k].entry;
	kiln_port_unlock(&rt_text_lock);
	return found;
}

/* ---- finding, of modules -------------------------------------------------------- */

u64 tramp_find_name(const char *name)
{
	const struct kiln_hook_name *n;
	u64 found = 0;

	if (kiln_port_lock(&tramp_lock))
		return 0;
	for (struct module *m = modules; m && !found; m = m->next)
		for (n = m->t.names; n < m->t.names_end && !found; n++)
			if (!strcmp(n->name, name))
				found = (uintptr_t)n->func;
	kiln_port_unlock(&tramp_lock);
	return found ? found : find_program(name);
}

#define SLED_OPTION "-fpatchable-function-entry=KILN_SLED (kiln/hook.h)"

/* Why the function, which is of this module, has no sled that was made. */
static const char *reason(const struct module *m, u64 func)
{
	u64 sled = sled_of(PTR(void, func));

	if (!has_sled(&m->t, sled))
		return "has no sled: mark it KILN_HOOKABLE, or compile it "
		       "with " SLED_OPTION " and say KILN_HOOK() of it";
	if (!is_in_text(&m->t, sled) && !is_named(&m->t, sled))
		return "has a sled, but no name: say KILN_HOOK() of it";
	if (m->err == -EPERM || m->err == -EACCES)
		return "lies in code that this system allows nobody to change "
		       "(memfd)";
	if (m->err)
		return "lies in code that could not be mapped";
	return "has a sled of another kind: mark it KILN_HOOKABLE, or compile "
	       "it with " SLED_OPTION;
}

static int error_of(const struct module *m)
{
	return m->err == -EACCES ? -EPERM : m->err ? m->err : -EINVAL;
}

int tramp_find_place(u64 func, struct tramp_place *p)
{
	const struct module *m = find_module(func);

	*p = (struct tramp_place){.func = func};
	if (m) {
		p->sled = sled_of(PTR(void, func));
		if (!m->err && has_sled(&m->t, p->sled))
			p->text = find_text(m, p->sled);
		if (p->text && sled_is_made(PTR(u8, p->sled)))
			return 0;
		p->why = reason(m, func);
		return error_of(m);
	}
	return find_site(func, p) ? 0 : -EINVAL;
}

void tramp_say_why(
	const struct tramp_place *p, const char *name, const char *who)
{
	Dl_info at;

	if (p->why)
		rt_log(KILN_LOG_ERROR, "%s: %s %s", who, name, p->why);
	else if (dladdr(PTR(void, p->func), &at) && at.dli_fname)
		rt_log(KILN_LOG_ERROR,
			"%s: %s is in %s, into which kiln-module.o is not "
			"linked, or which has no function that is "
			"KILN_HOOKABLE (kiln/hook.h)",
			who, name, at.dli_fname);
	else
		rt_log(KILN_LOG_ERROR,
			"%s: %s is in no executable or library with "
			"kiln-module.o",
			who, name);
}

void tramp_share_modules(void)
{
	for (struct module *m = modules; m; m = m->next)
		for (u32 k = 0; k < m->ntext; k++)
			m->text[k].shared = true;
}

/* ---- registration ------------------------------------------------------------ */

static void note_exit(void)
{
	atomic_store_explicit(&exiting, true, memory_order_relaxed);
}

/* Before the destructors of modules. */
static void at_exit(void)
{
	atexit(note_exit);
}

/* An address in the module: that of any of its tables. */
static u64 address_in(const struct kiln_tables *t)
{
	if (t->sleds != t->sleds_end)
		return (uintptr_t)t->sleds;
	if (t->names != t->names_end)
		return (uintptr_t)t->names;
	if (t->progs != t->progs_end)
		return (uintptr_t)t->progs;
	return t->maps != t->maps_end ? (uintptr_t)t->maps : 0;
}

/* dl_iterate_phdr(): the module around m->lo. */
static int find_bounds(struct dl_phdr_info *info, size_t size, void *arg)
{
	struct module *m = arg;
	u64 lo = UINT64_MAX, hi = 0;

	(void)size;
	for (u32 k = 0; k < info->dlpi_phnum; k++) {
		const ElfW(Phdr) *ph = &info->dlpi_phdr[k];
		u64 at = info->dlpi_addr + ph->p_vaddr;

		if (ph->p_type != PT_LOAD)
			continue;
		lo = at < lo ? at : lo;
		hi = at + ph->p_memsz > hi ? at + ph->p_memsz : hi;
	}
	if (m->lo < lo || m->lo >= hi)
		return 0;
	m->lo = lo;
	m->hi = hi;
	return 1;
}

/* Two copies of the runtime know nothing of each other's scopes and objects. */
static bool is_alone(void)
{
	const void *other = dlsym(RTLD_DEFAULT, KILN_ABI_SYMBOL);

	return !other || other == &kiln_abi_1;
}

static int add_module(const struct kiln_tables *t)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	struct module *m = calloc(1, sizeof(*m));
	int err;

	if (!m)
		return -ENOMEM;
	m->t = *t;
	m->lo = address_in(t);
	pthread_once(&once, at_exit);
	if (!dl_iterate_phdr(find_bounds, m))
		m->lo = m->hi = 0;
	m->err = fork_guard();
	if (!m->err)
		m->err = make_sleds(m);
	err = kiln_port_lock(&tramp_lock);
	if (err) {
		free_module(m);
		return err;
	}
	m->next = modules;
	modules = m;
	kiln_port_unlock(&tramp_lock);
	return 0;
}

static void attach_at_start(struct kiln_object *o)
{
	for (u32 k = 0; k < o->nprog; k++) {
		const struct kiln_hook_row *row = o->prog[k].hook;

		if (row && row->flags & KILN_HOOK_AT_START)
			kiln_program_attach(&o->prog[k], NULL);
	}
}

static bool is_known(const struct kiln_tables *t)
{
	if (kiln_port_lock(&tramp_lock))
		return false;
	bool known = find_tables(t);
	kiln_port_unlock(&tramp_lock);
	return known;
}

RT_API int kiln_module_register(const struct kiln_tables *t)
{
	struct kiln_object *o;
	int err;

	if (!address_in(t) || is_known(t)) /* kiln-module.o, twice */
		return 0;
	if (!is_alone()) {
		rt_log(KILN_LOG_ERROR,
			"two copies of libkiln are in this process: link "
			"libkiln.so into each executable and library");
		return -EEXIST;
	}
	err = add_module(t);
	if (err)
		return err;
	o = kiln_object_from_tables(t);
	if (o)
		attach_at_start(o);
	return 0;
}

RT_API void kiln_module_unregister(const struct kiln_tables *t)
{
	struct module *m, **p;

	/* threads may run until the process ends */
	if (atomic_load_explicit(&exiting, memory_order_relaxed) ||
		kiln_port_lock(&tramp_lock))
		return;
	m = find_tables(t);
	for (p = &modules; *p && *p != m; p = &(*p)->next)
		;
	if (m)
		*p = m->next;
	kiln_port_unlock(&tramp_lock);
	if (!m)
		return;
	linked_end(t, m->lo, m->hi);
	free_module(m);
}
