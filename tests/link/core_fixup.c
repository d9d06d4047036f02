/*
 * Stands in for firmware whose programs fault: the handler hands the processor's
 * registers to kiln_core_fixup(). Programs of faults.bpf.c; libkiln-core.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <ucontext.h>
#include <unistd.h>

#include <kiln/port.h>
#include <kiln/runtime.h>

struct ctx {
	const void *p[14];
	char bytes[16];
	long size;
	const void *from;
};

long read_a(struct ctx *c), around(struct ctx *c), many(struct ctx *c);
long shares(struct ctx *c), probe(struct ctx *c);

static int bad, calls;

static void check(int ok, const char *what)
{
	if (!ok)
		printf("wrong: %s\n", what);
	bad |= !ok;
}

/* ---- the port ------------------------------------------------------------ */

uint64_t kiln_port_time_ns(void)
{
	return 1;
}

uint32_t kiln_port_random(void)
{
	return 4;
}

uint32_t kiln_port_cpu(void)
{
	return 0;
}

int kiln_port_lock(uint32_t *word)
{
	*word = 1;
	return 0;
}

void kiln_port_unlock(uint32_t *word)
{
	*word = 0;
}

void kiln_port_relax(void)
{
}

void kiln_port_core_sync(void)
{
}

void kiln_port_log(const char *text, size_t n)
{
	(void)text, (void)n;
}

void *kiln_port_pages(size_t size)
{
	(void)size;
	return NULL;
}

uint64_t kiln_port_pid_tgid(void)
{
	return 0;
}

/* ---- the handler --------------------------------------------------------- */

#if defined(__x86_64__)
/* by the processor's numbers */
static const int order[] = {REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP,
	REG_RBP, REG_RSI, REG_RDI, REG_R8, REG_R9, REG_R10, REG_R11, REG_R12,
	REG_R13, REG_R14, REG_R15};
#define PC(m)	  (m)->gregs[REG_RIP]
#define REG(m, n) (m)->gregs[order[n]]
enum { NREGS = 16 };
#else
#define PC(m)	  (m)->pc
#define REG(m, n) (m)->regs[n]
enum { NREGS = 31 };
#endif

/* What it changes is what firmware would return to. */
static void on_fault(int sig, siginfo_t *si, void *uc)
{
	mcontext_t *m = &((ucontext_t *)uc)->uc_mcontext;
	uint64_t regs[NREGS];
	uintptr_t pc = (uintptr_t)PC(m);

	(void)sig, (void)si;
	calls++;
	for (int n = 0; n < NREGS; n++)
		regs[n] = (uint64_t)REG(m, n);
	if (!kiln_core_fixup(&pc, regs))
		_exit(3);
	PC(m) = (__typeof__(PC(m)))pc;
	for (int n = 0; n < NREGS; n++)
		REG(m, n) = (__typeof__(REG(m, n)))regs[n];
}

/* ---- the program --------------------------------------------------------- */

/* Not a program's: registers and pc stay. */
static void foreign_faults_are_refused(void)
{
	uintptr_t pc = (uintptr_t)&check;
	uint64_t regs[NREGS], same[NREGS];

	memset(regs, 0x5a, sizeof(regs));
	memcpy(same, regs, sizeof(regs));
	check(!kiln_core_fixup(&pc, regs), "a foreign fault");
	check(pc == (uintptr_t)&check && !memcmp(regs, same, sizeof(regs)),
		"registers of a foreign fault");
}

static void loads_read_zero(void)
{
	struct ctx c = {.size = 7};

	check(read_a(&c) == 0 && calls == 1, "a load");
	calls = 0;
	check(around(&c) == 28 && calls == 2, "what is not loaded stays");
	calls = 0;
	check(many(&c) == 0 && calls == 28, "many pointers");
	calls = 0;
	check(shares(&c) == 8 && calls == 4, "in subprograms");
}

static void probes_end(void)
{
	struct ctx c = {.size = 16, .from = (void *)8};
	char zero[16] = {0};

	memset(c.bytes, 'x', sizeof(c.bytes));
	calls = 0;
	check(probe(&c) == -EFAULT && calls == 1, "probe_read");
	check(!memcmp(c.bytes, zero, sizeof(zero)), "bytes of probe_read");
}

int main(int argc, char **argv)
{
	struct sigaction a = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO};

	(void)argv;
	sigaction(SIGSEGV, &a, NULL);
	foreign_faults_are_refused();
	loads_read_zero();
	probes_end();
	if (argc > 1) /* the application's own: it dies of it, as 3 */
		*(volatile char *)8 = 1;
	return bad;
}
