/*
 * The hosted half of the runtime: objects, programs, loading. The core never
 * sees this header.
 *
 *   object.c       open, close; programs, maps and globals by name
 *   objcheck.c     what a file must be like
 *   objmap.c       maps of objects: checked, resized, shared
 *   load.c         the stages of opening and loading in order
 *   debug.c        what unwinders, gdb and perf are told
 *   fork.c         what a fork must not interrupt
 *   mem.c          address space: one reservation near the runtime
 *   text.c         code that is written while others run it: W^X, fork
 *   symbols.c      names that objects import
 *   reloc.c        which bytes are relocated with which values
 *   reloc_x86.c    how, by the psABI of the target (or reloc_arm64.c)
 *   cpu_x86.c      what this CPU can do (or cpu_arm64.c)
 *   linked.c       objects that are part of the process's image
 *   prog_host.c    programs as values of maps
 *   poke.c         sites of tail calls become jumps
 *   poke_x86.c     what a jump is (or poke_arm64.c)
 */
#ifndef KILN_RUNTIME_OBJECT_H
#define KILN_RUNTIME_OBJECT_H

#include <elf.h>
#include <stdio.h>

#include "runtime/host.h"

/* ---- an object -------------------------------------------------------------- */

#define OBJ_EH_FRAME ".eh_frame"
#define FRAME_MAX    (1u << 24)	    /* bytes of a function's frame */
#define OBJ_MAX	     ((u64)1 << 30) /* bytes of a file, or of a section */

/* Sections are gathered into segments of one protection. */
enum seg { SEG_TEXT, SEG_RODATA, SEG_RELRO, SEG_DATA, SEG_COUNT, SEG_NONE };

struct rt_sec {
	u8 seg;	 /* enum seg; SEG_NONE: not loaded */
	u64 off; /* in its segment */
	u64 size;
};

struct rt_seg {
	u64 size; /* bytes used, a multiple of the page size */
	u8 *addr; /* where it runs */
	u8 *rw;	  /* where it is written while loading; later NULL */
};

/* Code that is written through another view of its pages (text.c). */
struct text {
	u8 *addr; /* where it runs */
	u64 size; /* whole pages */
	u8 *rw;	  /* where it is written, or NULL */
	int fd;	  /* the memfd of both, or -1 */
	u32 lock; /* of what follows, of rw and fd; held by nobody at a fork */
	bool shared; /* a process that was forked has it, too */
};

struct kiln_program {
	struct kiln_object *obj;
	const char *name, *section;
	kiln_prog_fn entry, body;
	const char *context; /* kiln_prog_row.context */
	u32 type, flags;
	u32 size;			  /* bytes of code from entry on */
	u64 faults;			  /* atomic */
	bool has_site;			  /* programs can be attached to it */
	const struct kiln_hook_row *hook; /* or NULL: it attaches to nothing */
	struct tramp_cell *cell; /* atomic; NULL: nothing counted yet */
};

/* A map that is in the object's data. */
struct obj_map {
	struct kiln_map *map;
	struct kiln_object *owner; /* held: of the map that takes its place */
	/* resized: its storage, and what that was in the object */
	void *storage, *first;
	u64 bytes, was;
};

/* Owned by who opened it, and by objects that share its maps; linked objects by the runtime, for ever. */
struct kiln_object {
	char *name;
	bool linked; /* part of this process's image, not loaded */
	bool loaded;
	bool tried; /* to load */
	u32 refs;
	/* what was opened: checked once by object.c, trusted afterwards */
	u8 *bytes;
	size_t size;
	const Elf64_Shdr *sh;
	u32 nsec;
	const Elf64_Sym *sym;
	u32 nsym;
	const char *str; /* of the symbol table, NUL-terminated */
	const char *shstr;
	struct kiln_open_opts opts;
	/* what is loaded */
	struct rt_sec *sec;
	struct rt_seg seg[SEG_COUNT];
	bool keeps_rw; /* it has sites: the text's written view stays, sealed */
	struct text text; /* SEG_TEXT, while loading or kept */
	u8 *base;	  /* the reservation */
	u64 reserved;
	u64 *symval;  /* by symbol: its address */
	u64 *slot;    /* GOT, one word per symbol that needs one */
	u32 *slot_of; /* by symbol: 1 + index, or 0 */
	u32 nslots;
	u64 slots_off, veneers_off; /* in SEG_RELRO, SEG_TEXT */
	u64 zeros_off; /* in SEG_DATA: from here on it begins as 0 */
	/* what both kinds have */
	struct kiln_program *prog;
	u32 nprog;
	struct kiln_map **map; /* what serves: own[i].map, or a shared one */
	struct obj_map *own;
	u32 nmap;
	const struct kiln_ex_row *ex;
	size_t nex;
	const struct kiln_frame_row *frame;
	size_t nframe;
	u64 faults;			  /* atomic */
	const struct kiln_site_row *site; /* loaded ones, checked */
	u32 nsite;
	const struct kiln_hook_row *hook; /* checked */
	u32 nhook;
	struct debug_entry *debug;
	struct kiln_object *next; /* prog_host.c */
};

