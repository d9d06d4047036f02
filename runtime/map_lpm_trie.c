/*
 * BPF_MAP_TYPE_LPM_TRIE: keys are prefixes {u32 bits; u8 data[]}; a lookup
 * finds the longest one that its own data begins with.
 *
 * A binary trie with compressed paths. A node stands for a prefix: one that was
 * put in, or (BRANCH) one where two of them part. Below child[b] is what goes
 * on with bit b. A place is the root or a child: 0 or a link, {gen, index} of
 * a node. Nodes never leave the storage; like the elements of hashtab.h they
 * have lives, which gen counts (odd: alive), and a link means one life.
 *
 * Writers hold one lock for the whole trie. Each changes what readers see by
 * one store, of a place (release); a new node is complete before, and the gen
 * of a node that is out of the trie rises after it, followed by a release
 * fence, before the node is written again:
 *
 *   put    a new leaf, or a new node that has the old one's children, or a new
 *          branch above the old node and a new leaf -> one place
 *   take   the node's only child, or nothing -> its place; of a leaf below a
 *          branch, the other child -> the branch's place; a node with two
 *          children becomes a branch (one store of its bits)
 *
 * Readers take no lock: they read a node's bits, data and next place, then
 * (acquire fence) its gen; if that is not the link's, they start again. So
 * what they read belongs to the node that was meant, while it was alive. While
 * a node is alive, or taken out and not yet ended, all prefixes that are in
 * the trie and go on from its own are below it. So a prefix that is there
 * during the whole lookup is on the reader's way, and the reader gives it or a
 * longer one; and what it gives was there at some moment of the lookup. It
 * starts again only if a writer ended a life meanwhile.
 */
#include "kiln/map_size.h"
#include "runtime/rt.h"

#define BRANCH ((u32)1 << 31)

struct trie_head {
	u64 root;
	u32 lock;
	u32 free;   /* a chain through child[0] */
	u32 n_used; /* nodes 1..n_used have been used */
	u32 n_keys;
};

struct trie_node {
	u64 child[2];
	u32 gen;
	u32 bits; /* of the prefix; BRANCH */
	u64 data[];
};

KILN_STATIC_ASSERT(sizeof(struct trie_node) == MAP_NODE_HEADER, "trie_node");
KILN_STATIC_ASSERT(sizeof(struct trie_head) <= MAP_LINE, "trie_head");

/* A caller's key. */
struct prefix {
	const u8 *data;
	u64 first;	/* 8 bytes of it, the first bit highest */
	u32 bits, size; /* bytes of data */
};

/* ---- addresses --------------------------------------------------------------- */

static struct trie_head *head_of(const struct kiln_map *m)
{
	return (struct trie_head *)map_values(m);
}

static always_inline struct trie_node *node_at(
	const struct kiln_map *m, u64 link)
{
	return (struct trie_node *)(map_values(m) + MAP_LINE +
				    ((u32)link - 1) * m->priv[0]);
}

static u64 *value_of(const struct kiln_map *m, struct trie_node *n)
{
	return n->data + (m->key_size - 4 + 7) / 8;
}

/* 8 bytes of data at 8 * i, with 0 behind the end. */
static always_inline u64 part_of(struct prefix p, u32 i)
{
	u32 left = p.size - 8 * i, w;

	if (left >= 8)
		return word_get(p.data + 8 * i, 8);
	if (left != 4)
		return word_get(p.data + 8 * i, left);
	__builtin_memcpy(&w, p.data + 8 * i, 4);
	return w;
}

static struct prefix prefix_of(const struct kiln_map *m, const void *key)
{
	struct prefix p = {
		.data = (const u8 *)key + 4, .size = m->key_size - 4};

	__builtin_memcpy(&p.bits, key, sizeof(p.bits));
	p.first = __builtin_bswap64(part_of(p, 0));
	return p;
}

static bool is_too_long(struct prefix p)
{
	return p.bits > p.size * 8;
}

/* ---- bits: the first of a byte is its highest --------------------------------- */

static always_inline u32 bit_of(struct prefix p, u32 i)
{
	return p.data[i / 8] >> (7 - i % 8) & 1;
}

