/*
 * DWARF 4 for what runs: .debug_line maps native code to the lines of the BPF
 * source (from BTF.ext), and a .debug_info of one unit names the functions,
 * so that gdb shows source, breaks on lines and walks the stack. No variables
 * and no types: .BTF has those.
 *
 * Written only when the input has line records.
 */
#include <elf.h>
#include <string.h>

#include "linker/dwarf.h"
#include "linker/linker.h"

enum { OPCODE_BASE = 13, LINE_BASE = -5, LINE_RANGE = 14 };

struct debug {
	struct link *l;
	sec_id line, info, abbrev, ranges;
	u32 *file_of; /* by module line: 1-based file number */
	vec(const char *) file;
};

static sec_id debug_sec(struct link *l, const char *name)
{
	return img_sec_new(&l->img, name, SHT_PROGBITS, 0, 1);
}

static struct buf *bytes(const struct debug *d, sec_id s)
{
	return &img_sec(&d->l->img, s)->bytes;
}

/* An 8-byte address of text + off. */
static void put_addr(struct debug *d, sec_id s, sec_id text, u64 off)
{
	struct image *g = &d->l->img;
	size_t at = buf_zero(bytes(d, s), 8);

	img_rel(g, s, at, g->target->rel_abs64, img_sec_sym(g, text), (i64)off);
}

/* A 4-byte offset into another debug section. */
static void put_offset(struct debug *d, sec_id s, sec_id to, u32 off)
{
	struct image *g = &d->l->img;
	size_t at = buf_zero(bytes(d, s), 4);

	img_rel(g, s, at, g->target->rel_abs32, img_sec_sym(g, to), off);
}

/* A 4-byte length at `at` counts what follows it. */
static void close_length(struct buf *b, size_t at)
{
	struct buf word = *b;

	word.n = at;
	buf_u32(&word, (u32)(b->n - at - 4));
}

/* ---- .debug_line ----------------------------------------------------------- */

static u32 file_number(struct debug *d, const char *name)
{
	for (u32 i = 0; i < d->file.n; i++)
		if (!strcmp(d->file.v[i], name))
			return i + 1;
	*vec_push(&d->l->a, &d->file) = name;
	return d->file.n;
}

static void number_files(struct debug *d)
{
	const struct module *m = &d->l->m;

	d->file_of = arena_array(&d->l->a, u32, m->line.n);
	for (u32 i = 0; i < m->line.n; i++)
		d->file_of[i] = i && m->line.v[i].file == m->line.v[i - 1].file
					? d->file_of[i - 1]
					: file_number(d, m->line.v[i].file);
}

static void put_line_header(struct debug *d)
{
	/* operand counts of the standard opcodes 1..12 */
	static const u8 lengths[OPCODE_BASE - 1] = {
		0, 1, 1, 1, 1, 0, 0, 0, 1, 0, 0, 1};
	struct buf *b = bytes(d, d->line);

	buf_zero(b, 4); /* unit_length, closed at the end */
	buf_u16(b, 4);
	size_t header = buf_zero(b, 4);
	buf_u8(b, d->l->cg.target->code_align); /* minimum_instruction_length */
	buf_u8(b, 1); /* maximum_operations_per_instruction */
	buf_u8(b, 1); /* default_is_stmt */
	buf_u8(b, (u8)LINE_BASE);
	buf_u8(b, LINE_RANGE);
	buf_u8(b, OPCODE_BASE);
	buf_put(b, lengths, sizeof(lengths));
	buf_u8(b, 0); /* no include directories */
	for (u32 i = 0; i < d->file.n; i++) {
		buf_str(b, d->file.v[i]);
		buf_u8(b, 0); /* directory */
		buf_u8(b, 0); /* time */
		buf_u8(b, 0); /* size */
	}
	buf_u8(b, 0);
	close_length(b, header);
}

struct line_state {
	u32 pc, file, line, col;
};

static void put_row(struct debug *d, struct line_state *s, u32 pc, u32 src)
{
	const struct line *n = &d->l->m.line.v[src];
	struct buf *b = bytes(d, d->line);

	if (pc != s->pc) {
		buf_u8(b, DW_LNS_advance_pc);
		buf_uleb(b, (pc - s->pc) / d->l->cg.target->code_align);
	}
	if (d->file_of[src] != s->file) {
		buf_u8(b, DW_LNS_set_file);
		buf_uleb(b, d->file_of[src]);
	}
	if (n->col != s->col) {
		buf_u8(b, DW_LNS_set_column);
		buf_uleb(b, n->col);
	}
	if (n->line != s->line) {
		buf_u8(b, DW_LNS_advance_line);
		buf_sleb(b, (i64)n->line - s->line);
	}
	buf_u8(b, DW_LNS_copy);
	*s = (struct line_state){pc, d->file_of[src], n->line, n->col};
}

