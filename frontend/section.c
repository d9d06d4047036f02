/*
 * Sections of old objects that name a slot: a program in section "2/7" is
 * entry 7 of the prog_array whose definition (iproute2's) has id 2. Inputs
 * without such a map leave the slot to their loader.
 */
#include <errno.h>
#include <linux/bpf.h>
#include <stdlib.h>
#include <string.h>

#include "frontend/obj.h"

static bool is_number(const char **p, u32 *v)
{
	char *end;

	if (**p < '0' || **p > '9')
		return false;
	errno = 0;
	unsigned long n = strtoul(*p, &end, 10);
	*p = end;
	*v = (u32)n;
	return !errno && n <= UINT32_MAX;
}

static bool names_slot(const char *section, u32 *id, u32 *index)
{
	if (!is_number(&section, id) || *section++ != '/')
		return false;
	return is_number(&section, index) && !*section;
}

/* The input's own map of that id before another one's. */
static struct mapdef *find_map(const struct module *m, u32 file, u32 id)
{
	struct mapdef *found = NULL;

	for (u32 k = 0; id && k < m->map.n; k++) {
		struct mapdef *d = &m->map.v[k];

		if (d->id != id || d->type != BPF_MAP_TYPE_PROG_ARRAY ||
			m->sym.v[d->sym].is_replaced)
			continue;
		if (d->file == file)
			return d;
		found = found ? found : d;
	}
	return found;
}

static int fill(
	struct module *m, struct mapdef *d, const struct func *f, u32 index)
{
	struct loc at = module_loc(m, f, -1);

	if (index >= d->max_entries) {
		diag_error(m->diag, &at, "map %s has %u entries", d->name,
			d->max_entries);
		return -1;
	}
	*vec_push(m->a, &d->init) = (struct map_init){index, f->sym};
	return 0;
}

int fe_section_slots(struct module *m)
{
	int err = 0;

	for (u32 k = 0; k < m->func.n; k++) {
		const struct func *f = &m->func.v[k];
		struct mapdef *d;
		u32 id, index;

		if (!f->is_prog || !names_slot(f->section, &id, &index))
			continue;
		d = find_map(m, m->sym.v[f->sym].file, id);
		if (d)
			err |= fill(m, d, f, index);
	}
	return err;
}
