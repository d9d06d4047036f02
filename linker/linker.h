/*
 * The linker: units and module -> sections and symbols -> native ELF object;
 * the driver that runs a compilation; the command line.
 *
 *   driver.c   the stages of a compilation in order
 *   resolve.c  which functions are compiled, what their symbols are called
 *   layout.c   functions, maps and data -> sections, symbols, relocations
 *   tables.c   kiln_progs, kiln_maps, __ex_table, kiln_sites, notes
 *   ehframe.c  .eh_frame
 *   debug.c    .debug_line and the little .debug_info that names functions
 *   elfout.c   image -> ELF bytes through libelf
 *   main.c     the command table; cmd_*.c one file per command
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
	sec_id strings;	   /* .rodata.kiln.str */
};

static inline struct osec *img_sec(const struct image *g, sec_id s)
{
	return &g->sec.v[s.v - 1];
}

/* ---- the link: one compilation ------------------------------------------- */

/* Where a function's code went. */
struct placed {
	sec_id sec;
	u32 off;	  /* of the body in its section */
	u32 wrapper_size; /* bytes before it, 0: none */
	struct unit_fn *unit, *wrapper;
	u32 body_sym; /* module symbol of prog.body, or the function's own */
};

struct link {
	struct arena a;	 /* the link's */
	struct arena fa; /* one function's, reset after it */
	struct diag diag;
	const struct kiln_compile_opts *o;
	struct module m;
	struct cg cg;
	const char *prefix;
	bool *wanted;		    /* by func: compiled into the output */
	struct placed *placed;	    /* by func */
	bool *data_used, *map_used; /* by datasec, map */
	sec_id *map_sec;	    /* by map: its .data.<map> */
	struct image img;
};

/* ---- resolve.c ---- */
int lk_resolve(struct link *l);

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
int lk_layout(struct link *l);

/* ---- tables.c ---- */
int lk_tables(struct link *l);

/* ---- ehframe.c ---- */
void lk_eh_frame(struct link *l);

/* ---- debug.c ---- */
void lk_debug(struct link *l);

/* ---- elfout.c ---- */
/* malloc'ed bytes; 0 or -errno. */
int lk_elfout(struct link *l, void **out, size_t *size);

/* ---- target.c ---- */
/* struct target by name: ir/target.h */

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
/* Prints diagnostics to stderr: "kiln: error: ..." without decoration for
 * errors that name their file. */
void cli_log(void *ctx, enum kiln_level level, const char *line);

/* Exit status of the command. */
int cmd_compile(int argc, char **argv);
int cmd_run(int argc, char **argv);
int cmd_inspect(int argc, char **argv);
int cmd_disasm(int argc, char **argv);
int cmd_dump(int argc, char **argv);

#endif
