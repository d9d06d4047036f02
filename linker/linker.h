/*
 * The linker: units and module -> sections and symbols -> native ELF object;
 * the driver that runs a compilation; the command line.
 *
 *   api.c      kiln_compile(): what applications see
 *   driver.c   the stages of a compilation in order
 *   resolve.c  which functions are compiled, what their symbols are called
 *   layout.c   functions, maps and data -> sections, symbols, relocations
 *   hooks.c    functions that programs attach to: stubs, kiln_hooks
 *   tables.c   kiln_progs, kiln_maps, __ex_table, kiln_sites, notes
 *   frames.c   kiln_frames
 *   ehframe.c  .eh_frame
 *   debug.c    .debug_line and the little .debug_info that names functions
 *   elfout.c   image -> ELF bytes through libelf
 *   main.c     the command table; opts.c, cmd_*.c one file per command
 *   native.c   native objects, read again for inspect and disasm; lines.c,
 *              faults.c
 *   report.c   tables as text or JSON; json.c
 */
#ifndef KILN_LINKER_H
#define KILN_LINKER_H

#include "ir/ir.h"
#include "ir/module.h"
#include "ir/target.h"
#include "kiln/compile.h"

/* ---- the image: what elfout.c writes ------------------------------------ */

typedef struct {
	u32 v;
} sec_id; /* 0: none */

struct orel {
	u64 off;
	u32 type;
	u32 sym; /* 1 + index in image->sym; 0: none */
	i64 addend;
};

struct osec {
	const char *name;
	u32 type;  /* SHT_* */
	u64 flags; /* SHF_* */
	u64 align;
	u64 entsize;
	struct buf bytes;
	u64 nobits;  /* SHT_NOBITS: size */
	sec_id link; /* SHF_LINK_ORDER */
	u32 group;   /* 1 + index in image->group, or 0 */
	u32 sym;     /* its STT_SECTION symbol, 1 + index, or 0 */
	vec(struct orel) rel;
};

struct osym {
	const char *name;   /* "" for section symbols */
	u8 bind, type, vis; /* STB_*, STT_*, STV_* */
	sec_id sec;	    /* none: undefined */
	u64 value, size;
};

struct ogroup {
	u32 sym; /* signature, 1 + index */
};

struct image {
	struct arena *a;
	const struct target *target;
	vec(struct osec) sec; /* sec_id is 1 + index */
	vec(struct osym) sym;
	vec(struct ogroup) group;
	u32 *of_sym;	   /* module symbol -> 1 + osym, 0: not emitted */
	u32 *of_sym_local; /* the same place through a section symbol ... */
	u64 *local_off;	   /* ... plus this, for defined symbols; else 0 */
	sec_id strings;	   /* .rodata.kiln.str, and where what is in it: */
	u32 *slot;	   /* hash table of 1 + offset, 0: free */
	u32 slot_mask, nslot;
};

static inline struct osec *img_sec(const struct image *g, sec_id s)
{
	return &g->sec.v[s.v - 1];
}

/* The word with a function's address that programs attach to is called so. */
#define KILN_HOOK_PREFIX "kiln_hook."

/* A function that programs attach to (hooks.c). */
struct hooked {
	const struct model *model;
	u32 sym;	      /* module symbol: the function */
	bool is_own;	      /* ... may be one of the module */
	bool optional;	      /* ... may be missing */
	vec(u32) prog;	      /* by func: who attaches to it */
	struct unit_fn *unit; /* its stub ... */
	struct stub_places places;
	sec_id sec, word; /* ... and where that and its address are */
};

/* ---- the link: one compilation ------------------------------------------- */

/* Where a function's code went. */
struct placed {
	sec_id sec;
	u32 off;   /* of the body in its section */
	u32 entry; /* of the wrapper, or of the body again */
	struct unit_fn *unit, *wrapper; /* wrapper: or NULL */
};

