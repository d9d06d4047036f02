/*
 * kiln-module.o, linked once into each executable and library that has functions
 * to be hooked: tells libkiln of them before other constructors run, which may
 * start threads, and after the last destructor.
 */
#include "kiln/runtime.h"

__attribute__((constructor(101))) static void begin(void)
{
	const struct kiln_tables t = kiln_tables_self();

	kiln_module_register(&t);
}

__attribute__((destructor(101))) static void end(void)
{
	const struct kiln_tables t = kiln_tables_self();

	kiln_module_unregister(&t);
}
