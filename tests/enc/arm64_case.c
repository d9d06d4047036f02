/* Cases of AArch64. */
#include <stdarg.h>
#include <stdio.h>

#include "arm64_case.h"

void a64_case(u32 word, const char *text, ...)
{
	char line[128];
	struct want *w;
	va_list ap;
	int n;

	va_start(ap, text);
	n = vsnprintf(line, sizeof(line), text, ap);
	va_end(ap);
	w = case_new(line);
	put_le32(w->bytes, word);
	if (n < 0 || (size_t)n >= sizeof(line))
		case_fail("too long", line, w->bytes, 4);
}

static const char *reg_name(unsigned size, unsigned r, const char *of_31)
{
	static char names[8][8]; /* enough for one instruction */
	static unsigned next;
	char *name = names[next++ % 8];

	if (r == 31)
		snprintf(name, sizeof(names[0]), "%s", of_31);
	else
		snprintf(name, sizeof(names[0]), "%c%u", size == 8 ? 'x' : 'w',
			r);
	return name;
}

const char *a64_zr(unsigned size, unsigned r)
{
	return reg_name(size, r, size == 8 ? "xzr" : "wzr");
}

const char *a64_sp(unsigned size, unsigned r)
{
	return reg_name(size, r, size == 8 ? "sp" : "wsp");
}
