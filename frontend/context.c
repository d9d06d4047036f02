/*
 * What a program's context is, as text. Programs that tail-call each other
 * have the same: the next one gets the context that the last one had. The text
 * is the identity, in this compilation and between objects (kiln_prog_row).
 *
 *   xdp                                      type
 *   xdp with fragments                       ... and what the kernel compares,
 *   cgroup_sock_addr/cgroup_inet4_connect    too: where it is attached,
 *   tracing/trace_fentry of vfs_read         to which function
 *   struct conn (24 bytes, 4f0c...)          the application's own, by name,
 *                                            size and digest
 *
 * As in the kernel a place of attachment counts for every type; where nothing
 * says one it is what sections of that type usually say. The kernel compares
 * prototypes of functions, this their names. The digest is over names, places
 * and types of all members; of what they point to only names count, since
 * compilers leave the rest out where they do not need it. A parameter that is
 * no pointer to a struct or union is memory like any other.
 */
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <linux/bpf.h>
#include <string.h>

#include "frontend/obj.h"
#include "frontend/types.h"

/* ---- digests of types ---------------------------------------------------- */

enum { MAX_STEPS = 1 << 16, MAX_DEPTH = 32 };

struct digest {
	const struct btf *b;
	u64 h;	    /* FNV-1a */
	u32 steps;  /* types seen */
	bool whole; /* false: there were too many, or too deep ones */
};

static void add_text(struct digest *d, const char *s)
{
	do
		d->h = (d->h ^ (u8)*s) * 0x100000001b3;
	while (*s++);
}

static void add_number(struct digest *d, u64 v)
{
	for (u32 k = 0; k < 8; k++, v >>= 8)
		d->h = (d->h ^ (u8)v) * 0x100000001b3;
}

static void add_name(struct digest *d, const struct btf_type *t)
{
	add_text(d, btf__name_by_offset(d->b, t->name_off));
}

/* gcc and clang spell numbers differently; a struct may be declared alone. */
static void add_pointee(struct digest *d, u32 id)
{
	const struct btf_type *t =
		btf__type_by_id(d->b, fe_btf_strip(d->b, id));

	if (btf_is_composite(t) || btf_is_fwd(t))
		add_name(d, t);
	else
		add_number(d, btf_is_int(t) ? t->size : btf_kind(t));
}

static void add_type(struct digest *d, u32 id, u32 depth);

static void add_members(struct digest *d, const struct btf_type *t, u32 depth)
{
	add_name(d, t);
	add_number(d, t->size);
	for (u32 i = 0; d->whole && i < btf_vlen(t); i++) {
		const struct btf_member *m = &btf_members(t)[i];

		add_text(d, btf__name_by_offset(d->b, m->name_off));
		add_number(d, btf_member_bit_offset(t, i));
		add_number(d, btf_member_bitfield_size(t, i));
		add_type(d, m->type, depth + 1);
	}
}

static void add_type(struct digest *d, u32 id, u32 depth)
{
	const struct btf_type *t;

	id = fe_btf_strip(d->b, id);
	t = btf__type_by_id(d->b, id);
	d->whole = d->whole && ++d->steps < MAX_STEPS && depth < MAX_DEPTH;
	add_number(d, btf_kind(t));
	if (!d->whole)
		return;
	if (btf_is_composite(t)) {
		add_members(d, t, depth);
	} else if (btf_is_array(t)) {
		add_number(d, btf_array(t)->nelems);
		add_type(d, btf_array(t)->type, depth + 1);
	} else if (btf_is_ptr(t)) {
		add_pointee(d, t->type);
	} else if (btf_is_int(t)) {
		add_number(d, t->size);
		add_number(d, btf_int_encoding(t) & BTF_INT_SIGNED);
	} else if (id) {
		add_name(d, t);
		add_number(d, t->size);
	}
}

static void add_proto(struct digest *d, const struct btf_type *t)
{
	add_number(d, btf_vlen(t));
	add_type(d, t->type, 0);
	for (u32 i = 0; d->whole && i < btf_vlen(t); i++)
		add_type(d, btf_params(t)[i].type, 0);
}

/* ---- own structs --------------------------------------------------------- */

