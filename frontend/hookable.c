/*
 * Whether a function of the application can be attached to, as far as its file
 * says that is given by --btf: it begins with a sled, which the compiler lists
 * in __patchable_function_entries, or is in the section of those that are marked
 * KILN_HOOKABLE (kiln/hook.h). Files without a symbol table say nothing, nor do
 * those that do not have the function.
 */
#include <elf.h>
#include <string.h>

#include "frontend/code.h"
#include "frontend/core.h"
#include "kiln/bytes.h"
#include "kiln/format.h"

enum {
	SYM = 24,
	RELA = 24,
	PAD = 4, /* a sled begins at its function, or behind endbr64 or bti c */
};

#define SEC_ENTRIES "__patchable_function_entries"

/* A place: in relocatable files of a section, else an address. */
struct where {
	u32 sec;
	u64 at, size;
};

struct symbols {
	const struct target_elf *e;
	struct span table, strings;
};

static bool find_symbols(const struct target_elf *e, struct symbols *s)
{
	s->e = e;
	for (u64 i = 1; i < e->n; i++) {
		const u8 *sh = target_elf_header(e, i);

		if (get_le32(sh + 4) != SHT_SYMTAB || get_le32(sh + 40) >= e->n)
			continue;
		s->table = target_elf_bytes(e, i);
		s->strings = target_elf_bytes(e, get_le32(sh + 40));
		return s->table.n && s->strings.n;
	}
	return false;
}

static struct where place_of(const struct symbols *s, u64 sym)
{
	const u8 *y = s->table.p + sym * SYM;
	bool in_section = s->e->type == ET_REL;

	return (struct where){in_section ? get_le16(y + 6) : 0, get_le64(y + 8),
		get_le64(y + 16)};
}

static bool is_sled_of(struct where f, struct where sled)
{
	u64 off = sled.at - f.at;

	return f.sec == sled.sec && off <= PAD && off < f.size;
}

/* ---- the list of sleds --------------------------------------------------- */

/* A relocation in the list: of a section, of an image. */
static bool is_listed_by(const struct symbols *s, struct where f, u64 list,
	const u8 *rela, bool in_section)
{
	const u8 *sh = target_elf_header(s->e, list);
	u64 off = get_le64(rela), sym = get_le64(rela + 8) >> 32;
	struct where sled = {.at = get_le64(rela + 16)};

	if (!in_section && off - get_le64(sh + 16) >= get_le64(sh + 32))
		return false;
	if (sym && sym < s->table.n / SYM && in_section) {
		sled = place_of(s, sym);
		sled.at += get_le64(rela + 16);
	}
	return is_sled_of(f, sled);
}

static bool is_in_relocations(const struct symbols *s, struct where f, u64 list)
{
	bool in_section = s->e->type == ET_REL;

	for (u64 i = 1; i < s->e->n; i++) {
		const u8 *sh = target_elf_header(s->e, i);
		struct span r = target_elf_bytes(s->e, i);

		if (get_le32(sh + 4) != SHT_RELA ||
			(in_section && get_le32(sh + 44) != list))
			continue;
		for (u64 k = 0; k < r.n / RELA; k++)
			if (is_listed_by(
				    s, f, list, r.p + k * RELA, in_section))
				return true;
	}
	return false;
}

static bool is_in_list(const struct symbols *s, struct where f, u64 list)
{
	struct span bytes = target_elf_bytes(s->e, list);

	for (u64 k = 0; s->e->type != ET_REL && k < bytes.n / 8; k++)
		if (is_sled_of(
			    f, (struct where){.at = get_le64(bytes.p + 8 * k)}))
			return true;
	return is_in_relocations(s, f, list);
}

static bool has_sled(const struct symbols *s, u64 sym)
{
	u32 sec = get_le16(s->table.p + sym * SYM + 6);

	if (sec >= SHN_LORESERVE ||
		(sec < s->e->n && target_elf_is(s->e, sec, KILN_SEC_TEXT)))
		return true;
	for (u64 i = 0; (i = target_elf_find(s->e, SEC_ENTRIES, i));)
		if (is_in_list(s, place_of(s, sym), i))
			return true;
	return false;
}

/* ---- the function -------------------------------------------------------- */

/* What gcc made of a function, by the name of what is left. */
static const struct {
	const char *suffix, *what;
} clones[] = {
	{".isra.", "changed its parameters"},
	{".constprop.", "made a copy of it for constant arguments"},
	{".part.", "took it apart"},
};

/* What has become of func if this is one of its clones, else NULL. */
static const char *clone_text(const char *name, const char *func)
{
	size_t n = strlen(func);

	if (strncmp(name, func, n))
		return NULL;
	for (u32 k = 0; k < countof(clones); k++)
		if (!strncmp(name + n, clones[k].suffix,
			    strlen(clones[k].suffix)))
			return clones[k].what;
	return NULL;
}

static const char *no_sled(
	struct arena *a, const struct target_elf *e, const char *func)
{
	return arena_printf(a,
		"%s is neither marked KILN_HOOKABLE (kiln/hook.h) nor compiled "
		"with -fpatchable-function-entry=%u; a BPF program needs "
		"--entry-sites",
		func, e->machine == EM_AARCH64 ? 1 : 7);
}

const char *fe_not_hookable(
	struct arena *a, const struct fe_target *t, const char *func)
{
	const struct target_elf *e = &t->elf;
	const char *clone = NULL, *why = NULL;
	bool found = false;
	struct symbols s;

	if ((e->machine != EM_X86_64 && e->machine != EM_AARCH64) ||
		!find_symbols(e, &s))
		return NULL;
	for (u64 i = 1; i < s.table.n / SYM; i++) {
		const u8 *y = s.table.p + i * SYM;
		const char *name = target_elf_string(s.strings, get_le32(y));

		if ((y[4] & 15) != STT_FUNC || !get_le16(y + 6) || !name)
			continue;
		if (!strcmp(name, func)) {
			if (has_sled(&s, i))
				return NULL;
			found = true;
		}
		if (!why && (why = clone_text(name, func)))
			clone = name;
	}
	if (found)
		return no_sled(a, e, func);
	return clone ? arena_printf(a,
			       "the compiler %s (%s): mark %s KILN_HOOKABLE "
			       "(kiln/hook.h)",
			       why, clone, func)
		     : NULL;
}
