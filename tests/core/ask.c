#include <stdio.h>
#include <string.h>

#include "ask.h"
#include "kiln/bytes.h"
#include "kiln/runtime.h"

void ask_fill(u8 *ctx)
{
	for (u32 i = 0; i < CTX; i++)
		ctx[i] = (u8)(i * 151 + 77);
}

static void keep_log(void *ctx, enum kiln_level level, const char *line)
{
	struct ask *a = ctx;

	if (level == KILN_ERROR)
		snprintf(a->log, sizeof(a->log), "%s", line);
}

void ask_done(struct ask *a)
{
	kiln_free(a->out);
	a->out = NULL;
}

bool ask_kiln(struct ask *a, const char *name, u64 *answer)
{
	const char *names[] = {name, NULL};
	struct kiln_compile_opts o = {.sz = sizeof(o),
		.progs = names,
		.btf = a->target,
		.log = keep_log,
		.log_ctx = a};

	ask_done(a);
	a->log[0] = 0;
	if (kiln_compile(a->in, a->n, &o, &a->out, &a->size))
		return false;
	struct kiln_object *obj = kiln_object_open_mem(a->out, a->size, NULL);
	bool ok = obj && !kiln_object_load(obj);
	if (ok) {
		ask_fill(a->ctx);
		kiln_program_run(kiln_object_find_program(obj, name), a->ctx);
		*answer = get_le64(a->ctx + ANSWER);
	} else {
		snprintf(a->log, sizeof(a->log), "does not load");
	}
	kiln_object_close(obj);
	return ok;
}
