/*
 * Messages of the runtime: to the application's callback, else errors and
 * warnings to stderr. Lines of programs (trace_printk) are KILN_LOG_INFO to a
 * callback and go to stderr without one: who traces wants to see it.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "runtime/host.h"

#define LINE_MAX_BYTES 1024

/* state */
static struct {
	_Atomic(kiln_rt_log_fn) fn;
	void *_Atomic ctx;
} sink;

RT_API void kiln_set_log(kiln_rt_log_fn fn, void *ctx)
{
	/* ctx first: who sees the new function sees its ctx. One that is
	 * replaced while others log may be called with the new ctx; the
	 * application orders that. */
	atomic_store_explicit(&sink.ctx, ctx, memory_order_relaxed);
	atomic_store_explicit(&sink.fn, fn, memory_order_release);
}

/* One write, so that lines of several threads do not mix. */
static void to_stderr(const char *text, size_t n)
{
	struct iovec part[2] = {
		{(void *)(uintptr_t)text, n}, {(void *)(uintptr_t) "\n", 1}};

	if (writev(STDERR_FILENO, part, 2) < 0)
		return; /* nobody is left to be told */
}

void rt_log_line(enum kiln_log_level level, const char *line)
{
	kiln_rt_log_fn fn =
		atomic_load_explicit(&sink.fn, memory_order_acquire);

	if (fn)
		fn(atomic_load_explicit(&sink.ctx, memory_order_relaxed), level,
			line);
	else if (level != KILN_LOG_INFO)
		to_stderr(line, strlen(line));
}

/* Names come from hostile files: control bytes must not reach a terminal. */
static void make_printable(char *s)
{
	for (; *s; s++)
		if ((u8)*s < 0x20 || *s == 0x7f)
			*s = '?';
}

void rt_log(enum kiln_log_level level, const char *fmt, ...)
{
	char line[LINE_MAX_BYTES];
	va_list args;

	va_start(args, fmt);
	vsnprintf(line, sizeof(line), fmt, args);
	va_end(args);
	make_printable(line);
	rt_log_line(level, line);
}

RT_API void kiln_port_log(const char *text, size_t n)
{
	char line[LINE_MAX_BYTES];

	if (!atomic_load_explicit(&sink.fn, memory_order_acquire)) {
		to_stderr(text, n);
		return;
	}
	n = n < sizeof(line) ? n : sizeof(line) - 1;
	memcpy(line, text, n);
	line[n] = '\0';
	rt_log_line(KILN_LOG_INFO, line);
}
