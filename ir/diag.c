/*
 * Diagnostics: one line each, from large to small, ending with what is wrong
 * and what would be right:
 *   file: section S: program P: insn N (source:line): text
 */
#include "ir/support.h"

enum { LINE_MAX_BYTES = 1024, ERRORS_SHOWN = 20 };

static size_t put(char *s, size_t n, const char *fmt, ...) printf_like(3, 4);

static size_t put(char *s, size_t n, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	int r = vsnprintf(s + n, LINE_MAX_BYTES - n, fmt, ap);
	va_end(ap);
	n += r > 0 ? (size_t)r : 0;
	return n < LINE_MAX_BYTES ? n : LINE_MAX_BYTES - 1;
}

/* Names come from hostile files: control bytes must not reach a terminal. */
static void make_printable(char *s)
{
	for (; *s; s++)
		if ((u8)*s < 0x20 || *s == 0x7f)
			*s = '?';
}

static void report(struct diag *d, enum diag_level level, const struct loc *l,
	const char *fmt, va_list ap)
{
	char s[LINE_MAX_BYTES] = "";
	size_t n = 0;

	if (l && l->file)
		n = put(s, n, "%s: ", l->file);
	if (l && l->section)
		n = put(s, n, "section %s: ", l->section);
	if (l && l->prog)
		n = put(s, n, "program %s: ", l->prog);
	if (l && l->insn >= 0) {
		n = put(s, n, "insn %lld", (long long)l->insn);
		n = l->source ? put(s, n, " (%s): ", l->source)
			      : put(s, n, ": ");
	}
	vsnprintf(s + n, sizeof(s) - n, fmt, ap);
	make_printable(s);
	if (d->fn)
		d->fn(d->ctx, level, s);
}

void diag_error(struct diag *d, const struct loc *l, const char *fmt, ...)
{
	u32 max = d->max_errors ? d->max_errors : ERRORS_SHOWN;
	va_list ap;

	if (d->errors++ >= max)
		return;
	va_start(ap, fmt);
	report(d, DIAG_ERROR, l, fmt, ap);
	va_end(ap);
}

void diag_warn(struct diag *d, const struct loc *l, const char *fmt, ...)
{
	va_list ap;

	d->warnings++;
	va_start(ap, fmt);
	report(d, DIAG_WARNING, l, fmt, ap);
	va_end(ap);
}
