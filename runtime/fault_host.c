/*
 * Faults of a process: one handler for SIGSEGV and SIGBUS. Who faulted is
 * decided by the program counter alone: a non-canonical address is reported as
 * address 0, and with the stack's registers as SIGBUS.
 *
 * The handler runs on any thread at any time, also inside itself, and finds the
 * module and its row without a lock:
 *
 *   modules   an immutable array sorted by address; a change makes another one
 *   readers   handlers that may be looking at an array. A handler
 *	       R1 counts itself   R2 loads the array   R3 ...   R4 leaves
 *	       An update, one at a time, by the lock,
 *	       U1 stores the new array   U2 frees the old ones if nobody is
 *	       counted; else they wait for the next update
 *
 * All of R1, R2, U1, U2 are sequentially consistent: a handler that U2 does not
 * see counts itself after U2, so R2 comes after U1 and finds the new array.
 * What an array points to, tables and programs, stays while the code may fault:
 * only a running program faults, and no object is closed while one runs.
 *
 * Whatever is not ours goes to the handler that was there before, with its own
 * signal mask but for the two signals: programs that it runs may fault, too.
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "runtime/fault.h"
#include "runtime/object.h"

/* ---- state ------------------------------------------------------------------------ */

/* An object with rows. */
struct module {
	u64 start, end; /* where its instructions with rows are */
	struct fault_table table;
	struct kiln_object *obj;
};

