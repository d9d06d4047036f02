/*
 * What our plugins of qemu-user need of QEMU's plugin API (version 1, "QEMU TCG
 * Plugins" of QEMU's documentation), written down from its description: Debian's
 * qemu-user comes without a header of it. A plugin defines
 * qemu_plugin_version and qemu_plugin_install().
 */
#ifndef TESTS_QEMU_PLUGIN_H
#define TESTS_QEMU_PLUGIN_H

#include <stddef.h>
#include <stdint.h>

#define PLUGIN_EXPORT __attribute__((visibility("default")))

typedef uint64_t plugin_id;
struct qemu_plugin_tb;	 /* a block of code that is being translated */
struct qemu_plugin_insn; /* one of its instructions */
struct qemu_info;

enum { PLUGIN_VERSION = 1 };
enum { PLUGIN_ADD_U64 = 0 };	  /* what an inline operation does */
enum { PLUGIN_NO_REGISTERS = 0 }; /* what a callback wants to see */
enum { PLUGIN_LOADS_AND_STORES = 3 };

extern PLUGIN_EXPORT int qemu_plugin_version;
PLUGIN_EXPORT int qemu_plugin_install(
	plugin_id id, const struct qemu_info *info, int argc, char **argv);

size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *tb);
struct qemu_plugin_insn *qemu_plugin_tb_get_insn(
	const struct qemu_plugin_tb *tb, size_t i);
/* Name of the symbol that has the instruction, or NULL. */
const char *qemu_plugin_insn_symbol(const struct qemu_plugin_insn *insn);

void qemu_plugin_register_vcpu_tb_trans_cb(plugin_id id,
	void (*translated)(plugin_id id, struct qemu_plugin_tb *tb));
/* *counter += n whenever the instruction is executed. */
void qemu_plugin_register_vcpu_insn_exec_inline(
	struct qemu_plugin_insn *insn, int op, void *counter, uint64_t n);
void qemu_plugin_register_vcpu_mem_cb(struct qemu_plugin_insn *insn,
	void (*accessed)(
		unsigned cpu, uint32_t info, uint64_t address, void *arg),
	int flags, int which, void *arg);
/* log2 of the bytes of an access, from its `info`. */
unsigned qemu_plugin_mem_size_shift(uint32_t info);
void qemu_plugin_register_vcpu_syscall_cb(plugin_id id,
	void (*called)(plugin_id id, unsigned cpu, int64_t number, uint64_t a1,
		uint64_t a2, uint64_t a3, uint64_t a4, uint64_t a5, uint64_t a6,
		uint64_t a7, uint64_t a8));

#endif
