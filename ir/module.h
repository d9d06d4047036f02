/*
 * One link: what the frontend hands to the driver, and what the linker reads
 * to lay out the object. Everything is in the link's arena.
 */
#ifndef KILN_IR_MODULE_H
#define KILN_IR_MODULE_H

#include "ir/support.h"

struct fe_func;
struct fe_target;
struct model;
struct fe_pointees;

enum sym_kind {
	SYM_PROG, /* entry program: C-callable `prog` */
	SYM_BODY, /* prog.body, where it differs from prog */
	SYM_SUBPROG,
	SYM_MAP,     /* struct kiln_map */
	SYM_VALUES,  /* the map's storage, NAME.values */
	SYM_DATA,    /* a place in a data section: sec + off */
	SYM_HELPER,  /* undefined kiln_helper_<name> */
	SYM_EXTERN,  /* undefined function or variable of the application */
	SYM_RUNTIME, /* other undefined symbols of libkiln-core */
};

enum sym_bind {
	BIND_LOCAL,
	BIND_HIDDEN,
	BIND_PROTECTED,
	BIND_UNDEF,
	BIND_WEAK_UNDEF,
};

/* One thing that code or data can name. Its id is its index. */
struct sym {
	const char *name; /* as in the output, before --prefix */
	u8 kind;
	u8 bind;
	bool is_weak; /* in its source: gives way to a definition that is not */
	bool is_replaced; /* link: what referred to it refers to another one */
	bool is_hidden;	  /* in its source: programs are not exported */
	bool direct_only; /* function that only direct calls reach: local, its
			   * address never taken. Needs no landing pad */
	bool counter;	  /* function: it takes the count of tail calls */
	u32 index; /* PROG, BODY, SUBPROG: func; MAP, VALUES: map; DATA: sec */
	u64 off, size; /* DATA */
	u32 align;     /* what its address is a multiple of; 0: unknown */
	u32 file;      /* input number: where it is defined, or named first */
};

/* One decoded BPF instruction slot of a function, all inputs linked. */
struct insn {
	u8 code;
	u8 dst, src;
	bool second; /* the data half of an lddw */
	i16 off;
	u8 form; /* decode: 1 + row in isa.def; 0: not a valid instruction */
	u8 core; /* enum core_state */
	i32 imm;
	i32 imm_hi; /* lddw: upper half */
	/* After reloc: the symbol an lddw or call names, SYM_NONE otherwise,
	 * and the addend of an address. Every call of a function (src 1) has
	 * one, relocated or not, and so has every lddw of an address, whose
	 * imm halves are then 0; addresses of data are section symbol and
	 * addend. */
	u32 sym;
	i64 addend;
	/* Where it came from, for diagnostics and lines. */
	u32 file;     /* input number */
	u32 src_line; /* 1 + index in module->lines, or 0 */
};

struct line {
	const char *file;
	const char *text; /* source text from BTF.ext, or "" */
	u32 line, col;
};

/* Which function a program attaches to. */
struct func_hook {
	u8 kind;	/* enum kiln_hook_kind, 0: none */
	bool optional;	/* SEC("?...") */
	bool of_target; /* proto is one of --btf, else of the module */
	const char *name;
	u32 proto;		   /* its FUNC_PROTO; 0: not known */
	const struct model *model; /* how it is called; NULL: not known */
	const struct model *own;   /* freplace, fmod_ret: the program's own
				    * prototype, or NULL */
};

struct func {
	const char *name;
	const char *section; /* input section, "xdp", ".text" */
	u32 sym;
	u32 first, n;	  /* slots in module->insns */
	u32 btf_type;	  /* FUNC type id, or 0 */
	bool is_prog;	  /* a program (an entry), not a subprogram */
	bool is_global;	  /* STB_GLOBAL in the source */
	bool is_callback; /* its address is taken */
	bool is_thunk;	  /* struct_ops: no instructions; it calls ... */
	u32 thunk_of; /* ... this symbol with the address of its arguments */
	bool is_used; /* flow: a program, or reached from one or from data */
	struct fe_func *fe; /* what the frontend's stages know about it */
	/* flow: */
	u32 nparams; /* r1..rn that it reads */
	u32 *callee; /* func numbers it calls or takes the address of */
	u32 ncallee;
	bool tail_calls; /* types: it makes some */
	bool counter;	 /* types: it or a function that it calls does */
	/* programs: */
	u32 prog_type;	 /* enum bpf_prog_type */
	u32 attach_type; /* enum bpf_attach_type */
	bool is_typed;	 /* something says its type; else it is a guess */
	const char *
		context; /* types: what those that tail-call each other share */
	u32 ext_type;	 /* BPF_PROG_TYPE_EXT: the type that it extends, or 0 */
	struct func_hook hook;
	bool needs_scope; /* a run scope: kiln/runtime.h */
	bool returns_i32;
	u32 body_sym; /* resolve: prog.body, or sym again; 0 before */
	/* after code generation: */
	u32 stack; /* worst stack of its call graph, bytes */
};

