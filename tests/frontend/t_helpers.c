/* Helpers are looked up by halves: rows of helpers.def stand by number. */
#include <stdio.h>

#include "frontend/code.h"

int main(void)
{
	for (u32 k = 0; k < fe_nhelpers; k++) {
		if (k && fe_helpers[k - 1].id >= fe_helpers[k].id) {
			printf("helpers.def: %s (%u) comes behind %s (%u)\n",
				fe_helpers[k].name, fe_helpers[k].id,
				fe_helpers[k - 1].name, fe_helpers[k - 1].id);
			return 1;
		}
		if (fe_helper(fe_helpers[k].id) != &fe_helpers[k]) {
			printf("helper %u is not found\n", fe_helpers[k].id);
			return 1;
		}
	}
	return !fe_nhelpers || fe_helper(0) || fe_helper(9999);
}
