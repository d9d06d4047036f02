/*
 * bpf_trace_printk and the others that print: the kernel's format rules, checked
 * before anything is printed, then one line to the port's log, or the text to
 * where the program wants it.
 *
 *   %[0+- ]*[1-9][0-9]*  then  d i u x X, with l or ll    integers
 *                              c                          a character
 *                              s, pks, pus                a string *
 *                              p *, pK, px                an address
 *                              ps, pS, pB                 code: its address
 *                              pi4, pI4, pi6, pI6         an IP address
 *                              %                          itself
 *   * only before the end, a space or a punctuation mark
 *
 * At most three conversions with an argument, of an array of them at most
 * twelve. Without l an integer is 32 bits wide. The result is the length of the
 * whole text; the log gets what fits into TEXT_MAX. Addresses print as 16 hex digits: the kernel hides them by
 * hashing, kiln's programs are the application's own. Code has no names here.
 */
#include "runtime/rt.h"

#define TEXT_MAX 512

struct text {
	char *buf;
	size_t room;
	size_t len; /* of all text, also what did not fit */
};

/* One conversion, as written. */
struct conv {
	char kind; /* d u x X c s; S code; i IP address, I as usual */
	u8 size;   /* of an integer: 4 or 8; of an address: 4 or 16 */
	bool zero, plus, left, space;
	u32 width;
};

/* ---- text -------------------------------------------------------------------- */

static void put(struct text *t, char c)
{
	if (t->len < t->room)
		t->buf[t->len] = c;
	t->len++;
}

