/*
 * The native object format: the only contract between kiln's compiler and its
 * runtime. Section names, record layouts, versions. Installed; freestanding.
 *
 * Rows in read-only sections hold self-relative values (target - address of
 * the field itself), so that objects need no dynamic relocations in text or
 * read-only data. Absolute addresses stand only in writable sections. All
 * fields are little-endian (both targets are).
 */
#ifndef KILN_FORMAT_H
#define KILN_FORMAT_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ABI of the records below and of the symbols that objects import. Every
 * object references KILN_ABI_SYMBOL, which only a matching libkiln-core
 * defines: a mismatch is a link error or a refused load, never a crash. */
#define KILN_ABI_VERSION 1
#define KILN_ABI_SYMBOL	 "kiln_abi_1"
/* In kiln-module.o, hidden. Objects with programs that are attached from the
 * start reference it: without kiln-module.o, which does that, nothing links. */
#define KILN_MODULE_SYMBOL  "kiln_module_o"

#define KILN_HELPER_PREFIX  "kiln_helper_"
#define KILN_MAP_OPS_PREFIX "kiln_map_ops_"
#define KILN_BODY_SUFFIX    ".body"
#define KILN_VALUES_SUFFIX  ".values"
#define KILN_GATES_SUFFIX   ".gates"
#define KILN_SCOPE_ENTER    "kiln_scope_enter"
#define KILN_SCOPE_LEAVE    "kiln_scope_leave"
#define KILN_LOOP_BUDGET    "kiln_loop_budget"
#define KILN_SKB_LOAD	    "kiln_skb_load"

#define KILN_SEC_EX_TABLE   "__ex_table"
#define KILN_SEC_SITES	    "kiln_sites"
#define KILN_SEC_MAPS	    "kiln_maps"
#define KILN_SEC_PROGS	    "kiln_progs"
#define KILN_SEC_HOOKS	    "kiln_hooks"
#define KILN_SEC_NOTE	    ".note.kiln"
#define KILN_SEC_FRAMES	    "kiln_frames"
#define KILN_SEC_FAULTS	    ".kiln.faults"

/* ---- __ex_table --------------------------------------------------------- */

/* As in current Linux kernels (asm/extable.h). */
struct kiln_ex_row {
	int32_t insn;  /* self-relative: the instruction that may fault */
	int32_t fixup; /* self-relative: where execution goes on */
	int16_t type;  /* enum kiln_ex_type */
	int16_t data;  /* register to clear, by the target's number */
};

enum kiln_ex_type {
	KILN_EX_ZERO = 1,  /* clear the register, go to fixup */
	KILN_EX_SKIP = 2,  /* a store: go to fixup */
	KILN_EX_FIXUP = 3, /* go to fixup, which does the rest */
};

/* ---- kiln_frames --------------------------------------------------------- */

/* A subprogram in which a load may fault, or below which one may: how to get
 * from there to the program that runs. Its frame is the same at all of its
 * faults and calls. */
struct kiln_frame_row {
	int32_t func;  /* self-relative: its code ... */
	uint32_t code; /* ... and the bytes of that */
	uint32_t size; /* bytes from SP to what SP was before the call */
	int32_t ret;   /* from SP to the return address; -1: it is in the link
			* register, and the subprogram calls nobody */
	int32_t prog;  /* self-relative: entry, as in its kiln_prog_row, of the
			* only program that reaches it; or 0 */
};

/* ---- .kiln.faults -------------------------------------------------------- */

/* What the rows of __ex_table are about, for people: not loaded, one section
 * per function like its line table. A record is this, the C expression that is
 * loaded ("task->mm->total_vm", or "" if it is not known) with its NUL, and
 * zeroes up to a multiple of 8. */
struct kiln_fault_note {
	uint64_t insn; /* address of the instruction */
	uint32_t bpf;  /* number of the BPF instruction in its function */
	uint32_t size; /* bytes of the record */
};

/* ---- kiln_progs ---------------------------------------------------------- */

struct kiln_prog_row {
	int32_t name;	 /* self-relative: NUL-terminated */
	int32_t section; /* self-relative: its section in the source */
	int32_t entry;	 /* self-relative: uint64_t prog(void *ctx) */
	int32_t body;	 /* self-relative: prog.body, or entry again. Tail calls
		       * jump there; with KILN_PROG_TAIL_CALLS it takes a
		       * pointer to a uint32_t, how many tail calls there
		       * have been, in rax or x10 */
	uint32_t type;	 /* enum bpf_prog_type */
	uint32_t attach_type; /* enum bpf_attach_type */
	uint32_t flags;	      /* enum kiln_prog_flags */
	uint32_t stack; /* worst native stack of the call graph, bytes; if a
			 * subprogram makes tail calls, of 34 runs of it */
	uint32_t code;	/* bytes from entry to the end of the body */
	/* self-relative: what its context is, as text ("xdp", "struct conn (24
	 * bytes, 4f0c...)"). Programs may tail-call each other if it is the
	 * same; "": they may not (KILN_PROG_RAW) */
	int32_t context;
};

