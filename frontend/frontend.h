/*
 * The frontend: BPF ELF objects -> module (ir/module.h) -> IR, one function
 * at a time. All input is hostile; every stage reports through module->diag,
 * finishes, and returns 0 or -EINVAL; the driver stops after the stage.
 *
 *   fe_open    elf.c    opens an object, checks every header once
 *   fe_btf     btf.c    checks .BTF and .BTF.ext completely, then libbpf's btf
 *              btf_check.c, btf_ext.c
 *   fe_maps    maps.c   map definitions -> module->map
 *   fe_reloc   reloc.c  sections, symbols, relocations -> funcs, data, insns
 *              data.c   variables, knobs, kconfig -> module->data
 *              kconfig.c  reads --kconfig
 *   fe_core    core.c   CO-RE: insns by the types of the target
 *              core_path.c, core_match.c, core_patch.c
 *   fe_link    link.c   several inputs -> one program
 *              programs.c, progtype.c  which functions are programs
 *              section.c   sections that name slots of prog_arrays
 *              btf_link.c  their types
 *   fe_hooks   hooks.c  functions that programs attach to
 *              model.c  ... and how they are called
 *              hookable.c  whether they have a sled
 *   fe_decode  decode.c every slot a valid instruction (isa.def)
 *              split.c  local calls by distance -> by symbol
 *              text.c   instructions as text
 *   fe_flow    flow.c   blocks and edges
 *              prune.c  branches decided by what CO-RE and kconfig answered
 *              calls.c  call graph, parameters, run scopes, what is used
 *   fe_types   types.c  abstract register types over the CFG (rty.c)
 *              typecall.c  through calls; versions of functions by context
 *              ctx.c    contexts by program type
 *              context.c  what programs that tail-call each other share
 *              pointee.c  contexts and objects described by BTF
 *              typeuse.c   what is wrong, and what lowering needs
 *              summary.c   what callers may know of a function
 *   fe_struct_ops  struct_ops.c  functions between C and programs
 *   fe_lower   lower*.c typed CFG -> IR
 *
 * isa.c has the tables; extern.c, builtin.c know prototypes; code.h and types.h hold
 * what these stages share.
 */
#ifndef KILN_FRONTEND_H
#define KILN_FRONTEND_H

#include "ir/ir.h"
#include "ir/module.h"

struct cg;

/* Options that reach the frontend; borrowed from kiln_compile_opts. */
struct fe_target;
struct fe_kconfig;

struct fe_opts {
	const char *const *progs;		   /* NULL: all */
	const struct kiln_name_value *types;	   /* --type */
	const struct kiln_name_value *sets;	   /* --set */
	const struct kiln_name_value *map_entries; /* --map */
	const struct fe_target *target;		   /* --btf, or NULL */
	const struct fe_kconfig *kconfig;	   /* --kconfig, or NULL */
};

struct fe_obj; /* one opened input */

/* ---- elf.c ---- */
/* The caller has put name last into m->file; bytes stay valid until the link
 * ends. NULL after a diagnostic. */
struct fe_obj *fe_open(
	struct module *m, const char *name, const u8 *bytes, size_t size);
void fe_close(struct fe_obj *o); /* releases libelf's and libbpf's handles */
void fe_dump_elf(FILE *out, const struct fe_obj *o);

/* ---- btf_target.c ---- */
/* The types of --btf: nothing yet, then those of a file's bytes, which stay
 * as long as the target; -1 after a diagnostic. */
struct fe_target *fe_target_new(struct module *m, const char *name);
int fe_target_read(
	struct module *m, struct fe_target *t, const u8 *bytes, size_t size);
void fe_target_close(struct fe_target *t);

/* ---- kconfig.c ---- */
/* A kernel configuration, plain or compressed by gzip; NULL after a
 * diagnostic. The bytes are not needed any more. */
struct fe_kconfig *fe_kconfig_open(
	struct module *m, const char *name, const u8 *bytes, size_t size);

/* ---- btf.c, maps.c, reloc.c, core.c ---- */
int fe_btf(struct module *m, struct fe_obj *o);
int fe_maps(struct module *m, struct fe_obj *o);
int fe_reloc(struct module *m, struct fe_obj *o, const struct fe_opts *opts);
/* After fe_reloc. */
int fe_core(struct module *m, struct fe_obj *o, const struct fe_opts *opts);
/* All n inputs are read: references between them, options that name something
 * in one of them, which functions are programs. */
int fe_link(struct module *m, struct fe_obj *const *o, size_t n,
	const struct fe_opts *opts);
bool fe_is_map_in_map(u32 type);
/* For every map that compiled programs use: kiln has its kind, and its sizes
 * are right for it. */
int fe_map_check(struct module *m, u32 map);
/* In place of the four above for bare instructions: one function, "raw". */
int fe_raw(struct module *m, const char *name, const u8 *bytes, size_t size);

/* ---- hooks.c ---- */
/* After fe_link: functions that programs attach to, and how they are called. */
int fe_hooks(struct module *m);

/* ---- decode.c ---- */
int fe_decode(struct module *m);
void fe_dump_decode(FILE *out, const struct module *m);
/* One instruction as text in the kernel's notation ("r0 = 5"), for dumps,
 * disasm and diagnostics. */
void fe_insn_text(
	const struct module *m, const struct insn *i, char *buf, size_t size);

/* ---- flow.c ---- */
int fe_flow(struct module *m);
/* After fe_flow: the slot is reachable from its function's entry. */
bool fe_is_live(const struct func *f, u32 slot);
void fe_dump_flow(FILE *out, const struct module *m);

/* ---- types.c ---- */
int fe_types(struct module *m);
void fe_dump_types(FILE *out, const struct module *m);
/* What a load that may fault reads, in C ("task->mm->total_vm"), "" if that
 * is not known. insn: in module->insn. NULL: it is no such load. */
const char *fe_fault_path(const struct module *m, u32 func, u32 insn);

/* ---- struct_ops.c ---- */
/* FUNC_PROTO that C calls a program of struct_ops by, or 0. */
u32 fe_struct_ops_proto(const struct module *m, const struct func *f);
/* After fe_types: functions that C calls through tables of struct_ops. */
int fe_struct_ops(struct module *m);
struct fn *fe_lower_thunk(struct module *m, u32 func, struct arena *a);

/* ---- lower.c ---- */
/* IR of one function, not yet optimised; NULL after a diagnostic. */
struct fn *fe_lower(
	struct module *m, u32 func, struct arena *a, const struct cg *cg);

#endif
