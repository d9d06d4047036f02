/*
 * Objects that are linked into the process: made once per module from its
 * tables, kept until kiln-module.o says that the module goes.
 */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/object.h"
#include "runtime/map_prog_array.h"
#include "runtime/tramp.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static struct linked {
	struct linked *next;
	struct kiln_tables tables;
	struct kiln_object object;
} * all; /* under lock */

static struct linked *find(const struct kiln_tables *t)
{
	for (struct linked *l = all; l; l = l->next)
		if (!memcmp(&l->tables, t, sizeof(*t)))
			return l;
	return NULL;
}

static struct linked *make(const struct kiln_tables *t)
{
	static char name[] = "linked object";
	struct linked *l = calloc(1, sizeof(*l));

	if (!l)
		return NULL;
	l->tables = *t;
	l->object.name = name;
	l->object.linked = l->object.loaded = true;
	if (obj_index(&l->object, t) || fault_add(&l->object)) {
		obj_drop(&l->object);
		free(l);
		return NULL;
	}
	prog_add_object(&l->object);
	l->next = all;
	all = l;
	return l;
}

static struct linked *take_out(const struct kiln_tables *t)
{
	struct linked **p = &all, *l;

	pthread_mutex_lock(&lock);
	while (*p && memcmp(&(*p)->tables, t, sizeof(*t)))
		p = &(*p)->next;
	l = *p;
	if (l)
		*p = l->next;
	pthread_mutex_unlock(&lock);
	return l;
}

/* Its maps are not in anybody's list any more. */
static void end_maps(struct kiln_object *o)
{
	for (u32 k = 0; k < o->nmap; k++) {
		const struct kiln_map_ops *ops =
			PTR(const struct kiln_map_ops, o->map[k]->ops);

		if (ops->fini)
			ops->fini(o->map[k]);
	}
}

void linked_end(const struct kiln_tables *t, u64 lo, u64 hi)
{
	struct linked *l = take_out(t);
	struct kiln_object *o = l ? &l->object : NULL;

	tramp_forget(o, lo, hi);
	struct tramp_image *images = tramp_take_retired();
	rt_prog_array_forget(PTR(void, lo), hi - lo);
	if (o)
		prog_remove_object(o);
	int err = kiln_synchronize();
	tramp_give_retired(images, !err);
	if (!err)
		err = rt_timers_drop(lo, hi);
	if (!o)
		return;
	/* its code goes, whether somebody is in it or not */
	fault_remove(o);
	end_maps(o);
	if (!err)
		obj_drop(o);
	if (!err)
		free(l);
}

RT_API struct kiln_object *kiln_object_from_tables(const struct kiln_tables *t)
{
	struct linked *l;

	if (t->progs == t->progs_end && t->maps == t->maps_end) {
		errno = ENOENT;
		return NULL;
	}
	pthread_mutex_lock(&lock);
	l = find(t);
	if (!l)
		l = make(t);
	pthread_mutex_unlock(&lock);
	if (!l)
		errno = ENOMEM;
	return l ? &l->object : NULL;
}