/* One run makes no more, as in the kernel. */
#define KILN_MAX_TAIL_CALLS 33

enum kiln_prog_flags {
	KILN_PROG_SCOPE = 1, /* entry is a wrapper that holds a run scope */
	KILN_PROG_TAIL_CALLS = 2, /* its body takes the count of tail calls */
	KILN_PROG_RET32 = 4,	  /* result: low 32 bits, zero-extended */
	KILN_PROG_RAW = 8,	  /* bare instructions: called with r1, r2 */
};

/* ---- kiln_maps ------------------------------------------------------------ */

/* One per map, writable, in .data.<map>; its symbol is the map's name. Code
 * and helpers take a pointer to it. The compiler fills the definition and the
 * pointers; `state`, `lock`, `priv` and what follows `fields` belong to the
 * runtime and are zero in the object. */
struct kiln_map {
	uint32_t type; /* enum bpf_map_type */
	uint32_t key_size;
	uint32_t value_size;
	uint32_t max_entries;
	uint32_t flags;	   /* BPF_F_* of map creation */
	uint32_t max_cpus; /* CPU slots its storage is made for */
	uint64_t values; /* address of storage; 0: dynamic, made on first use */
	uint64_t values_size; /* bytes of storage, by the formula of maps.def */
	uint64_t ops;	      /* address of struct kiln_map_ops */
	uint64_t name;	      /* address of its name */
	uint32_t state;
	uint32_t lock;
	uint64_t inner; /* address of the inner template, or 0 */
	/* map_extra of the definition; PROG_ARRAY: address of the text that
	 * is the context of the programs that tail-call through it and that
	 * it begins with (kiln_prog_row.context), 0: there are none */
	uint64_t extra;
	uint64_t init;	/* address of its first struct kiln_map_init, or 0 */
	uint64_t ninit; /* how many */
	uint64_t priv[4];
	uint64_t fields; /* address of its first struct kiln_map_field, or 0 */
	uint32_t refs; /* of a created map: who holds it. 0: it always stays */
	uint32_t nfields; /* how many */
};

/* In a value what copies leave alone, by ascending offset; BTF says where. */
struct kiln_map_field {
	uint32_t off;  /* in the value, a multiple of 4 */
	uint16_t size; /* too */
	uint16_t kind; /* enum kiln_field_kind */
};

enum kiln_field_kind {
	KILN_FIELD_LOCK = 1,  /* struct bpf_spin_lock */
	KILN_FIELD_TIMER = 2, /* struct bpf_timer */
	KILN_FIELD_KPTR = 3,  /* pointer that bpf_kptr_xchg() exchanges */
	KILN_FIELD_OTHER = 4,
};

/* What a map begins with: the values of its definition in the source, by
 * ascending key. Read-only once relocated, in the map's group. */
struct kiln_map_init {
	uint64_t target; /* map of maps: address of a struct kiln_map.
			  * prog_arrays have none: their storage holds it */
	uint32_t key;
	uint32_t reserved;
};

/* Read-only, grouped and link-ordered with .data.<map>. */
struct kiln_map_row {
	int32_t map;  /* self-relative: struct kiln_map */
	int32_t name; /* self-relative */
	uint32_t type, key_size, value_size, max_entries, flags;
	uint32_t pinning;	     /* enum libbpf_pin_type */
	uint32_t btf_key, btf_value; /* type ids in .BTF, or 0 */
};

/* ---- kiln_sites ------------------------------------------------------------ */

struct kiln_site_row {
	int32_t addr;	/* self-relative: the instruction */
	uint8_t kind;	/* enum kiln_site_kind */
	uint8_t size;	/* its bytes */
	uint16_t state; /* enum kiln_site_state: as compiled */
	int32_t owner;	/* self-relative: the function it is in */
	/* Of a tail call, else 0: */
	int32_t map;  /* self-relative: struct kiln_map of the prog_array */
	int32_t gate; /* self-relative: a byte, in writable data. While it is 0
		       * nobody who enters the function comes to addr */
	uint32_t key;
};

/* Of entry sites: bytes of no operation, as KILN_SLED of kiln/hook.h says. */
#define KILN_X86_SLED	7
#define KILN_ARM64_SLED 4

