/*
 * Objects that libbpf does not take: maps defined by structs in a section
 * "maps", programs without symbols or with local ones. Enough of a loader for
 * programs that are one function and refer to nothing but such maps.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <fcntl.h>
#include <gelf.h>
#include <libelf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "differ.h"
#include "tests/bpf_pace.h"

enum { MAX_SECTIONS = 512, MAX_INSNS = 1 << 16, LOG_SIZE = 1 << 16 };

struct file {
	Elf *elf;
	int fd;
	u32 n; /* sections */
	struct {
		const char *name;
		GElf_Shdr h;
		Elf_Data *data;
	} sec[MAX_SECTIONS];
	u32 symtab;
};

/* ---- the file ------------------------------------------------------------ */

static const char *open_file(struct file *f, const char *path)
{
	size_t names;

	elf_version(EV_CURRENT);
	f->fd = open(path, O_RDONLY | O_CLOEXEC);
	f->elf = elf_begin(f->fd, ELF_C_READ, NULL);
	if (!f->elf || elf_getshdrstrndx(f->elf, &names))
		return "not an ELF file";
	for (Elf_Scn *s = NULL; (s = elf_nextscn(f->elf, s));) {
		size_t k = elf_ndxscn(s);

		if (k >= MAX_SECTIONS || !gelf_getshdr(s, &f->sec[k].h))
			return "too many sections";
		f->sec[k].name = elf_strptr(f->elf, names, f->sec[k].h.sh_name);
		f->sec[k].data = elf_getdata(s, NULL);
		f->n = (u32)k + 1;
		if (f->sec[k].h.sh_type == SHT_SYMTAB)
			f->symtab = (u32)k;
	}
	return f->symtab ? NULL : "no symbols";
}

static u32 find_section(const struct file *f, const char *name)
{
	for (u32 k = 1; k < f->n; k++)
		if (f->sec[k].name && !strcmp(f->sec[k].name, name) &&
			f->sec[k].h.sh_type == SHT_PROGBITS)
			return k;
	return 0;
}

static const char *sym_name(const struct file *f, const GElf_Sym *s)
{
	const char *n =
		elf_strptr(f->elf, f->sec[f->symtab].h.sh_link, s->st_name);

	return n ? n : "";
}

/* ---- maps ---------------------------------------------------------------- */

/* Bytes of one definition: by the two symbols that are closest. */
static u32 definition_size(const struct file *f, u32 sec)
{
	u64 size = f->sec[sec].h.sh_size;
	GElf_Sym s;
	u32 n = 0;

	for (int k = 0; gelf_getsym(f->sec[f->symtab].data, k, &s); k++)
		n += s.st_shndx == sec &&
		     GELF_ST_TYPE(s.st_info) != STT_SECTION;
	return n ? (u32)(size / n) : 0;
}

static bool holds_maps(u32 type)
{
	return type == BPF_MAP_TYPE_ARRAY_OF_MAPS ||
	       type == BPF_MAP_TYPE_HASH_OF_MAPS;
}

/* The words of struct bpf_map_def and of iproute2's struct bpf_elf_map. */
enum { TYPE, KEY, VALUE, MAX, FLAGS, INNER_IDX, ID = 5, INNER_ID = 7 };

struct definition {
	char name[64];
	u64 at;
	u32 word[9];
};

/* The template of a map of maps: by its place, or by its id. */
static int inner_fd(const struct kprog *k, const struct definition *def, u32 n,
	const struct definition *of, u32 size)
{
	for (u32 i = 0; i < n; i++) {
		bool is = size >= 36 ? def[i].word[ID] == of->word[INNER_ID]
				     : def[i].at / size == of->word[INNER_IDX];

		if (is && !holds_maps(def[i].word[TYPE]))
			return k->map[i].fd;
	}
	return -1;
}

static const char *make_map(
	struct kprog *k, const struct definition *def, u32 n, u32 i, u32 size)
{
	const u32 *w = def[i].word;
	LIBBPF_OPTS(bpf_map_create_opts, o, .map_flags = w[FLAGS]);
	struct kmap *m = &k->map[i];

	*m = (struct kmap){.type = w[TYPE],
		.key_size = w[KEY],
		.value_size = w[VALUE],
		.max_entries = w[MAX]};
	memcpy(m->name, def[i].name, sizeof(m->name));
	if (m->type == BPF_MAP_TYPE_PERF_EVENT_ARRAY && !m->max_entries)
		m->max_entries = (u32)libbpf_num_possible_cpus();
	if (holds_maps(m->type))
		o.inner_map_fd = (u32)inner_fd(k, def, n, &def[i], size);
	m->fd = bpf_map_create((enum bpf_map_type)m->type, NULL, m->key_size,
		m->value_size, m->max_entries, &o);
	return m->fd < 0 ? "the kernel refuses a map" : NULL;
}

static u32 read_definitions(
	const struct file *f, u32 sec, u32 size, struct definition *def)
{
	GElf_Sym s;
	u32 n = 0;

	for (int i = 0; gelf_getsym(f->sec[f->symtab].data, i, &s); i++) {
		u32 bytes = size < sizeof(def->word) ? size : sizeof(def->word);

		if (s.st_shndx != sec || GELF_ST_TYPE(s.st_info) == STT_SECTION)
			continue;
		if (n == MAX_MAPS || s.st_value + size > f->sec[sec].h.sh_size)
			return 0;
		memset(&def[n], 0, sizeof(def[n]));
		def[n].at = s.st_value;
		snprintf(def[n].name, sizeof(def[n].name), "%s",
			sym_name(f, &s));
		memcpy(def[n].word, (u8 *)f->sec[sec].data->d_buf + s.st_value,
			bytes);
		n++;
	}
	return n;
}

