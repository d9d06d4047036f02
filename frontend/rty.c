/*
 * The lattice of register types. Going up: NONE, then one kind with a fixed
 * offset, the kind with any offset, UNKNOWN; contexts go to MIXED instead. A
 * number joined with a pointer is the pointer, because only the pointer can be
 * what a correct program follows (NULL, or a dead value on that path); of two
 * BTF objects remains what they have in common (pointee.c), of prog_arrays which
 * they are; bare
 * instructions, which may compute addresses as they like, get UNKNOWN.
 */
#include <linux/bpf.h>

#include "frontend/types.h"

struct rty rty_number(i64 v)
{
	if (!fits_i32(v))
		return rty_of(RTY_SCALAR, 0);
	return (struct rty){RTY_SCALAR, true, 0, (i32)v};
}

static struct rty loose(struct rty t) /* with any offset */
{
	t.fixed = false;
	t.off = 0;
	return t;
}

static bool is_null(struct rty t)
{
	return t.kind == RTY_SCALAR && t.fixed && !t.off;
}

static bool is_object(struct rty t)
{
	return t.kind == RTY_BTF || t.kind == RTY_REACHED;
}

/* ---- prog_arrays --------------------------------------------------------- */

/* The map's bit in an RTY_ARRAYS; 0: it is none of the module's first 31. */
static i32 array_bit(const struct module *m, u32 map)
{
	u32 before = 0;

	if (m->map.v[map].type != BPF_MAP_TYPE_PROG_ARRAY)
		return 0;
	for (u32 k = 0; k < map; k++)
		before += m->map.v[k].type == BPF_MAP_TYPE_PROG_ARRAY;
	return before < 31 ? 1 << before : 0;
}

static i32 array_bits(const struct module *m, struct rty t)
{
	return t.kind == RTY_MAP      ? array_bit(m, t.id)
	       : t.kind == RTY_ARRAYS ? t.off
				      : 0;
}

bool rty_is_array(const struct module *m, struct rty t, u32 map)
{
	if (t.kind == RTY_ARRAYS)
		return t.off & array_bit(m, map);
	return t.kind == RTY_MAP && t.id == map &&
	       m->map.v[map].type == BPF_MAP_TYPE_PROG_ARRAY;
}

/* ---- joins --------------------------------------------------------------- */

static struct rty join_kinds(const struct module *m, struct rty a, struct rty b)
{
	bool raw = m->raw;

	if (a.kind == RTY_NONE || is_null(a))
		return b.kind == RTY_NONE ? a : b;
	if (b.kind == RTY_NONE || is_null(b))
		return a;
	if (!raw && a.kind == RTY_SCALAR)
		return b;
	if (!raw && b.kind == RTY_SCALAR)
		return a;
	if (a.kind == RTY_FN && b.kind == RTY_FN)
		return rty_of(RTY_FN, RTY_ANY_FN);
	if (a.kind == RTY_PACKET && b.kind == RTY_PACKET)
		return rty_of(RTY_PACKET, RTY_PACKET_DATA);
	if ((is_object(a) && (is_object(b) || b.kind == RTY_PLAIN)) ||
		(a.kind == RTY_PLAIN && is_object(b)))
		return fe_pointee_join(m, a, b);
	if (a.kind == RTY_CTX || b.kind == RTY_CTX || a.kind == RTY_MIXED ||
		b.kind == RTY_MIXED)
		return rty_of(RTY_MIXED, 0);
	return rty_of(RTY_UNKNOWN, 0);
}

struct rty rty_join(const struct module *m, struct rty a, struct rty b)
{
	i32 x, y;

	if (rty_eq(a, b))
		return a;
	if ((x = array_bits(m, a)) && (y = array_bits(m, b)))
		return (struct rty){RTY_ARRAYS, true, 0, x | y};
	if (a.kind == b.kind && a.id == b.id)
		return loose(a);
	return join_kinds(m, a, b);
}

/* ---- arithmetic ---------------------------------------------------------- */

bool fe_alu(u8 op, u32 bits, u64 a, u64 b, u64 *out)
{
	u32 n = (u32)b & (bits - 1);
	i64 sign = bits == 32 ? (i32)a : (i64)a;

	if (bits == 32)
		a = (u32)a;
	switch (op) {
	case ISA_A_ADD: a += b; break;
	case ISA_A_SUB: a -= b; break;
	case ISA_A_MUL: a *= b; break;
	case ISA_A_AND: a &= b; break;
	case ISA_A_OR: a |= b; break;
	case ISA_A_XOR: a ^= b; break;
	case ISA_A_LSH: a <<= n; break;
	case ISA_A_RSH: a >>= n; break;
	case ISA_A_ARSH: a = (u64)(sign >> n); break;
	default: return false;
	}
	*out = bits == 32 ? (u32)a : a;
	return true;
}

static struct rty number_alu(u8 op, bool is32, struct rty a, struct rty b)
{
	u64 v;

