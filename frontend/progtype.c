/*
 * What kind of program a section holds: --type first, then libbpf's names,
 * then names that loaders before libbpf 1.0 used.
 */
#include <bpf/libbpf.h>
#include <fnmatch.h>
#include <string.h>

#include "frontend/obj.h"
#include "kiln/compile.h"

/* Names of sections that libbpf does not know (any more). */
static const struct alias {
	const char *pattern; /* fnmatch */
	const char *section; /* the name libbpf knows */
} aliases[] = {
	// clang-format off
	{"[0-9]*/[0-9]*",   "classifier"},	/* iproute2: map id/index */
	{"classifier*",     "classifier"},
	{"cls*",            "classifier"},
	{"action*",         "action"},
	{"act*",            "action"},
	{"tc",              "classifier"},
	{"tc[_/-]*",        "classifier"},
	{"ingress*",        "classifier"},
	{"egress*",         "classifier"},
	{"from-*",          "classifier"},	/* Cilium */
	{"to-*",            "classifier"},
	{"socket*",         "socket"},
	{"filter*",         "socket"},
	{"xdp*",            "xdp"},
	{"sk_skb*",         "sk_skb"},
	{"sk_msg*",         "sk_msg"},
	{"sockops*",        "sockops"},
	{"cgroup/skb*",     "cgroup/skb"},
	{"perf_event*",     "perf_event"},
	{"kprobe*",         "kprobe/"},
	{"kretprobe*",      "kretprobe/"},
	{"uprobe*",         "uprobe/"},
	{"uretprobe*",      "uretprobe/"},
	{"tracepoint*",     "tracepoint/"},
	{"raw_tracepoint*", "raw_tracepoint/"},
	{"raw_tp*",         "raw_tracepoint/"},
	{"fentry*",         "fentry/"},
	{"fexit*",          "fexit/"},
	{"lwt_in*",         "lwt_in"},
	{"lwt_out*",        "lwt_out"},
	{"lwt_xmit*",       "lwt_xmit"},
	// clang-format on
};

static bool by_libbpf(const char *section, struct func *f)
{
	enum bpf_prog_type type;
	enum bpf_attach_type attach;

	libbpf_enter();
	int err = libbpf_prog_type_by_name(section, &type, &attach);
	libbpf_leave();
	if (err)
		return false;
	f->prog_type = type;
	f->attach_type = attach;
	return true;
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

static const char *option_for(const struct fe_opts *o, const char *section)
{
	const char *value = NULL;

	for (u32 i = 0; o->types && o->types[i].name; i++)
		if (!strcmp(o->types[i].name, section))
			value = o->types[i].value;
	return value;
}

int prog_type_find(struct module *m, struct func *f, const struct fe_opts *o)
{
	const char *option = option_for(o, f->section);
	const char *s = f->section + (f->section[0] == '?');

	if (option) {
		if (by_type_name(option, f) || by_libbpf(option, f))
			return 0;
		diag_error(m->diag,
			&(struct loc){.section = f->section, .insn = -1},
			"--type: unknown program type %s", option);
		return -1;
	}
	if (by_libbpf(s, f))
		return 0;
	for (u32 i = 0; i < countof(aliases); i++)
		if (!fnmatch(aliases[i].pattern, s, 0))
			return by_libbpf(aliases[i].section, f) ? 0 : -1;
	/* its context is then plain memory, the application's own struct */
	f->prog_type = BPF_PROG_TYPE_UNSPEC;
	return 0;
}