struct link {
	struct arena a;	 /* the link's */
	struct arena fa; /* one function's IR, reset after selection */
	struct arena ma; /* its machine IR, reset after emission */
	struct diag diag;
	const struct kiln_compile_opts *o;
	struct module m;
	struct cg cg;
	const char *prefix;
	bool *wanted;		    /* by func: compiled into the output */
	struct placed *placed;	    /* by func */
	bool *data_used, *map_used; /* by datasec, map */
	sec_id *map_sec;	    /* by map: its .data.<map> */
	vec(struct hooked) hooked;
	struct image img;
	void *elf;  /* libelf's handle while it writes, else NULL */
	int elf_fd; /* what it writes to, else -1 */
};

/* ---- driver.c ---- */
struct lk_watch {
	/* Told of every function once its code is there, before the next one;
	 * or NULL. */
	void (*func)(void *ctx, const struct link *l, u32 func);
	/* Told of every stage and pass when it is over; or NULL. */
	void (*stage)(void *ctx, const struct link *l, const char *name);
	void *ctx;
};
/* kiln_compile(), watched; watch may be NULL. */
int lk_compile(const struct kiln_input *in, size_t n,
	const struct kiln_compile_opts *opts, const struct lk_watch *watch,
	void **out, size_t *out_size);

/* ---- resolve.c ---- */
int lk_resolve(struct link *l);
/* It has an entry site: programs can attach to it. */
bool lk_has_site(const struct link *l, const struct func *f);

/* ---- layout.c ---- */
sec_id img_sec_new(
	struct image *g, const char *name, u32 type, u64 flags, u64 align);
u32 img_sec_sym(struct image *g, sec_id s); /* 1 + index of its symbol */
u32 img_sym_new(struct image *g, const struct osym *s); /* 1 + index */
u32 img_group_new(struct image *g, u32 sym);
void img_rel(struct image *g, sec_id s, u64 off, u32 type, u32 sym, i64 addend);
/* A relocation to a module symbol: through its section where it is defined
 * here (tables: a protected symbol must not be named), else by name. */
void img_rel_local(
	struct image *g, sec_id s, u64 off, u32 type, u32 msym, i64 addend);
u64 img_string(struct image *g, const char *s); /* offset in g->strings */
/* A reference of code or data: by name, but protected programs and data
 * through their section. */
void img_rel_any(
	struct link *l, sec_id s, u64 off, u32 type, u32 msym, i64 addend);
int lk_layout(struct link *l);
/* Which maps have their storage in the object, and which are frozen; code
 * generation asks. */
void lk_map_storage(struct link *l);

/* ---- hooks.c ---- */
/* After code generation: which functions are attached to, and their stubs. */
int lk_hooks(struct link *l);
void lk_place_hooks(struct link *l); /* a step of lk_layout */
void lk_hook_rows(struct link *l);   /* ... and of lk_tables */

/* ---- tables.c ---- */
/* A section of rows for what lives in `with`; self-relative fields in it, to a
 * place in a section, and to a string. */
sec_id row_sec(struct link *l, const char *name, sec_id with);
void row_text(struct link *l, sec_id s, u64 off, sec_id text, u64 at);
void row_string(struct link *l, sec_id s, u64 off, const char *text);
void lk_anchor(struct link *l); /* before all other sections */
int lk_tables(struct link *l);

/* ---- frames.c ---- */
void lk_frame_rows(struct link *l); /* a step of lk_tables */

/* ---- ehframe.c ---- */
void lk_eh_frame(struct link *l);

/* ---- debug.c ---- */
void lk_debug(struct link *l);

/* ---- elfout.c ---- */
/* malloc'ed bytes; 0 or -errno. */
int lk_elfout(struct link *l, void **out, size_t *size);
/* Releases what lk_elfout held when it ran out of memory. */
void lk_elfout_fini(struct link *l);

/* ---- target.c: struct target by name, see ir/target.h ---- */
/* The targets that are built in, as text: "x86_64". */
const char *target_names(struct arena *a);

