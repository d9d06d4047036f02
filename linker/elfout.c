/*
 * image -> ELF64 ET_REL through libelf (gABI chapter 4).
 *
 * Section order: groups (they must precede their members), then every section
 * followed by its relocations, then symbol and string tables. Symbols: local
 * ones first, as the gABI demands. libelf computes file offsets; it writes to
 * a file descriptor, so the bytes take the way through a memfd.
 */
#include <errno.h>
#include <gelf.h>
#include <libelf.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "linker/linker.h"

#ifndef SHF_GNU_RETAIN
#define SHF_GNU_RETAIN (1 << 21)
#endif

struct out {
	struct link *l;
	struct image *g;
	struct buf shstr, str;
	u32 *sec_index;	  /* by image section: ELF section index */
	u32 *rela_index;  /* its relocation section, or 0 */
	u32 *group_index; /* by group */
	u32 *group_first; /* by group: 1 + its first section */
	u32 *group_next;  /* by section: 1 + the next one of its group */
	u32 *sym_index;	  /* by image symbol */
	u32 nlocal;	  /* local symbols, null included */
	u32 symtab;	  /* ELF section index */
	u32 n;		  /* ELF sections so far, null included */
};

/* ---- numbering -------------------------------------------------------------- */

static void number_sections(struct out *o)
{
	struct image *g = o->g;

	o->n = 1;
	o->sec_index = arena_array(g->a, u32, g->sec.n);
	o->rela_index = arena_array(g->a, u32, g->sec.n);
	o->group_index = arena_array(g->a, u32, g->group.n);
	for (u32 i = 0; i < g->group.n; i++)
		o->group_index[i] = o->n++;
	for (u32 i = 0; i < g->sec.n; i++) {
		o->sec_index[i] = o->n++;
		if (g->sec.v[i].rel.n)
			o->rela_index[i] = o->n++;
	}
	o->symtab = o->n;
	o->group_first = arena_array(g->a, u32, g->group.n);
	o->group_next = arena_array(g->a, u32, g->sec.n);
	for (u32 i = g->sec.n; i-- > 0;) {
		u32 group = g->sec.v[i].group;

		if (!group)
			continue;
		o->group_next[i] = o->group_first[group - 1];
		o->group_first[group - 1] = i + 1;
	}
}

static void number_symbols(struct out *o)
{
	struct image *g = o->g;
	u32 n = 1;

	o->sym_index = arena_array(g->a, u32, g->sym.n);
	for (u32 i = 0; i < g->sym.n; i++)
		if (g->sym.v[i].bind == STB_LOCAL)
			o->sym_index[i] = n++;
	o->nlocal = n;
	for (u32 i = 0; i < g->sym.n; i++)
		if (g->sym.v[i].bind != STB_LOCAL)
			o->sym_index[i] = n++;
}

/* ---- sections ----------------------------------------------------------------- */

static int add_sec(struct out *o, const char *name, GElf_Shdr h,
	const void *bytes, size_t size, Elf_Type type)
{
	Elf_Scn *scn = elf_newscn(o->l->elf);
	Elf_Data *d = scn ? elf_newdata(scn) : NULL;

	if (!d)
		return -ENOMEM;
	h.sh_name = (u32)o->shstr.n;
	buf_str(&o->shstr, name);
	d->d_buf = (void *)bytes;
	d->d_size = size;
	d->d_align = h.sh_addralign ? h.sh_addralign : 1;
	d->d_type = type;
	return gelf_update_shdr(scn, &h) ? 0 : -EIO;
}

