/* usage: sleds OBJECT NAME [WORD]: attaches the object's one program to the function
 * of that name. With WORD attaching fails and says that; without it works. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <kiln/hook.h>
#include <kiln/runtime.h>

static int own(int x);
KILN_HOOK(own);

static int own(int x)
{
	return 3 * x;
}

static const char *wanted;
static int said;

static void on_log(void *ctx, enum kiln_log_level level, const char *line)
{
	(void)ctx, (void)level;
	printf("%s\n", line);
	said |= wanted && strstr(line, wanted) != NULL;
}

int main(int argc, char **argv)
{
	struct kiln_object *o;
	struct kiln_program *p;
	struct kiln_link *l;
	int (*volatile call)(int) = own;
	size_t size;

	if (argc < 3)
		return 2;
	wanted = argc > 3 ? argv[3] : NULL;
	kiln_set_log(on_log, NULL);
	o = kiln_object_open_file(argv[1], NULL);
	if (!o || kiln_object_load(o))
		return 2;
	p = kiln_object_find_program(o, argv[2]);
	l = kiln_program_attach(p, NULL);
	if (wanted)
		return l || !said;
	if (!l)
		return 3;
	volatile unsigned long *seen =
		kiln_object_find_global(o, "seen", &size);
	if (call(5) != 15 || call(6) != 18 || *seen != 11)
		return 4;
	kiln_link_destroy(l);
	if (call(7) != 21 || *seen != 11)
		return 5;
	kiln_object_close(o);
	return 0;
}
