/*
 * bpf_trace_printk: the kernel's format rules, checked before anything is
 * printed, then one line to the port's log.
 *
 *   %[0+- ]*[1-9][0-9]*  then  d i u x X, with l or ll    integers
 *                              c                          a character
 *                              p, pK, px                  an address
 *                              s, pks, pus                a string
 *                              %                          itself
 *
 * At most three conversions with an argument. Without l an integer is 32 bits
 * wide. The result is the length of the whole text; the log gets what fits
 * into TEXT_MAX. Addresses print as 16 hex digits: the kernel hides them by
 * hashing, kiln's programs are the application's own.
 */
#include "runtime/rt.h"

#define TEXT_MAX 512

struct text {
	char *buf;
	size_t len; /* of all text, also what did not fit */
};

/* One conversion, as written. */
struct conv {
	char kind; /* d u x X c p s */
	u8 size;   /* of an integer: 4 or 8 */
	bool zero, plus, left, space;
	u32 width;
};

/* ---- text -------------------------------------------------------------------- */

static void put(struct text *t, char c)
{
	if (t->len < TEXT_MAX)
		t->buf[t->len] = c;
	t->len++;
}

static void put_times(struct text *t, char c, size_t n)
{
	/* widths can be absurd; what does not fit is only counted */
	for (; n && t->len < TEXT_MAX; n--)
		put(t, c);
	t->len += n;
}

/* [pad] sign [zeros] body [pad] */
static void put_field(struct text *t, const struct conv *c, char sign,
	const char *body, size_t n)
{
	size_t all = n + (sign != 0);
	size_t pad = c->width > all ? c->width - all : 0;
	bool zeros = c->zero && !c->left && c->kind != 's' && c->kind != 'c';

	if (!c->left && !zeros)
		put_times(t, ' ', pad);
	if (sign)
		put(t, sign);
	if (zeros)
		put_times(t, '0', pad);
	for (size_t i = 0; i < n; i++)
		put(t, body[i]);
	if (c->left)
		put_times(t, ' ', pad);
}

/* ---- conversions --------------------------------------------------------------- */

static void put_number(struct text *t, const struct conv *c, u64 v, char sign)
{
	const char *digit =
		c->kind == 'X' ? "0123456789ABCDEF" : "0123456789abcdef";
	u32 base = c->kind == 'd' || c->kind == 'u' ? 10 : 16;
	char buf[20]; /* 2^64 has 20 decimal digits */
	size_t n = 0;

	do
		buf[sizeof(buf) - ++n] = digit[v % base];
	while ((v /= base));
	put_field(t, c, sign, buf + sizeof(buf) - n, n);
}

static void put_integer(struct text *t, const struct conv *c, u64 arg)
{
	i64 v = c->size == 8 ? (i64)arg : (i32)arg;
	char sign = 0;

	if (c->kind != 'd') {
		put_number(t, c, c->size == 8 ? arg : (u32)arg, 0);
		return;
	}
	if (v < 0)
		sign = '-';
	else if (c->plus || c->space)
		sign = c->plus ? '+' : ' ';
	put_number(t, c, v < 0 ? -(u64)v : (u64)v, sign);
}

static void put_conv(struct text *t, const struct conv *c, u64 arg)
{
	const char *s = PTR(const char, arg);
	char one = (char)arg;
	size_t n = 0;

	switch (c->kind) {
	case 'c': put_field(t, c, 0, &one, 1); break;
	case 's':
		while (s && n < TEXT_MAX && s[n])
			n++;
		put_field(t, c, 0, s, n);
		break;
	default: put_integer(t, c, arg); break;
	}
}

/* ---- format ---------------------------------------------------------------------- */

static bool is_space(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

static bool is_print(char c)
{
	return c >= ' ' && c <= '~';
}

static bool is_alnum(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
	       (c >= 'A' && c <= 'Z');
}

/* p, pK, px before anything that is no letter or digit; pks, pus. */
static const char *parse_pointer(const char *p, struct conv *c)
{
	if ((p[0] == 'k' || p[0] == 'u') && p[1] == 's') {
		c->kind = 's';
		return p + 2;
	}
	if (p[0] == 'K' || p[0] == 'x')
		p++;
	else if (is_alnum(p[0]))
		return NULL;
	c->kind = 'x';
	c->size = 8;
	c->zero = true;
	c->width = c->width > 16 ? c->width : 16;
	return p;
}

static const char *parse_flags(const char *p, struct conv *c)
{
	for (;; p++) {
		switch (*p) {
		case '0': c->zero = true; continue;
		case '+': c->plus = true; continue;
		case '-': c->left = true; continue;
		case ' ': c->space = true; continue;
		}
		break;
	}
	for (; *p >= '0' && *p <= '9'; p++)
		c->width = c->width > 99999 ? c->width
					    : c->width * 10 + (u32)(*p - '0');
	return p;
}

/* Behind the conversion that begins at p, past its %; NULL if it is none. */
static const char *parse_conv(const char *p, struct conv *c)
{
	*c = (struct conv){.size = 4};
	p = parse_flags(p, c);
	if (*p == 'p')
		return parse_pointer(p + 1, c);
	if (*p == 's' || *p == 'c') {
		c->kind = *p;
		return p + 1;
	}
	if (*p == 'l') {
		c->size = 8;
		p += p[1] == 'l' ? 2 : 1;
	}
	switch (*p) {
	case 'i':
	case 'd': c->kind = 'd'; return p + 1;
	case 'u':
	case 'x':
	case 'X': c->kind = *p; return p + 1;
	}
	return NULL;
}

/* Checks the whole format and, with t, prints it. */
static int format(const char *p, const u64 *arg, u32 n_args, struct text *t)
{
	struct conv c;
	u32 n = 0;

	while (*p) {
		if (!is_print(*p) && !is_space(*p))
			return -RT_EINVAL;
		if (*p != '%' || p[1] == '%') {
			if (t)
				put(t, *p);
			p += *p == '%' ? 2 : 1;
			continue;
		}
		if (n >= n_args)
			return -RT_EINVAL;
		p = parse_conv(p + 1, &c);
		if (!p)
			return -RT_EINVAL;
		if (t)
			put_conv(t, &c, arg[n]);
		n++;
	}
	return 0;
}

HELPER_FN(trace_printk)
{
	const char *fmt = PTR(const char, a1);
	const u64 arg[3] = {a3, a4, a5};
	char buf[TEXT_MAX];
	struct text t = {buf, 0};
	u32 size = (u32)a2, n = 0;
	size_t shown;

	while (n < size && fmt[n])
		n++;
	if (n == size || format(fmt, arg, 3, NULL))
		return (u64)-RT_EINVAL;
	format(fmt, arg, 3, &t);
	shown = t.len < TEXT_MAX ? t.len : TEXT_MAX;
	if (shown && buf[shown - 1] == '\n')
		shown--; /* the log makes lines itself */
	kiln_port_log(buf, shown);
	return t.len;
}
