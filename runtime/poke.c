/*
 * Sites of tail calls in loaded objects: they jump directly to the program in
 * their slot, and follow it while programs run.
 *
 * A site has a gate, a byte of data that all sites of the slot share:
 *
 *	G1 gate == 0: take the program from the slot
 *	G2 else: count, tear the frame down, J: jmp rel32 (arm64: b)
 *
 * J changes only while nobody can be between G1 and J, so that no core fetches
 * bytes that another one writes (Intel SDM vol. 3, "Handling Self- and Cross-
 * Modifying Code"; Arm ARM B2, "Concurrent modification and execution"): at any
 * alignment, whatever the bytes are. With the text lock, for slot := P:
 *
 *	U1 gate = 0		who comes to G1 from now on takes the slot
 *	U2 slot = P		the update counts from here
 *	U3 kiln_synchronize()	who passed G1 before U1 has left its run scope.
 *				Partner of a scope's enter: who is not waited
 *				for came later, and its G1 sees U1
 *	U4 J = jmp P		through the other view of the text
 *	U5 text_sync()		every core executes a serializing instruction:
 *				none has fetched J before U4 and uses it later
 *	U6 gate = 1 (release)	who sees it at G1 runs the new J
 *
 * U1 before U2: between them all look at the slot, so there is one moment at
 * which the update happens. A deletion is U1 and U2 alone; the next update's U3
 * serves for it, too. If U3 to U5 fail (inside a run scope, out of reach, a
 * scope that lasts for a second) the gate stays 0 and the slot serves. If it was
 * U3, then the next U3 that succeeds serves for it: of any update, or when an
 * object comes or goes. Nothing is done where J is right already.
 *
 * tests/tail/poke.pml has this as a model, tests/tail/stress.c as a program.
 *
 * Fork: text is shared memory, which a child has, too, while gates and slots
 * are its own. So what is shared is never written: the handler marks all text,
 * and the next writer, parent or child, gets pages of its own first.
 */
#include <string.h>

#include "runtime/map_prog_array.h"
#include "runtime/object.h"

/* state: under rt_text_lock */
static bool fork_locked;
static bool left_closed; /* gates, for want of a U3 */

/* ---- sites --------------------------------------------------------------- */

static void *self(const i32 *field)
{
	return (u8 *)(uintptr_t)field + *field;
}

static bool is_open(const struct kiln_site_row *r)
{
	return r->kind == KILN_SITE_TAIL_CALL && r->state == KILN_SITE_OPEN;
}

static bool is_of(
	const struct kiln_site_row *r, const struct kiln_map *m, u32 key)
{
	return is_open(r) && r->key == key && self(&r->map) == m;
}

/* The first site of the slot from number n on; o->nsite: none. */
static u32 next_site(
	const struct kiln_object *o, u32 n, const struct kiln_map *m, u32 key)
{
	while (n < o->nsite && !is_of(&o->site[n], m, key))
		n++;
	return n;
}

static _Atomic u8 *gate_of(const struct kiln_site_row *r)
{
	return (_Atomic u8 *)self(&r->gate);
}

/* ---- writing ------------------------------------------------------------- */

/* All sites of the slot; false: one is out of reach. */
static bool write_jumps(
	struct kiln_object *o, const struct kiln_map *m, u32 key, u64 to)
{
	u8 jump[8];

	for (u32 n = next_site(o, 0, m, key); n < o->nsite;
		n = next_site(o, n + 1, m, key)) {
		u8 *at = self(&o->site[n].addr);

		if (!poke_jump(jump, (uintptr_t)at, to))
			return false;
		if (memcmp(at, jump, poke_size))
			memcpy(text_rw(&o->text, at), jump, poke_size);
	}
	return true;
}

/* U4 to U6 */
static void open_gate(
	struct kiln_object *o, const struct kiln_map *m, u32 key, u64 to)
{
	u32 first = next_site(o, 0, m, key);

	if (text_edit(&o->text))
		return;
	bool written = write_jumps(o, m, key, to);
	text_done(&o->text, o->text.addr, o->text.size);
	if (written && !text_sync())
		/* partner: the load at G1 */
		atomic_store_explicit(
			gate_of(&o->site[first]), 1, memory_order_release);
}

/* ---- fork ---------------------------------------------------------------- */

void poke_before_fork(void)
{
	bool locked = !kiln_port_lock(&rt_text_lock);

	for (struct kiln_object *o = NULL; (o = prog_next_object(o));)
		o->text.shared = true;
	fork_locked = locked;
}

void poke_after_fork(void)
{
	if (fork_locked)
		kiln_port_unlock(&rt_text_lock);
}

/* ---- slots --------------------------------------------------------------- */

/* Objects may share a map: each that has sites of the slot has a gate. */
static _Atomic u8 *gate_in(
	const struct kiln_object *o, const struct kiln_map *m, u32 key)
{
	u32 n = next_site(o, 0, m, key);

	return n < o->nsite ? gate_of(&o->site[n]) : NULL;
}

void rt_slot_close(struct kiln_map *m, u32 key)
{
	for (struct kiln_object *o = NULL; (o = prog_next_object(o));) {
		_Atomic u8 *gate = gate_in(o, m, key);

		/* U1. Release: stands before U2 for who sees that by an
		 * acquire */
		if (gate)
			atomic_store_explicit(gate, 0, memory_order_release);
	}
}

static bool is_closed(
	const struct kiln_object *o, const struct kiln_map *m, u32 key)
{
	const _Atomic u8 *gate = gate_in(o, m, key);

	return gate && !atomic_load_explicit(gate, memory_order_relaxed);
}

/* The slot that a site of o looks at. */
static u64 slot_of_site(const struct kiln_site_row *r)
{
	const struct kiln_map *m = self(&r->map);

	return load64(
		(u64 *)(uintptr_t)m->values + r->key, memory_order_relaxed);
}

void poke_begin(struct kiln_object *o)
{
	for (u32 n = 0; n < o->nsite; n++) {
		const struct kiln_site_row *r = &o->site[n];
		u64 body = is_open(r) ? slot_of_site(r) : 0;

		if (body &&
			!atomic_load_explicit(gate_of(r), memory_order_relaxed))
			open_gate(o, self(&r->map), r->key, body);
	}
}

/* U3, for all gates that are closed by now. */
static bool is_grace_over(void)
{
	left_closed = kiln_synchronize();
	return !left_closed;
}

void poke_reopen(void)
{
	if (!left_closed || !is_grace_over())
		return;
	for (struct kiln_object *o = NULL; (o = prog_next_object(o));)
		poke_begin(o);
}

void rt_slot_open(struct kiln_map *m, u32 key, u64 body)
{
	struct kiln_object *o = NULL;

	poke_reopen();
	if (left_closed)
		return;
	while ((o = prog_next_object(o)) && !is_closed(o, m, key))
		;
	if (!o || !is_grace_over())
		return;
	for (; o; o = prog_next_object(o))
		if (is_closed(o, m, key))
			open_gate(o, m, key, body);
}