static void put_times(struct text *t, char c, size_t n)
{
	/* widths can be absurd; what does not fit is only counted */
	for (; n && t->len < t->room; n--)
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

/* I4 192.0.2.1, i4 192.000.002.001, I6 four digits per group, i6 without
 * colons. Widths do not apply. */
static void put_ip(struct text *t, const struct conv *c, const u8 *b)
{
	struct conv part = {.kind = c->size == 4 ? 'u' : 'x', .zero = true};

	if (c->size == 16)
		part.width = 2;
	else if (c->kind == 'i')
		part.width = 3;
	for (u32 i = 0; i < c->size; i++) {
		if (i && c->size == 4)
			put(t, '.');
		else if (i && i % 2 == 0 && c->kind == 'I')
			put(t, ':');
		put_number(t, &part, b ? b[i] : 0, 0);
	}
}

static void put_string(struct text *t, const struct conv *c, const char *s)
{
	size_t n = 0;

	while (s && n < TEXT_MAX && s[n])
		n++;
	put_field(t, c, 0, s, n);
}

static void put_code(struct text *t, const struct conv *c, u64 addr)
{
	char buf[24];
	struct text hex = {buf, sizeof(buf), 0};

	put(&hex, '0');
	put(&hex, 'x');
	put_number(&hex, &(struct conv){.kind = 'x'}, addr, 0);
	put_field(t, c, 0, buf, hex.len);
}

static void put_conv(struct text *t, const struct conv *c, u64 arg)
{
	char one = (char)arg;

	switch (c->kind) {
	case 'c': put_field(t, c, 0, &one, 1); break;
	case 's': put_string(t, c, PTR(const char, arg)); break;
	case 'S': put_code(t, c, arg); break;
	case 'i':
	case 'I': put_ip(t, c, PTR(const u8, arg)); break;
	default: put_integer(t, c, arg); break;
	}
}

/* ---- format ---------------------------------------------------------------------- */

static bool is_space(u8 c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

static bool is_print(u8 c)
{
	return c >= ' ' && c <= '~';
}

static bool is_alnum(u8 c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
	       (c >= 'A' && c <= 'Z');
}

/* What may stand behind a string or a plain address: the end, a space or a
 * punctuation mark. The kernel reads bytes from 0x80 on as Latin-1. */
static bool is_stop(u8 c)
{
	if (c >= 0x80)
		return (c >= 0xa0 && c <= 0xbf) || c == 0xd7 || c == 0xf7;
	return !c || is_space(c) || (is_print(c) && !is_alnum(c));
}

static const char *parse_string(const char *p, struct conv *c)
{
	c->kind = 's';
	return is_stop((u8)*p) ? p : NULL;
}

/* Behind a %p and its kind, the kernel swallows letters and digits. */
static const char *skip_alnum(const char *p)
{
	while (is_alnum((u8)*p))
		p++;
	return p;
}

static const char *parse_pointer(const char *p, struct conv *c)
{
	if ((p[0] == 'k' || p[0] == 'u') && p[1] == 's') {
		c->width = 0;
		return parse_string(p + 2, c);
	}
	if ((p[0] == 'i' || p[0] == 'I') && (p[1] == '4' || p[1] == '6')) {
		c->kind = p[0];
		c->size = p[1] == '4' ? 4 : 16;
		return skip_alnum(p);
	}
	if (p[0] == 's' || p[0] == 'S' || p[0] == 'B') {
		c->kind = 'S';
		c->width = p[0] == 'B' ? 0 : c->width;
		return skip_alnum(p);
	}
	if (p[0] != 'K' && p[0] != 'x' && !is_stop((u8)p[0]))
		return NULL;
	c->kind = 'x';
	c->size = 8;
	c->zero = true;
	c->width = c->width > 16 ? c->width : 16;
	return skip_alnum(p);
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
	if (*p == 's')
		return parse_string(p + 1, c);
	if (*p == 'c') {
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
		/* UTF-8 is text; control characters are not */
		if ((u8)*p < 0x80 && !is_print((u8)*p) && !is_space((u8)*p))
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

/* The format is a string of at most size bytes, and right for n arguments. */
static bool is_format(const char *fmt, u32 size, const u64 *arg, u32 n_args)
{
	u32 n = 0;

	while (n < size && fmt[n])
		n++;
	return n < size && !format(fmt, arg, n_args, NULL);
}

static void log_text(const struct text *t)
{
	size_t shown = t->len < t->room ? t->len : t->room;

	if (shown && t->buf[shown - 1] == '\n')
		shown--; /* the log makes lines itself */
	kiln_port_log(t->buf, shown);
}

HELPER_FN(trace_printk)
{
	const char *fmt = PTR(const char, a1);
	const u64 arg[3] = {a3, a4, a5};
	char buf[TEXT_MAX];
	struct text t = {buf, TEXT_MAX, 0};

	if (!is_format(fmt, (u32)a2, arg, 3))
		return FAILED(EINVAL);
	format(fmt, arg, 3, &t);
	log_text(&t);
	return t.len;
}

/* ---- arguments in an array ---------------------------------------------------- */

enum { ARGS_MAX = 12 };

static bool is_array(u64 data, u64 size)
{
	size = (u32)size;
	return size % 8 == 0 && size <= 8 * ARGS_MAX && (data || !size);
}

/* bpf_trace_vprintk(fmt, fmt_size, data, data_size) */
HELPER_FN(trace_vprintk)
{
	const char *fmt = PTR(const char, a1);
	const u64 *arg = PTR(const u64, a3);
	char buf[TEXT_MAX];
	struct text t = {buf, TEXT_MAX, 0};

	if (!is_array(a3, a4) || !is_format(fmt, (u32)a2, arg, (u32)a4 / 8))
		return FAILED(EINVAL);
	format(fmt, arg, (u32)a4 / 8, &t);
	log_text(&t);
	return t.len;
}

/* bpf_snprintf(str, size, fmt, data, data_size): the size that all of the text
 * needs, its NUL counted; str gets what fits, and a NUL. */
HELPER_FN(snprintf)
{
	const char *fmt = PTR(const char, a3);
	const u64 *arg = PTR(const u64, a4);
	u32 room = (u32)a2;
	struct text t = {PTR(char, a1), room ? room - 1 : 0, 0};

	if (!is_array(a4, a5) || room > INT32_MAX ||
		format(fmt, arg, (u32)a5 / 8, NULL))
		return FAILED(EINVAL);
	format(fmt, arg, (u32)a5 / 8, &t);
	if (room)
		t.buf[t.len < t.room ? t.len : t.room] = '\0';
	return t.len + 1;
}

/* bpf_seq_printf(seq, fmt, fmt_size, data, data_size): through bpf_seq_write,
 * a hook. */
HELPER_FN(seq_printf)
{
	const char *fmt = PTR(const char, a2);
	const u64 *arg = PTR(const u64, a4);
	char buf[TEXT_MAX];
	struct text t = {buf, TEXT_MAX, 0};

	if (!is_array(a4, a5) || !is_format(fmt, (u32)a3, arg, (u32)a5 / 8))
		return FAILED(EINVAL);
	format(fmt, arg, (u32)a5 / 8, &t);
	if (t.len > t.room)
		return FAILED(E2BIG);
	return kiln_helper_seq_write(a1, (uintptr_t)buf, t.len, 0, 0);
}
