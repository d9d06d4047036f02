/*
 * .debug_line -> which source line a place belongs to. Reads DWARF 2 to 4
 * (section 6.2 of the standard), which kiln writes; units of other versions,
 * of an image's C code, are passed over.
 */
#include <elf.h>
#include <stdlib.h>
#include <string.h>

#include "kiln/bytes.h"
#include "linker/dwarf.h"
#include "linker/linker.h"

/* A reader that cannot leave [p, end): past it everything reads 0. */
struct cursor {
	const u8 *p, *end;
	bool bad;
};

struct program {
	struct native *n;
	u32 sec;
	struct cursor c;
	/* header */
	u8 min_length, line_range, opcode_base;
	i8 line_base;
	u8 operands[256];
	vec(const char *) file;
	/* registers */
	struct place at;
	u64 file_no, line;
	bool is_first; /* row of its sequence */
};

/* ---- bytes ------------------------------------------------------------------- */

static const u8 *take(struct cursor *c, u64 n)
{
	const u8 *p = c->p;

	if (n > (u64)(c->end - c->p)) {
		c->bad = true;
		c->p = c->end;
		return NULL;
	}
	c->p += n;
	return p;
}

static u8 take_u8(struct cursor *c)
{
	const u8 *p = take(c, 1);

	return p ? *p : 0;
}

static u64 take_uleb(struct cursor *c)
{
	u64 v = 0;
	u32 shift = 0;
	u8 b;

	do {
		b = take_u8(c);
		if (shift < 64)
			v |= (u64)(b & 0x7f) << shift;
		shift += 7;
	} while (b & 0x80 && !c->bad);
	return v;
}

static i64 take_sleb(struct cursor *c)
{
	u64 v = 0;
	u32 shift = 0;
	u8 b;

	do {
		b = take_u8(c);
		if (shift < 64)
			v |= (u64)(b & 0x7f) << shift;
		shift += 7;
	} while (b & 0x80 && !c->bad);
	if (shift < 64 && b & 0x40)
		v |= ~(u64)0 << shift;
	return (i64)v;
}

static const char *take_string(struct cursor *c)
{
	const char *s = (const char *)c->p;
	const u8 *nul = memchr(c->p, 0, (size_t)(c->end - c->p));

	if (!nul) {
		c->bad = true;
		c->p = c->end;
		return "";
	}
	c->p = nul + 1;
	return s;
}

/* ---- header ------------------------------------------------------------------ */

static void read_header(struct program *g, u16 version)
{
	const u8 *length = take(&g->c, 4);
	struct cursor h = g->c;

	if (!length || !take(&g->c, get_le32(length)))
		return;
	h.end = g->c.p;
	g->min_length = take_u8(&h);
	if (version >= 4)
		take_u8(&h); /* maximum_operations_per_instruction: no VLIW */
	take_u8(&h);	     /* default_is_stmt */
	g->line_base = (i8)take_u8(&h);
	g->line_range = take_u8(&h);
	g->opcode_base = take_u8(&h);
	for (u32 i = 1; i < g->opcode_base; i++)
		g->operands[i] = take_u8(&h);
	while (*take_string(&h)) /* include directories */
		;
	g->file.n = 0;
	for (const char *s; *(s = take_string(&h));) {
		*vec_push(g->n->a, &g->file) = s;
		take_uleb(&h); /* directory */
		take_uleb(&h); /* time */
		take_uleb(&h); /* size */
	}
	g->c.bad |= h.bad || !g->line_range || !g->opcode_base;
}

/* ---- program ----------------------------------------------------------------- */

static void reset(struct program *g)
{
	g->at = (struct place){0};
	g->file_no = 1;
	g->line = 1;
	g->is_first = true;
}

static bool is_same(struct place a, struct place b)
{
	return a.sec == b.sec && a.off == b.off;
}

static void add_row(struct program *g, bool is_end)
{
	struct native *n = g->n;
	bool known = g->file_no && g->file_no <= g->file.n;

	if (!g->at.sec) /* code that was not linked in */
		return;
	/* the last of several rows for one place counts */
	if (!g->is_first && is_same(n->line.v[n->line.n - 1].at, g->at))
		n->line.n--;
	g->is_first = is_end;
	*vec_push(n->a, &n->line) =
		(struct nat_line){g->at, known ? g->file.v[g->file_no - 1] : "",
			is_end ? 0 : (u32)g->line};
}

