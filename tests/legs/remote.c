/* The other end of runner.c: objects go to a process of its own. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "native.h"
#include "wire.h"

/* The runner stops a program after 5 s itself. */
enum { PATIENCE_MS = 30 * 1000 };

/* State of this file: the runner. A forked child must not share its parent's,
 * and starts its own. */
static struct {
	pid_t owner, pid;
	int to, from;
} runner;

/* ---- the process -------------------------------------------------------- */

__attribute__((noreturn)) static void become_runner(int in, int out)
{
	dup2(in, 0);
	dup2(out, 1);
	execl(TESTS_ARM64_EMULATOR, TESTS_ARM64_EMULATOR, TESTS_ARM64_RUNNER,
		(char *)NULL);
	fprintf(stderr, "%s: %s\n", TESTS_ARM64_EMULATOR, strerror(errno));
	_exit(127);
}

static int start(void)
{
	int in[2], out[2];

	if (pipe2(in, O_CLOEXEC))
		return -errno;
	if (pipe2(out, O_CLOEXEC)) {
		close(in[0]);
		close(in[1]);
		return -errno;
	}
	signal(SIGPIPE, SIG_IGN);
	runner.pid = fork();
	if (!runner.pid)
		become_runner(in[0], out[1]);
	close(in[0]);
	close(out[1]);
	runner.to = in[1];
	runner.from = out[0];
	runner.owner = getpid();
	return runner.pid < 0 ? -EAGAIN : 0;
}

/* It did not answer: why, and the next call starts another. */
static enum leg_status stop(struct leg_run *run, const char *what)
{
	int how = 0;

	close(runner.to);
	close(runner.from);
	kill(runner.pid, SIGKILL);
	waitpid(runner.pid, &how, 0);
	snprintf(run->text, sizeof(run->text), "the runner %s%s%s", what,
		WIFSIGNALED(how) ? ": " : "",
		WIFSIGNALED(how) ? strsignal(WTERMSIG(how)) : "");
	runner.owner = 0;
	return LEG_FAILED;
}

/* ---- the pipes ------------------------------------------------------------ */

static int put(const void *p, size_t size)
{
	while (size) {
		ssize_t n = write(runner.to, p, size);

		if (n <= 0)
			return -1;
		p = (const u8 *)p + n;
		size -= (size_t)n;
	}
	return 0;
}

static int get(void *p, size_t size)
{
	struct pollfd fd = {.fd = runner.from, .events = POLLIN};

	while (size) {
		ssize_t n = poll(&fd, 1, PATIENCE_MS) == 1
				    ? read(runner.from, p, size)
				    : -1;

		if (n <= 0)
			return -1;
		p = (u8 *)p + n;
		size -= (size_t)n;
	}
	return 0;
}

enum leg_status remote_run(struct leg_run *run, const void *bytes, size_t size)
{
	const struct wire_request r = {(u32)size, run->mem_size};
	struct wire_answer a;

	if (runner.owner != getpid() && start()) {
		snprintf(run->text, sizeof(run->text), "no runner process");
		return LEG_FAILED;
	}
	if (put(&r, sizeof(r)) || put(bytes, size) ||
		put(run->mem, run->mem_size))
		return stop(run, "takes no request");
	if (get(&a, sizeof(a)) || get(run->mem, run->mem_size))
		return stop(run, "gives no answer");
	run->r0 = a.r0;
	snprintf(run->text, sizeof(run->text), "%.*s", (int)sizeof(a.text),
		a.text);
	return (enum leg_status)a.status;
}
