/*
 * Runs the functions of a generated file through their stubs, with each verdict:
 * every argument that the program and the function see, every result that
 * program and caller see, and all registers that must be kept.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "harness.h"
#include "kiln/format.h"

enum { MAX_PARAMS = 64, BYTES = 64, TEXT = 65536, WORD = 8 };

/* By entry(), body() and entry() again: [0] SP, [1] frame pointer, [2], [3]
 * what else the body gets, then what every call keeps. */
enum { SP, FP, OTHER, KEPT = 4, NREGS = 16 };
extern uint64_t regs_entry[NREGS], regs_body[NREGS], regs_back[NREGS];
extern uint64_t sp_enter;
extern void *stub_text, *body_text; /* where they go */
void stub_enter(void);		    /* call these, */
void stub_exit(void);		    /* then overwrite what a call may */
void body(void);
uint64_t harness_enter(struct kiln_tramp_frame *f);
void harness_exit(struct kiln_tramp_frame *f);

uint8_t result[64] __attribute__((aligned(16)));

/* Of the function that runs. */
static const struct func *now;
static uint64_t verdict;
static uint8_t arg_bytes[MAX_PARAMS][BYTES] __attribute__((aligned(16)));
static uint8_t *arg[MAX_PARAMS];
static uint8_t *edge[MAX_PARAMS]; /* nothing can be read from there on */
static uint8_t seen[MAX_PARAMS][BYTES];
static uint32_t recorded, entered, exited, failed;
static uint64_t seed = 1;
static uint8_t text[TEXT] __attribute__((aligned(TEXT)));

static uint8_t random_byte(void)
{
	seed = seed * 6364136223846793005u + 1442695040888963407u;
	return (uint8_t)(seed >> 56);
}

static void fail(const char *what, uint32_t k)
{
	if (failed++ < 20)
		fprintf(stderr, "%s: verdict %u: %s %u\n", now->text,
			(unsigned)verdict, what, k);
}

/* ---- values -------------------------------------------------------------- */

static bool is_same(const struct value *v, const uint8_t *p, const uint8_t *q)
{
	if (v->cls != STRUCT)
		return !memcmp(p, q, v->size);
	for (uint32_t k = 0; k < v->nscalar; k++)
		if (memcmp(p + v->scalar[k].off, q + v->scalar[k].off,
			    v->scalar[k].size))
			return false;
	return true;
}

static uint64_t extend(const struct value *v, const uint8_t *p)
{
	uint64_t x = 0;

	memcpy(&x, p, v->size);
	if (v->is_signed && v->size < WORD && x >> (8 * v->size - 1) & 1)
		x |= UINT64_MAX << 8 * v->size;
	return x;
}

static bool is_words(
	const struct value *v, const uint64_t *word, const uint8_t *want)
{
	uint64_t x = v->cls == STRUCT ? 0 : extend(v, want);
	const uint8_t *p = (const uint8_t *)word;

	if (v->cls != STRUCT)
		return *word == x;
	for (uint32_t k = v->size; k < WORD * v->nwords; k++)
		if (p[k])
			return false;
	return is_same(v, p, want);
}

static bool is_behind(const struct value *v)
{
	return v->cls == STRUCT && v->size > 16;
}

static void fill(const struct value *v, uint8_t *p, size_t n)
{
	for (size_t k = 0; k < n; k++)
		p[k] = random_byte();
	if (v->is_bool)
		p[0] &= 1;
}

/* ---- what the stub calls ------------------------------------------------- */

static void check_args(const struct kiln_tramp_frame *f)
{
	uint32_t word = 0;

	if ((uintptr_t)f % 8 || sp_enter % 16 != 0 || f->hook != 0x600d)
		fail("frame or stack", 0);
	for (uint32_t k = 0; k < now->nparam; k++) {
		if (!is_words(&now->param[k], &f->args[word], arg[k]))
			fail("word of parameter", k);
		word += now->param[k].nwords;
	}
}

static uint64_t *ret_word(struct kiln_tramp_frame *f)
{
	uint32_t word = 0;

	for (uint32_t k = 0; k < now->nparam; k++)
		word += now->param[k].nwords;
	return &f->args[word];
}

uint64_t harness_enter(struct kiln_tramp_frame *f)
{
	entered++;
	check_args(f);
	if (verdict == KILN_TRAMP_RETURN && now->ret.cls == INT)
		*ret_word(f) = extend(&now->ret, result);
	return verdict;
}