/* One sequence: rows where the source line changes, up to the end of u. */
static void put_sequence(struct debug *d, const struct placed *p)
{
	const struct module *m = &d->l->m;
	const struct unit_fn *u = p->unit;
	struct line_state s = {0, 1, 1, 0};
	struct buf *b = bytes(d, d->line);
	u32 last = 0;

	buf_u8(b, 0);
	buf_uleb(b, 9);
	buf_u8(b, DW_LNE_set_address);
	put_addr(d, d->line, p->sec, p->off);
	for (u32 i = 0; i < u->line.n; i++) {
		u32 slot = u->line.v[i].insn;
		u32 src = slot < m->insn.n ? m->insn.v[slot].src_line : 0;

		/* the entry, too, is of a line: debuggers look there */
		if (src && src != last)
			put_row(d, &s, last ? u->line.v[i].off : 0, src - 1);
		last = src ? src : last;
	}
	buf_u8(b, DW_LNS_advance_pc);
	buf_uleb(b, (u->code.n - s.pc) / d->l->cg.target->code_align);
	buf_u8(b, 0);
	buf_uleb(b, 1);
	buf_u8(b, DW_LNE_end_sequence);
}

/* ---- .debug_info, .debug_abbrev, .debug_ranges -------------------------------- */

enum { ABBREV_UNIT = 1, ABBREV_FUNC, ABBREV_FUNC_GLOBAL };

static void put_abbrev(
	struct buf *b, u8 code, u8 tag, bool children, const u8 *pairs, u32 n)
{
	buf_u8(b, code);
	buf_u8(b, tag);
	buf_u8(b, children);
	buf_put(b, pairs, n);
	buf_u16(b, 0);
}

static void put_abbrevs(struct debug *d)
{
	static const u8 unit[] = {DW_AT_producer, DW_FORM_string,
		DW_AT_language, DW_FORM_data2, DW_AT_name, DW_FORM_string,
		DW_AT_stmt_list, DW_FORM_sec_offset, DW_AT_low_pc, DW_FORM_addr,
		DW_AT_ranges, DW_FORM_sec_offset};
	static const u8 func[] = {DW_AT_name, DW_FORM_string, DW_AT_low_pc,
		DW_FORM_addr, DW_AT_high_pc, DW_FORM_data4, DW_AT_frame_base,
		DW_FORM_exprloc, DW_AT_external, DW_FORM_flag_present};
	struct buf *b = bytes(d, d->abbrev);

	put_abbrev(
		b, ABBREV_UNIT, DW_TAG_compile_unit, true, unit, sizeof(unit));
	put_abbrev(b, ABBREV_FUNC, DW_TAG_subprogram, false, func,
		sizeof(func) - 2);
	put_abbrev(b, ABBREV_FUNC_GLOBAL, DW_TAG_subprogram, false, func,
		sizeof(func));
	buf_u8(b, 0);
}

static void put_func(struct debug *d, u32 i)
{
	const struct func *f = &d->l->m.func.v[i];
	const struct placed *p = &d->l->placed[i];
	struct buf *b = bytes(d, d->info);

	buf_uleb(b, f->is_global ? ABBREV_FUNC_GLOBAL : ABBREV_FUNC);
	buf_str(b, f->name);
	put_addr(d, d->info, p->sec, p->off);
	buf_u32(b, (u32)p->unit->code.n);
	buf_uleb(b, 1);
	buf_u8(b, DW_OP_call_frame_cfa);
	/* base 0: entries are plain addresses */
	put_addr(d, d->ranges, p->sec, p->off);
	put_addr(d, d->ranges, p->sec, p->off + p->unit->code.n);
}

static void put_unit(struct debug *d)
{
	struct buf *b = bytes(d, d->info);

	buf_zero(b, 4); /* unit_length, closed at the end */
	buf_u16(b, 4);
	put_offset(d, d->info, d->abbrev, 0);
	buf_u8(b, 8); /* address size */
	buf_uleb(b, ABBREV_UNIT);
	buf_str(b, "kiln");
	buf_u16(b, DW_LANG_C99);
	buf_str(b, d->file.v[0]);
	put_offset(d, d->info, d->line, 0);
	buf_u64(b, 0);
	put_offset(d, d->info, d->ranges, 0);
}

void lk_debug(struct link *l)
{
	struct debug d = {.l = l};

	if (!l->m.line.n)
		return;
	d.line = debug_sec(l, ".debug_line");
	d.info = debug_sec(l, ".debug_info");
	d.abbrev = debug_sec(l, ".debug_abbrev");
	d.ranges = debug_sec(l, ".debug_ranges");
	number_files(&d);
	put_line_header(&d);
	put_abbrevs(&d);
	put_unit(&d);
	for (u32 i = 0; i < l->m.func.n; i++) {
		if (!l->wanted[i])
			continue;
		put_sequence(&d, &l->placed[i]);
		put_func(&d, i);
	}
	buf_u8(bytes(&d, d.info), 0); /* end of the unit's children */
	buf_zero(bytes(&d, d.ranges), 16);
	close_length(bytes(&d, d.line), 0);
	close_length(bytes(&d, d.info), 0);
}
