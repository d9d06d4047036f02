/*
 * Programs as values of prog_arrays, and the objects whose programs are known:
 * all that are loaded, and linked ones once kiln_object_self() named them.
 */
#include <string.h>

#include "runtime/map_prog_array.h"
#include "runtime/object.h"

/* state */
static struct kiln_object *objects; /* under rt_text_lock */

void prog_add_object(struct kiln_object *o)
{
	if (kiln_port_lock(&rt_text_lock))
		return;
	poke_begin(o);
	o->next = objects;
	objects = o;
	poke_reopen();
	kiln_port_unlock(&rt_text_lock);
}

void prog_remove_object(struct kiln_object *o)
{
	if (kiln_port_lock(&rt_text_lock))
		return;
	for (struct kiln_object **p = &objects; *p; p = &(*p)->next)
		if (*p == o) {
			*p = o->next;
			break;
		}
	poke_reopen();
	kiln_port_unlock(&rt_text_lock);
}

struct kiln_object *prog_next_object(const struct kiln_object *o)
{
	return o ? o->next : objects;
}

static bool has_map(const struct kiln_object *o, const struct kiln_map *m)
{
	for (u32 i = 0; i < o->nmap; i++)
		if (o->map[i] == m)
			return !o->linked && o->own[i].map == m;
	return false;
}

struct kiln_object *obj_hold_owner(const struct kiln_map *m)
{
	struct kiln_object *o;

	if (kiln_port_lock(&rt_text_lock))
		return NULL;
	for (o = objects; o && !has_map(o, m); o = o->next)
		;
	if (o)
		atomic_fetch_add_explicit(
			ATOMIC32(&o->refs), 1, memory_order_relaxed);
	kiln_port_unlock(&rt_text_lock);
	return o;
}

int rt_prog_of_value(const void *value, struct rt_prog *p)
{
	struct kiln_program *prog;

	memcpy(&prog, value, sizeof(prog));
	if (!prog || prog->flags & KILN_PROG_RAW)
		return -RT_EINVAL;
	*p = (struct rt_prog){prog->name, (uintptr_t)prog->body, prog->context};
	return 0;
}

static struct kiln_program *find(u64 body)
{
	for (struct kiln_object *o = objects; o; o = o->next)
		for (u32 i = 0; i < o->nprog; i++)
			if ((uintptr_t)o->prog[i].body == body)
				return &o->prog[i];
	return NULL;
}

const char *rt_prog_context(u64 body)
{
	const struct kiln_program *p = find(body);

	return p ? p->context : NULL;
}

int rt_prog_to_value(u64 body, void *value)
{
	struct kiln_program *p;
	int err = kiln_port_lock(&rt_text_lock);

	if (err)
		return err;
	p = find(body);
	kiln_port_unlock(&rt_text_lock);
	if (!p)
		return -RT_ENOENT;
	memcpy(value, &p, sizeof(p));
	return 0;
}