void harness_exit(struct kiln_tramp_frame *f)
{
	const struct value *v = &now->ret;
	const uint64_t *word = ret_word(f);

	exited++;
	check_args(f);
	if (is_behind(v) ? !is_same(v, (const uint8_t *)*word, result)
			 : v->cls && !is_words(v, word, result))
		fail("word of result", 0);
}

void record(uint32_t k, const void *p, size_t size)
{
	recorded++;
	memcpy(seen[k], p, size);
}

/* ---- a run --------------------------------------------------------------- */

static void check_regs(void)
{
	if (regs_entry[SP] != regs_back[SP] || regs_entry[FP] != regs_back[FP])
		fail("stack or frame pointer behind", 0);
	for (uint32_t k = KEPT; k < NREGS; k++)
		if (regs_back[k] != regs_entry[k])
			fail("register behind", k);
	if (verdict == KILN_TRAMP_RETURN)
		return;
	for (uint32_t k = OTHER; k < NREGS; k++)
		if (regs_body[k] != regs_entry[k])
			fail("register of the body", k);
	if (verdict == KILN_TRAMP_JUMP &&
		(regs_body[SP] != regs_entry[SP] ||
			regs_body[FP] != regs_entry[FP]))
		fail("stack or frame pointer of the body", 0);
	if (regs_body[SP] % 16)
		fail("alignment of the body's stack", 0);
}

static void fill_args(void)
{
	for (uint32_t k = 0; k < now->nparam; k++) {
		const struct value *v = &now->param[k];

		arg[k] = is_behind(v) ? edge[k] - v->size : arg_bytes[k];
		fill(v, arg[k], is_behind(v) ? v->size : BYTES);
	}
	fill(&now->ret, result, sizeof(result));
}

static void run(uint64_t by)
{
	uint8_t got[BYTES] __attribute__((aligned(16))) = {0};
	bool body_runs = by != KILN_TRAMP_RETURN;

	verdict = by;
	recorded = entered = exited = 0;
	memset(seen, 0, sizeof(seen));
	fill_args();
	now->caller((void *const *)arg, got);
	if (entered != 1 || exited != (by == KILN_TRAMP_CALL) ||
		recorded != (body_runs ? now->nparam : 0))
		fail("calls", 0);
	for (uint32_t k = 0; body_runs && k < now->nparam; k++)
		if (!is_same(&now->param[k], seen[k], arg[k]))
			fail("parameter of the body", k);
	if (now->ret.cls && !is_same(&now->ret, got, result))
		fail("result", 0);
	check_regs();
}

/* ---- as the runtime does it ---------------------------------------------- */

static void put32(uint8_t *p, uint32_t v)
{
	memcpy(p, &v, sizeof(v));
}

static void point(uint8_t *at)
{
	int64_t d = (uint8_t *)body - at;

#ifdef __aarch64__
	uint32_t word;

	memcpy(&word, at, 4);
	put32(at, word | ((uint32_t)(d >> 2) & 0x3ffffff));
#else
	put32(at + 1, (uint32_t)(d - 5));
#endif
}

static void install(const struct func *f)
{
	struct kiln_stub_lits lits = {.hook = 0x600d,
		.enter = (uintptr_t)stub_enter,
		.exit = (uintptr_t)stub_exit};

	memset(text, 0, sizeof(text)); /* faults on both targets */
	memcpy(text, f->stub, f->size);
	memcpy(text + f->lits, &lits, sizeof(lits));
	point(text + f->call);
	point(text + f->jump);
	__builtin___clear_cache((char *)text, (char *)text + f->size);
	stub_text = text;
	body_text = (void *)f->callee;
	now = f;
}

static void make_edges(void)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	uint8_t *p = mmap(NULL, 2 * page * MAX_PARAMS, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	for (uint32_t k = 0; k < MAX_PARAMS; k++) {
		edge[k] = p + (2 * k + 1) * page;
		if (p == MAP_FAILED || mprotect(edge[k], page, PROT_NONE))
			abort();
	}
}

int main(void)
{
	make_edges();
	if (mprotect(text, sizeof(text), PROT_READ | PROT_WRITE | PROT_EXEC)) {
		puts("skipped: no memory that is written and executed");
		return 77;
	}
	for (uint32_t k = 0; k < nfuncs; k++) {
		install(&funcs[k]);
		run(KILN_TRAMP_JUMP);
		run(KILN_TRAMP_CALL);
		if (now->ret.cls <= INT)
			run(KILN_TRAMP_RETURN);
	}
	printf("%u functions, %u failures\n", nfuncs, failed);
	return failed ? 3 : 0;
}