static int add_group(struct out *o, u32 group)
{
	struct image *g = o->g;
	struct buf b;

	buf_init(&b, g->a);
	buf_u32(&b, 0); /* not COMDAT */
	for (u32 i = o->group_first[group]; i; i = o->group_next[i - 1]) {
		buf_u32(&b, o->sec_index[i - 1]);
		if (o->rela_index[i - 1])
			buf_u32(&b, o->rela_index[i - 1]);
	}
	return add_sec(o, ".group",
		(GElf_Shdr){.sh_type = SHT_GROUP,
			.sh_link = o->symtab,
			.sh_info = o->sym_index[g->group.v[group].sym - 1],
			.sh_entsize = 4,
			.sh_addralign = 4},
		b.p, b.n, ELF_T_WORD);
}

static int add_rela(struct out *o, u32 sec)
{
	struct image *g = o->g;
	const struct osec *s = &g->sec.v[sec];
	Elf64_Rela *r = arena_array(g->a, Elf64_Rela, s->rel.n);

	for (u32 i = 0; i < s->rel.n; i++) {
		const struct orel *p = &s->rel.v[i];
		u32 sym = p->sym ? o->sym_index[p->sym - 1] : 0;

		r[i].r_offset = p->off;
		r[i].r_info = ELF64_R_INFO((u64)sym, p->type);
		r[i].r_addend = p->addend;
	}
	return add_sec(o, arena_printf(g->a, ".rela%s", s->name),
		(GElf_Shdr){.sh_type = SHT_RELA,
			.sh_flags = SHF_INFO_LINK | (s->group ? SHF_GROUP : 0),
			.sh_link = o->symtab,
			.sh_info = o->sec_index[sec],
			.sh_entsize = sizeof(*r),
			.sh_addralign = 8},
		r, s->rel.n * sizeof(*r), ELF_T_RELA);
}

static int add_one(struct out *o, u32 sec)
{
	struct osec *s = &o->g->sec.v[sec];
	GElf_Shdr h = {
		.sh_type = s->type,
		.sh_flags = s->flags,
		.sh_link = s->link.v ? o->sec_index[s->link.v - 1] : 0,
		.sh_addralign = s->align,
		.sh_entsize = s->entsize,
	};
	size_t size = s->type == SHT_NOBITS ? s->nobits : s->bytes.n;
	int err = add_sec(o, s->name, h, s->bytes.p, size, ELF_T_BYTE);

	if (!err && s->rel.n)
		err = add_rela(o, sec);
	return err;
}

/* ---- tables --------------------------------------------------------------------- */

static int add_symtab(struct out *o)
{
	struct image *g = o->g;
	Elf64_Sym *v = arena_array(g->a, Elf64_Sym, g->sym.n + 1);

	for (u32 i = 0; i < g->sym.n; i++) {
		const struct osym *s = &g->sym.v[i];
		Elf64_Sym *e = &v[o->sym_index[i]];

		e->st_name = *s->name ? (u32)o->str.n : 0;
		if (*s->name)
			buf_str(&o->str, s->name);
		e->st_info = ELF64_ST_INFO(s->bind, s->type);
		e->st_other = s->vis;
		e->st_shndx =
			s->sec.v ? (u16)o->sec_index[s->sec.v - 1] : SHN_UNDEF;
		e->st_value = s->value;
		e->st_size = s->size;
	}
	return add_sec(o, ".symtab",
		(GElf_Shdr){.sh_type = SHT_SYMTAB,
			.sh_link = o->symtab + 1,
			.sh_info = o->nlocal,
			.sh_entsize = sizeof(*v),
			.sh_addralign = 8},
		v, (g->sym.n + 1) * sizeof(*v), ELF_T_SYM);
}

static int add_strings(struct out *o)
{
	const GElf_Shdr h = {.sh_type = SHT_STRTAB, .sh_addralign = 1};
	int err = add_sec(o, ".strtab", h, o->str.p, o->str.n, ELF_T_BYTE);

	if (err)
		return err;
	/* .shstrtab holds its own name: the size is known only behind it */
	Elf_Scn *scn = elf_newscn(o->l->elf);
	Elf_Data *d = scn ? elf_newdata(scn) : NULL;
	GElf_Shdr s = h;

	if (!d)
		return -ENOMEM;
	s.sh_name = (u32)o->shstr.n;
	buf_str(&o->shstr, ".shstrtab");
	d->d_buf = o->shstr.p;
	d->d_size = o->shstr.n;
	d->d_align = 1;
	return gelf_update_shdr(scn, &s) ? 0 : -EIO;
}