/* Logs "NAME: text" as an error. */
void obj_error(const struct kiln_object *o, const char *fmt, ...)
	printf_like(2, 3);

/* ---- object.c ---- */
void obj_put(struct kiln_object *o); /* gives up a hold */
/* What runs it inside a scope. */
kiln_prog_fn obj_run_by(const struct kiln_program *p);
void obj_drop(struct kiln_object *o); /* what both kinds have */
u64 obj_self(const i32 *field);	      /* what a self-relative field names */
/* n bytes at p lie in segment s; a NUL-terminated text in read-only data. */
bool obj_is_in(const struct kiln_object *o, enum seg s, const void *p, u64 n);
bool obj_is_text(const struct kiln_object *o, const char *s);
const char *obj_sym_name(const struct kiln_object *o, u32 sym);
/* Reads the tables of a loaded or linked object: every pointer of a loaded
 * one is checked against its segments. 0 or -errno. */
int obj_index(struct kiln_object *o, const struct kiln_tables *t);

/* ---- objcheck.c ---- */
int obj_check(struct kiln_object *o);
int obj_refuse(const struct kiln_object *o, const char *what); /* -ENOEXEC */

/* ---- objmap.c ---- */
/* As obj_index(): finds maps when the object is opened, and looks at them again
 * when it is loaded. */
int maps_index(struct kiln_object *o, const struct kiln_tables *t);
int maps_options(struct kiln_object *o);
bool maps_has(const struct kiln_object *o, u64 address); /* as one of its */
/* Makes maps resized and shared that are to be, before relocation, and moves
 * what they begin with, after it. */
int maps_bind(struct kiln_object *o);
void maps_fill(struct kiln_object *o);
void maps_free(struct kiln_object *o);

/* ---- load.c ---- */
/* Gives a checked object its place; data has its first values there. */
int obj_place(struct kiln_object *o);

/* ---- debug.c ---- */
int debug_add(struct kiln_object *o); /* -ENOEXEC: its .eh_frame is damaged */
void debug_remove(struct kiln_object *o);
/* gdb's struct jit_code_entry */
struct debug_entry {
	struct debug_entry *next, *prev;
	const void *file;
	u64 size;
};
/* Under debug_lock(). */
void debug_enter(struct debug_entry *d);
void debug_leave(struct debug_entry *d);
void debug_lock(void);
void debug_unlock(void);

/* ---- debug_stub.c ---- */
struct debug_stub;
/* A stub's copy of size bytes at `at`, named kiln_tramp.NAME; NULL without
 * memory. */
struct debug_stub *debug_add_stub(
	u64 at, u32 size, const struct kiln_hook_row *row);
void debug_remove_stub(struct debug_stub *d);

/* ---- fork.c ---- */
int fork_guard(void); /* from now on forks find no half-done lists */

/* ---- linked.c ---- */
/* Its module goes: what the runtime knows of it. */
void linked_end(const struct kiln_tables *t, u64 lo, u64 hi);

/* ---- prog_host.c ---- */
/* Its programs can be found by their bodies, and its sites are live, until it is
 * removed. */
void prog_add_object(struct kiln_object *o);
void prog_remove_object(struct kiln_object *o);
/* With rt_text_lock: all objects; NULL: the first. */
struct kiln_object *prog_next_object(const struct kiln_object *o);

/* The loaded object, if any, that has this map, held. */
struct kiln_object *obj_hold_owner(const struct kiln_map *m);

