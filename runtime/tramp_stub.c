/*
 * Copies of stubs. They stay for ever: nobody knows who is inside one. They lie in
 * chunks of text, each next to the functions that it serves, so that direct
 * branches reach both ways.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/object.h"
#include "runtime/tramp.h"

#define CHUNK ((u64)128 << 10) /* more than the largest stub has */

struct chunk {
	struct chunk *next;
	struct text text;
	u64 used;
};

static struct chunk *chunks; /* under tramp_lock */

static u64 size_of(const struct kiln_hook_row *row)
{
	return row->lits + sizeof(struct kiln_stub_lits);
}

/* ---- chunks ---------------------------------------------------------------- */

/* With the lock: room in reach of the sled, or NULL. */
static struct chunk *find_chunk(u64 sled, u64 size)
{
	struct chunk *c;

	for (c = chunks; c; c = c->next)
		if (c->used + size <= CHUNK &&
			sled_reaches(sled, (uintptr_t)c->text.addr) &&
			sled_reaches(sled, (uintptr_t)c->text.addr + CHUNK))
			break;
	return c;
}

static int map_chunk(struct chunk *c, u64 sled)
{
	c->text = (struct text){.size = CHUNK, .fd = -1};
	c->text.addr = mem_reserve_near(PTR(void, sled), CHUNK);
	if (!c->text.addr)
		return -ENOMEM;
	if (!sled_reaches(sled, (uintptr_t)c->text.addr) ||
		!sled_reaches(sled, (uintptr_t)c->text.addr + CHUNK))
		return -ERANGE;
	int err = text_open(&c->text);
	if (!err)
		err = text_run(&c->text, true);
	return err == -EACCES ? -EPERM : err;
}

static int add_chunk(u64 sled)
{
	struct chunk *c = calloc(1, sizeof(*c));
	int err = c ? map_chunk(c, sled) : -ENOMEM;

	if (!err)
		err = kiln_port_lock(&tramp_lock);
	if (err) {
		if (c && c->text.addr)
			mem_unreserve(c->text.addr, CHUNK);
		if (c)
			text_close(&c->text);
		free(c);
		return err;
	}
	c->next = chunks;
	chunks = c;
	kiln_port_unlock(&tramp_lock);
	return 0;
}

void tramp_share_stubs(void)
{
	for (struct chunk *c = chunks; c; c = c->next)
		c->text.shared = true;
}

/* ---- copies ---------------------------------------------------------------- */

static int copy_stub(struct chunk *c, const struct kiln_hook_row *row,
	const struct tramp_gate *g, const struct tramp_place *p, u64 *stub)
{
	u8 *at = c->text.addr + c->used;
	int err = text_edit(&c->text);

	if (err)
		return err;
	u8 *rw = text_rw(&c->text, at);
	const struct kiln_stub_lits lits = {
		.hook = (uintptr_t)g,
		.enter = (uintptr_t)&rt_tramp_enter,
		.exit = (uintptr_t)&rt_tramp_exit,
	};
	memcpy(rw, PTR(void, obj_self(&row->stub)), row->lits);
	memcpy(rw + row->lits, &lits, sizeof(lits));
	if (!stub_aim(rw, (uintptr_t)at, row->call, row->jump,
		    p->sled + sled_size))
		err = -EINVAL;
	text_done(&c->text, at, size_of(row));
	c->used += align_up(size_of(row), 64);
	*stub = (uintptr_t)at;
	return err;
}

int tramp_stub_new(const struct kiln_hook_row *row, const struct tramp_gate *g,
	const struct tramp_place *p, struct tramp_stub *s)
{
	struct chunk *c = NULL;
	int err = 0;

	while (!err && !c) {
		err = kiln_port_lock(&tramp_lock);
		if (err)
			return err;
		c = find_chunk(p->sled, size_of(row));
		if (c)
			err = copy_stub(c, row, g, p, &s->at);
		kiln_port_unlock(&tramp_lock);
		if (!c)
			err = add_chunk(p->sled);
	}
	if (err)
		return err;
	s->size = (u32)size_of(row);
	s->debug = debug_add_stub(s->at, s->size, row);
	return s->debug ? 0 : -ENOMEM;
}

void tramp_stub_drop(struct tramp_stub *s)
{
	debug_remove_stub(s->debug);
	s->debug = NULL;
}
