/*
 * What kind of program a function is, by the first that answers:
 *
 *   1. --type SECTION=TYPE; SECTION may be a pattern ("2/" and a star)
 *   2. the section's name, as libbpf knows it
 *   3. the section's name, as other loaders know it, if it is sure
 *   4. the type of its context in BTF (Cilium's XDP and tc programs share
 *      the names of their sections)
 *   5. what it does that only one type may
 *   6. the section's name, as other loaders guess it
 *   7. the type of all others, if it can only be meant for tail calls
 *      (programs.c)
 *
 * "filter" may be a socket filter or, as tc's tools have it, a classifier: a
 * socket filter does none of 5.
 */
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <fnmatch.h>
#include <string.h>

#include "frontend/obj.h"
#include "kiln/compile.h"

/* Names of sections that libbpf does not know (any more). */
static const struct alias {
	const char *pattern; /* fnmatch */
	const char *section; /* the name libbpf knows */
	bool guess;
} aliases[] = {
	// clang-format off
	{"[0-9]*/[0-9]*",   "classifier",     true}, /* iproute2: map id/index */
	{"classifier*",     "classifier",     false},
	{"cls*",            "classifier",     false},
	{"action*",         "action",         false},
	{"act*",            "action",         false},
	{"tc",              "classifier",     false},
	{"tc[_/-]*",        "classifier",     false},
	{"ingress*",        "classifier",     true},
	{"egress*",         "classifier",     true},
	{"*ingress*",       "classifier",     true}, /* kernel samples */
	{"*egress*",        "classifier",     true},
	{"from-*",          "classifier",     true}, /* Cilium */
	{"to-*",            "classifier",     true},
	{"socket*",         "socket",         false},
	{"filter*",         "socket",         false},
	{"xdp*",            "xdp",            false},
	{"sk_skb*",         "sk_skb",         false},
	{"sk_msg*",         "sk_msg",         false},
	{"sockops*",        "sockops",        false},
	{"cgroup/skb*",     "cgroup/skb",     false},
	{"perf_event*",     "perf_event",     false},
	{"kprobe*",         "kprobe/",        false},
	{"kretprobe*",      "kretprobe/",     false},
	{"uprobe*",         "uprobe/",        false},
	{"uretprobe*",      "uretprobe/",     false},
	{"tracepoint*",     "tracepoint/",    false},
	{"raw_tracepoint*", "raw_tracepoint/", false},
	{"raw_tp*",         "raw_tracepoint/", false},
	{"fentry*",         "fentry/",        false},
	{"fexit*",          "fexit/",         false},
	{"lwt_in*",         "lwt_in",         false},
	{"lwt_out*",        "lwt_out",        false},
	{"lwt_xmit*",       "lwt_xmit",       false},
	// clang-format on
};

/* Structs that the kernel gives one type of program. */
static const struct context {
	const char *name;
	u32 type;
} contexts[] = {
	// clang-format off
	{"xdp_md",                  BPF_PROG_TYPE_XDP},
	{"__sk_buff",               BPF_PROG_TYPE_SCHED_CLS},
	{"sk_msg_md",               BPF_PROG_TYPE_SK_MSG},
	{"bpf_sock_ops",            BPF_PROG_TYPE_SOCK_OPS},
	{"bpf_sock",                BPF_PROG_TYPE_CGROUP_SOCK},
	{"bpf_sock_addr",           BPF_PROG_TYPE_CGROUP_SOCK_ADDR},
	{"bpf_sockopt",             BPF_PROG_TYPE_CGROUP_SOCKOPT},
	{"bpf_sysctl",              BPF_PROG_TYPE_CGROUP_SYSCTL},
	{"bpf_cgroup_dev_ctx",      BPF_PROG_TYPE_CGROUP_DEVICE},
	{"sk_reuseport_md",         BPF_PROG_TYPE_SK_REUSEPORT},
	{"bpf_sk_lookup",           BPF_PROG_TYPE_SK_LOOKUP},
	{"bpf_perf_event_data",     BPF_PROG_TYPE_PERF_EVENT},
	{"bpf_raw_tracepoint_args", BPF_PROG_TYPE_RAW_TRACEPOINT},
	{"pt_regs",                 BPF_PROG_TYPE_KPROBE},
	// clang-format on
};

