/* libkiln-compile: what applications see of the compiler. */
#include <stdlib.h>

#include "linker/linker.h"

#define PUBLIC __attribute__((visibility("default")))

PUBLIC int kiln_compile(const struct kiln_input *in, size_t n,
	const struct kiln_compile_opts *opts, void **out, size_t *out_size)
{
	return lk_compile(in, n, opts, NULL, out, out_size);
}

PUBLIC void kiln_free(void *out)
{
	free(out);
}
