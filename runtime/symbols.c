/*
 * Names that loaded objects import: the runtime's own in one sorted-by-def
 * table, the application's explicit table before it, the process's exported
 * symbols and functions that KILN_HOOK() names after it.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <string.h>

#include "kiln/map_size.h"
#include "runtime/object.h"
#include "runtime/tramp.h"

#define HELPER(id, name, kind, scope, effects, ret, a1, a2, a3, a4, a5) \
	extern u64 kiln_helper_##name(u64, u64, u64, u64, u64);
#define FORM(id, ctx, name) \
	extern u64 kiln_helper_##name(u64, u64, u64, u64, u64);
#include "kiln/helpers.def"
#undef FORM
#undef HELPER
extern const u32 kiln_abi_1;
/* Only their addresses are of interest here (kfunc.c). */
extern void bpf_iter_num_new(void), bpf_iter_num_next(void),
	bpf_iter_num_destroy(void), bpf_rcu_read_lock(void),
	bpf_rcu_read_unlock(void);

static const struct {
	const char *name;
	const void *addr;
} own[] = {
#define OWN_NATIVE(name) \
	{KILN_HELPER_PREFIX #name, (const void *)&kiln_helper_##name},
#define FORM(id, ctx, name) \
	{KILN_HELPER_PREFIX #name, (const void *)&kiln_helper_##name},
#define OWN_HOOK(name)	 OWN_NATIVE(name)
#define OWN_INLINE(name) /* no object imports it */
#define HELPER(id, name, kind, scope, effects, ret, a1, a2, a3, a4, a5) \
	OWN_##kind(name)
#include "kiln/helpers.def"
#undef FORM
#undef HELPER
#undef OWN_INLINE
#undef OWN_HOOK
#undef OWN_NATIVE
#define MAP_KIND(type, name, ops, ...) \
	{KILN_MAP_OPS_PREFIX #ops, &kiln_map_ops_##ops},
#include "kiln/maps.def"
#undef MAP_KIND
	{KILN_SCOPE_ENTER, (const void *)&kiln_scope_enter},
	{KILN_SCOPE_LEAVE, (const void *)&kiln_scope_leave},
	{"kiln_port_cpu", (const void *)&kiln_port_cpu},
	{KILN_LOOP_BUDGET, (const void *)&kiln_loop_budget},
	{KILN_SKB_LOAD, (const void *)&kiln_skb_load},
#define KFUNC(name)                        \
	{                                  \
#name, (const void *)&name \
	}
	KFUNC(bpf_iter_num_new),
	KFUNC(bpf_iter_num_next),
	KFUNC(bpf_iter_num_destroy),
	KFUNC(bpf_rcu_read_lock),
	KFUNC(bpf_rcu_read_unlock),
	{KILN_ABI_SYMBOL, &kiln_abi_1},
	{KILN_MODULE_SYMBOL, &kiln_abi_1}, /* any address will do */
	{"memcpy", (const void *)&memcpy},
	{"memmove", (const void *)&memmove},
	{"memset", (const void *)&memset},
	{"memcmp", (const void *)&memcmp},
};

u64 rt_map_ops(u32 type)
{
	switch (type) {
#define MAP_KIND(t, name, ops, ...) \
	case KILN_MAP_TYPE_##t:     \
		return (u64)(uintptr_t)&kiln_map_ops_##ops;
#include "kiln/maps.def"
#undef MAP_KIND
	default: return 0;
	}
}

void *sym_find(const struct kiln_object *o, const char *name)
{
	for (const struct kiln_symbol *s = o->opts.symbols; s && s->name; s++)
		if (!strcmp(s->name, name))
			return s->addr;
	for (u32 i = 0; i < countof(own); i++)
		if (!strcmp(own[i].name, name))
			return (void *)(uintptr_t)own[i].addr;
	void *p = dlsym(RTLD_DEFAULT, name);
	return p ? p : (void *)(uintptr_t)tramp_find_name(name);
}
