/* MUT(name) is true when that bug is planted; constant 0 in the real thing. */
#ifndef TESTS_INTERP_MUTANT_H
#define TESTS_INTERP_MUTANT_H

enum {
	MUT_NONE,
#define MUTANT(name, text) MUT_##name,
#include "mutants.def"
#undef MUTANT
	MUT_END,
};

#ifdef INTERP_MUTANTS
#define MUT(name) (interp_mutation == MUT_##name)
#else
#define MUT(name) 0
#endif

#endif
