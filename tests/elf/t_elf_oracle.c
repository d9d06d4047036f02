/*
 * libbpf reads objects too, and where it reads one without complaint, kiln
 * must find the same programs, of the same types, and the same maps.
 *
 *   t_elf_oracle FILE...      files that do not exist are passed over
 */
#include <bpf/libbpf.h>
#include <linux/bpf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "kiln/map_size.h"
#include "read.h"

struct pair {
	const char *file;
	struct bpf_object *theirs;
	struct reading ours;
	u32 failed;
};

static void differ(struct pair *p, const char *what, const char *name, u64 ours,
	u64 theirs)
{
	fprintf(stderr, "%s: %s of %s: %llu, libbpf says %llu\n", p->file, what,
		name, (unsigned long long)ours, (unsigned long long)theirs);
	p->failed++;
}

static void same(struct pair *p, const char *what, const char *name, u64 ours,
	u64 theirs)
{
	if (ours != theirs)
		differ(p, what, name, ours, theirs);
}

static void compare_prog(struct pair *p, const struct bpf_program *prog)
{
	const char *name = bpf_program__name(prog);

	for (u32 i = 0; i < p->ours.m.func.n; i++) {
		const struct func *f = &p->ours.m.func.v[i];

		if (!f->is_prog || strcmp(f->name, name))
			continue;
		same(p, "size", name, f->n, bpf_program__insn_cnt(prog));
		same(p, "type", name, f->prog_type, bpf_program__type(prog));
		same(p, "attach type", name, f->attach_type,
			bpf_program__expected_attach_type(prog));
		if (strcmp(f->section, bpf_program__section_name(prog)))
			differ(p, "section", name, 0, 0);
		return;
	}
	differ(p, "existence", name, 0, 1);
}

/* What kiln has in the place of a descriptor. */
static u32 own_size(const struct bpf_map *map, u32 value_size)
{
	const struct kiln_map_kind *k = kiln_map_kind(bpf_map__type(map));

	return k && k->traits & MAP_PTR_VALUE ? 8 : value_size;
}

static void compare_map(struct pair *p, const struct bpf_map *map)
{
	const char *name = bpf_map__name(map);

	for (u32 i = 0; i < p->ours.m.map.n; i++) {
		const struct mapdef *d = &p->ours.m.map.v[i];

		if (strcmp(d->name, name))
			continue;
		same(p, "type", name, d->type, bpf_map__type(map));
		same(p, "key size", name, d->key_size, bpf_map__key_size(map));
		same(p, "value size", name, d->value_size,
			own_size(map, bpf_map__value_size(map)));
		same(p, "entries", name, d->max_entries,
			bpf_map__max_entries(map));
		same(p, "flags", name, d->flags, bpf_map__map_flags(map));
		same(p, "key type", name, d->btf_key,
			bpf_map__btf_key_type_id(map));
		same(p, "value type", name, d->btf_value,
			bpf_map__btf_value_type_id(map));
		return;
	}
	differ(p, "existence", name, 0, 1);
}

static void compare(struct pair *p)
{
	struct bpf_program *prog;
	struct bpf_map *map;
	u32 progs = 0, ours = 0;

	bpf_object__for_each_program(prog, p->theirs)
	{
		compare_prog(p, prog);
		progs++;
	}
	bpf_object__for_each_map(map, p->theirs) if (!bpf_map__is_internal(map))
		compare_map(p, map);
	for (u32 i = 0; i < p->ours.m.func.n; i++)
		ours += p->ours.m.func.v[i].is_prog;
	same(p, "programs", p->file, ours, progs);
}

static u32 check_file(const char *file)
{
	static const struct fe_opts none;
	struct pair p = {.file = file};
	size_t size;
	u8 *bytes = read_file(file, &size);

	int err = read_bytes(&p.ours, file, bytes, size, &none);
	if (err) {
		fprintf(stderr, "%s", p.ours.log);
		p.failed++;
	}
	p.theirs = bpf_object__open_file(file, NULL);
	if (!p.theirs) {
		fprintf(stderr, "%s: libbpf does not open it\n", file);
		p.failed++;
	}
	if (!p.failed)
		compare(&p);
	bpf_object__close(p.theirs);
	read_done(&p.ours);
	free(bytes);
	printf("%s: %s\n", file, p.failed ? "differs" : "as libbpf");
	return p.failed;
}

int main(int argc, char **argv)
{
	u32 failed = 0;

	for (int i = 1; i < argc; i++)
		if (!access(argv[i], R_OK))
			failed += check_file(argv[i]);
	return failed != 0;
}
