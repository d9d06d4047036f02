/*
 * The types of the target, given by --btf: bare BTF as in
 * /sys/kernel/btf/vmlinux, or the section .BTF of any ELF file of 64 bits.
 * Checked like an object's own; then an index of names, because candidates
 * for CO-RE are found by name among a hundred thousand types.
 */
#include <bpf/btf.h>
#include <elf.h>
#include <string.h>

#include "frontend/core.h"
#include "kiln/bytes.h"

#define target_error(m, name, ...)                                       \
	diag_error((m)->diag, &(struct loc){.file = (name), .insn = -1}, \
		__VA_ARGS__)

/* ---- the section --------------------------------------------------------- */

static int find_section(struct module *m, struct fe_target *t, struct span file,
	struct span *btf)
{
	u64 i;

	if (!target_elf_open(&t->elf, file)) {
		target_error(m, t->name,
			"no ELF file of 64 bits, little-endian, with sections");
		return -1;
	}
	i = target_elf_find(&t->elf, ".BTF", 0);
	if (!i) {
		target_error(m, t->name,
			"has no section .BTF (gcc -gbtf for C makes one, or "
			"pahole -J of what was compiled with -g)");
		return -1;
	}
	*btf = target_elf_bytes(&t->elf, i);
	if (btf->p &&
		!(get_le64(target_elf_header(&t->elf, i) + 8) & SHF_COMPRESSED))
		return 0;
	target_error(m, t->name,
		"section .BTF is compressed or not inside the file");
	return -1;
}

/* ---- names --------------------------------------------------------------- */

size_t core_name_len(const char *s)
{
	size_t n = strlen(s);

	for (size_t i = n; i-- > 1;)
		if (i + 3 < n && !memcmp(s + i, "___", 3) && s[i - 1] != '_' &&
			s[i + 3] != '_')
			return i;
	return n;
}

static u32 hash_name(const char *s, size_t n)
{
	u32 h = 2166136261; /* FNV-1a */

	for (size_t i = 0; i < n; i++)
		h = (h ^ (u8)s[i]) * 16777619;
	return h;
}

static const char *name_of(const struct btf *b, u32 id)
{
	return btf__name_by_offset(b, btf__type_by_id(b, id)->name_off);
}

/* Chains go up in ids: they are made from the last type to the first. */
static void index_names(struct module *m, struct fe_target *t)
{
	u32 n = btf__type_cnt(t->side.b);

	for (t->mask = 1; t->mask < n;)
		t->mask *= 2;
	t->head = arena_array(m->a, u32, t->mask);
	t->next = arena_array(m->a, u32, n);
	t->mask--;
	for (u32 id = n; id-- > 1;) {
		const char *s = name_of(t->side.b, id);
		u32 *head = &t->head[hash_name(s, core_name_len(s)) & t->mask];

		if (!*s)
			continue;
		t->next[id] = *head;
		*head = id;
	}
}

u32 core_find(const struct fe_target *t, const char *name, u32 after)
{
	size_t n = core_name_len(name);
	u32 id = after ? t->next[after] : t->head[hash_name(name, n) & t->mask];

	for (; id; id = t->next[id]) {
		const char *s = name_of(t->side.b, id);

		if (core_name_len(s) == n && !memcmp(s, name, n))
			break;
	}
	return id;
}

/* ---- opening ------------------------------------------------------------- */

struct core_side core_side_of(const struct btf *b)
{
	size_t ptr = btf__pointer_size(b); /* by the size of long */

	return (struct core_side){b, ptr ? (u32)ptr : 8};
}

/* Types of the blob at p, checked; *len is how far it goes. */
static struct btf *open_blob(
	struct module *m, const char *name, struct span s, u64 *len)
{
	struct fe_btf_view v = {.a = arena_scratch(m->a),
		.diag = m->diag,
		.at = {.file = name, .insn = -1}};
	struct arena_mark mark = arena_mark(v.a);
	struct btf *b = NULL;

	if (!fe_btf_check(&v, s.p, s.n)) {
		*len = (u64)((const u8 *)v.str + v.str_len - s.p);
		/* libbpf wants it aligned */
		const u8 *copy = arena_dup(v.a, s.p, *len);
		fe_libbpf_enter();
		b = btf__new(copy, (u32)*len);
		fe_libbpf_leave();
		if (!b)
			target_error(m, name, "libbpf does not read its BTF");
	}
	arena_release(v.a, mark);
	return b;
}

/* gcc writes BTF for each source file; ld puts one behind the other. */
static int add_blobs(struct module *m, struct fe_target *t, struct span s)
{
	for (;;) {
		u64 len = 0;
		struct btf *b = open_blob(m, t->name, s, &len);
		int err = 0;

		if (!b)
			return -1;
		if (t->owned) {
			fe_libbpf_enter();
			err = btf__add_btf(t->owned, b);
			fe_libbpf_leave();
			btf__free(b);
		} else {
			t->owned = b;
		}
		if (err < 0) {
			target_error(
				m, t->name, "libbpf cannot add up its BTF");
			return -1;
		}
		for (; len < s.n && !s.p[len]; len++)
			; /* alignment */
		if (len == s.n)
			return 0;
		s.p += len;
		s.n -= len;
	}
}

struct fe_target *fe_target_new(struct module *m, const char *name)
{
	struct fe_target *t = arena_new(m->a, struct fe_target);

	t->name = name;
	return t;
}

int fe_target_read(
	struct module *m, struct fe_target *t, const u8 *bytes, size_t size)
{
	struct span file = {bytes, size}, btf = file;

	if (size >= SELFMAG && !memcmp(bytes, ELFMAG, SELFMAG) &&
		find_section(m, t, file, &btf))
		return -1;
	if (btf.p == file.p && size >= 24 && get_le16(bytes) != BTF_MAGIC) {
		target_error(m, t->name,
			"neither ELF nor BTF: magic %#x, wanted %#x",
			get_le16(bytes), BTF_MAGIC);
		return -1;
	}
	if (add_blobs(m, t, btf))
		return -1;
	t->side = core_side_of(t->owned);
	index_names(m, t);
	m->target = t;
	return 0;
}

void fe_target_close(struct fe_target *t)
{
	btf__free(t->owned);
}
