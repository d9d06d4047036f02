/*
 * Programs as values of prog_arrays: what kiln_map_update() gets and
 * kiln_map_lookup() gives. In libkiln a value is a struct kiln_program *
 * (prog_host.c), in libkiln-core a const struct kiln_prog_row * (prog_core.c).
 */
#ifndef KILN_RUNTIME_MAP_PROG_ARRAY_H
#define KILN_RUNTIME_MAP_PROG_ARRAY_H

#include "runtime/rt.h"

struct rt_prog {
	const char *name;
	u64 body;	     /* address */
	const char *context; /* kiln_prog_row.context */
};

/* 0, or -EINVAL: no program, or one that takes no context. */
int rt_prog_of_value(const void *value, struct rt_prog *p);
/* 0, or -ENOENT: the program is not known. */
int rt_prog_to_value(u64 body, void *value);
/* Its context, or NULL: it is not known. With the lock. */
const char *rt_prog_context(u64 body);

/* The programs that tail-call through m, and those that it holds, have this
 * context, or it holds none and nothing is known of others yet. */
bool rt_prog_array_fits(const struct kiln_map *m, const char *context);
/* ... and from now on they do: 0, -EINVAL with a message about `who`, -EBUSY. */
int rt_prog_array_claim(
	struct kiln_map *m, const char *context, const char *who);

/* Guards all prog_arrays, the list of objects, and code that changes. */
extern u32 rt_text_lock;

/* With the lock, around the change of a slot (poke.c; in the core there are no
 * sites that jump): from now on its sites look at the slot; they jump to body
 * again. */
void rt_slot_close(struct kiln_map *m, u32 key);
void rt_slot_open(struct kiln_map *m, u32 key, u64 body);

/* Empties the slots whose programs lie in these bytes, of all maps but those
 * that lie in them themselves: these must not be written any more. 0 or
 * -EBUSY (of a thread that is writing one). */
int rt_prog_array_forget(const void *start, u64 size);

#endif
