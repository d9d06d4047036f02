/* Entry sites of a linked object: each row is of a function in kiln_text whose
 * first instructions are a landing pad and bytes of no operation. Prints how many
 * there are and what the programs return. */
#include <stdio.h>
#include <string.h>

#include "kiln/format.h"

#ifdef __aarch64__
enum { SLED = KILN_ARM64_SLED };
static const uint8_t entry[] = {0x5f, 0x24, 3, 0xd5, 0x1f, 0x20, 3, 0xd5};
#else
enum { SLED = KILN_X86_SLED };
static const uint8_t entry[] = {
	0xf3, 0xf, 0x1e, 0xfa, 0xf, 0x1f, 0x80, 0, 0, 0, 0};
#endif

extern const struct kiln_site_row __start_kiln_sites[], __stop_kiln_sites[];
extern const uint8_t __start_kiln_text[], __stop_kiln_text[];
uint64_t plain(void *), scoped(void *);

static int is_good(const struct kiln_site_row *r)
{
	const uint8_t *at = (const uint8_t *)&r->addr + r->addr;
	const uint8_t *owner = (const uint8_t *)&r->owner + r->owner;

	return r->kind == KILN_SITE_ENTRY && r->size == SLED &&
	       r->state == KILN_SITE_OPEN && at == owner + 4 &&
	       at >= __start_kiln_text && at + SLED < __stop_kiln_text &&
	       !memcmp(owner, entry, sizeof(entry));
}

int main(void)
{
	const struct kiln_site_row *r = __start_kiln_sites;
	int v = 5;

	for (; r < __stop_kiln_sites; r++)
		if (!is_good(r))
			return 1;
	printf("%d %d", (int)(r - __start_kiln_sites), (int)plain(&v));
#if KEEP > 1
	printf(" %d", (int)scoped(&v));
#endif
	putchar('\n');
	return 0;
}
