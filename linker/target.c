/* The targets that are built in. */
#include <string.h>

#include "linker/linker.h"

static const struct target *const targets[] = {
	&x86_target,
	&a64_target,
};

const struct target *target_find(const char *name)
{
	for (u32 i = 0; i < countof(targets); i++)
		if (!strcmp(targets[i]->name, name))
			return targets[i];
	return NULL;
}

const char *target_names(struct arena *a)
{
	const char *text = targets[0]->name;

	for (u32 i = 1; i < countof(targets); i++)
		text = arena_printf(a, "%s or %s", text, targets[i]->name);
	return text;
}
