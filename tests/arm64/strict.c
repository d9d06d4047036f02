/* Runs strict.bpf.c on packets at every alignment; prints what it makes. */
#include <stdio.h>
#include <string.h>

#include "kiln/context.h"

uint64_t strict(void *ctx);

int main(void)
{
	for (unsigned at = 0; at < 8; at++) {
		_Alignas(8) uint8_t bytes[48];
		struct kiln_xdp_md md = {0};

		for (unsigned i = 0; i < sizeof(bytes); i++)
			bytes[i] = (uint8_t)(i * 37 + 200);
		kiln_xdp_md_init(&md, bytes + at, bytes + at, bytes + at + 32,
			bytes + at);
		printf("%x", (unsigned)strict(&md));
		for (unsigned i = 0; i < 32; i++)
			printf(" %02x", bytes[at + i]);
		puts("");
	}
	return 0;
}
