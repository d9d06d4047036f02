/*
 * Contexts of tracing programs: memory that they read (and store to) as it is.
 *
 *   kprobe, uprobe           struct kiln_pt_regs of the target
 *   perf_event               struct kiln_perf_event_data
 *   tracepoint               the record that the event's format describes
 *   raw_tracepoint, tp_btf,
 *   fentry, fexit, fmod_ret,
 *   lsm, struct_ops          uint64_t args[]: the arguments, each extended to 64
 *                            bits, then for fexit and fmod_ret the result
 *   iter                     the struct of pointers of its kind of iterator
 *   syscall                  the caller's own struct
 */
#ifndef KILN_CONTEXT_TRACE_H
#define KILN_CONTEXT_TRACE_H

#include <stddef.h>
#include <stdint.h>

#include "kiln/format.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Registers, as the kernel's struct pt_regs of each target keeps them: what
 * PT_REGS_PARM1() and its like of bpf_tracing.h read. */
struct kiln_pt_regs_x86_64 {
	uint64_t r15, r14, r13, r12, bp, bx, r11, r10, r9, r8;
	uint64_t ax, cx, dx, si, di, orig_ax;
	uint64_t ip, cs, flags, sp, ss;
};

struct kiln_pt_regs_aarch64 {
	uint64_t regs[31];
	uint64_t sp, pc, pstate;
};

KILN_SIZE(kiln_pt_regs_x86_64, 168);
KILN_AT(kiln_pt_regs_x86_64, di, 112);
KILN_AT(kiln_pt_regs_x86_64, sp, 152);
KILN_SIZE(kiln_pt_regs_aarch64, 272);
KILN_AT(kiln_pt_regs_aarch64, pc, 256);

#if defined(__aarch64__)
#define kiln_pt_regs kiln_pt_regs_aarch64
#else
#define kiln_pt_regs kiln_pt_regs_x86_64
#endif

/* UAPI struct bpf_perf_event_data */
struct kiln_perf_event_data {
	struct kiln_pt_regs regs;
	uint64_t sample_period;
	uint64_t addr;
};

#ifdef __cplusplus
}
#endif
#endif