/* The type by the struct that the first parameter points to, or UNSPEC. */
static u32 context_type(const struct fe_obj *o, const struct func *f)
{
	const struct btf *b = o->btf;

	if (!f->btf_type)
		return BPF_PROG_TYPE_UNSPEC;
	const struct btf_type *t =
		btf__type_by_id(b, f->btf_type - o->btf_shift);
	t = btf__type_by_id(b, t->type);
	if (!btf_vlen(t))
		return BPF_PROG_TYPE_UNSPEC;
	t = btf__type_by_id(b, fe_btf_strip(b, btf_params(t)[0].type));
	if (!btf_is_ptr(t))
		return BPF_PROG_TYPE_UNSPEC;
	t = btf__type_by_id(b, fe_btf_strip(b, t->type));
	if (!btf_is_struct(t) && !btf_is_fwd(t))
		return BPF_PROG_TYPE_UNSPEC;
	const char *name = btf__name_by_offset(b, t->name_off);
	for (u32 i = 0; i < countof(contexts); i++)
		if (!strcmp(contexts[i].name, name))
			return contexts[i].type;
	return BPF_PROG_TYPE_UNSPEC;
}

static bool by_context(const struct fe_obj *o, struct func *f)
{
	f->prog_type = context_type(o, f);
	return f->prog_type != BPF_PROG_TYPE_UNSPEC;
}

static bool by_libbpf(const char *section, struct func *f)
{
	enum bpf_prog_type type;
	enum bpf_attach_type attach;

	fe_libbpf_enter();
	int err = libbpf_prog_type_by_name(section, &type, &attach);
	fe_libbpf_leave();
	if (err)
		return false;
	f->prog_type = type;
	f->attach_type = attach;
	return true;
}

static bool by_alias(const char *section, struct func *f, bool guess)
{
	for (u32 i = 0; i < countof(aliases); i++)
		if (aliases[i].guess == guess &&
			!fnmatch(aliases[i].pattern, section, 0) &&
			by_libbpf(aliases[i].section, f))
			return true;
	return false;
}

/* "xdp", "sched_cls", ... as bpftool prints them. */
static bool by_type_name(const char *name, struct func *f)
{
	for (u32 t = 0;; t++) {
		const char *s = libbpf_bpf_prog_type_str((enum bpf_prog_type)t);

		if (!s)
			return false;
		if (strcmp(s, name))
			continue;
		f->prog_type = t;
		return true;
	}
}

/* Of the --type options whose pattern fits, the last. */
static const char *option_for(const struct fe_opts *o, const char *section)
{
	const char *value = NULL;

	for (u32 i = 0; o->types && o->types[i].name; i++)
		if (!fnmatch(o->types[i].name, section, 0))
			value = o->types[i].value;
	return value;
}

/* Helpers that only programs with such a context may call; of those with a
 * socket buffer a classifier may call all. */