struct mapdef {
	const char *name;
	u32 sym, values_sym;
	u32 gates_sym; /* PROG_ARRAY: its gates, or 0: it has no sites */
	bool frozen;   /* PROG_ARRAY: it keeps what it begins with */
	u32 type, key_size, value_size, max_entries, flags;
	u32 pinning;
	u64 map_extra;
	u32 btf_key, btf_value; /* type ids, or 0 */
	u32 inner;		/* 1 + map number of the inner template, or 0 */
	u32 file;		/* input number */
	/* PROG_ARRAY: func.context of the programs that tail-call through it
	 * and are in it; NULL: there are none */
	const char *context;
	bool is_static;	  /* local in its source */
	bool is_template; /* only says what a map of maps holds */
	bool has_storage; /* values_sym is defined: storage in the object */
	u32 id;		  /* iproute2's, which sections "ID/INDEX" name */
	/* What it begins with: maps or programs, by ascending slot. */
	vec(struct map_init {
		u32 slot;
		u32 sym; /* MAP, or PROG */
	}) init;
	/* In its value what copies leave alone (struct kiln_map_field). */
	vec(struct map_field {
		u32 off;
		u16 size;
		u16 kind;
	}) field;
	/* BTF decl_tags etc. are added by who needs them */
};

/* A data section of the objects: .data*, .bss*, .rodata*. */
struct datasec {
	const char *name; /* output name, unique */
	u32 sym;	  /* section symbol (SYM_DATA, off 0) */
	u8 *bytes;	  /* NULL: all zero */
	u64 size, align;
	bool writable;
	bool is_ops; /* tables of struct_ops: kept like programs */
	bool knobs;  /* holds const volatile variables: .data.rel.ro* */
	/* Its variables by offset, as far as BTF describes them. */
	vec(struct data_var {
		const char *name;
		u64 off;
		u64 size;
		u32 btf_type; /* id of its type */
		bool knob; /* const volatile: set before the start, if ever */
		bool set;  /* ... but by --set, for good: may be folded */
		u32 file;  /* input number */
	}) var;
	vec(struct data_rel {
		u64 off;
		u32 sym;
		i64 addend;
		u32 file; /* input number */
	}) rel;
};

enum core_state {
	CORE_NONE,
	CORE_RELOCATED,	 /* its operand is a value of the target */
	CORE_UNRESOLVED, /* there is none: it must not be reached */
};

/* What CO-RE did to an instruction. */
struct core_note {
	u32 insn;	  /* in module.insn */
	const char *text; /* what and to what; unresolved: why */
	u32 own_type;	  /* its operand is this type of btf_types; else 0 */
};

/* A program that a table of struct_ops names. */
struct ops_ref {
	u32 data; /* in module->data */
	u64 off;
	u32 sym;
	u32 file; /* input number */
};

struct module {
	struct arena *a;
	struct diag *diag;
	const char **file; /* input names, by number */
	u32 nfile;
	vec(struct sym) sym;
	vec(struct insn) insn;
	vec(struct line) line;
	vec(struct func) func;
	vec(struct mapdef) map;
	vec(struct datasec) data;
	vec(struct core_note) core; /* ascending */
	vec(struct ops_ref) ops;
	u32 max_cpus;	     /* CPU slots that per-CPU storage is made for */
	const char *license; /* "" if none */
	u32 license_file, version_file; /* inputs that say them */
	u32 kern_version;
	const u8 *btf; /* merged .BTF, or NULL */
	u32 btf_size;
	void *btf_types; /* struct btf * of libbpf while the link lasts */
	const struct fe_target *target; /* types of --btf, or NULL */
	struct fe_pointees *pointee;	/* what typed pointers point to */
	u8 digest[32];			/* SHA-256 of the inputs */
	bool raw;
	const char *const
		*progs; /* --prog: only these are compiled; NULL: all */
};

u32 module_sym(struct module *m, enum sym_kind kind, enum sym_bind bind,
	const char *name, u32 index);
/* The symbol of a runtime or helper function, made on first use. */
u32 module_undef(struct module *m, enum sym_kind kind, const char *name);
/* Nobody changes these bytes of a data section once the program can run, and
 * they are known now: loads of them may be folded. */
bool module_data_is_frozen(const struct datasec *d, u64 off, u64 size);
/* Fills a loc for diagnostics about a slot of a function. */
struct loc module_loc(const struct module *m, const struct func *f, i64 slot);

#endif
