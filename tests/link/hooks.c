/*
 * Has the functions that programs of hooks.bpf.c attach to, prints the rows of
 * kiln_hooks, and calls the programs as stubs do. Exits 1 if something is wrong.
 */
#include <stdio.h>
#include <string.h>

#include <kiln/hook.h>
#include <kiln/runtime.h>

/* Nobody attaches here. */
extern const char kiln_module_o;
const char kiln_module_o = 0;

struct node {
	int id;
	struct node *next;
};

struct two {
	long a;
	struct node *n;
};

KILN_HOOKABLE struct two mixed(
	unsigned char c, int i, struct two t, float f, struct node *n)
{
	return (struct two){c + i + t.a + (long)f, n};
}

KILN_HOOKABLE void nothing(void)
{
}

KILN_HOOKABLE long walk(struct node *n, short step, unsigned char more, int b)
{
	return n->id + step + more + b;
}

#ifdef TYPES
KILN_HOOKABLE int absent(int a)
{
	return a;
}
#else
extern const struct kiln_hook_row __start_kiln_hooks[] KILN_WEAK_HIDDEN;
extern const struct kiln_hook_row __stop_kiln_hooks[] KILN_WEAK_HIDDEN;
uint64_t p1(void *ctx);
uint64_t on_mixed(void *), out_mixed(void *), out_nothing(void *);
uint64_t mod_walk(void *);
/* as C calls a function of that prototype: nothing above a value's own width */
long new_walk(struct node *n, short step, unsigned char more, int b);
void new_nothing(void);
extern uint64_t seen[16];
static uint64_t (*volatile keep)(void *) = p1;

#define SELF(row, f) ((const char *)&(row)->f + (row)->f)

static int bad;

static void check(int ok, const char *what)
{
	if (!ok)
		printf("wrong: %s\n", what);
	bad |= !ok;
}

/* ---- rows ---------------------------------------------------------------- */

static const char *program(const struct kiln_hook_row *r)
{
	for (const struct kiln_prog_row *p = __start_kiln_progs;
		p < __stop_kiln_progs; p++)
		if (SELF(p, entry) == SELF(r, prog))
			return SELF(p, name);
	return "?";
}

static uint64_t address(const char *name)
{
	if (!strcmp(name, "mixed"))
		return (uint64_t)(uintptr_t)mixed;
	if (!strcmp(name, "nothing"))
		return (uint64_t)(uintptr_t)nothing;
	return strcmp(name, "walk") ? 0 : (uint64_t)(uintptr_t)walk;
}

/* libgcc's: how unwinders find what describes a function. */
struct bases {
	void *text, *data, *func;
};
const void *_Unwind_Find_FDE(void *pc, struct bases *b);

static void check_stub(const struct kiln_hook_row *r)
{
	static const struct kiln_stub_lits none;
	const char *stub = SELF(r, stub);
	struct bases b = {0};

	check(!(r->lits % 8) && r->call < r->lits && r->jump < r->lits &&
			r->ret < r->lits,
		"places of a stub");
	check(!memcmp(stub + r->lits, &none, sizeof(none)), "literals");
	check(_Unwind_Find_FDE((void *)(stub + r->call), &b) && b.func == stub,
		"unwinding of a stub");
}

static void print_rows(void)
{
	const char *last = NULL;

	for (const struct kiln_hook_row *r = __start_kiln_hooks;
		r < __stop_kiln_hooks; r++) {
		uint64_t target;

		memcpy(&target, SELF(r, target), sizeof(target));
		check(SELF(r, stub) >= last, "order of kiln_hooks");
		check(target == address(SELF(r, name)), "a function's address");
		last = SELF(r, stub);
		check_stub(r);
		printf("%s %d %s %d %u %u %s\n", SELF(r, name), r->kind,
			program(r), r->flags, r->nargs, r->nret,
			SELF(r, model));
	}
	for (const struct kiln_prog_row *p = __start_kiln_progs;
		p < __stop_kiln_progs; p++)
		printf("%s ", SELF(p, name));
	puts("");
}

/* ---- calls --------------------------------------------------------------- */

static void call_mixed(void)
{
	/* cookie, c, i, t.a, t.n, f, n, result */
	uint64_t frame[9] = {42, 1, 2, 3, 4, 5, 6, 7, 8}, *args = frame + 1;

	on_mixed(args);
	for (uint64_t i = 0; i < 6; i++)
		check(seen[i] == i + 1, "words");
	check(!seen[6] && seen[7] == 6, "the last argument");
	check(seen[8] == (uint64_t)-22 && seen[9] == 6, "no argument");
	check(!seen[10] && seen[11] == 3, "an argument by a variable");
	check(seen[12] == (uint64_t)-95, "no result in fentry");
	check(seen[13] == 6, "how many");
	check(seen[14] == 42, "cookie");
	args[1] = 6;
	on_mixed(args);
	check(seen[10] == (uint64_t)-22 && seen[11] == 6, "none by a variable");
	args[1] = 1ull << 32 | 5;
	on_mixed(args);
	check(!seen[10] && seen[11] == 6, "32 bits of a variable");
	out_mixed(args);
	check(!seen[0] && seen[1] == 7 && seen[2] == 7 && seen[3] == 8,
		"a result of two words");
}

static void call_others(void)
{
	struct node b = {-3, NULL}, a = {10, &b};
	uint64_t frame[6] = {0, (uintptr_t)&a}, (*mod)(void *) = mod_walk;
	/* as if C left something above its arguments */
	long (*dirty)(struct node *, long, long, long) =
		(long (*)(struct node *, long, long, long))(void *)new_walk;

	out_nothing(frame + 1);
	check(!seen[0] && !seen[1] && !seen[2], "no result, no arguments");
	check(mod(frame + 1) == (uint64_t)-3, "a result of fmod_ret");
	a.next = NULL; /* as in fentry: what faults reads 0 */
	check(mod(frame + 1) == 0, "a load that faults");
	check(new_walk(&a, -2, 255, -100) == 8 + 255 - 100 && a.id == 8,
		"freplace");
	check(dirty(&a, 0x7ffff0000 | 0xfffe, 0xffffff01, 0x500000007) ==
			6 + 1 + 7,
		"freplace extends");
	new_nothing();
	check(seen[15] == 1, "freplace without parameters");
}

int main(void)
{
	struct two t = mixed(1, 2, (struct two){3, NULL}, 4, NULL);
	struct node n = {1, NULL};

	nothing();
	check(t.a + walk(&n, 1, 1, 1) == 14 && keep != NULL, "functions");
	check(kiln_object_self() != NULL, "kiln_object_self()");
	print_rows();
	call_mixed();
	call_others();
	return bad;
}
#endif
