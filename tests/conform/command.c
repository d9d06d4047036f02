/* Conformance cases through a command line, one process each. */
#include <errno.h>
#include <string.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "command.h"

enum { WORDS = 16 };

static char *hex_of(const u8 *p, size_t n)
{
	char *text = malloc(2 * n + 1);

	if (!text)
		return NULL;
	text[0] = 0;
	for (size_t k = 0; k < n; k++)
		sprintf(text + 2 * k, "%02x", p[k]);
	return text;
}

/* In the child: the words of the command, then the case. */
__attribute__((noreturn)) static void child(
	const char *command, const char *mem, const char *program, int out)
{
	char *copy = strdup(command), *rest = copy, *word;
	const char *argv[WORDS + 4];
	int n = 0;

	while (n < WORDS && (word = strsep(&rest, " ")))
		if (*word)
			argv[n++] = word;
	if (*mem) {
		argv[n++] = "--mem";
		argv[n++] = mem;
	}
	argv[n++] = program;
	argv[n] = NULL;
	dup2(out, 1);
	dup2(out, 2);
	alarm(10);
	execvp(argv[0], (char *const *)argv);
	dprintf(2, "%s: %s", argv[0], strerror(errno));
	_exit(127);
}

static void read_all(int fd, char *text, size_t size)
{
	size_t used = 0;
	ssize_t n;

	while (used + 1 < size &&
		(n = read(fd, text + used, size - used - 1)) > 0)
		used += (size_t)n;
	text[used] = 0;
	text[strcspn(text, "\n")] = 0;
}

/* Everything that is acquired here is given back at the end. */
static int run_hex(const char *command, const char *mem, const char *program,
	char *text, size_t size)
{
	int fd[2], how = 0;
	pid_t pid;

	if (pipe(fd)) {
		snprintf(text, size, "pipe: %s", strerror(errno));
		return -1;
	}
	pid = fork();
	if (!pid) {
		close(fd[0]);
		child(command, mem, program, fd[1]);
	}
	close(fd[1]);
	read_all(fd[0], text, size);
	close(fd[0]);
	if (pid < 0 || waitpid(pid, &how, 0) != pid)
		return -1;
	if (WIFSIGNALED(how))
		snprintf(text, size, "killed by %s", strsignal(WTERMSIG(how)));
	return WIFEXITED(how) && !WEXITSTATUS(how) ? 0 : -1;
}

int command_run(const char *command, const struct conform_case *c, char *text,
	size_t size)
{
	char *mem = hex_of(c->mem, c->mem_size);
	char *program = hex_of(c->code.bytes, 8 * (size_t)c->code.slots);
	int ret = -1;

	if (mem && program)
		ret = run_hex(command, mem, program, text, size);
	else
		snprintf(text, size, "out of memory");
	free(mem);
	free(program);
	return ret;
}
