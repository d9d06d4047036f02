/* The list of legs, and running one in a child process. */
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "leg.h"

// clang-format off
const struct leg legs[] = {
	{"interp",  "the reference interpreter",      true,  NULL,            leg_interp, false},
	{"kernel",  "the running kernel's JIT",       false, leg_kernel_open, leg_kernel, false},
#ifdef TESTS_HAVE_KILN
	{"kiln-O0", "native code without optimising", true,  NULL,            leg_kiln_O0, false},
	{"kiln-O1", "native code, some optimising",   true,  NULL,            leg_kiln_O1, false},
	{"kiln-O2", "native code, all optimising",    true,  NULL,            leg_kiln_O2, false},
#endif
#ifdef TESTS_ARM64_RUNNER
	{"arm64-O0", "arm64 code without optimising", true,  NULL,            leg_arm64_O0, true},
	{"arm64-O1", "arm64 code, some optimising",   true,  NULL,            leg_arm64_O1, true},
	{"arm64-O2", "arm64 code, all optimising",    true,  NULL,            leg_arm64_O2, true},
#endif
	{0},
};
// clang-format on

const struct leg *leg_find(const char *name)
{
	for (const struct leg *l = legs; l->name; l++)
		if (!strcmp(l->name, name))
			return l;
	return NULL;
}

/* What the child hands back. */
struct answer {
	enum leg_status status;
	u64 r0;
	char text[256];
	u8 mem[LEG_MEM_MAX];
};

static void child(
	const struct leg *leg, struct leg_run *run, struct answer *out)
{
	alarm(5);
	out->status = leg->run(run);
	out->r0 = run->r0;
	memcpy(out->text, run->text, sizeof(out->text));
	memcpy(out->mem, run->mem, run->mem_size);
	_exit(0);
}

static enum leg_status take(
	struct leg_run *run, const struct answer *a, int how)
{
	if (WIFSIGNALED(how)) {
		snprintf(run->text, sizeof(run->text), "killed by %s",
			strsignal(WTERMSIG(how)));
		return LEG_FAILED;
	}
	run->r0 = a->r0;
	memcpy(run->text, a->text, sizeof(run->text));
	memcpy(run->mem, a->mem, run->mem_size);
	return a->status;
}

enum leg_status leg_run_apart(const struct leg *leg, struct leg_run *run)
{
	struct answer *a = mmap(NULL, sizeof(*a), PROT_READ | PROT_WRITE,
		MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	enum leg_status status = LEG_FAILED;
	pid_t pid = -1;
	int how;

	if (a != MAP_FAILED)
		pid = fork();
	if (!pid)
		child(leg, run, a);
	if (pid > 0 && waitpid(pid, &how, 0) == pid)
		status = take(run, a, how);
	else
		snprintf(run->text, sizeof(run->text), "no child process");
	if (a != MAP_FAILED)
		munmap(a, sizeof(*a));
	return status;
}