static const struct use {
	u32 helper;
	u32 type;
	bool socket; /* socket filters may, too */
} uses[] = {
	// clang-format off
	{BPF_FUNC_skb_store_bytes,      BPF_PROG_TYPE_SCHED_CLS, false},
	{BPF_FUNC_l3_csum_replace,      BPF_PROG_TYPE_SCHED_CLS, false},
	{BPF_FUNC_l4_csum_replace,      BPF_PROG_TYPE_SCHED_CLS, false},
	{BPF_FUNC_clone_redirect,       BPF_PROG_TYPE_SCHED_CLS, false},
	{BPF_FUNC_skb_vlan_push,        BPF_PROG_TYPE_SCHED_CLS, false},
	{BPF_FUNC_skb_vlan_pop,         BPF_PROG_TYPE_SCHED_CLS, false},
	{BPF_FUNC_skb_get_tunnel_key,   BPF_PROG_TYPE_SCHED_CLS, false},
	{BPF_FUNC_skb_set_tunnel_key,   BPF_PROG_TYPE_SCHED_CLS, false},
	{BPF_FUNC_skb_load_bytes,       BPF_PROG_TYPE_SCHED_CLS, true},
	{BPF_FUNC_skb_get_tunnel_opt,   BPF_PROG_TYPE_SCHED_CLS, false},
	{BPF_FUNC_skb_set_tunnel_opt,   BPF_PROG_TYPE_SCHED_CLS, false},
	{BPF_FUNC_skb_change_proto,     BPF_PROG_TYPE_SCHED_CLS, false},
	{BPF_FUNC_skb_change_type,      BPF_PROG_TYPE_SCHED_CLS, false},
	{BPF_FUNC_skb_under_cgroup,     BPF_PROG_TYPE_SCHED_CLS, false},
	{BPF_FUNC_get_hash_recalc,      BPF_PROG_TYPE_SCHED_CLS, false},
	{BPF_FUNC_skb_change_tail,      BPF_PROG_TYPE_SCHED_CLS, false},
	{BPF_FUNC_skb_pull_data,        BPF_PROG_TYPE_SCHED_CLS, false},
	{BPF_FUNC_skb_change_head,      BPF_PROG_TYPE_SCHED_CLS, false},
	{BPF_FUNC_skb_adjust_room,      BPF_PROG_TYPE_SCHED_CLS, false},
	{BPF_FUNC_redirect,             BPF_PROG_TYPE_SCHED_CLS, false},
	{BPF_FUNC_xdp_adjust_head,      BPF_PROG_TYPE_XDP,       false},
	{BPF_FUNC_xdp_adjust_meta,      BPF_PROG_TYPE_XDP,       false},
	{BPF_FUNC_xdp_adjust_tail,      BPF_PROG_TYPE_XDP,       false},
	{BPF_FUNC_redirect_map,         BPF_PROG_TYPE_XDP,       false},
	// clang-format on
};

/* Loads of packet bytes, of a socket buffer: BPF_LD | BPF_ABS, BPF_IND. */
static bool is_packet_load(const struct insn *i)
{
	u32 mode = i->code & 0xe0;

	return (i->code & 7) == BPF_LD && (mode == BPF_ABS || mode == BPF_IND);
}

static bool by_use(const struct module *m, struct func *f, bool not_socket)
{
	for (u32 k = 0; k < f->n; k++) {
		const struct insn *i = &m->insn.v[f->first + k];

		if (is_packet_load(i) && !not_socket) {
			f->prog_type = BPF_PROG_TYPE_SCHED_CLS;
			return true;
		}
		for (u32 u = 0; u < countof(uses); u++)
			if (i->code == FE_CALL && !i->src &&
				(u32)i->imm == uses[u].helper &&
				!(not_socket && uses[u].socket)) {
				f->prog_type = uses[u].type;
				return true;
			}
		if (i->code == (BPF_LD | BPF_IMM | BPF_DW))
			k++; /* its second slot is data */
	}
	return false;
}

bool fe_prog_type_known(const char *name)
{
	struct func f = {0};

	return by_type_name(name, &f) || by_libbpf(name, &f);
}

static bool find_type(
	const struct fe_obj *o, struct func *f, const struct fe_opts *opts)
{
	const char *option = option_for(opts, f->section);
	const char *s = f->section + (f->section[0] == '?');

	if (option && (by_type_name(option, f) || by_libbpf(option, f)))
		return true;
	if (!fnmatch("filter*", s, 0) && by_use(o->m, f, true))
		return true;
	if (by_libbpf(s, f) || by_alias(s, f, false) || by_context(o, f) ||
		by_use(o->m, f, false) || by_alias(s, f, true))
		return true;
	/* its context is then plain memory, the application's own struct */
	return !strcmp(s, ".text");
}

bool fe_prog_type(struct fe_obj *o, struct func *f, const struct fe_opts *opts)
{
	bool found = find_type(o, f, opts);

	if (f->prog_type == BPF_PROG_TYPE_EXT)
		f->ext_type = context_type(o, f);
	return found;
}
