/*
 * Who is in a physical register, by position: disjoint stretches in a sorted
 * array that is cut into leaves, so that adding and removing move at most one
 * leaf, and now and then the array of leaves.
 */
#include <assert.h>
#include <string.h>

#include "ir/ra.h"

/* The last leaf that starts at or before pos, else the first. The searches of
 * this file are written so that they compile without branches to predict. */
static u32 find_leaf(const struct regmap *r, u32 pos)
{
	const u32 *key = r->key;
	u32 n = r->n;

	while (n > 1) {
		u32 half = n / 2;

		key = key[half] <= pos ? key + half : key;
		n -= half;
	}
	return (u32)(key - r->key);
}

static struct reg_cur search(struct regmap *r, u32 pos)
{
	struct reg_cur c = {0, 0};

	r->lo = 0;
	r->hi = UINT32_MAX;
	if (!r->n)
		return c;
	c.leaf = find_leaf(r, pos);
	const struct reg_leaf *l = r->leaf[c.leaf];
	const struct reg_ent *e = l->e;
	u32 n = l->n;

	while (n > 1) {
		u32 half = n / 2;

		e = e[half - 1].to <= pos ? e + half : e;
		n -= half;
	}
	c.i = (u32)(e - l->e) + (e->to <= pos);
	if (c.i)
		r->lo = l->e[c.i - 1].to;
	else if (c.leaf)
		r->lo = r->key[c.leaf];
	if (c.i < l->n) {
		r->hi = l->e[c.i].to;
		return c;
	}
	c.leaf++;
	c.i = 0;
	if (c.leaf < r->n)
		r->hi = r->key[c.leaf];
	return c;
}

struct reg_cur regmap_find(struct regmap *r, u32 pos)
{
	if (pos < r->lo || pos >= r->hi)
		r->at = search(r, pos);
	return r->at;
}

static void add_leaf(struct arena *a, struct regmap *r, u32 at, u32 key)
{
	if (r->n == r->cap) {
		u32 cap = r->cap, n = r->n;

		r->key = vec_grow(a, r->key, &cap, n, sizeof(*r->key));
		r->leaf = vec_grow(a, r->leaf, &r->cap, n, sizeof(*r->leaf));
	}
	memmove(r->key + at + 1, r->key + at, (r->n - at) * sizeof(*r->key));
	memmove(r->leaf + at + 1, r->leaf + at, (r->n - at) * sizeof(*r->leaf));
	r->key[at] = key;
	r->leaf[at] = arena_new(a, struct reg_leaf);
	r->n++;
}

/* Moves the upper part of a full leaf to a new one behind it. Appending in
 * order leaves full leaves. */
static void split_leaf(struct arena *a, struct regmap *r, u32 at, u32 i)
{
	u32 keep = i == LEAF_MAX ? LEAF_MAX - 1 : LEAF_MAX / 2;
	struct reg_leaf *old = r->leaf[at];

	add_leaf(a, r, at + 1, old->e[keep].from);
	struct reg_leaf *new = r->leaf[at + 1];
	new->n = old->n - keep;
	memcpy(new->e, old->e + keep, new->n * sizeof(*new->e));
	old->n = keep;
}

void regmap_add(struct arena *a, struct regmap *r, const struct reg_ent *e)
{
	if (!r->n)
		add_leaf(a, r, 0, e->from);
	u32 at = find_leaf(r, e->from);
	struct reg_leaf *l = r->leaf[at];
	u32 i = 0, hi = l->n;

	while (i < hi) {
		u32 mid = i + (hi - i) / 2;

		if (l->e[mid].from > e->from)
			hi = mid;
		else
			i = mid + 1;
	}
	if (l->n == LEAF_MAX) {
		split_leaf(a, r, at, i);
		regmap_add(a, r, e);
		return;
	}
	memmove(l->e + i + 1, l->e + i, (l->n - i) * sizeof(*l->e));
	l->e[i] = *e;
	l->n++;
	r->key[at] = l->e[0].from;
	r->lo = r->hi = 0;
}

static void del_leaf(struct regmap *r, u32 at)
{
	r->n--;
	memmove(r->key + at, r->key + at + 1, (r->n - at) * sizeof(*r->key));
	memmove(r->leaf + at, r->leaf + at + 1, (r->n - at) * sizeof(*r->leaf));
}

void regmap_del(struct regmap *r, u32 from)
{
	struct reg_cur c = regmap_find(r, from);
	struct reg_leaf *l = r->leaf[c.leaf];

	assert(l->e[c.i].from == from);
	l->n--;
	memmove(l->e + c.i, l->e + c.i + 1, (l->n - c.i) * sizeof(*l->e));
	if (!l->n)
		del_leaf(r, c.leaf);
	else
		r->key[c.leaf] = l->e[0].from;
	r->lo = r->hi = 0;
}