enum kiln_site_kind { KILN_SITE_ENTRY = 1, KILN_SITE_TAIL_CALL = 2 };
enum kiln_site_state {
	KILN_SITE_OPEN = 0,   /* may change; no jump yet */
	KILN_SITE_FROZEN = 1, /* a jump for ever; map and gate are 0 */
};

/* ---- kiln_hooks --------------------------------------------------------- */

#define KILN_TRAMP_PREFIX ".text.kiln_tramp."
#define KILN_SEC_TEXT	  "kiln_text" /* functions that can be hooked */

/* A program and the function that it attaches to: fentry, fexit, fmod_ret,
 * freplace. Read-only, grouped and link-ordered with the function's stub, of
 * which there is one per function and object. */
struct kiln_hook_row {
	int32_t target; /* self-relative: a uint64_t in writable data, the
			 * function's address; 0 in it: nobody has it */
	int32_t name;	/* self-relative: the function's name */
	int32_t prog;	/* self-relative: entry, as in its kiln_prog_row */
	int32_t stub;	/* self-relative: the stub's bytes */
	int32_t model;	/* self-relative: how the function is called, as text;
			 * equal texts are called alike */
	uint8_t kind;	/* enum kiln_hook_kind */
	uint8_t flags;	/* enum kiln_hook_flags */
	uint16_t nargs; /* words of its arguments ... */
	uint16_t nret;	/* ... and of its result behind them */
	/* Of the stub, in bytes from its start. Code ends at lits, a multiple
	 * of 8, where a struct kiln_stub_lits stands. */
	uint16_t lits;
	uint16_t call; /* the instruction that calls the function's body */
	uint16_t jump; /* ... that jumps there, the stub's frame gone */
	uint16_t ret;  /* ... that returns, the frame gone too */
	uint16_t reserved;
};

enum kiln_hook_kind {
	KILN_HOOK_FENTRY = 1,
	KILN_HOOK_FEXIT = 2,
	KILN_HOOK_FMOD_RET = 3,
	KILN_HOOK_FREPLACE = 4,
};

enum kiln_hook_flags {
	KILN_HOOK_AT_START = 1, /* --attach: attached by kiln-module.o */
	KILN_HOOK_OPTIONAL = 2, /* SEC("?fentry/..."): may have no target */
};

/*
 * A stub is a template: position-independent code without relocations. The
 * runtime copies it next to the function, fills in what follows, and makes
 * `call` and `jump` go to the function's body, which is behind its sled. It is
 * entered by a jump from the sled, with registers and stack as at the function's
 * entry, and has a frame pointer:
 *
 *	x86-64:	endbr64; push %rbp; mov %rsp, %rbp	8 bytes
 *	arm64:	paciasp; stp x29, x30, [sp, -16]!; mov x29, sp
 *
 * It fills a struct kiln_tramp_frame on its stack and calls enter(frame, hook). By
 * its result:
 *
 *	KILN_TRAMP_JUMP		all registers and the stack as at entry; jump
 *	KILN_TRAMP_CALL		all argument registers and copies of the stack's
 *				arguments; call; the result goes to the words
 *				behind the arguments; exit(frame); returns what
 *				the body returned
 *	KILN_TRAMP_RETURN	returns the word behind the arguments
 */
struct kiln_stub_lits {
	uint64_t hook;	/* the runtime's; goes to the frame */
	uint64_t enter; /* uint64_t enter(struct kiln_tramp_frame *, hook) */
	uint64_t exit;	/* void exit(struct kiln_tramp_frame *) */
};

struct kiln_tramp_frame {
	uint64_t hook;	 /* by the stub, from its literals */
	uint64_t seen;	 /* the runtime's */
	uint64_t cookie; /* of the program that runs: args[-1] */
#ifndef __cplusplus
	uint64_t args[]; /* nargs words, then nret words of the result */
#endif
};

enum kiln_tramp_verdict {
	KILN_TRAMP_JUMP = 0,
	KILN_TRAMP_CALL = 1,
	KILN_TRAMP_RETURN = 2,
};

/* More words than this no function may have, arguments and result. */
#define KILN_TRAMP_WORDS 64

/* ---- .note.kiln -------------------------------------------------------------- */

#define KILN_NOTE_NAME "kiln" /* with NUL: namesz 5, padded to 8 */

/* Note types; the descriptor of KILN_NOTE_ABI is struct kiln_note_abi, the
 * others are text. All are 4-byte aligned SHT_NOTE entries. */
enum kiln_note_type {
	KILN_NOTE_ABI = 1,
	KILN_NOTE_OPTIONS = 2,	/* options that matter to the code */
	KILN_NOTE_LICENSE = 3,	/* as the source says */
	KILN_NOTE_VERIFIED = 4, /* what was checked at compile time */
};

