/*
 * One program of an object in the running kernel: loaded by libbpf, each time
 * anew, so that its maps are its own.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <gelf.h>
#include <libelf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "differ.h"
#include "tests/bpf_pace.h"

enum { MAX_FILE = 1 << 24 };

/* ---- loading ------------------------------------------------------------- */

/* The last complaint: why an object is not to be had. State of this file. */
static char why[256];

static int keep_complaint(
	enum libbpf_print_level level, const char *format, va_list args)
{
	char line[256];

	if (level != LIBBPF_WARN)
		return 0;
	vsnprintf(line, sizeof(line), format, args);
	line[strcspn(line, "\n")] = 0;
	if (!why[0])
		snprintf(why, sizeof(why), "%s", line);
	return 0;
}

static struct bpf_program *only(struct bpf_object *obj, const char *name)
{
	struct bpf_program *p, *found = NULL;

	bpf_object__for_each_program(p, obj)
	{
		bool is = !strcmp(bpf_program__name(p), name);

		bpf_program__set_autoload(p, is);
		if (is)
			found = p;
	}
	return found;
}

static const char *take_maps(struct kprog *k)
{
	struct bpf_map *m;

	bpf_object__for_each_map(m, k->obj)
	{
		struct kmap *to = &k->map[k->nmaps];

		if (bpf_map__fd(m) < 0)
			continue;
		if (k->nmaps++ == MAX_MAPS)
			return "too many maps";
		*to = (struct kmap){.fd = bpf_map__fd(m),
			.type = bpf_map__type(m),
			.key_size = bpf_map__key_size(m),
			.value_size = bpf_map__value_size(m),
			.max_entries = bpf_map__max_entries(m),
			.internal = bpf_map__is_internal(m)};
		snprintf(to->name, sizeof(to->name), "%s", bpf_map__name(m));
	}
	return NULL;
}

static void unpin(struct bpf_object *obj)
{
	struct bpf_map *m;

	bpf_object__for_each_map(m, obj) bpf_map__set_pin_path(m, NULL);
}

/* ---- what other loaders take and libbpf does not ------------------------- */

/* Static programs become global. */
static void make_global(u8 *to, Elf *elf, const GElf_Shdr *h, Elf_Data *d)
{
	GElf_Shdr in;
	GElf_Sym sym;
	size_t names;

	if (elf_getshdrstrndx(elf, &names))
		return;
	for (int k = 0; gelf_getsym(d, k, &sym); k++) {
		Elf64_Sym *s =
			(void *)(to + h->sh_offset + (u32)k * h->sh_entsize);

		if (GELF_ST_TYPE(sym.st_info) == STT_FUNC &&
			gelf_getshdr(elf_getscn(elf, sym.st_shndx), &in) &&
			strcmp(elf_strptr(elf, names, in.sh_name), ".text"))
			s->st_info = ELF64_ST_INFO(STB_GLOBAL, STT_FUNC);
	}
}

/* Ways of pinning that are Cilium's own: the attribute gets another name, and
 * libbpf is told to pass over names that it does not know. */
static void forget_pinning(u8 *btf, size_t n)
{
	static const char name[] = "\0pinning";
	u8 *at = memmem(btf, n, name, sizeof(name));

	if (at)
		at[1] = 'P';
}

static void adapt(u8 *to, size_t size)
{
	Elf *elf = elf_memory((char *)to, size);
	Elf_Scn *s = NULL;
	GElf_Shdr h;
	size_t names;

	if (elf_getshdrstrndx(elf, &names))
		names = 0;
	while (names && (s = elf_nextscn(elf, s))) {
		Elf_Data *d = elf_getdata(s, NULL);

		if (!gelf_getshdr(s, &h) || !d ||
			h.sh_offset + h.sh_size > size)
			continue;
		if (h.sh_type == SHT_SYMTAB)
			make_global(to, elf, &h, d);
		if (!strcmp(elf_strptr(elf, names, h.sh_name), ".BTF"))
			forget_pinning(to + h.sh_offset, h.sh_size);
	}
	elf_end(elf);
}

