/*
 * Functions that programs may attach to (fentry, fexit, fmod_ret, freplace).
 *
 *	KILN_HOOKABLE int handle(struct request *r) { ... }
 *
 * The function gets a section of its own, is never inlined, cloned or assumed to
 * keep registers that a function may change, and begins with a few bytes of no
 * operation, which become a jump while a program is attached. Link
 * kiln-module.o into the executable or library that has it, and make its name
 * known: export it (-rdynamic, or as a library does), or
 *
 *	KILN_HOOK(handle);
 *
 * after its declaration, which also serves for static functions, and for
 * functions that are not KILN_HOOKABLE where everything is compiled with
 * -fpatchable-function-entry=KILN_SLED. GCC from 8, clang from 10.
 *
 * clang has no noipa: where it sees the function's body (same file, LTO), it may
 * merge or drop calls of one without side effects, and know a result that is
 * always the same. Programs then miss calls, or what they change is not seen. Not
 * if the function is weak, too: KILN_HOOKABLE __attribute__((weak)).
 */
#ifndef KILN_HOOK_H
#define KILN_HOOK_H

#if defined(__aarch64__)
#define KILN_SLED 1 /* instructions */
#else
#define KILN_SLED 7 /* bytes */
#endif

#if defined(__GNUC__) && !defined(__clang__)
#define KILN_NOIPA __attribute__((noinline, noclone, noipa))
#else
#define KILN_NOIPA __attribute__((noinline))
#endif

#define KILN_HOOKABLE                        \
	__attribute__((section("kiln_text"), \
		patchable_function_entry(KILN_SLED))) KILN_NOIPA

/* Linkers that collect garbage find no other reference. */
#ifdef __has_attribute
#if __has_attribute(retain)
#define KILN_RETAIN __attribute__((used, retain))
#endif
#endif
#ifndef KILN_RETAIN
#define KILN_RETAIN __attribute__((used))
#endif

/* In the section kiln_names of an image. */
struct kiln_hook_name {
	const void *func;
	const char *name;
};

#define KILN_HOOK(f)                                                       \
	extern __typeof__(f) f KILN_NOIPA;                                 \
	KILN_RETAIN __attribute__((                                        \
		section("kiln_names"))) static const struct kiln_hook_name \
		kiln_hook_name_##f = {(const void *)(f), #f}

#endif