struct modules {
	struct modules *old; /* retired before this one was */
	u32 n;
	struct module m[]; /* by address */
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static _Atomic(struct modules *) modules;
static struct modules *retired; /* under lock */
static _Atomic u32 readers;

enum { SEGV, BUS, NSIGNALS };
static const int signals[NSIGNALS] = {SIGSEGV, SIGBUS};
static struct sigaction before[NSIGNALS]; /* whom ours replaced */
static _Atomic bool enabled;

/* ---- fix-up ----------------------------------------------------------------------- */

/* The module whose code may hold pc, or NULL. */
static const struct module *find_module(const struct modules *all, u64 pc)
{
	u32 lo = 0, hi = all ? all->n : 0;

	while (lo < hi) {
		u32 mid = lo + (hi - lo) / 2;

		if (pc < all->m[mid].start)
			hi = mid;
		else if (pc >= all->m[mid].end)
			lo = mid + 1;
		else
			return &all->m[mid];
	}
	return NULL;
}

static void add_one(u64 *counter)
{
	atomic_fetch_add_explicit(ATOMIC64(counter), 1, memory_order_relaxed);
}

/* The program whose code this is, or NULL. */
static struct kiln_program *prog_at(const struct kiln_object *o, u64 pc)
{
	for (u32 k = 0; k < o->nprog; k++)
		if (pc - (uintptr_t)o->prog[k].entry < o->prog[k].size)
			return &o->prog[k];
	return NULL;
}

static const struct kiln_frame_row *frame_at(
	const struct kiln_object *o, u64 pc)
{
	for (size_t k = 0; k < o->nframe; k++)
		if (pc - obj_self(&o->frame[k].func) < o->frame[k].code)
			return &o->frame[k];
	return NULL;
}

/* Where the caller is, and its SP. 0: not known. */
static u64 up_one(const struct kiln_frame_row *r, u64 *sp, u64 link)
{
	u64 ret = link;

	if (r->ret >= 0 &&
		!fault_copy(&ret, PTR(void, *sp + (u64)r->ret), sizeof(ret)))
		return 0;
	*sp += r->size;
	return ret ? fault_return(ret) - 1 : 0; /* inside of the call */
}

/* The program that runs: up from subprogram to subprogram. Callbacks have
 * foreign callers. NULL: not known. */
static struct kiln_program *find_running(
	const struct kiln_object *o, u64 pc, const void *uc)
{
	enum { MAX_DEPTH = 8 }; /* of BPF calls */
	u64 sp = fault_sp(uc), link = fault_link(uc);
	const struct kiln_frame_row *r = NULL;
	struct kiln_program *p = NULL;

	for (u32 depth = 0; depth < MAX_DEPTH; depth++) {
		const struct kiln_frame_row *up = frame_at(o, pc);

		if ((p = prog_at(o, pc)) || !up)
			break;
		r = up;
		pc = up_one(r, &sp, link);
		link = 0; /* its caller has called */
	}
	return !p && r && r->prog ? prog_at(o, obj_self(&r->prog)) : p;
}

static void count_fault(struct kiln_object *o, u64 pc, const void *uc)
{
	struct kiln_program *p = find_running(o, pc, uc);

	add_one(&o->faults);
	if (p)
		add_one(&p->faults);
}

static bool find_fixup(const void *uc, struct fault_fixup *f)
{
	u64 pc = fault_pc(uc);
	bool found;

	atomic_fetch_add(&readers, 1); /* R1 */
	const struct module *m =
		find_module(atomic_load(&modules), pc); /* R2 */
	found = m && fault_find(&m->table, pc, f);
	if (found)
		count_fault(m->obj, pc, uc);
	atomic_fetch_sub(&readers, 1); /* R4 */
	return found || fault_find_own(pc, f);
}

/* Signals that somebody sent, and faults that the instruction does not do over
 * and over: tags and keys that do not fit, memory that is broken. */
static bool is_foreign(int sig, const siginfo_t *si)
{
	enum { PKUERR = 4, MTEAERR = 8, MCEERR_AR = 4, MCEERR_AO = 5 };

	if (si->si_code <= 0)
		return true;
	if (sig == SIGSEGV)
		return si->si_code == PKUERR || si->si_code == MTEAERR;
	return si->si_code == MCEERR_AR || si->si_code == MCEERR_AO;
}

RT_API int kiln_fault(int sig, void *si, void *uc)
{
	struct fault_fixup f;

	if ((sig != SIGSEGV && sig != SIGBUS) || is_foreign(sig, si) ||
		!find_fixup(uc, &f))
		return 0;
	fault_resume(uc, &f);
	return 1;
}

/* ---- whom it is passed on to ------------------------------------------------------- */

/* The default action, at the same place with the same siginfo: a real fault
 * happens again at once, a sent signal is sent again. */
static void die(int sig, const siginfo_t *si)
{
	struct sigaction dfl = {.sa_handler = SIG_DFL};
	sigset_t set;

	sigaction(sig, &dfl, NULL);
	if (si->si_code > 0)
		return;
	syscall(SYS_rt_tgsigqueueinfo, getpid(), syscall(SYS_gettid), sig, si);
	sigemptyset(&set);
	sigaddset(&set, sig);
	pthread_sigmask(SIG_UNBLOCK, &set, NULL);
}

/* Returning from ours restores the mask. */
static void block_for(const struct sigaction *a)
{
	sigset_t set = a->sa_mask;

	for (u32 k = 0; k < NSIGNALS; k++)
		sigdelset(&set, signals[k]);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
}

static void pass_on(u32 k, siginfo_t *si, void *uc)
{
	struct sigaction a = before[k];

	if (!(a.sa_flags & SA_SIGINFO) && a.sa_handler == SIG_IGN &&
		si->si_code <= 0)
		return;
	if (!(a.sa_flags & SA_SIGINFO) &&
		(a.sa_handler == SIG_DFL || a.sa_handler == SIG_IGN)) {
		die(signals[k], si);
		return;
	}
	if (a.sa_flags & (int)SA_RESETHAND)
		before[k] = (struct sigaction){.sa_handler = SIG_DFL};
	block_for(&a);
	if (a.sa_flags & SA_SIGINFO)
		a.sa_sigaction(signals[k], si, uc);
	else
		a.sa_handler(signals[k]);
}

static void on_fault(int sig, siginfo_t *si, void *uc)
{
	int err = errno;

	if (!kiln_fault(sig, si, uc))
		pass_on(sig == SIGSEGV ? SEGV : BUS, si, uc);
	errno = err;
}

/* ---- installation ------------------------------------------------------------------- */

static void install(void)
{
	struct sigaction ours = {.sa_sigaction = on_fault,
		.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER | SA_RESTART};

	sigemptyset(&ours.sa_mask);
	for (u32 k = 0; k < NSIGNALS; k++) {
		/* known before ours can run */
		sigaction(signals[k], NULL, &before[k]);
		sigaction(signals[k], &ours, &before[k]);
	}
}

void fault_enable(void)
{
	if (atomic_load_explicit(&enabled, memory_order_acquire))
		return;
	fork_guard(); /* before anybody holds the lock */
	pthread_mutex_lock(&lock);
	if (!atomic_load_explicit(&enabled, memory_order_relaxed)) {
		install();
		/* pairs with the acquire above: who sees it may fault */
		atomic_store_explicit(&enabled, true, memory_order_release);
	}
	pthread_mutex_unlock(&lock);
}

RT_API void kiln_faults_enable(void)
{
	fault_enable();
}

/* ---- modules ------------------------------------------------------------------------- */

static void publish(struct modules *new)
{
	struct modules *old = atomic_exchange(&modules, new); /* U1 */

	if (old) {
		old->old = retired;
		retired = old;
	}
	if (atomic_load(&readers)) /* U2 */
		return;
	while ((old = retired)) {
		retired = old->old;
		free(old);
	}
}

/* The modules that there are, and m if it is one; NULL without memory. */
static struct modules *changed(const struct module *m)
{
	const struct modules *now =
		atomic_load_explicit(&modules, memory_order_relaxed);
	u32 n = now ? now->n : 0, k = 0;
	struct modules *new =
		malloc(sizeof(*new) + (n + 1) * sizeof(new->m[0]));