/* State of this file: the object's bytes while libbpf has them. */
static u8 *bytes;

static struct bpf_object *open_object(const char *path)
{
	LIBBPF_OPTS(bpf_object_open_opts, o, .relaxed_maps = true);
	FILE *f = fopen(path, "rbe");
	size_t size = 0;

	free(bytes);
	bytes = malloc(MAX_FILE);
	if (f && bytes)
		size = fread(bytes, 1, MAX_FILE, f);
	if (f)
		fclose(f);
	elf_version(EV_CURRENT);
	if (size)
		adapt(bytes, size);
	return size ? bpf_object__open_mem(bytes, size, &o) : NULL;
}

void kprog_scan(struct kprog *k, const struct bpf_insn *insn, size_t n)
{
	for (size_t i = 0; i < n; i++)
		k->hashes |= insn[i].code == (BPF_JMP | BPF_CALL) &&
			     !insn[i].src_reg &&
			     insn[i].imm == BPF_FUNC_get_hash_recalc;
}

const char *kprog_load(struct kprog *k, const char *path, const char *prog,
	const char *section, u32 type)
{
	struct bpf_program *p;

	memset(k, 0, sizeof(*k));
	k->fd = -1;
	why[0] = 0;
	libbpf_set_print(keep_complaint);
	k->obj = open_object(path);
	if (!k->obj)
		return legacy_load(k, path, prog, section, type);
	p = only(k->obj, prog);
	if (!p) {
		bpf_object__close(k->obj);
		k->obj = NULL;
		return legacy_load(k, path, prog, section, type);
	}
	bpf_program__set_type(p, (enum bpf_prog_type)type);
	unpin(k->obj);
	bpf_pace();
	if (bpf_object__load(k->obj))
		return why[0] ? why : strerror(errno);
	k->fd = bpf_program__fd(p);
	kprog_scan(k, bpf_program__insns(p), bpf_program__insn_cnt(p));
	return take_maps(k);
}

void kprog_unload(struct kprog *k)
{
	if (k->obj) {
		bpf_object__close(k->obj);
		return;
	}
	if (!k->legacy)
		return;
	if (k->fd >= 0)
		close(k->fd);
	for (u32 m = 0; m < k->nmaps; m++)
		close(k->map[m].fd);
}

/* ---- running ------------------------------------------------------------- */

static bool takes_context(u32 type)
{
	return type != BPF_PROG_TYPE_XDP;
}

static void run_raw_tp(
	const struct kprog *k, const void *args, u32 n, struct result *r)
{
	LIBBPF_OPTS(bpf_test_run_opts, o, .ctx_in = args, .ctx_size_in = n);

	r->err = bpf_prog_test_run_opts(k->fd, &o);
	r->retval = o.retval;
}

void kprog_run(const struct kprog *k, u32 type, const void *data, u32 n,
	struct result *r)
{
	struct __sk_buff skb = {0};
	LIBBPF_OPTS(bpf_test_run_opts, o, .data_in = data, .data_size_in = n,
		.data_out = r->data, .data_size_out = sizeof(r->data),
		.repeat = 1);

	memset(r, 0, sizeof(*r));
	if (type == BPF_PROG_TYPE_RAW_TRACEPOINT) {
		run_raw_tp(k, data, n, r);
		return;
	}
	if (takes_context(type)) {
		o.ctx_in = &skb;
		o.ctx_size_in = sizeof(skb);
		o.ctx_out = r->ctx;
		o.ctx_size_out = sizeof(r->ctx);
	}
	r->err = bpf_prog_test_run_opts(k->fd, &o);
	r->retval = o.retval;
	r->data_n = o.data_size_out;
	r->ctx_n = takes_context(type) ? o.ctx_size_out : 0;
}
