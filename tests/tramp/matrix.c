/*
 * Programs of each kind on functions of all kinds of signatures (matrix.awk):
 * every word that a program sees, every argument of the function and every result
 * is what it should.
 *
 *	matrix OBJECT
 */
#include "matrix.h"

#include <kiln/runtime.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_WORDS = 64, MAX_LINKS = 8192, ALL = 1 << FENTRY | 1 << FEXIT };

static unsigned attached; /* 1 << kind */
static int *decides;
static unsigned long compared;
static bool bad;
/* of the call that goes on */
static size_t result_size;
static uint64_t want[MAX_WORDS];
static unsigned nwant, nargs, bodies, seen[FREPLACE + 1];

static void check(bool right, unsigned k, const char *what, unsigned i)
{
	compared++;
	if (right)
		return;
	printf("f%u, attached %#x%s: %s %u\n", k, attached,
		*decides ? ", decided" : "", what, i);
	bad = true;
}

void pattern(unsigned k, unsigned i, void *p, size_t n)
{
	uint32_t x = k * 1000003 + i * 7919 + 1;

	for (unsigned char *b = p; n--; b++) {
		x = x * 1664525 + 1013904223;
		*b = (unsigned char)(x >> 24);
	}
}

static bool is_pattern(unsigned k, unsigned i, const void *p, size_t n)
{
	unsigned char buf[64];

	pattern(k, i, buf, n);
	return !memcmp(buf, p, n);
}

/* ---- functions ----------------------------------------------------------- */

void body(unsigned k)
{
	(void)k;
	bodies++;
}

void argument(unsigned k, unsigned i, const void *p, size_t n)
{
	check(is_pattern(k, i, p, n), k, "the body's argument", i);
}

/* ---- callers ------------------------------------------------------------- */

void begin(unsigned k)
{
	(void)k;
	nwant = bodies = 0;
	memset(seen, 0, sizeof(seen));
}

void word(uint64_t v)
{
	want[nwant++] = v;
}

void bytes(const void *p, size_t n)
{
	for (; n; n -= n < 8 ? n : 8, p = (const char *)p + 8) {
		uint64_t v = 0;

		memcpy(&v, p, n < 8 ? n : 8);
		word(v);
	}
}

void arguments_end(void)
{
	nargs = nwant;
	result_size = 0;
}

void in_memory(size_t n)
{
	result_size = n;
}

static bool is_decided(bool replaceable)
{
	return (attached & 1 << FMOD_RET && *decides) ||
	       (attached & 1 << FREPLACE && replaceable);
}

void integer(
	unsigned k, uint64_t got, uint64_t decided, size_t n, int replaceable)
{
	if (is_decided(replaceable))
		check(got == decided, k, "decided result", 0);
	else
		check(is_pattern(k, 0, &got, n), k, "result", 0);
}

void returned(unsigned k, const void *p, size_t n)
{
	check(is_pattern(k, 0, p, n), k, "result", 0);
}

void end(unsigned k, int has_mod, int replaceable, unsigned rwords)
{
	bool mod = attached & 1 << FMOD_RET && has_mod;
	bool replaced =
		attached & 1 << FREPLACE && replaceable && !(mod && *decides);
	bool run = !replaced && !(mod && *decides);

	check(bodies == run, k, "runs of the body", bodies);
	check(seen[FENTRY] == (attached & 1 << FENTRY ? nargs + 1 : 0), k,
		"words at entry", seen[FENTRY]);
	check(seen[FEXIT] == (attached & 1 << FEXIT ? nargs + rwords : 0), k,
		"words at exit", seen[FEXIT]);
	check(seen[FMOD_RET] == (mod ? nargs : 0), k, "words of fmod_ret",
		seen[FMOD_RET]);
	check(seen[FREPLACE] == (replaced ? nargs + 1 : 0), k,
		"words of freplace", seen[FREPLACE]);
}

/* ---- programs ------------------------------------------------------------ */

static bool is_result(unsigned k, unsigned i, uint64_t v)
{
	if (result_size) /* in memory: where it is */
		return !i &&
		       is_pattern(k, 0, (void *)(uintptr_t)v, result_size);
	return nargs + i < nwant && v == want[nargs + i];
}

__attribute__((visibility("default"))) void saw(
	unsigned k, unsigned kind, unsigned i, unsigned long long v);
void saw(unsigned k, unsigned kind, unsigned i, unsigned long long v)
{
	seen[kind]++;
	if (i == COUNT)
		check(v == nargs, k, "count of arguments", (unsigned)v);
	else if (i < RESULT)
		check(i < nargs && v == want[i], k, "a program's word", i);
	else if (!is_decided(true))
		check(is_result(k, i - RESULT, v), k, "a program's result",
			i - RESULT);
}

/* ---- all ----------------------------------------------------------------- */

static struct kiln_object *object;
static struct kiln_link *links[MAX_LINKS];
static unsigned nlinks;

static void attach(unsigned kinds)
{
	static const char *const section[] = {
		"", "fentry/", "fexit/", "fmod_ret/", "freplace/"};
	struct kiln_program *p = NULL;

	while ((p = kiln_object_next_program(object, p)))
		for (unsigned k = FENTRY; k <= FREPLACE; k++) {
			if (!(kinds & 1 << k) ||
				strncmp(kiln_program_section(p), section[k],
					strlen(section[k])))
				continue;
			links[nlinks] = kiln_program_attach(p, NULL);
			if (!links[nlinks++])
				exit(EXIT_FAILURE);
		}
	attached = kinds;
}

static void calls_with(unsigned kinds, int decided)
{
	attach(kinds);
	*decides = decided;
	for (unsigned k = 0; calls[k]; k++)
		calls[k]();
	while (nlinks)
		kiln_link_destroy(links[--nlinks]);
}

int main(int argc, char **argv)
{
	object = argc > 1 ? kiln_object_open_file(argv[1], NULL) : NULL;
	if (!object || kiln_object_load(object))
		return EXIT_FAILURE;
	decides = kiln_object_find_global(object, "decides", NULL);
	if (!decides)
		return EXIT_FAILURE;
	calls_with(0, 0);
	calls_with(1 << FENTRY, 0);
	calls_with(1 << FEXIT, 0);
	calls_with(1 << FMOD_RET, 0);
	calls_with(ALL, 0);
	calls_with(ALL | 1 << FMOD_RET, 0);
	calls_with(ALL | 1 << FMOD_RET, 1);
	calls_with(1 << FREPLACE, 0);
	calls_with(ALL | 1 << FREPLACE, 0);
	calls_with(0, 0);
	printf("%lu comparisons\n", compared);
	return bad ? EXIT_FAILURE : EXIT_SUCCESS;
}
