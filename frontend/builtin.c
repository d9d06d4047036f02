/*
 * Functions of the compiler's library that bpf-gcc calls without a prototype,
 * by name. Most become operations (lower_builtin.c); those of memory and of
 * bits stay undefined symbols, which the C library and libgcc define.
 *
 *   __sync_fetch_and_add_8, __atomic_fetch_add_8    the old value
 *   __sync_add_and_fetch_8, __atomic_add_fetch_8    the new one
 *
 * BPF has no read-modify-write of 1 or 2 bytes, and none for nand: calls of
 * those have no prototype here, and are refused.
 */
#include <string.h>

#include "frontend/code.h"

/* Removes a prefix or a suffix. */
static bool cut_front(const char **s, size_t *n, const char *prefix)
{
	size_t k = strlen(prefix);

	if (*n < k || memcmp(*s, prefix, k))
		return false;
	*s += k;
	*n -= k;
	return true;
}

static bool cut_back(const char *s, size_t *n, const char *suffix)
{
	size_t k = strlen(suffix);

	if (*n < k || memcmp(s + *n - k, suffix, k))
		return false;
	*n -= k;
	return true;
}

static bool is_op(const char *s, size_t n, u8 *op)
{
	static const struct {
		const char *name;
		u8 op;
	} ops[] = {{"add", BUILTIN_ADD}, {"sub", BUILTIN_SUB},
		{"or", BUILTIN_OR}, {"and", BUILTIN_AND}, {"xor", BUILTIN_XOR}};

	for (u32 i = 0; i < countof(ops); i++)
		if (n == strlen(ops[i].name) && !memcmp(s, ops[i].name, n)) {
			*op = ops[i].op;
			return true;
		}
	return false;
}

/* What is left of a name without prefix and size. */
static const struct atomic_row {
	const char *name;
	u8 kind, nargs;
	bool is_sync;
} atomics[] = {
	// clang-format off
	{"val_compare_and_swap",  BUILTIN_CAS,      3, true},
	{"bool_compare_and_swap", BUILTIN_CAS_BOOL, 3, true},
	{"lock_test_and_set",     BUILTIN_XCHG,     2, true},
	{"exchange",              BUILTIN_XCHG,     3, false},
	{"compare_exchange",      BUILTIN_CAS_PTR,  5, false},
	{"load",                  BUILTIN_LOAD,     2, false},
	{"store",                 BUILTIN_STORE,    3, false},
	// clang-format on
};

static bool read_atomic(const char *s, size_t n, struct fe_builtin *b)
{
	bool is_sync = cut_front(&s, &n, "__sync_");
	u8 nargs = is_sync ? 2 : 3;

	if (!is_sync && !cut_front(&s, &n, "__atomic_"))
		return false;
	b->size = cut_back(s, &n, "_8") ? 8 : 4;
	if (b->size == 4 && !cut_back(s, &n, "_4"))
		return false;
	for (u32 i = 0; i < countof(atomics); i++) {
		const struct atomic_row *r = &atomics[i];

		if (r->is_sync != is_sync || strlen(r->name) != n ||
			memcmp(r->name, s, n))
			continue;
		b->kind = r->kind;
		b->nargs = r->nargs;
		return true;
	}
	b->nargs = nargs;
	b->kind = BUILTIN_OLD;
	if (cut_front(&s, &n, is_sync ? "fetch_and_" : "fetch_"))
		return is_op(s, n, &b->op);
	b->kind = BUILTIN_NEW;
	return cut_back(s, &n, is_sync ? "_and_fetch" : "_fetch") &&
	       is_op(s, n, &b->op);
}

static const struct number_row {
	const char *name;
	struct fe_builtin b;
	bool sign;
} numbers[] = {
	// clang-format off
	{"__divdi3",   {BUILTIN_DIV,   0, 8, 2}, true},
	{"__moddi3",   {BUILTIN_MOD,   0, 8, 2}, true},
	{"__divsi3",   {BUILTIN_DIV,   0, 4, 2}, true},
	{"__modsi3",   {BUILTIN_MOD,   0, 4, 2}, true},
	{"__udivdi3",  {BUILTIN_UDIV,  0, 8, 2}, false},
	{"__umoddi3",  {BUILTIN_UMOD,  0, 8, 2}, false},
	{"__udivsi3",  {BUILTIN_UDIV,  0, 4, 2}, false},
	{"__umodsi3",  {BUILTIN_UMOD,  0, 4, 2}, false},
	{"__bswapdi2", {BUILTIN_BSWAP, 0, 8, 1}, false},
	{"__bswapsi2", {BUILTIN_BSWAP, 0, 4, 1}, false},
	// clang-format on
};

/* Calls that remain calls: registers of arguments and of the result. */
static const struct call_row {
	const char *name;
	u8 nargs;
	struct fe_reg arg[3], ret;
} calls[] = {
	// clang-format off
	{"memset",        3, {{8, 0}, {4, 1}, {8, 0}}, {8, 0}},
	{"memcpy",        3, {{8, 0}, {8, 0}, {8, 0}}, {8, 0}},
	{"memmove",       3, {{8, 0}, {8, 0}, {8, 0}}, {8, 0}},
	{"memcmp",        3, {{8, 0}, {8, 0}, {8, 0}}, {4, 1}},
	{"__popcountdi2", 1, {{8, 0}},                 {4, 1}},
	{"__popcountsi2", 1, {{4, 0}},                 {4, 1}},
	{"__clzdi2",      1, {{8, 0}},                 {4, 1}},
	{"__ctzdi2",      1, {{8, 0}},                 {4, 1}},
	{"__ffsdi2",      1, {{8, 0}},                 {4, 1}},
	{"__paritydi2",   1, {{8, 0}},                 {4, 1}},
	// clang-format on
};

/* The prototype of an atomic: an address, for CAS_PTR a second one, values. */
static void proto_of(struct fe_proto *p, bool sign)
{
	const struct fe_builtin *b = &p->builtin;
	bool is_number = b->kind >= BUILTIN_DIV;

	p->nargs = b->nargs;
	p->returns = b->kind != BUILTIN_STORE;
	p->ret = (struct fe_reg){b->size, sign};
	for (u32 i = 0; i < b->nargs; i++)
		p->arg[i] = (struct fe_reg){b->size, sign};
	if (!is_number)
		p->arg[0].size = 8;
	if (b->kind == BUILTIN_CAS_PTR)
		p->arg[1].size = 8;
}

bool fe_builtin_proto(const char *name, struct fe_proto *p)
{
	if (read_atomic(name, strlen(name), &p->builtin)) {
		proto_of(p, false);
		return true;
	}
	p->builtin = (struct fe_builtin){0};
	for (u32 i = 0; i < countof(numbers); i++)
		if (!strcmp(numbers[i].name, name)) {
			p->builtin = numbers[i].b;
			proto_of(p, numbers[i].sign);
			return true;
		}
	for (u32 i = 0; i < countof(calls); i++)
		if (!strcmp(calls[i].name, name)) {
			p->nargs = calls[i].nargs;
			p->returns = true;
			memcpy(p->arg, calls[i].arg, sizeof(calls[i].arg));
			p->ret = calls[i].ret;
			return true;
		}
	return false;
}