static int add_header(struct out *o)
{
	GElf_Ehdr h;

	if (!gelf_newehdr(o->l->elf, ELFCLASS64) ||
		!gelf_getehdr(o->l->elf, &h))
		return -ENOMEM;
	h.e_ident[EI_DATA] = ELFDATA2LSB;
	for (u32 i = 0; i < o->g->sec.n; i++)
		if (o->g->sec.v[i].flags & SHF_GNU_RETAIN)
			h.e_ident[EI_OSABI] = ELFOSABI_GNU;
	h.e_type = ET_REL;
	h.e_machine = o->g->target->elf_machine;
	h.e_version = EV_CURRENT;
	h.e_shstrndx = (u16)(o->symtab + 2);
	return gelf_update_ehdr(o->l->elf, &h) ? 0 : -EIO;
}

static int write_all(struct out *o)
{
	int err = add_header(o);

	for (u32 i = 0; !err && i < o->g->group.n; i++)
		err = add_group(o, i);
	for (u32 i = 0; !err && i < o->g->sec.n; i++)
		err = add_one(o, i);
	if (!err)
		err = add_symtab(o);
	if (!err)
		err = add_strings(o);
	if (!err && elf_update(o->l->elf, ELF_C_WRITE) < 0)
		err = -EIO;
	return err;
}

/* ---- through a memfd ------------------------------------------------------------- */

static int read_back(int fd, void **out, size_t *size)
{
	off_t n = lseek(fd, 0, SEEK_END);
	u8 *p = n > 0 ? malloc((size_t)n) : NULL;

	if (!p)
		return -ENOMEM;
	for (off_t at = 0; at < n;) {
		ssize_t got = pread(fd, p + at, (size_t)(n - at), at);

		if (got <= 0) {
			free(p);
			return -EIO;
		}
		at += got;
	}
	*out = p;
	*size = (size_t)n;
	return 0;
}

void lk_elfout_fini(struct link *l)
{
	if (l->elf)
		elf_end(l->elf);
	if (l->elf_fd >= 0)
		close(l->elf_fd);
	l->elf = NULL;
	l->elf_fd = -1;
}

int lk_elfout(struct link *l, void **out, size_t *size)
{
	struct out o = {.l = l, .g = &l->img};
	const struct loc nowhere = {.insn = -1};
	int err = -EIO;

	buf_init(&o.shstr, &l->a);
	buf_init(&o.str, &l->a);
	buf_u8(&o.shstr, 0);
	buf_u8(&o.str, 0);
	number_sections(&o);
	number_symbols(&o);
	if (o.n + 3 >= SHN_LORESERVE) {
		diag_error(&l->diag, &nowhere,
			"%u sections are needed, an object has at most "
			"%u: compile fewer programs at once",
			o.n + 3, SHN_LORESERVE - 1);
		return -E2BIG;
	}
	elf_version(EV_CURRENT);
	l->elf_fd = memfd_create("kiln", MFD_CLOEXEC);
	if (l->elf_fd < 0)
		err = -errno;
	else if ((l->elf = elf_begin(l->elf_fd, ELF_C_WRITE, NULL)))
		err = write_all(&o);
	if (err)
		diag_error(&l->diag, &nowhere, "writing the object: %s",
			err == -EIO ? elf_errmsg(-1) : strerror(-err));
	else if ((err = read_back(l->elf_fd, out, size)))
		diag_error(&l->diag, &nowhere, "writing the object: %s",
			strerror(-err));
	lk_elfout_fini(l);
	return err;
}
