/*
 * A plugin of qemu-user: prints how many instructions the program executed
 * between two marks. A mark is the system call COUNT_MARK with the name of what
 * begins there, or NULL (count.h).
 */
#include <stdio.h>

#include "count.h"
#include "tests/arm64/qemu_plugin.h"

int qemu_plugin_version = PLUGIN_VERSION;

static uint64_t executed;
static uint64_t at_mark;
static const char *name; /* of what is counted; the program's memory is ours */

static void translated(plugin_id id, struct qemu_plugin_tb *tb)
{
	(void)id;
	for (size_t i = 0; i < qemu_plugin_tb_n_insns(tb); i++)
		qemu_plugin_register_vcpu_insn_exec_inline(
			qemu_plugin_tb_get_insn(tb, i), PLUGIN_ADD_U64,
			&executed, 1);
}

static void called(plugin_id id, unsigned cpu, int64_t number, uint64_t a1,
	uint64_t a2, uint64_t a3, uint64_t a4, uint64_t a5, uint64_t a6,
	uint64_t a7, uint64_t a8)
{
	(void)id, (void)cpu, (void)a2, (void)a3, (void)a4, (void)a5, (void)a6;
	(void)a7, (void)a8;
	if (number != COUNT_MARK)
		return;
	if (name)
		printf("%s %llu\n", name,
			(unsigned long long)(executed - at_mark));
	fflush(stdout);
	name = (const char *)(uintptr_t)a1;
	at_mark = executed;
}

int qemu_plugin_install(
	plugin_id id, const struct qemu_info *info, int argc, char **argv)
{
	(void)info, (void)argc, (void)argv;
	qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
	qemu_plugin_register_vcpu_syscall_cb(id, called);
	return 0;
}
