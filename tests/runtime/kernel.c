/* bpf(2) by number: no library between the test and the kernel. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "kernel.h"
#include "tests/bpf_pace.h"

static int bpf(int cmd, union bpf_attr *a)
{
	int r = (int)syscall(SYS_bpf, cmd, a, sizeof(*a));

	return r < 0 ? -errno : r;
}

bool kernel_is_there(void)
{
	int fd = kernel_map(BPF_MAP_TYPE_ARRAY, 4, 8, 1, 0);

	if (fd < 0) {
		printf("skipped: bpf(2): %s\n", strerror(-fd));
		return false;
	}
	close(fd);
	return true;
}

/* The last number of "0-3" or "0,2-5", plus one. */
u32 kernel_cpus(void)
{
	FILE *f = fopen("/sys/devices/system/cpu/possible", "r");
	unsigned last = 0;
	char sep;

	if (!f)
		return 1;
	while (fscanf(f, "%u%c", &last, &sep) == 2 && sep != '\n')
		;
	fclose(f);
	return last + 1;
}

int kernel_map(u32 type, u32 key, u32 value, u32 entries, u32 flags)
{
	union bpf_attr a = {.map_type = type,
		.key_size = key,
		.value_size = value,
		.max_entries = entries,
		.map_flags = flags};

	return bpf(BPF_MAP_CREATE, &a);
}

int kernel_map_create(union bpf_attr *a)
{
	return bpf(BPF_MAP_CREATE, a);
}

u32 kernel_map_id(int map)
{
	struct bpf_map_info info = {0};
	union bpf_attr a = {.info = {.bpf_fd = (u32)map,
				    .info_len = sizeof(info),
				    .info = (uintptr_t)&info}};

	return bpf(BPF_OBJ_GET_INFO_BY_FD, &a) ? 0 : info.id;
}

int kernel_lookup(int map, const void *key, void *value)
{
	union bpf_attr a = {.map_fd = (u32)map,
		.key = (uintptr_t)key,
		.value = (uintptr_t)value};

	return bpf(BPF_MAP_LOOKUP_ELEM, &a);
}

int kernel_update(int map, const void *key, const void *value, u64 flags)
{
	union bpf_attr a = {.map_fd = (u32)map,
		.key = (uintptr_t)key,
		.value = (uintptr_t)value,
		.flags = flags};

	return bpf(BPF_MAP_UPDATE_ELEM, &a);
}

int kernel_delete(int map, const void *key)
{
	union bpf_attr a = {.map_fd = (u32)map, .key = (uintptr_t)key};

	return bpf(BPF_MAP_DELETE_ELEM, &a);
}

int kernel_take(int map, const void *key, void *value)
{
	union bpf_attr a = {.map_fd = (u32)map,
		.key = (uintptr_t)key,
		.value = (uintptr_t)value};

	return bpf(BPF_MAP_LOOKUP_AND_DELETE_ELEM, &a);
}

int kernel_next_key(int map, const void *key, void *next)
{
	union bpf_attr a = {.map_fd = (u32)map,
		.key = (uintptr_t)key,
		.next_key = (uintptr_t)next};

	return bpf(BPF_MAP_GET_NEXT_KEY, &a);
}

int kernel_prog(const struct bpf_insn *insn, u32 n)
{
	return kernel_prog_of(BPF_PROG_TYPE_XDP, insn, n);
}

int kernel_prog_of(u32 type, const struct bpf_insn *insn, u32 n)
{
	static char log[1 << 16];
	union bpf_attr a = {.prog_type = type,
		.insns = (uintptr_t)insn,
		.insn_cnt = n,
		.license = (uintptr_t) "GPL"};
	bpf_pace();
	int fd = bpf(BPF_PROG_LOAD, &a);

	if (fd >= 0)
		return fd;
	a.log_level = 1;
	a.log_size = sizeof(log);
	a.log_buf = (uintptr_t)log;
	bpf(BPF_PROG_LOAD, &a);
	fprintf(stderr, "%s\n%s\n", strerror(-fd), log);
	return fd;
}

int kernel_run_packet(
	int prog, const void *in, u32 size, void *out, u32 *out_size)
{
	union bpf_attr a = {.test = {.prog_fd = (u32)prog,
				    .data_in = (uintptr_t)in,
				    .data_out = (uintptr_t)out,
				    .data_size_in = size,
				    .data_size_out = *out_size,
				    .repeat = 1}};
	int err = bpf(BPF_PROG_TEST_RUN, &a);

	*out_size = a.test.data_size_out;
	return err ? err : (int)a.test.retval;
}

int kernel_run(int prog, void *data, u32 size, u32 repeat, u32 *ns)
{
	union bpf_attr a = {.test = {.prog_fd = (u32)prog,
				    .data_in = (uintptr_t)data,
				    .data_out = (uintptr_t)data,
				    .data_size_in = size,
				    .data_size_out = size,
				    .repeat = repeat}};
	int err = bpf(BPF_PROG_TEST_RUN, &a);

	if (ns)
		*ns = a.test.duration;
	return err ? err : (int)a.test.retval;
}
