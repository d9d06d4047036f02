/* Writes the object of tests/elf/base.h: a seed. */
#include <stdio.h>

#include "tests/elf/base.h"

int main(int argc, char **argv)
{
	struct base b;
	FILE *f = argc == 2 ? fopen(argv[1], "wb") : NULL;

	if (!f)
		return 2;
	base_make(&b);
	size_t n = fwrite(b.bytes, 1, b.size, f);
	int err = n != b.size || fclose(f);
	base_free(&b);
	return err;
}