/* ---- the command line: main.c, opts.c, cmd_*.c --------------------------- */

/* Options shared by the commands that compile. */
struct cli {
	struct kiln_compile_opts c;
	const char *cmd;   /* name of the command, for messages */
	const char *out;   /* -o */
	const char *stage; /* --stage */
	bool json, pretty;
	/* kiln run: */
	const char *prog;
	const char *data_in, *data_out, *ctx_in, *ctx_out;
	const char *mem; /* --mem HEX */
	u32 repeat;
	/* what is left: the operands */
	char **arg;
	int narg;
	struct arena a;
};

/* Which groups of options a command takes. */
enum cli_group {
	CLI_COMPILE = 1,
	CLI_RUN = 2,
	CLI_DUMP = 4,
	CLI_OUT = 8,
	CLI_JSON = 16
};

/* Parses argv into *o. 0; 1 after --help (printed); -EINVAL after a message. */
int cli_parse(struct cli *o, int argc, char **argv, unsigned groups,
	const char *usage);
void cli_fini(struct cli *o);
/* Prints a line of diagnostics to stderr: "kiln: error: ...". */
void cli_log(void *ctx, enum kiln_level level, const char *line);

/* ---- json.c ---- */
enum { JSON_DEPTH = 16 };

struct json {
	FILE *out;
	bool pretty;
	bool first; /* nothing stands in the innermost level yet */
	u32 depth;
	bool array[JSON_DEPTH]; /* else an object */
};

/* key is NULL inside arrays and at the top. */
void json_init(struct json *j, FILE *out, bool pretty);
void json_object(struct json *j, const char *key);
void json_array(struct json *j, const char *key);
void json_end(struct json *j); /* of the innermost object or array */
void json_string(struct json *j, const char *key, const char *s);
void json_number(struct json *j, const char *key, u64 v);
void json_bool(struct json *j, const char *key, bool v);
/* A copy without control bytes, for terminals. */
const char *text_safe(struct arena *a, const char *s);

/* ---- report.c ---- */
enum { REPORT_COLS = 16 };

struct report {
	struct arena *a;
	FILE *out; /* into text */
	char *text;
	size_t size;
	bool is_json;
	struct json j;
	/* the table that is being made, as text */
	const char *table; /* NULL: between tables */
	u32 rows, col, ncol;
	const char *key[REPORT_COLS];
	bool right[REPORT_COLS];
	u32 width[REPORT_COLS];
	vec(const char *) cell;
};

int rep_init(struct report *r, struct arena *a, const struct cli *o);
/* Prints it, unless err says that making it failed. err, or -errno. */
int rep_fini(struct report *r, int err);
/* Every row of a table has the same cells in the same order. */
void rep_table(struct report *r, const char *name);
void rep_row(struct report *r);
void rep_end_row(struct report *r);
void rep_end_table(struct report *r);
/* A cell, or a field between tables; "" is left out. */
void rep_string(struct report *r, const char *key, const char *s);
void rep_number(struct report *r, const char *key, u64 v);
void rep_unknown(struct report *r, const char *key); /* a number */
void rep_list(struct report *r, const char *key, const char *const *v, u32 n);

/* ---- native.c: reads native objects and images of either target ---- */

/* A byte of a section; sec 0: nowhere. */
struct place {
	u32 sec;
	u64 off;
};

struct nat_rel {
	u64 off;
	u32 type, sym;
	i64 addend;
};

struct nat_sec {
	const char *name;
	const u8 *p; /* NULL: takes no bytes in the file */
	u64 size, addr, flags;
	u32 type, link, info;
	bool is_loaded;		 /* has addresses of an image */
	vec(struct nat_rel) rel; /* by offset */
};

struct nat_sym {
	const char *name;
	struct place at;
	u64 size;
	u8 bind, type;
	bool is_undef;
};