static u32 node_bit(const struct trie_node *n, u32 i)
{
	u64 w = load64(&n->data[i / 64], memory_order_relaxed);

	return (u32)(__builtin_bswap64(w) >> (63 - i % 64)) & 1;
}

/* How many of the first `limit` bits of both are equal. */
static always_inline u32 common(
	const struct trie_node *n, struct prefix p, u32 limit)
{
	for (u32 i = 0; i * 64 < limit; i++) {
		u64 x = load64(&n->data[i], memory_order_relaxed) ^
			part_of(p, i);

		if (x) {
			u32 at = i * 64 +
				 (u32)__builtin_clzll(__builtin_bswap64(x));

			return at < limit ? at : limit;
		}
	}
	return limit;
}

static always_inline u32 common_with(
	const struct trie_node *n, struct prefix p, u32 bits)
{
	return common(n, p, bits < p.bits ? bits : p.bits);
}

/* ---- lookup -------------------------------------------------------------------- */

struct found {
	struct trie_node *n;
	u32 gen;
};

static always_inline bool is_alive(const struct trie_node *n, u32 gen)
{
	/* pairs with the fence in end_life() */
	atomic_thread_fence(memory_order_acquire);
	return likely(load32(&n->gen, memory_order_relaxed) == gen);
}

/* Whether p begins with the node's first len bits. */
static always_inline bool covers(
	const struct trie_node *n, struct prefix p, u32 len, bool is_short)
{
	u64 x;

	if (len > p.bits)
		return false;
	if (!is_short)
		return common(n, p, len) == len;
	x = __builtin_bswap64(load64(&n->data[0], memory_order_relaxed));
	return !len || !((x ^ p.first) >> (64 - len));
}

/* is_short: data of up to 8 bytes. */
static always_inline struct found find_sized(
	const struct kiln_map *m, struct prefix p, bool is_short)
{
	struct found f;
	struct trie_node *n;
	u64 link, next;
	u32 bits, len;

again:
	f = (struct found){NULL, 0};
	link = load64(&head_of(m)->root, memory_order_acquire);
	for (; link; link = next) {
		n = node_at(m, link);
		bits = load32(&n->bits, memory_order_relaxed);
		len = bits & ~BRANCH;
		next = 0;
		/* a node that is used again may have any bits */
		if (!covers(n, p, len, is_short))
			bits = BRANCH; /* not on the way */
		else if (len < p.size * 8)
			next = load64(
				&n->child[is_short ? p.first >> (63 - len) & 1
						   : bit_of(p, len)],
				memory_order_acquire);
		if (!is_alive(n, link >> 32))
			goto again;
		if (!(bits & BRANCH))
			f = (struct found){n, link >> 32};
	}
	return f;
}

static struct found find(const struct kiln_map *m, struct prefix p)
{
	return p.size <= 8 ? find_sized(m, p, true) : find_sized(m, p, false);
}

static void *trie_lookup(struct kiln_map *m, const void *key)
{
	struct prefix p = prefix_of(m, key);
	struct found f;

	if (unlikely(map_ready(m)) || unlikely(is_too_long(p)))
		return NULL;
	f = find(m, p);
	return f.n ? value_of(m, f.n) : NULL;
}

static int trie_read(struct kiln_map *m, const void *key, void *value)
{
	struct prefix p = prefix_of(m, key);
	struct found f;
	int err = map_ready(m);

	if (err)
		return err;
	if (is_too_long(p))
		return -RT_ENOENT;
	do {
		f = find(m, p);
		if (!f.n)
			return -RT_ENOENT;
		words_get(value, value_of(m, f.n), m->value_size);
	} while (!is_alive(f.n, f.gen));
	return 0;
}

/* ---- nodes, with the trie locked ------------------------------------------------ */

/* There always is one: max_entries keys part in fewer branches, and one node
 * more replaces another. */
static u32 alloc(struct kiln_map *m)
{
	struct trie_head *h = head_of(m);
	u32 i = h->free;

	if (!i)
		return ++h->n_used;
	h->free = (u32)load64(&node_at(m, i)->child[0], memory_order_relaxed);
	return i;
}

