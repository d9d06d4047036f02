/*
 * Objects that are linked into the process: made once per module from its
 * tables, kept for ever.
 */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/object.h"

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
		free(l->object.prog);
		free(l->object.map);
		free(l->object.own);
		free(l);
		return NULL;
	}
	prog_add_object(&l->object);
	l->next = all;
	all = l;
	return l;
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