static const char *own_struct(struct module *m, const struct func *f)
{
	u32 id;
	const struct btf *b = fe_parameter(m, f, &id);
	struct digest d = {.b = b, .h = 0xcbf29ce484222325, .whole = true};

	if (!id)
		return "plain memory";
	const struct btf_type *t = btf__type_by_id(b, id);
	const char *name = btf__name_by_offset(b, t->name_off);

	add_type(&d, id, 0);
	if (!d.whole)
		fe_bad(m, f, -1,
			"its context, struct %s, has more than %u members, or "
			"they nest more than %u deep",
			name, MAX_STEPS, MAX_DEPTH);
	return arena_printf(m->a, "%s %s (%u bytes, %016llx)",
		btf_is_union(t) ? "union" : "struct", *name ? name : "{...}",
		btf_is_fwd(t) ? 0 : t->size, (unsigned long long)d.h);
}

/* ---- programs with a type ------------------------------------------------ */

/* Where sections that name nothing else attach. */
static const struct {
	u32 type, attach;
} usual[] = {
	// clang-format off
	{BPF_PROG_TYPE_XDP,            BPF_XDP},
	{BPF_PROG_TYPE_SOCK_OPS,       BPF_CGROUP_SOCK_OPS},
	{BPF_PROG_TYPE_SK_MSG,         BPF_SK_MSG_VERDICT},
	{BPF_PROG_TYPE_SK_LOOKUP,      BPF_SK_LOOKUP},
	{BPF_PROG_TYPE_SK_REUSEPORT,   BPF_SK_REUSEPORT_SELECT},
	{BPF_PROG_TYPE_FLOW_DISSECTOR, BPF_FLOW_DISSECTOR},
	{BPF_PROG_TYPE_CGROUP_SOCK,    BPF_CGROUP_INET_SOCK_CREATE},
	{BPF_PROG_TYPE_CGROUP_SYSCTL,  BPF_CGROUP_SYSCTL},
	{BPF_PROG_TYPE_CGROUP_DEVICE,  BPF_CGROUP_DEVICE},
	{BPF_PROG_TYPE_LIRC_MODE2,     BPF_LIRC_MODE2},
	// clang-format on
};

/* "" or "/where". */
static const char *attach_text(struct module *m, const struct func *f)
{
	const char *name;

	if (!f->attach_type)
		return "";
	for (u32 k = 0; k < countof(usual); k++)
		if (usual[k].type == f->prog_type &&
			usual[k].attach == f->attach_type)
			return "";
	name = libbpf_bpf_attach_type_str((enum bpf_attach_type)f->attach_type);
	return name ? arena_printf(m->a, "/%s", name)
		    : arena_printf(m->a, "/%u", f->attach_type);
}

/* Of a table's member: how C calls it. */
static const char *proto_text(struct module *m, const struct func *f)
{
	u32 proto = fe_struct_ops_proto(m, f);
	struct digest d = {
		.b = m->btf_types, .h = 0xcbf29ce484222325, .whole = true};

	if (!proto)
		return " of no table";
	add_proto(&d, btf__type_by_id(d.b, proto));
	return arena_printf(
		m->a, " of arguments %016llx", (unsigned long long)d.h);
}

/* What else the kernel compares. */
static const char *more_text(struct module *m, const struct func *f)
{
	static const char frags[] = "xdp.frags";
	const char *s = f->section + (f->section[0] == '?');

	switch (f->prog_type) {
	case BPF_PROG_TYPE_XDP:
		return strncmp(s, frags, sizeof(frags) - 1) ? ""
							    : " with fragments";
	case BPF_PROG_TYPE_TRACING:
	case BPF_PROG_TYPE_LSM:
	case BPF_PROG_TYPE_EXT:
		return arena_printf(m->a, " of %s", fe_attach_name(m, f));
	case BPF_PROG_TYPE_STRUCT_OPS: return proto_text(m, f);
	case BPF_PROG_TYPE_SYSCALL:
		return arena_printf(m->a, " with %s", own_struct(m, f));
	default: return "";
	}
}

const char *fe_context_text(struct module *m, const struct func *f)
{
	if (m->raw)
		return "";
	if (f->prog_type == BPF_PROG_TYPE_UNSPEC)
		return own_struct(m, f);
	return arena_printf(m->a, "%s%s%s", ctx_prog_name(f->prog_type),
		attach_text(m, f), more_text(m, f));
}
