/* The firewall in the running kernel, by BPF_PROG_TEST_RUN. */
#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <stdio.h>
#include <string.h>

#include "engine.h"

const char engine_name[] = "kernel";

static struct bpf_object *object;
static int prog;

static int quiet(enum libbpf_print_level level, const char *fmt, va_list ap)
{
	return level == LIBBPF_WARN ? vfprintf(stderr, fmt, ap) : 0;
}

int engine_open(const char *bpf_object)
{
	libbpf_set_print(quiet);
	object = bpf_object__open_file(bpf_object, NULL);
	if (!object || bpf_object__load(object))
		return -1;
	prog = bpf_program__fd(
		bpf_object__find_program_by_name(object, "firewall"));
	return prog < 0 ? -1 : 0;
}

void engine_close(void)
{
	bpf_object__close(object);
}

int engine_run(void *packet, size_t size, unsigned repeat, uint32_t *verdict,
	uint32_t *ns)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = packet,
		.data_size_in = (__u32)size, .repeat = (int)repeat);
	int err = bpf_prog_test_run_opts(prog, &opts);

	*verdict = opts.retval;
	*ns = opts.duration;
	return err;
}

static int fd_of(const char *map)
{
	return bpf_object__find_map_fd_by_name(object, map);
}

int engine_update(const char *map, const void *key, const void *value)
{
	return bpf_map_update_elem(fd_of(map), key, value, BPF_ANY);
}

int engine_lookup(const char *map, const void *key, void *value)
{
	return bpf_map_lookup_elem(fd_of(map), key, value);
}

int engine_next_key(const char *map, const void *key, void *next)
{
	return bpf_map_get_next_key(fd_of(map), key, next);
}

unsigned engine_cpus(void)
{
	return (unsigned)libbpf_num_possible_cpus();
}

/* A variable of .bss: BTF says where in the one value of that map it is. */
static void global(const char *name, void *value, size_t size)
{
	const struct btf *btf = bpf_object__btf(object);
	int id = btf__find_by_name_kind(btf, ".bss", BTF_KIND_DATASEC);
	const struct btf_type *sec = btf__type_by_id(btf, (__u32)id);
	const struct btf_var_secinfo *v = btf_var_secinfos(sec);
	struct bpf_map *map;
	char bytes[4096] = "";
	uint32_t zero = 0;

	bpf_object__for_each_map(map, object)
	{
		if (!strstr(bpf_map__name(map), ".bss"))
			continue;
		bpf_map_lookup_elem(bpf_map__fd(map), &zero, bytes);
		for (int i = 0; i < btf_vlen(sec); i++)
			if (!strcmp(btf__name_by_offset(
					    btf, btf__type_by_id(btf, v[i].type)
							 ->name_off),
				    name))
				memcpy(value, bytes + v[i].offset, size);
	}
}

uint64_t engine_bytes_seen(void)
{
	uint64_t v = 0;

	global("bytes_seen", &v, sizeof(v));
	return v;
}

uint32_t engine_last_drop(void)
{
	uint32_t v = 0;

	global("last_drop", &v, sizeof(v));
	return v;
}
