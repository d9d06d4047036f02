/*
 * Runs native objects that come over standard input, one after the other; the
 * answers go to standard output. wire.h shows both. It ends with its input.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "native.h"
#include "wire.h"

enum { OBJECT_MAX = 1 << 24 };

static void take(void *p, size_t size)
{
	if (size && fread(p, size, 1, stdin) != 1) {
		fprintf(stderr, "runner: the request is cut off\n");
		exit(1);
	}
}

static void answer(const struct leg_run *run, enum leg_status status)
{
	struct wire_answer a = {.r0 = run->r0, .status = status};

	snprintf(a.text, sizeof(a.text), "%.*s", (int)sizeof(a.text) - 1,
		run->text);
	fwrite(&a, sizeof(a), 1, stdout);
	fwrite(run->mem, 1, run->mem_size, stdout);
	if (fflush(stdout))
		exit(1);
}

static void serve(const struct wire_request *r)
{
	static u8 mem[LEG_MEM_MAX];
	struct leg_run run = {.mem = mem, .mem_size = r->mem_size};
	void *object = NULL;

	if (r->object_size <= OBJECT_MAX && r->mem_size <= LEG_MEM_MAX)
		object = malloc(r->object_size);
	if (!object) {
		fprintf(stderr, "runner: the request is too large\n");
		exit(1);
	}
	take(object, r->object_size);
	take(mem, r->mem_size);
	answer(&run, native_run(&run, object, r->object_size));
	free(object);
}

int main(void)
{
	struct wire_request r;

	while (fread(&r, sizeof(r), 1, stdin) == 1)
		serve(&r);
	return 0;
}