static void end_life(struct kiln_map *m, u64 link)
{
	struct trie_node *n = node_at(m, link);

	store32(&n->gen, n->gen + 1, memory_order_relaxed);
	/* pairs with is_alive(): who reads anything written from here on also
	 * reads this gen, or a later one */
	atomic_thread_fence(memory_order_release);
	store64(&n->child[0], head_of(m)->free, memory_order_relaxed);
	head_of(m)->free = (u32)link;
}

/* A complete node, alive but in no place yet: its link. */
static u64 new_node(
	struct kiln_map *m, struct prefix p, u32 bits, const u64 child[2])
{
	u32 i = alloc(m);
	struct trie_node *n = node_at(m, i);

	words_put(n->data, p.data, p.size);
	store64(&n->child[0], child[0], memory_order_relaxed);
	store64(&n->child[1], child[1], memory_order_relaxed);
	store32(&n->bits, bits, memory_order_relaxed);
	store32(&n->gen, n->gen + 1, memory_order_relaxed);
	return (u64)n->gen << 32 | i;
}

/* ---- update ----------------------------------------------------------------------- */

/* Where a prefix is or would be, and how far the node there agrees. */
struct place {
	u64 *at,
		*above; /* above: the place of the node that at is in, or NULL */
	u64 link;
	struct trie_node *n; /* NULL: nothing is there */
	u32 bits, same;
};

static struct place walk(struct kiln_map *m, struct prefix p)
{
	struct place x = {.at = &head_of(m)->root};

	for (;;) {
		x.link = *x.at;
		if (!x.link)
			return x;
		x.n = node_at(m, x.link);
		x.bits = x.n->bits & ~BRANCH;
		x.same = common_with(x.n, p, x.bits);
		if (x.same != x.bits || x.bits == p.bits)
			return x;
		x.above = x.at;
		x.at = &x.n->child[bit_of(p, x.bits)];
		x.n = NULL;
	}
}

static int may_add(struct kiln_map *m, u64 flags)
{
	if (flags == RT_EXIST)
		return -RT_ENOENT;
	if (head_of(m)->n_keys >= m->max_entries)
		return -RT_ENOSPC;
	head_of(m)->n_keys++;
	return 0;
}

/* The link of a branch where p, which is in leaf, and the node at x part. */
static u64 part(
	struct kiln_map *m, struct prefix p, const struct place *x, u64 leaf)
{
	u32 b = bit_of(p, x->same);
	u64 child[2];

	child[b] = leaf;
	child[!b] = x->link;
	return new_node(m, p, x->same | BRANCH, child);
}

static int put_locked(
	struct kiln_map *m, struct prefix p, const void *value, u64 flags)
{
	struct place x = walk(m, p);
	bool exact = x.n && x.bits == x.same && x.bits == p.bits;
	bool exists = exact && !(x.n->bits & BRANCH);
	u64 child[2] = {0, 0}, new;
	int err = exists ? flags == RT_NOEXIST ? -RT_EEXIST : 0
			 : may_add(m, flags);

	if (err)
		return err;
	if (exact) {
		child[0] = x.n->child[0];
		child[1] = x.n->child[1];
	} else if (x.n && x.same == p.bits) {
		child[node_bit(x.n, x.same)] = x.link;
	}
	new = new_node(m, p, p.bits, child);
	words_put(value_of(m, node_at(m, new)), value, m->value_size);
	if (x.n && !exact && x.same != p.bits)
		new = part(m, p, &x, new);
	store64(x.at, new, memory_order_release);
	if (exact)
		end_life(m, x.link);
	return 0;
}

static int trie_update(
	struct kiln_map *m, const void *key, const void *value, u64 flags)
{
	struct prefix p = prefix_of(m, key);
	int err = map_ready(m);

	if (err)
		return err;
	if (flags > RT_EXIST || is_too_long(p))
		return -RT_EINVAL;
	err = kiln_port_lock(&head_of(m)->lock);
	if (err)
		return err;
	err = put_locked(m, p, value, flags);
	kiln_port_unlock(&head_of(m)->lock);
	return err;
}

/* ---- delete ------------------------------------------------------------------------- */

