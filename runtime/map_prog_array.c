/*
 * BPF_MAP_TYPE_PROG_ARRAY: programs for tail calls.
 *
 * A slot of the storage holds the address of a program's body, or 0; code
 * loads it and jumps there, inside a run scope. The host reads and writes
 * programs (rt_prog_of_value()). All programs of one map, those that jump and
 * those that are jumped to, have one context: the compiler said which
 * (kiln_map.extra), or who comes first decides: a program that is put in, or an
 * object that uses the map in place of its own. That outlives both, so a number
 * stands for the text here (priv[MAP_OWNER]).
 *
 * Taking a program out, or replacing it, takes effect at once and does not
 * wait for who is inside it. Who wants its code to go away first calls
 * rt_prog_array_forget(), then waits for a grace period.
 *
 * Maps that were written are in a list, through priv[MAP_NEXT], so that a
 * program which goes away can be found in them. One lock guards the list and
 * all writes, and what poke.c changes in code after them.
 */
#include "kiln/map_size.h"
#include "runtime/array.h"
#include "runtime/map_prog_array.h"

enum { MAP_LISTED, MAP_NEXT, MAP_OWNER }; /* kiln_map.priv */
enum { OWNER_NONE }; /* priv[MAP_OWNER]: nobody decided; or number_of() */

/* state */
static struct kiln_map *maps; /* those that were written */
u32 rt_text_lock;

static u64 *slot_of(const struct kiln_map *m, u32 i)
{
	return (u64 *)map_values(m) + i;
}

/* ---- messages ------------------------------------------------------------ */

struct line {
	char s[320];
	size_t n;
};

static void add_text(struct line *l, const char *s)
{
	while (*s && l->n < sizeof(l->s))
		l->s[l->n++] = *s++;
}

/* The text of the context that the map is for, if somebody who is still there
 * has it. */
static const char *context_text(const struct kiln_map *m)
{
	for (u32 i = 0; !m->extra && i < m->max_entries; i++) {
		u64 body = load64(slot_of(m, i), memory_order_relaxed);
		const char *text = body ? rt_prog_context(body) : NULL;

		if (text)
			return text;
	}
	return m->extra ? (const char *)(uintptr_t)m->extra
			: "that of programs that had it before";
}

static void refuse(
	const struct kiln_map *m, const char *who, const char *context)
{
	const char *part[] = {"map ", (const char *)(uintptr_t)m->name,
		": the context of ", who, " is ", context, ", wanted ",
		context_text(m)};
	struct line l = {.n = 0};

	for (u32 k = 0; k < sizeof(part) / sizeof(part[0]); k++)
		add_text(&l, part[k]);
	kiln_port_log(l.s, l.n);
}

/* ---- programs ------------------------------------------------------------ */

/* Programs reach a prog_array by tail calls only. */
static void *prog_lookup(struct kiln_map *m, const void *key)
{
	(void)m, (void)key;
	return NULL;
}

/* ---- the host ------------------------------------------------------------ */

/* FNV-1a, and never OWNER_NONE. */
static u64 number_of(const char *context)
{
	u64 h = 0xcbf29ce484222325;

	while (*context)
		h = (h ^ (u8)*context++) * 0x100000001b3;
	return h ? h : 1;
}

static u64 owner_of(const struct kiln_map *m)
{
	if (m->priv[MAP_OWNER] || !m->extra)
		return m->priv[MAP_OWNER];
	return number_of((const char *)(uintptr_t)m->extra);
}

bool rt_prog_array_fits(const struct kiln_map *m, const char *context)
{
	u64 owner = owner_of(m);

	return owner == OWNER_NONE || owner == number_of(context);
}

static int claim(struct kiln_map *m, const char *context, const char *who)
{
	if (!rt_prog_array_fits(m, context)) {
		refuse(m, who, context);
		return -RT_EINVAL;
	}
	m->priv[MAP_OWNER] = number_of(context);
	return 0;
}

int rt_prog_array_claim(
	struct kiln_map *m, const char *context, const char *who)
{
	int err = kiln_port_lock(&rt_text_lock);

	if (err)
		return err;
	err = claim(m, context, who);
	kiln_port_unlock(&rt_text_lock);
	return err;
}

static void put_in_list(struct kiln_map *m)
{
	if (m->priv[MAP_LISTED])
		return;
	m->priv[MAP_LISTED] = 1;
	m->priv[MAP_NEXT] = (uintptr_t)maps;
	maps = m;
}

