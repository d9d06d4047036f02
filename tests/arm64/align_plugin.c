/*
 * A plugin of qemu-user: prints every access of the functions named by its
 * arguments whose address is not a multiple of its size. A CPU without MMU
 * traps on them; qemu-user does not.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "tests/arm64/qemu_plugin.h"

enum { MAX_NAMES = 8 };

int qemu_plugin_version = PLUGIN_VERSION;

static char names[MAX_NAMES][64]; /* of functions; "" ends */

static void accessed(unsigned cpu, uint32_t info, uint64_t address, void *name)
{
	uint64_t size = UINT64_C(1) << qemu_plugin_mem_size_shift(info);

	(void)cpu;
	if (address & (size - 1))
		printf("%s: %" PRIu64 " bytes at %#" PRIx64 "\n", (char *)name,
			size, address);
	fflush(stdout);
}

static char *named(const struct qemu_plugin_insn *insn)
{
	const char *symbol = qemu_plugin_insn_symbol(insn);

	for (int i = 0; symbol && i < MAX_NAMES; i++)
		if (*names[i] && !strcmp(names[i], symbol))
			return names[i];
	return NULL;
}

static void translated(plugin_id id, struct qemu_plugin_tb *tb)
{
	(void)id;
	for (size_t i = 0; i < qemu_plugin_tb_n_insns(tb); i++) {
		struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(tb, i);
		char *name = named(insn);

		if (name)
			qemu_plugin_register_vcpu_mem_cb(insn, accessed,
				PLUGIN_NO_REGISTERS, PLUGIN_LOADS_AND_STORES,
				name);
	}
}

/* Arguments: f0=NAME, f1=NAME .. */
int qemu_plugin_install(
	plugin_id id, const struct qemu_info *info, int argc, char **argv)
{
	(void)info;
	for (int i = 0; i < argc && i < MAX_NAMES; i++) {
		const char *value = strchr(argv[i], '=');

		if (!value)
			return -1;
		snprintf(names[i], sizeof(names[i]), "%s", value + 1);
	}
	qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
	return 0;
}