/* A leaf below a branch goes with the branch, whose other child rises. */
static bool take_with_branch(struct kiln_map *m, const struct place *x)
{
	struct trie_node *branch;
	u64 link;

	if (!x->above || x->n->child[0] || x->n->child[1])
		return false;
	link = *x->above;
	branch = node_at(m, link);
	if (!(branch->bits & BRANCH))
		return false;
	store64(x->above, branch->child[x->at == &branch->child[0]],
		memory_order_release);
	end_life(m, link);
	end_life(m, x->link);
	return true;
}

static int take_locked(struct kiln_map *m, struct prefix p)
{
	struct place x = walk(m, p);
	struct trie_node *n = x.n;

	if (!n || x.bits != p.bits || x.same != p.bits || n->bits & BRANCH)
		return -RT_ENOENT;
	head_of(m)->n_keys--;
	if (n->child[0] && n->child[1]) {
		store32(&n->bits, n->bits | BRANCH, memory_order_release);
	} else if (!take_with_branch(m, &x)) {
		store64(x.at, n->child[0] ? n->child[0] : n->child[1],
			memory_order_release);
		end_life(m, x.link);
	}
	return 0;
}

static int trie_delete(struct kiln_map *m, const void *key)
{
	struct prefix p = prefix_of(m, key);
	int err = map_ready(m);

	if (err)
		return err;
	if (is_too_long(p))
		return -RT_EINVAL;
	err = kiln_port_lock(&head_of(m)->lock);
	if (err)
		return err;
	err = take_locked(m, p);
	kiln_port_unlock(&head_of(m)->lock);
	return err;
}

/* ---- next key: children before their parent, 0 before 1 ------------------------------ */

static struct trie_node *leftmost(const struct kiln_map *m, u64 link)
{
	struct trie_node *n = NULL;

	for (; link; link = n->child[0] ? n->child[0] : n->child[1])
		n = node_at(m, link);
	return n;
}

/* What comes after p: of the nodes on the way, the last that has something
 * behind the way. NULL with *known if p is the last. */
static struct trie_node *after(
	const struct kiln_map *m, struct prefix p, bool *known)
{
	struct trie_node *n, *next = NULL;
	u32 bits, b;
	u64 link;

	for (link = head_of(m)->root; link; link = n->child[b]) {
		n = node_at(m, link);
		bits = n->bits & ~BRANCH;
		if (common_with(n, p, bits) != bits)
			break;
		if (bits == p.bits) {
			*known = !(n->bits & BRANCH);
			return next;
		}
		b = bit_of(p, bits);
		if (!b && n->child[1])
			next = leftmost(m, n->child[1]);
		else if (!(n->bits & BRANCH))
			next = n;
	}
	*known = false;
	return NULL;
}

static int next_locked(const struct kiln_map *m, const void *key, void *out)
{
	struct prefix p = {0};
	struct trie_node *n = NULL;
	bool known = false;
	u32 bits;

	if (key)
		p = prefix_of(m, key);
	if (key && !is_too_long(p))
		n = after(m, p, &known);
	if (!known)
		n = leftmost(m, head_of(m)->root);
	if (!n)
		return -RT_ENOENT;
	bits = n->bits;
	__builtin_memcpy(out, &bits, sizeof(bits));
	words_get((u8 *)out + 4, n->data, m->key_size - 4);
	return 0;
}

static int trie_next_key(struct kiln_map *m, const void *key, void *out)
{
	int err = map_ready(m);

	if (err)
		return err;
	err = kiln_port_lock(&head_of(m)->lock);
	if (err)
		return err;
	err = next_locked(m, key, out);
	kiln_port_unlock(&head_of(m)->lock);
	return err;
}

static void trie_setup(struct kiln_map *m)
{
	m->priv[0] = map_node_size(m->key_size, map_value_stride(m));
}

RT_API const struct kiln_map_ops kiln_map_ops_lpm_trie = {
	.lookup = trie_lookup,
	.update = trie_update,
	.del = trie_delete,
	.for_each = rt_none_each,
	.read = trie_read,
	.write = trie_update,
	.next_key = trie_next_key,
	.setup = trie_setup,
};
