/*
 * Which programs may be in one prog_array, by the names of their sections: two
 * that the running kernel takes have one context for kiln, and two that it
 * does not have not. Skipped where bpf(2) is refused, or the kernel is older
 * than the rule that places of attachment count (Linux 6.18).
 */
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "frontend/types.h"
#include "tests/bpf_pace.h"

enum { SKIPPED = 77 };

static const char *const sections[] = {
	"xdp",
	"xdp/devmap",
	"xdp/cpumap",
	"xdp.frags",
	"xdp.frags/devmap",
	"tc",
	"classifier",
	"action",
	"socket",
	"kprobe/a",
	"kprobe/b",
	"kprobe.multi/a",
	"uprobe/a",
	"tracepoint/a/b",
	"raw_tp/a",
	"raw_tp.w/a",
	"perf_event",
	"lwt_in",
	"lwt_out",
	"cgroup_skb/ingress",
	"cgroup_skb/egress",
	"cgroup/skb",
	"cgroup/sock",
	"cgroup/sock_create",
	"cgroup/sock_release",
	"cgroup/post_bind4",
	"cgroup/bind4",
	"cgroup/bind6",
	"cgroup/connect4",
	"cgroup/sendmsg6",
	"cgroup/getsockopt",
	"cgroup/setsockopt",
	"cgroup/sysctl",
	"cgroup/dev",
	"sockops",
	"sk_skb/stream_parser",
	"sk_skb/stream_verdict",
	"sk_msg",
	"sk_reuseport",
	"sk_reuseport/migrate",
	"sk_lookup",
	"flow_dissector",
	"syscall",
};

static int sys_bpf(enum bpf_cmd cmd, union bpf_attr *attr)
{
	int fd = (int)syscall(SYS_bpf, cmd, attr, sizeof(*attr));

	return fd < 0 ? -errno : fd;
}

/* A program for that section, or negative errno. */
static int load(const char *section, struct func *f)
{
	enum bpf_prog_type type = 0;
	enum bpf_attach_type attach = 0;
	const struct bpf_insn ret1[] = {
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .imm = 1},
		{.code = BPF_JMP | BPF_EXIT},
	};

	libbpf_prog_type_by_name(section, &type, &attach);
	*f = (struct func){
		.section = section, .prog_type = type, .attach_type = attach};
	bpf_pace();
	return sys_bpf(BPF_PROG_LOAD,
		&(union bpf_attr){
			.prog_type = type,
			.expected_attach_type = attach,
			.insns = (uintptr_t)ret1,
			.insn_cnt = countof(ret1),
			.license = (uintptr_t) "GPL",
			.prog_flags =
				!strncmp(section, "xdp.frags", 9)
					? 1U << 5 /* BPF_F_XDP_HAS_FRAGS */
				: type == BPF_PROG_TYPE_SYSCALL
					? BPF_F_SLEEPABLE
					: 0,
		});
}

static int put(int map, u32 key, int prog)
{
	return sys_bpf(
		BPF_MAP_UPDATE_ELEM, &(union bpf_attr){.map_fd = (u32)map,
					     .key = (uintptr_t)&key,
					     .value = (uintptr_t)&prog});
}

/* Whether one prog_array takes both. */
static bool kernel_takes(int a, int b)
{
	int map = sys_bpf(BPF_MAP_CREATE,
		&(union bpf_attr){.map_type = BPF_MAP_TYPE_PROG_ARRAY,
			.key_size = 4,
			.value_size = 4,
			.max_entries = 2});
	bool takes = map >= 0 && !put(map, 0, a) && !put(map, 1, b);

	close(map);
	return takes;
}

int main(void)
{
	struct arena a;
	struct module m = {.a = &a};
	struct func f[countof(sections)];
	int fd[countof(sections)], loaded = 0, differ = 0;

	arena_init(&a, NULL, NULL);
	for (u32 k = 0; k < countof(sections); k++) {
		fd[k] = load(sections[k], &f[k]);
		f[k].context = fe_context_text(&m, &f[k]);
		loaded += fd[k] >= 0;
		if (fd[k] < 0)
			printf("%s: not loaded: %s\n", sections[k],
				strerror(-fd[k]));
	}
	if (!loaded || kernel_takes(fd[0], fd[1])) {
		printf("skipped: no bpf(2), or an older kernel\n");
		arena_fini(&a);
		return SKIPPED;
	}
	for (u32 i = 0; i < countof(sections); i++)
		for (u32 k = i; k < countof(sections); k++) {
			bool same = !strcmp(f[i].context, f[k].context);

			if (fd[i] < 0 || fd[k] < 0 ||
				kernel_takes(fd[i], fd[k]) == same)
				continue;
			printf("%s, %s: the kernel says %s, kiln %s, %s\n",
				sections[i], sections[k], same ? "no" : "yes",
				f[i].context, f[k].context);
			differ++;
		}
	printf("%d of %zu sections, %d differences\n", loaded,
		countof(sections), differ);
	arena_fini(&a);
	return differ || loaded < 30 ? 1 : 0;
}