static const char *make_maps(struct kprog *k, const struct file *f, u32 sec)
{
	static struct definition def[MAX_MAPS];
	u32 size = definition_size(f, sec), n;
	const char *why = NULL;

	if (size < 20)
		return "map definitions of an unknown size";
	n = read_definitions(f, sec, size, def);
	for (u32 i = 0; i < n; i++)
		k->map[i].fd = -1;
	/* templates first */
	for (u32 pass = 0; pass < 2; pass++)
		for (u32 i = 0; i < n && !why; i++)
			if (holds_maps(def[i].word[TYPE]) == pass)
				why = make_map(k, def, n, i, size);
	k->nmaps = n;
	return n ? why : "no maps";
}

static const struct kmap *map_named(const struct kprog *k, const char *name)
{
	for (u32 i = 0; i < k->nmaps; i++)
		if (!strcmp(k->map[i].name, name))
			return &k->map[i];
	return NULL;
}

/* ---- the program --------------------------------------------------------- */

struct range {
	u64 at, size;
};

/* Of the section: the function of that name, or all of it. */
static struct range find_program(
	const struct file *f, u32 sec, const char *prog)
{
	struct range r = {0, f->sec[sec].h.sh_size};
	GElf_Sym s;

	for (int k = 0; gelf_getsym(f->sec[f->symtab].data, k, &s); k++)
		if (s.st_shndx == sec && s.st_size &&
			GELF_ST_TYPE(s.st_info) == STT_FUNC &&
			!strcmp(sym_name(f, &s), prog))
			r = (struct range){s.st_value, s.st_size};
	return r;
}

static bool is_rel(const struct file *f, u32 s)
{
	return f->sec[s].h.sh_type == SHT_REL ||
	       f->sec[s].h.sh_type == SHT_RELA;
}

static bool get_rel(const struct file *f, u32 s, int i, GElf_Rela *to)
{
	GElf_Rel rel;

	if (f->sec[s].h.sh_type == SHT_RELA)
		return gelf_getrela(f->sec[s].data, i, to);
	if (!gelf_getrel(f->sec[s].data, i, &rel))
		return false;
	*to = (GElf_Rela){rel.r_offset, rel.r_info, 0};
	return true;
}

static const char *relocate(const struct kprog *k, const struct file *f,
	u32 sec, struct range r, struct bpf_insn *insn)
{
	for (u32 s = 1; s < f->n; s++) {
		GElf_Rela rel;
		GElf_Sym sym;

		if (!is_rel(f, s) || f->sec[s].h.sh_info != sec)
			continue;
		for (int i = 0; get_rel(f, s, i, &rel); i++) {
			const struct kmap *m;

			if (rel.r_offset < r.at ||
				rel.r_offset >= r.at + r.size)
				continue;
			gelf_getsym(f->sec[f->symtab].data,
				(int)GELF_R_SYM(rel.r_info), &sym);
			m = map_named(k, sym_name(f, &sym));
			struct bpf_insn *to = &insn[(rel.r_offset - r.at) / 8];

			if (!m || to->code != (BPF_LD | BPF_IMM | BPF_DW))
				return "refers to more than maps";
			to->src_reg = BPF_PSEUDO_MAP_FD;
			to->imm = m->fd;
		}
	}
	return NULL;
}

static const char *text_of(const struct file *f, const char *section)
{
	u32 sec = find_section(f, section);

	return sec ? f->sec[sec].data->d_buf : "GPL";
}

/* The verifier's last line but the statistics. */
static const char *complaint(
	const char *license, u32 type, const struct bpf_insn *insn, size_t n)
{
	static char log[LOG_SIZE];
	LIBBPF_OPTS(bpf_prog_load_opts, o, .log_buf = log,
		.log_size = sizeof(log), .log_level = 4);
	char *end;

	log[0] = 0;
	bpf_prog_load((enum bpf_prog_type)type, NULL, license, insn, n, &o);
	end = strstr(log, "\nprocessed ");
	if (end)
		*end = 0;
	end = strrchr(log, '\n');
	return end && end[1] ? end + 1 : log[0] ? log : strerror(errno);
}

static const char *load_program(struct kprog *k, const struct file *f,
	const char *prog, const char *section, u32 type)
{
	static struct bpf_insn insn[MAX_INSNS];
	u32 sec = find_section(f, section);
	const char *why, *license = text_of(f, "license");
	struct range r;

	if (!sec)
		return "no such section";
	r = find_program(f, sec, prog);
	if (r.at + r.size > f->sec[sec].h.sh_size || r.size > sizeof(insn))
		return "a program too large";
	memcpy(insn, (u8 *)f->sec[sec].data->d_buf + r.at, r.size);
	why = relocate(k, f, sec, r, insn);
	if (why)
		return why;
	kprog_scan(k, insn, r.size / 8);
	bpf_pace();
	k->fd = bpf_prog_load((enum bpf_prog_type)type, NULL, license, insn,
		r.size / 8, NULL);
	return k->fd < 0 ? complaint(license, type, insn, r.size / 8) : NULL;
}

const char *legacy_load(struct kprog *k, const char *path, const char *prog,
	const char *section, u32 type)
{
	struct file *f = calloc(1, sizeof(*f));
	const char *why = f ? open_file(f, path) : "no memory";

	k->legacy = true;
	if (!why) {
		u32 maps = find_section(f, "maps");

		why = maps ? make_maps(k, f, maps) : NULL;
	}
	if (!why)
		why = load_program(k, f, prog, section, type);
	if (f) {
		elf_end(f->elf);
		close(f->fd);
	}
	free(f);
	return why;
}