/* ---- poke.c ---- */
/* Around a fork: what is shared with a child is marked, under the lock. */
void poke_before_fork(void);
void poke_after_fork(void);
/* Jumps of a loaded object's sites for what its maps begin with. With
 * rt_text_lock, before anybody runs it. */
void poke_begin(struct kiln_object *o);
/* With the lock, where no scope is open: gates that an update inside of one
 * could not open. */
void poke_reopen(void);

/* ---- poke_<target>.c ---- */
/* Bytes of a site's jump. */
extern const u32 poke_size;
/* The jump at place `at` to `to` as bytes; false: out of reach. */
bool poke_jump(u8 *bytes, u64 at, u64 to);
/* Code written through another mapping is not seen: qemu-user before 8.1. */
bool poke_alias_is_stale(void);

/* ---- fault_host.c ---- */
/* Faults of the object's rows are fixed up from now on. 0 or -ENOMEM. */
int fault_add(struct kiln_object *o);
/* No program of it runs any more. */
void fault_remove(const struct kiln_object *o);

/* ---- mem.c ---- */
/* Places all segments; data can be written. */
int mem_reserve(struct kiln_object *o);
/* Text can be written, through another mapping. */
int mem_open_text(struct kiln_object *o);
/* size zeroed bytes in reach of the runtime and of objects, or NULL. */
void *mem_near(u64 size);
/* The same for code at `at`, PROT_NONE. */
u8 *mem_reserve_near(const void *at, u64 size);
void mem_unreserve(u8 *p, u64 size);
extern bool mem_far; /* for tests: objects are out of the runtime's reach */
/* Text becomes read-execute, read-only data read-only. */
int mem_protect(struct kiln_object *o);
void mem_release(struct kiln_object *o);

/* ---- text.c ---- */
/* addr and size are set: makes a zeroed memfd and the view that is written;
 * text_copy(): with the bytes that are at addr. 0 or -errno. */
int text_open(struct text *t);
int text_copy(struct text *t);
/* What was written is at addr, read-execute; keep: it can be edited. */
int text_run(struct text *t, bool keep);
void text_close(struct text *t); /* it stays as it is */
/* Between the two it is the caller's to write, by text_rw(), in a process of its
 * own. 0, or -errno: not begun. What was written, n bytes at `at`, is seen by
 * this core in the end; by others after text_sync(). */
int text_edit(struct text *t);
u8 *text_rw(const struct text *t, const void *at);
void text_done(struct text *t, void *at, u64 n);
/* Every core executes a serializing instruction. 0 or -errno. */
int text_sync(void);

/* ---- symbols.c ---- */
/* Address of an imported name: the application's table, the runtime, the
 * process's exported symbols. NULL if nobody has it. */
void *sym_find(const struct kiln_object *o, const char *name);
/* Address of the operations of a kind of map, 0 if unknown. */
u64 rt_map_ops(u32 type);

/* ---- reloc.c ---- */
int reloc_count(struct kiln_object *o); /* which symbols need a slot */
/* own: in data, with symbols of the object's own. Again, with all, when it is
 * loaded: what was applied once does not matter. */
int reloc_apply_all(struct kiln_object *o, bool own);

/* ---- cpu_<target>.c ---- */
/* What this CPU can do beyond the baseline: bits of format.h. */
u64 cpu_features(void);

/* ---- reloc_<target>.c ---- */
struct reloc {
	u32 type;
	u8 *at;	   /* where to write */
	u64 place; /* P: the address it will have */
	u64 value; /* S + A */
	u64 sym;   /* S */
	i64 addend;
	u64 slot;   /* address of the symbol's GOT slot, 0: none */
	u64 veneer; /* address of the symbol's veneer, 0: none */
};

extern const u16 reloc_machine;
extern const u32 veneer_size;
/* Bytes that a relocation of this type writes; 0: unknown type. */
u32 reloc_width(u32 type);
bool reloc_needs_slot(u32 type); /* through the GOT */
bool reloc_is_branch(u32 type);	 /* may go through a veneer */
/* 0, -ERANGE, or -EINVAL (a field that is not what its relocation says). */
int reloc_apply(const struct reloc *r);
/* A jump to *slot, at rw, to run at place. */
void veneer_write(u8 *rw, u64 place, u64 slot);

#endif