	if (!a.fixed || !b.fixed ||
		!fe_alu(op, is32 ? 32 : 64, (u64)(i64)a.off, (u64)(i64)b.off,
			&v))
		return rty_of(RTY_SCALAR, 0);
	return rty_number((i64)v);
}

static bool is_number(struct rty t)
{
	return t.kind == RTY_NONE || t.kind == RTY_SCALAR;
}

static bool is_pointer(struct rty t)
{
	return !is_number(t) && t.kind != RTY_UNKNOWN && t.kind != RTY_REACHED;
}

/* p + n, or p - n. */
static struct rty move_pointer(struct rty p, struct rty n, i32 sign, bool raw)
{
	i32 off;

	if (p.kind == RTY_FN || p.kind == RTY_MAP || p.kind == RTY_ARRAYS ||
		p.kind == RTY_INNER)
		return rty_of(RTY_UNKNOWN, 0);
	if (!is_number(n) && raw)
		return rty_of(RTY_UNKNOWN, 0);
	if (p.fixed && n.kind == RTY_SCALAR && n.fixed &&
		!mul_overflows(n.off, sign, &off) &&
		!add_overflows(p.off, off, &p.off))
		return p;
	if (raw && p.kind == RTY_STACK)
		return rty_of(RTY_UNKNOWN, 0);
	return loose(p);
}

static struct rty add_types(struct rty a, struct rty b, bool raw)
{
	if (is_pointer(a) && is_pointer(b))
		return rty_of(a.kind == RTY_CTX || b.kind == RTY_CTX ||
					      a.kind == RTY_MIXED ||
					      b.kind == RTY_MIXED
				      ? RTY_MIXED
				      : RTY_UNKNOWN,
			0);
	if (is_pointer(a))
		return move_pointer(a, b, 1, raw);
	if (is_pointer(b))
		return move_pointer(b, a, 1, raw);
	if (a.kind != RTY_UNKNOWN && b.kind != RTY_UNKNOWN)
		return rty_of(RTY_REACHED, a.id | b.id); /* numbers have 0 */
	return rty_of(RTY_UNKNOWN, 0);
}

struct rty rty_alu(const struct isa_row *r, bool is32, struct rty dst,
	struct rty src, bool raw)
{
	bool numbers = is_number(dst) && is_number(src);

	if (numbers)
		return number_alu(r->arg, is32, dst, src);
	if (is32)
		return rty_of(RTY_SCALAR, 0);
	if (r->arg == ISA_A_ADD)
		return add_types(dst, src, raw);
	if (r->arg == ISA_A_SUB && is_pointer(dst) && !is_pointer(src))
		return move_pointer(dst, src, -1, raw);
	if (r->arg == ISA_A_SUB &&
		(dst.kind == RTY_UNKNOWN || dst.kind == RTY_REACHED))
		return dst;
	return rty_of(RTY_SCALAR, 0);
}

/* ---- text ---------------------------------------------------------------- */

static const char *base_name(
	struct rty t, const struct module *m, char *buf, size_t size)
{
	static const char *const packet[] = {
		"packet", "packet_end", "packet_meta"};

	switch (t.kind) {
	case RTY_NONE: return "unwritten";
	case RTY_SCALAR: return "number";
	case RTY_UNKNOWN: return "unknown";
	case RTY_CTX: return "context";
	case RTY_MAP:
		snprintf(buf, size, "map %s", m->map.v[t.id].name);
		return buf;
	case RTY_ARRAYS: return "one of several prog_arrays";
	case RTY_INNER:
		snprintf(buf, size, "map like %s", m->map.v[t.id].name);
		return buf;
	case RTY_VALUE:
		snprintf(buf, size, "value of %s", m->map.v[t.id].name);
		return buf;
	case RTY_STACK:
		snprintf(
			buf, size, t.id ? "stack of caller %u" : "stack", t.id);
		return buf;
	case RTY_PACKET: return packet[t.id];
	case RTY_DATA: return m->data.v[t.id].name;
	case RTY_PLAIN:
	case RTY_BTF: return fe_pointee_name(m, t, buf, size);
	case RTY_REACHED: return "object";
	case RTY_FN:
		return t.id == RTY_ANY_FN ? "function" : m->func.v[t.id].name;
	default: return "context or something else";
	}
}

const char *rty_name(
	struct rty t, const struct module *m, char *buf, size_t size)
{
	char base[80];
	const char *s = base_name(t, m, base, sizeof(base));

	if (t.kind == RTY_ARRAYS)
		snprintf(buf, size, "%s", s);
	else if (t.fixed && (t.off || t.kind == RTY_SCALAR))
		snprintf(buf, size, "%s %+d", s, t.off);
	else if (!t.fixed && (t.kind == RTY_CTX || t.kind == RTY_STACK))
		snprintf(buf, size, "%s +?", s);
	else
		snprintf(buf, size, "%s", s);
	return buf;
}