	if (!new)
		return NULL;
	*new = (struct modules){0};
	for (; k < n && (!m || now->m[k].start < m->start); k++)
		if (now->m[k].table.n)
			new->m[new->n++] = now->m[k];
	if (m)
		new->m[new->n++] = *m;
	for (; k < n; k++)
		if (now->m[k].table.n)
			new->m[new->n++] = now->m[k];
	return new;
}

int fault_add(struct kiln_object *o)
{
	struct module m = {.start = UINT64_MAX, .obj = o};
	struct modules *new;

	if (!o->nex)
		return 0;
	fault_table_init(&m.table, o->ex, o->nex);
	for (size_t k = 0; k < o->nex; k++) {
		u64 insn = fault_row_insn(&o->ex[k]);

		m.start = insn < m.start ? insn : m.start;
		m.end = insn >= m.end ? insn + 1 : m.end;
	}
	fault_enable();
	pthread_mutex_lock(&lock);
	new = changed(&m);
	if (new)
		publish(new);
	pthread_mutex_unlock(&lock);
	return new ? 0 : -ENOMEM;
}

/* Without memory for a new array the module stays in this one, without rows:
 * nobody looks at it, because its code does not run, and the next change leaves
 * it out. */
void fault_remove(const struct kiln_object *o)
{
	pthread_mutex_lock(&lock);
	struct modules *now =
		atomic_load_explicit(&modules, memory_order_relaxed);
	struct modules *new = NULL;

	for (u32 k = 0; now && k < now->n; k++)
		if (now->m[k].obj == o) {
			now->m[k].table.n = 0;
			new = changed(NULL);
		}
	if (new && !new->n) { /* nothing stays allocated */
		free(new);
		publish(NULL);
	} else if (new) {
		publish(new);
	}
	pthread_mutex_unlock(&lock);
}

/* ---- fork ---------------------------------------------------------------------------- */

void fault_before_fork(void)
{
	pthread_mutex_lock(&lock);
}

void fault_after_fork(bool child)
{
	if (child) /* no handler of another thread goes on there */
		atomic_store(&readers, 0);
	pthread_mutex_unlock(&lock);
}