/* CPU features beyond the baseline, by target, in the order of --cpu names. */
enum kiln_x86_feature { KILN_X86_BMI2 = 1, KILN_X86_MOVBE = 2 };
enum kiln_arm64_feature { KILN_ARM64_LSE = 1 };

struct kiln_note_abi {
	uint32_t abi; /* KILN_ABI_VERSION */
	uint32_t flags;
	uint64_t features;  /* CPU features the code needs, target's bits */
	uint8_t digest[32]; /* SHA-256 over the input files, in order */
};

/* ---- layout is for ever -------------------------------------------------------- */

#ifdef __cplusplus
#define KILN_STATIC_ASSERT static_assert
#else
#define KILN_STATIC_ASSERT _Static_assert
#endif
#define KILN_AT(type, member, off) \
	KILN_STATIC_ASSERT(        \
		offsetof(struct type, member) == (off), #type "." #member)
#define KILN_SIZE(type, size) \
	KILN_STATIC_ASSERT(sizeof(struct type) == (size), #type)

KILN_SIZE(kiln_ex_row, 12);
KILN_AT(kiln_ex_row, fixup, 4);
KILN_AT(kiln_ex_row, type, 8);
KILN_AT(kiln_ex_row, data, 10);
KILN_SIZE(kiln_frame_row, 20);
KILN_AT(kiln_frame_row, size, 8);
KILN_AT(kiln_frame_row, ret, 12);
KILN_AT(kiln_frame_row, prog, 16);
KILN_SIZE(kiln_fault_note, 16);
KILN_AT(kiln_fault_note, bpf, 8);
KILN_AT(kiln_fault_note, size, 12);
KILN_SIZE(kiln_prog_row, 40);
KILN_AT(kiln_prog_row, section, 4);
KILN_AT(kiln_prog_row, entry, 8);
KILN_AT(kiln_prog_row, body, 12);
KILN_AT(kiln_prog_row, type, 16);
KILN_AT(kiln_prog_row, attach_type, 20);
KILN_AT(kiln_prog_row, flags, 24);
KILN_AT(kiln_prog_row, stack, 28);
KILN_AT(kiln_prog_row, code, 32);
KILN_AT(kiln_prog_row, context, 36);
KILN_SIZE(kiln_map, 144);
KILN_AT(kiln_map, key_size, 4);
KILN_AT(kiln_map, value_size, 8);
KILN_AT(kiln_map, max_entries, 12);
KILN_AT(kiln_map, flags, 16);
KILN_AT(kiln_map, max_cpus, 20);
KILN_AT(kiln_map, values, 24);
KILN_AT(kiln_map, values_size, 32);
KILN_AT(kiln_map, ops, 40);
KILN_AT(kiln_map, name, 48);
KILN_AT(kiln_map, state, 56);
KILN_AT(kiln_map, lock, 60);
KILN_AT(kiln_map, inner, 64);
KILN_AT(kiln_map, extra, 72);
KILN_AT(kiln_map, init, 80);
KILN_AT(kiln_map, ninit, 88);
KILN_AT(kiln_map, priv, 96);
KILN_SIZE(kiln_map_init, 16);
KILN_AT(kiln_map_init, key, 8);
KILN_AT(kiln_map, fields, 128);
KILN_AT(kiln_map, refs, 136);
KILN_AT(kiln_map, nfields, 140);
KILN_SIZE(kiln_map_field, 8);
KILN_AT(kiln_map_field, kind, 6);
KILN_SIZE(kiln_map_row, 40);
KILN_AT(kiln_map_row, name, 4);
KILN_AT(kiln_map_row, type, 8);
KILN_AT(kiln_map_row, pinning, 28);
KILN_AT(kiln_map_row, btf_key, 32);
KILN_SIZE(kiln_site_row, 24);
KILN_AT(kiln_site_row, owner, 8);
KILN_AT(kiln_site_row, map, 12);
KILN_AT(kiln_site_row, gate, 16);
KILN_AT(kiln_site_row, key, 20);
KILN_SIZE(kiln_hook_row, 36);
KILN_AT(kiln_hook_row, prog, 8);
KILN_AT(kiln_hook_row, model, 16);
KILN_AT(kiln_hook_row, kind, 20);
KILN_AT(kiln_hook_row, nargs, 22);
KILN_AT(kiln_hook_row, lits, 26);
KILN_AT(kiln_hook_row, ret, 32);
KILN_SIZE(kiln_stub_lits, 24);
KILN_SIZE(kiln_tramp_frame, 24);
KILN_AT(kiln_tramp_frame, cookie, 16);
KILN_SIZE(kiln_note_abi, 48);
KILN_AT(kiln_note_abi, features, 8);
KILN_AT(kiln_note_abi, digest, 16);

#ifdef __cplusplus
}
#endif
#endif