static void set_slot(struct kiln_map *m, u32 i, u64 body)
{
	rt_slot_close(m, i);
	/* pairs with the jump through it: the program's code was complete, and
	 * seen by every core, before anybody could name it here */
	store64(slot_of(m, i), body, memory_order_release);
}

static int write_locked(struct kiln_map *m, u32 i, const struct rt_prog *p)
{
	int err = claim(m, p->context, p->name);

	if (err)
		return err;
	put_in_list(m);
	if (load64(slot_of(m, i), memory_order_relaxed) != p->body)
		set_slot(m, i, p->body);
	rt_slot_open(m, i, p->body);
	return 0;
}

static int prog_write(
	struct kiln_map *m, const void *key, const void *value, u64 flags)
{
	u32 i = array_index(key);
	struct rt_prog p;
	int err = map_ready(m);

	if (err)
		return err;
	if (m->flags & F_RDONLY)
		return -RT_EPERM; /* frozen: code does not look here */
	if (flags != RT_ANY)
		return -RT_EINVAL;
	if (i >= m->max_entries)
		return -RT_E2BIG;
	err = rt_prog_of_value(value, &p);
	if (err)
		return err;
	err = kiln_port_lock(&rt_text_lock);
	if (err)
		return err;
	err = write_locked(m, i, &p);
	kiln_port_unlock(&rt_text_lock);
	return err;
}

static int prog_delete(struct kiln_map *m, const void *key)
{
	u32 i = array_index(key);
	int err = map_ready(m);

	if (err)
		return err;
	if (m->flags & F_RDONLY)
		return -RT_EPERM;
	if (i >= m->max_entries)
		return -RT_E2BIG;
	err = kiln_port_lock(&rt_text_lock);
	if (err)
		return err;
	if (load64(slot_of(m, i), memory_order_relaxed))
		set_slot(m, i, 0);
	else
		err = -RT_ENOENT;
	kiln_port_unlock(&rt_text_lock);
	return err;
}

static int prog_read(struct kiln_map *m, const void *key, void *value)
{
	u32 i = array_index(key);
	int err = map_ready(m);
	u64 body;

	if (err)
		return err;
	if (i >= m->max_entries)
		return -RT_ENOENT;
	body = load64(slot_of(m, i), memory_order_relaxed);
	return body ? rt_prog_to_value(body, value) : -RT_ENOENT;
}

static void prog_setup(struct kiln_map *m)
{
	(void)m; /* everything follows from the definition */
}

static void take_from_list(struct kiln_map *m)
{
	struct kiln_map **p = &maps;

	while (*p && *p != m)
		p = (struct kiln_map **)(void *)&(*p)->priv[MAP_NEXT];
	if (*p)
		*p = (struct kiln_map *)(uintptr_t)m->priv[MAP_NEXT];
}

static void prog_fini(struct kiln_map *m)
{
	if (kiln_port_lock(&rt_text_lock))
		return;
	take_from_list(m);
	kiln_port_unlock(&rt_text_lock);
}

RT_API const struct kiln_map_ops kiln_map_ops_prog_array = {
	.lookup = prog_lookup,
	.update = rt_none_update,
	.del = prog_delete,
	.for_each = rt_none_each,
	.read = prog_read,
	.write = prog_write,
	.next_key = array_next_key,
	.setup = prog_setup,
	.fini = prog_fini,
	.programs = true,
};

/* ---- programs and maps that go away -------------------------------------- */

static bool is_inside(u64 p, const void *start, u64 size)
{
	return p - (uintptr_t)start < size;
}

static struct kiln_map *next_of(const struct kiln_map *m)
{
	return (struct kiln_map *)(uintptr_t)m->priv[MAP_NEXT];
}

static void forget_programs(struct kiln_map *m, const void *start, u64 size)
{
	for (u32 i = 0; i < m->max_entries; i++) {
		u64 body = load64(slot_of(m, i), memory_order_relaxed);

		if (is_inside(body, start, size))
			set_slot(m, i, 0);
	}
}

int rt_prog_array_forget(const void *start, u64 size)
{
	int err = kiln_port_lock(&rt_text_lock);

	if (err)
		return err;
	for (struct kiln_map *m = maps; m; m = next_of(m))
		forget_programs(m, start, size);
	kiln_port_unlock(&rt_text_lock);
	return 0;
}
