/* The targets that are built in. */
#include <string.h>

#include "ir/target.h"

static const struct target *const targets[] = {
	&x86_target,
};

const struct target *target_find(const char *name)
{
	for (u32 i = 0; i < countof(targets); i++)
		if (!strcmp(targets[i]->name, name))
			return targets[i];
	return NULL;
}
