/*
 * kiln-module.o, linked once into each executable and library that has functions
 * to be hooked: tells libkiln of them before other constructors run, which may
 * start threads, and after the last destructor.
 */
#include "kiln/runtime.h"

/* KILN_MODULE_SYMBOL; weak, as kiln-module.o may be linked twice. */
extern const char kiln_module_o;
__attribute__((weak, visibility("hidden"))) const char kiln_module_o = 1;

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