static void do_special(struct program *g, u8 op)
{
	u8 v = op - g->opcode_base;

	g->at.off += (u64)(v / g->line_range) * g->min_length;
	g->line += (u64)(i64)(g->line_base + v % g->line_range);
	add_row(g, false);
}

static void do_extended(struct program *g)
{
	u64 len = take_uleb(&g->c);
	const u8 *p = take(&g->c, len);

	if (!p || !len)
		return;
	if (*p == DW_LNE_end_sequence) {
		add_row(g, true);
		reset(g);
	} else if (*p == DW_LNE_set_address && len == 9) {
		u64 off = (u64)(p + 1 - g->n->sec.v[g->sec].p);

		g->at = nat_addr(g->n, g->sec, off);
	}
}

static void do_standard(struct program *g, u8 op)
{
	const u8 *p;

	switch (op) {
	case DW_LNS_copy: add_row(g, false); break;
	case DW_LNS_advance_pc:
		g->at.off += take_uleb(&g->c) * g->min_length;
		break;
	case DW_LNS_advance_line: g->line += (u64)take_sleb(&g->c); break;
	case DW_LNS_set_file: g->file_no = take_uleb(&g->c); break;
	case DW_LNS_const_add_pc:
		g->at.off += (u64)((255 - g->opcode_base) / g->line_range) *
			     g->min_length;
		break;
	case DW_LNS_fixed_advance_pc:
		p = take(&g->c, 2);
		g->at.off += p ? get_le16(p) : 0;
		break;
	default: /* no register that is kept here changes */
		for (u32 i = 0; i < g->operands[op]; i++)
			take_uleb(&g->c);
	}
}

static void run(struct program *g)
{
	reset(g);
	while (g->c.p < g->c.end && !g->c.bad) {
		u8 op = take_u8(&g->c);

		if (op >= g->opcode_base)
			do_special(g, op);
		else if (op)
			do_standard(g, op);
		else
			do_extended(g);
	}
}

static int read_unit(struct program *g, struct cursor *units)
{
	const u8 *length = take(units, 4);

	g->c = *units;
	if (!length || !take(units, get_le32(length)))
		return -1;
	g->c.end = units->p;
	const u8 *p = take(&g->c, 2);
	u16 version = p ? get_le16(p) : 0;
	if (version < 2 || version > 4)
		return 0;
	read_header(g, version);
	if (!g->c.bad)
		run(g);
	return g->c.bad ? -1 : 0;
}

/* ---- all units --------------------------------------------------------------- */

static int compare_line(const void *a, const void *b)
{
	const struct nat_line *x = a, *y = b;

	if (x->at.sec != y->at.sec)
		return x->at.sec < y->at.sec ? -1 : 1;
	if (x->at.off != y->at.off)
		return x->at.off < y->at.off ? -1 : 1;
	/* where one sequence ends another may begin */
	return !!x->line - !!y->line;
}

int nat_read_lines(struct native *n)
{
	for (u32 i = 0; (i = nat_find(n, ".debug_line", i));) {
		const struct nat_sec *s = &n->sec.v[i];
		struct program g = {.n = n, .sec = i};

		if (!s->p || s->flags & SHF_COMPRESSED)
			continue;
		struct cursor units = {s->p, s->p + s->size, false};
		while (units.p < units.end)
			if (read_unit(&g, &units))
				return nat_error(
					n, "section .debug_line: damaged");
	}
	if (n->line.n)
		qsort(n->line.v, n->line.n, sizeof(*n->line.v), compare_line);
	return 0;
}

const struct nat_line *nat_line_at(const struct native *n, struct place at)
{
	u32 lo = 0, hi = n->line.n;

	while (lo < hi) {
		u32 mid = (lo + hi) / 2;
		const struct nat_line *l = &n->line.v[mid];

		if (l->at.sec < at.sec ||
			(l->at.sec == at.sec && l->at.off <= at.off))
			lo = mid + 1;
		else
			hi = mid;
	}
	if (!lo || n->line.v[lo - 1].at.sec != at.sec)
		return NULL;
	return n->line.v[lo - 1].line ? &n->line.v[lo - 1] : NULL;
}