/* From `at` on code belongs to this line; line 0: to none. */
struct nat_line {
	struct place at;
	const char *file;
	u32 line;
};

/* A record of .kiln.faults. */
struct nat_fault {
	struct place insn;
	u32 bpf; /* instruction of its function */
	const char *path;
};

struct nat_target {
	const char *name; /* as in --target */
	u16 machine;
	u32 abs64, pc32, relative; /* relocation types */
};

struct native {
	struct arena *a;
	struct diag diag;
	const char *file;
	const u8 *bytes;
	size_t size;
	u16 type; /* ET_REL, ET_EXEC, ET_DYN */
	const struct nat_target *target;
	vec(struct nat_sec) sec; /* [0] is nothing */
	vec(struct nat_sym) sym; /* [0] is nothing */
	u32 *by_addr;		 /* loaded sections, by address */
	u32 nby_addr;
	u32 *by_place; /* named functions and objects, by place */
	u32 nby_place;
	vec(struct nat_line) line;   /* by place */
	vec(struct nat_fault) fault; /* by place */
	void *elf;
};

/* Reads FILE and checks every header, symbol and relocation. 0, or -1 after
 * one line on stderr. */
int nat_open(struct native *n, struct arena *a, const char *file);
void nat_close(struct native *n);
int nat_error(struct native *n, const char *fmt, ...) printf_like(2, 3);
/* The next section of that name after prev, 0 if none. */
u32 nat_find(const struct native *n, const char *name, u32 prev);
/* What a self-relative 32-bit field, or a 64-bit address, points at. */
struct place nat_self(const struct native *n, u32 sec, u64 off);
struct place nat_addr(const struct native *n, u32 sec, u64 off);
/* The string there, or NULL if it does not end inside its section. */
const char *nat_string(const struct native *n, struct place at);
/* Index in by_place, or in the section's rel, of the first one at or behind
 * the place. */
u32 nat_sym_from(const struct native *n, struct place at);
u32 nat_rel_from(const struct native *n, struct place at);
/* The relocation at exactly that place, or NULL. */
const struct nat_rel *nat_rel_at(const struct native *n, struct place at);
/* The named function or object that holds the place, or NULL. */
const struct nat_sym *nat_sym_at(const struct native *n, struct place at);

/* ---- lines.c ---- */
/* .debug_line -> n->line. 0, or -1 after one line on stderr. */
int nat_read_lines(struct native *n);
/* NULL if nothing is known of it. */
const struct nat_line *nat_line_at(const struct native *n, struct place at);

/* ---- faults.c ---- */
/* Reads .kiln.faults. 0, or -1 after one line on stderr. */
int nat_read_faults(struct native *n);
/* What the load at a place is about, or NULL. */
const struct nat_fault *nat_fault_at(const struct native *n, struct place at);

/* Exit status of the command. */
int cmd_compile(int argc, char **argv);
int cmd_run(int argc, char **argv);
int cmd_inspect(int argc, char **argv);
int cmd_disasm(int argc, char **argv);
int cmd_dump(int argc, char **argv);

/* ---- run_ctx.c: what programs get from kiln run ---- */
/* Bytes of a file, or made from options. */
struct blob {
	u8 *p;
	size_t n;
};

/* What a program of some type gets, and the memory behind it. */
struct run_ctx {
	const struct ctx_kind *kind; /* NULL: plain memory */
	struct blob data;	     /* as given */
	u8 *frame;		     /* headroom, data, tailroom */
	struct blob ctx;	     /* what the program gets: its UAPI part */
};

/* For a program of a type: data is the packet, in (the start of) the UAPI
 * struct; both may be empty. NULL, or why it cannot be. */
const char *run_ctx_init(struct run_ctx *c, struct arena *a, u32 prog_type,
	struct blob data, struct blob in);
/* What the program left: the packet, and the UAPI struct without addresses. */
struct blob run_ctx_data(const struct run_ctx *c);
struct blob run_ctx_uapi(struct run_ctx *c);

#endif
