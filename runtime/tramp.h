/*
 * Trampolines: programs at C functions of the application, and at BPF programs.
 *
 *   tramp_core.c     what stubs call: the programs of an image
 *   tramp_host.c     hooks, links: attach, detach; what is retired
 *   tramp_stub.c     copies of stubs, in reach of their functions
 *   tramp_module.c   executables and libraries: where functions can be hooked
 *   sled_x86.c       how a function begins then, and its gate (or sled_arm64.c)
 *   module.c         kiln-module.o: registers the image that it is linked into
 *
 * A function f that was hooked once:
 *
 *	f:	gate ──closed──► body of f			sled_<target>.c
 *		  └────open────► stub of f			immortal
 *					└► hook ─► image	data
 *
 * The stub calls enter and exit with its hook, and calls f's body. Images are
 * immutable lists of programs; attach and detach put another one in place.
 */
#ifndef KILN_RUNTIME_TRAMP_H
#define KILN_RUNTIME_TRAMP_H

#include "runtime/host.h"

struct text;

/* ---- tramp_core.c -------------------------------------------------------------- */

/* What a program counts, per CPU slot, on a line of its own. */
struct tramp_cell {
	u64 active; /* scope_rec.token of who runs it; else anything */
	u64 misses; /* atomic, and what follows */
	u64 run_cnt, run_ns;
} __attribute__((aligned(SCOPE_LINE)));

/* A program in an image. */
struct tramp_entry {
	void (*fn)(void);	 /* by its kind */
	struct tramp_cell *cell; /* by slot */
	u64 cookie;
	u64 id; /* of the link: later ones are larger */
};

enum { TRAMP_SLOW = 0x100 };

/* Immutable, from its publication to a grace period after the next one's. */
struct tramp_image {
	/* by kind: the first one of it, or where it would be: fentry, fmod_ret,
	 * freplace, fexit */
	u32 at[KILN_HOOK_FREPLACE + 1];
	u32 n;
	u32 quick; /* at most one fentry, then fexit: what enter says; else
		    * TRAMP_SLOW */
	u32 nargs, nret;	  /* words: the result is args[nargs] */
	u32 cap;		  /* entries that there is room for */
	u64 newest;		  /* id in it */
	struct tramp_image *next; /* of what is reserved, or retired */
	struct tramp_entry entry[];
};

/* What a stub names: immortal. */
struct tramp_gate {
	struct tramp_image *_Atomic image; /* never NULL */
};

u64 rt_tramp_enter(struct kiln_tramp_frame *f, const struct tramp_gate *g);
void rt_tramp_exit(struct kiln_tramp_frame *f);
/* A program that is not attached runs, in a scope, and is counted. */
u64 rt_tramp_count(struct tramp_cell *cell, u64 (*body)(void *), void *ctx);

/* ---- tramp_host.c -------------------------------------------------------------- */

/* Guards hooks, links, modules and stubs. */
extern u32 tramp_lock;
/* Detaches an object's programs, and what is attached to functions in [lo, hi),
 * which are forgotten. Never fails. */
void tramp_forget(const struct kiln_object *o, u64 lo, u64 hi);
/* What is retired by now, to be given back when a grace period is over that begins
 * later, or (done false) could not be waited for. */
struct tramp_image *tramp_take_retired(void);
void tramp_give_retired(struct tramp_image *retired, bool done);
/* The program's cells, made if they are not there; NULL without memory. */
struct tramp_cell *tramp_cells(struct kiln_program *p);
void tramp_free_cells(struct kiln_program *p);
/* Around a fork: all its text is marked as shared, under the lock. */
void tramp_before_fork(void);
void tramp_after_fork(void);

/* ---- tramp_module.c ------------------------------------------------------------ */

/* A function that can be hooked. */
struct tramp_place {
	u64 func, sled;
	struct text *text; /* where its sled is written */
	const char *why;   /* it is none; NULL: in no module */
};

/* With the lock. 0 or -errno: tramp_say_why(), without the lock: dladdr() waits
 * for constructors of libraries, and kiln-module.o's waits for the lock. */
int tramp_find_place(u64 func, struct tramp_place *p);
void tramp_say_why(
	const struct tramp_place *p, const char *name, const char *who);
/* A loaded object's programs with entry sites can be hooked from now on. */
int tramp_make_sites(struct kiln_object *o);
/* Address of a function by KILN_HOOK(), or of a program with an entry site; 0:
 * none. Takes the lock. */
u64 tramp_find_name(const char *name);
void tramp_share_modules(void); /* with the lock */

/* ---- tramp_stub.c -------------------------------------------------------------- */

struct tramp_stub {
	u64 at;
	u32 size;
	struct debug_stub *debug;
};

/* A copy of the row's stub for that hook, in reach of the place; nobody runs it.
 * Takes the lock. 0, -ERANGE, -EINVAL (no stub), -EPERM, -ENOMEM. */
int tramp_stub_new(const struct kiln_hook_row *row, const struct tramp_gate *g,
	const struct tramp_place *p, struct tramp_stub *s);
/* It will not be used. Its place is not used again. */
void tramp_stub_drop(struct tramp_stub *s);
void tramp_share_stubs(void); /* with the lock */

/* ---- sled_<target>.c ----------------------------------------------------------- */

extern const u32 sled_size; /* bytes */
/* Where it would be in a function. */
u64 sled_of(const void *func);
bool sled_is_empty(const u8 *p); /* as compilers make it */
bool sled_is_made(const u8 *p);	 /* as sled_make() does: gate closed */
bool sled_is_open(const u8 *p);
bool sled_reaches(u64 sled, u64 stub);
/* rw: the other view of it. */
void sled_make(u8 *rw);
void sled_aim(u8 *rw, u64 sled, u64 stub); /* while its gate is closed */
void sled_set(u8 *rw, u64 sled, u64 stub, bool open);
/* Makes the two branches of a stub, which will be at `at`, go to body. False: they
 * are none, or out of reach. */
bool stub_aim(u8 *rw, u64 at, u32 call, u32 jump, u64 body);

/* A stub's frame for unwinders: call frame instructions at function entry, and from
 * there on (factors 1 and -8); both return their end. The register of the return
 * address. FRAME_ROOM: both, with what is around them. */
#define FRAME_ROOM 192
extern const u8 stub_frame_ra;
u8 *stub_frame_begin(u8 *p);
u8 *stub_frame(u8 *p, const struct kiln_hook_row *row);

#endif
