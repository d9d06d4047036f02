/* The running kernel as an oracle: maps and programs by bpf(2). */
#ifndef KILN_TESTS_RUNTIME_KERNEL_H
#define KILN_TESTS_RUNTIME_KERNEL_H

#include <linux/bpf.h>

#include "kiln/base.h"

#define SKIPPED 77 /* exit code of a test that cannot run here */

/* False, with a message, if bpf(2) is not for us. */
bool kernel_is_there(void);
u32 kernel_cpus(void); /* values of a per-CPU map */
/* A descriptor, or negative errno. */
int kernel_map(u32 type, u32 key, u32 value, u32 entries, u32 flags);
/* With what kernel_map() has no place for; theirs to fill. */
int kernel_map_create(union bpf_attr *a);
u32 kernel_map_id(int map);
int kernel_lookup(int map, const void *key, void *value);
int kernel_update(int map, const void *key, const void *value, u64 flags);
int kernel_delete(int map, const void *key);
int kernel_take(int map, const void *key, void *value); /* lookup, delete */
int kernel_next_key(int map, const void *key, void *next);
/* A program of that type; prints the verifier's log if it is refused. */
int kernel_prog_of(u32 type, const struct bpf_insn *insn, u32 n);
/* An XDP program; prints the verifier's log if it is refused. */
int kernel_prog(const struct bpf_insn *insn, u32 n);
/* Runs it on a packet, which it may change; its result, or negative errno. */
int kernel_run(int prog, void *data, u32 size, u32 repeat, u32 *ns);
/* The same for a packet that changes its size: out has room for *out_size. */
int kernel_run_packet(
	int prog, const void *in, u32 size, void *out, u32 *out_size);

/* ---- instructions ---------------------------------------------------------- */

#define I(c, d, s, o, i)                \
	((struct bpf_insn){.code = (c), \
		.dst_reg = (d),         \
		.src_reg = (s),         \
		.off = (o),             \
		.imm = (i)})
#define MOV(d, s)      I(BPF_ALU64 | BPF_MOV | BPF_X, d, s, 0, 0)
#define MOVI(d, i)     I(BPF_ALU64 | BPF_MOV | BPF_K, d, 0, 0, i)
#define ADDI(d, i)     I(BPF_ALU64 | BPF_ADD | BPF_K, d, 0, 0, i)
#define ANDI(d, i)     I(BPF_ALU64 | BPF_AND | BPF_K, d, 0, 0, i)
#define SUBI(d, i)     I(BPF_ALU64 | BPF_SUB | BPF_K, d, 0, 0, i)
#define LD32(d, s, o)  I(BPF_LDX | BPF_MEM | BPF_W, d, s, o, 0)
#define LD64(d, s, o)  I(BPF_LDX | BPF_MEM | BPF_DW, d, s, o, 0)
#define ST32(d, o, s)  I(BPF_STX | BPF_MEM | BPF_W, d, s, o, 0)
#define ST64(d, o, s)  I(BPF_STX | BPF_MEM | BPF_DW, d, s, o, 0)
#define ST32I(d, o, i) I(BPF_ST | BPF_MEM | BPF_W, d, 0, o, i)
#define SUB(d, s)      I(BPF_ALU64 | BPF_SUB | BPF_X, d, s, 0, 0)
#define LDIMM(d, v)                                           \
	I(BPF_LD | BPF_IMM | BPF_DW, d, 0, 0, (i32)(u32)(v)), \
		I(0, 0, 0, 0, (i32)(u32)((u64)(v) >> 32))
#define ST64I(d, o, i) I(BPF_ST | BPF_MEM | BPF_DW, d, 0, o, i)
#define JNEI(d, i, o)  I(BPF_JMP | BPF_JNE | BPF_K, d, 0, o, i)
#define JEQI(d, i, o)  I(BPF_JMP | BPF_JEQ | BPF_K, d, 0, o, i)
#define JGT(d, s, o)   I(BPF_JMP | BPF_JGT | BPF_X, d, s, o, 0)
#define JA(o)	       I(BPF_JMP | BPF_JA, 0, 0, o, 0)
#define CALL(f)	       I(BPF_JMP | BPF_CALL, 0, 0, 0, f)
#define EXIT	       I(BPF_JMP | BPF_EXIT, 0, 0, 0, 0)
#define LDMAP(d, fd)                                               \
	I(BPF_LD | BPF_IMM | BPF_DW, d, BPF_PSEUDO_MAP_FD, 0, fd), \
		I(0, 0, 0, 0, 0)
/* r6 = packet, or exit unless it has n bytes */
#define PACKET(n)                                                          \
	LD32(6, 1, 0), LD32(2, 1, 4), MOV(3, 6), ADDI(3, n), JGT(3, 2, 1), \
		JA(2), MOVI(0, 99), EXIT

#endif
