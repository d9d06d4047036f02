/*
 * libkiln: loads native kiln objects at run time, reaches the ones linked
 * into the program, and operates on their maps. In libbpf's shape and verbs;
 * errors are negative errno values (functions returning int) or NULL with
 * errno set (functions returning pointers).
 *
 * Thread-safety: map operations and program runs may happen from any thread
 * at any time; open, load and close of one object are the caller's to order.
 */
#ifndef KILN_RUNTIME_H
#define KILN_RUNTIME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kiln/format.h"
#include "kiln/hook.h"

#ifdef __cplusplus
extern "C" {
#endif

struct kiln_object;
struct kiln_program;

enum kiln_log_level { KILN_LOG_ERROR, KILN_LOG_WARNING, KILN_LOG_INFO };
/* One line without newline. NULL restores the default: errors and warnings
 * to stderr. Process-wide. */
typedef void (*kiln_rt_log_fn)(
	void *ctx, enum kiln_log_level level, const char *line);
void kiln_set_log(kiln_rt_log_fn fn, void *ctx);

/* A symbol that the application gives to loaded objects. */
struct kiln_symbol {
	const char *name;
	void *addr;
};

struct kiln_open_opts {
	size_t sz;
	const char *name; /* in messages; NULL: the path, or "object" */
	/* Tried before the runtime's helpers and the process's exported
	 * symbols; name NULL ends. Borrowed until load returns. */
	const struct kiln_symbol *symbols;
	/* Sizes of maps, as by kiln_map_set_max_entries(); name NULL ends. */
	const struct kiln_map_entries {
		const char *name;
		uint32_t max_entries;
	} * map_entries;
	uint32_t flags; /* enum kiln_open_flags */
};

enum kiln_open_flags {
	KILN_OPEN_PERF_MAP = 1, /* write /tmp/perf-PID.map at load, for perf */
};

/* ---- objects ------------------------------------------------------------- */

/* Reads and checks a native object and gives its data a place. Programs, maps
 * and globals can be found from now on; until it is loaded, values can be set
 * and maps resized, but nothing run. An object may be opened several times: each
 * has its own maps and globals. NULL with errno: ENOEXEC (malformed, wrong ABI,
 * machine or CPU), ENOENT and EINVAL (options), ENOMEM, errors of reading. */
struct kiln_object *kiln_object_open_file(
	const char *path, const struct kiln_open_opts *opts);
/* The bytes are copied. */
struct kiln_object *kiln_object_open_mem(
	const void *bytes, size_t size, const struct kiln_open_opts *opts);
/* Resolves symbols, relocates, maps code read-execute; what is const becomes
 * read-only. A symbol is looked for in opts.symbols, in the runtime, in what the
 * process exports (dlsym); a weak one that nobody has is 0. Unwinders and gdb
 * see the code. Once per object. 0 or negative errno: -ENOEXEC, -ENOENT
 * (unresolved symbol), -ERANGE (relocation out of reach, as of a map that is
 * shared), -EPERM (executable memory denied), -EBUSY (loaded already), -ENOMEM;
 * the reason is logged. */
int kiln_object_load(struct kiln_object *obj);
/* Unloads: takes its programs out of all prog_arrays and waits until nobody is
 * inside a run scope that may be in one of them (kiln_synchronize(); if that
 * fails, as it does when called from a run scope, code and data stay mapped).
 * Who calls kiln_program_entry() without a scope has returned before. Maps that
 * another object reuses stay until that one is closed. NULL is fine. */
void kiln_object_close(struct kiln_object *obj);
const char *kiln_object_name(const struct kiln_object *obj);

/* The object that is linked into the calling module (executable or shared
 * library): its tables, found by hidden weak __start_/__stop_ symbols. NULL
 * with errno ENOENT if none is linked in. Not to be closed. */
struct kiln_tables {
	const struct kiln_prog_row *progs, *progs_end;
	const struct kiln_map_row *maps, *maps_end;
	const struct kiln_ex_row *ex, *ex_end;
	const struct kiln_site_row *sites, *sites_end;
	const struct kiln_frame_row *frames, *frames_end;
	const struct kiln_hook_row *hooks, *hooks_end;
	/* kiln/hook.h: functions that can be hooked, all that have a sled, names */
	const char *text, *text_end;
	const void *const *sleds, *const *sleds_end;
	const struct kiln_hook_name *names, *names_end;
};
struct kiln_object *kiln_object_from_tables(const struct kiln_tables *t);

#define KILN_WEAK_HIDDEN __attribute__((weak, visibility("hidden")))
extern const struct kiln_prog_row __start_kiln_progs[] KILN_WEAK_HIDDEN;
extern const struct kiln_prog_row __stop_kiln_progs[] KILN_WEAK_HIDDEN;
extern const struct kiln_map_row __start_kiln_maps[] KILN_WEAK_HIDDEN;
extern const struct kiln_map_row __stop_kiln_maps[] KILN_WEAK_HIDDEN;
extern const struct kiln_ex_row __start___ex_table[] KILN_WEAK_HIDDEN;
extern const struct kiln_ex_row __stop___ex_table[] KILN_WEAK_HIDDEN;
extern const struct kiln_site_row __start_kiln_sites[] KILN_WEAK_HIDDEN;
extern const struct kiln_site_row __stop_kiln_sites[] KILN_WEAK_HIDDEN;
extern const struct kiln_frame_row __start_kiln_frames[] KILN_WEAK_HIDDEN;
extern const struct kiln_frame_row __stop_kiln_frames[] KILN_WEAK_HIDDEN;
extern const struct kiln_hook_row __start_kiln_hooks[] KILN_WEAK_HIDDEN;
extern const struct kiln_hook_row __stop_kiln_hooks[] KILN_WEAK_HIDDEN;
extern const char __start_kiln_text[] KILN_WEAK_HIDDEN;
extern const char __stop_kiln_text[] KILN_WEAK_HIDDEN;
extern const void
	*const __start___patchable_function_entries[] KILN_WEAK_HIDDEN;
extern const void *const __stop___patchable_function_entries[] KILN_WEAK_HIDDEN;
extern const struct kiln_hook_name __start_kiln_names[] KILN_WEAK_HIDDEN;
extern const struct kiln_hook_name __stop_kiln_names[] KILN_WEAK_HIDDEN;

static inline struct kiln_tables kiln_tables_self(void)
{
	const struct kiln_tables t = {
		__start_kiln_progs,
		__stop_kiln_progs,
		__start_kiln_maps,
		__stop_kiln_maps,
		__start___ex_table,
		__stop___ex_table,
		__start_kiln_sites,
		__stop_kiln_sites,
		__start_kiln_frames,
		__stop_kiln_frames,
		__start_kiln_hooks,
		__stop_kiln_hooks,
		__start_kiln_text,
		__stop_kiln_text,
		__start___patchable_function_entries,
		__stop___patchable_function_entries,
		__start_kiln_names,
		__stop_kiln_names,
	};
	return t;
}

static inline struct kiln_object *kiln_object_self(void)
{
	const struct kiln_tables t = kiln_tables_self();

	return kiln_object_from_tables(&t);
}

/* What kiln-module.o calls when its executable or library begins and ends: makes
 * its functions ready to be hooked and attaches what is to be from the start;
 * detaches what is in it, and ends its linked object. 0 or negative errno. */
int kiln_module_register(const struct kiln_tables *t);
void kiln_module_unregister(const struct kiln_tables *t);

/* A global variable by its name in the source, or NULL with errno ENOENT; size
 * may be NULL. The address is the variable's from open to close. `const`
 * variables, volatile (knobs) or not, can be written until the object is loaded;
 * then a write faults. Not for linked objects, whose globals are C symbols. */
void *kiln_object_find_global(
	const struct kiln_object *obj, const char *name, size_t *size);
/* Writes it, size bytes: -ENOENT, -EINVAL (not its size), -EPERM (const, and the
 * object is loaded). Programs that run meanwhile may see it half done. */
int kiln_object_set_global(struct kiln_object *obj, const char *name,
	const void *value, size_t size);

/* ---- programs -------------------------------------------------------------- */

struct kiln_program *kiln_object_find_program(
	const struct kiln_object *obj, const char *name);
struct kiln_program *kiln_object_next_program(const struct kiln_object *obj,
	const struct kiln_program *prev); /* NULL: the first */
const char *kiln_program_name(const struct kiln_program *p);
const char *kiln_program_section(const struct kiln_program *p);
uint32_t kiln_program_type(const struct kiln_program *p);
uint32_t kiln_program_flags(const struct kiln_program *p);
/* The C entry; valid while the object is loaded. */
typedef uint64_t (*kiln_prog_fn)(void *ctx);
kiln_prog_fn kiln_program_entry(const struct kiln_program *p);
/* Runs it in a run scope. */
uint64_t kiln_program_run(const struct kiln_program *p, void *ctx);
/* Raw programs (KILN_PROG_RAW) take r1 and r2. */
uint64_t kiln_program_run_raw(
	const struct kiln_program *p, uint64_t r1, uint64_t r2);

/* ---- attaching ----------------------------------------------------------------- */

/* A program of section "fentry/f", "fexit/f", "fmod_ret/f" or "freplace/f" and the
 * function f, which is marked as kiln/hook.h says, in an image with kiln-module.o,
 * or a BPF program compiled with --entry-sites. Calls of f run, in this order:
 * its fentry programs; fmod_ret programs, until one has a result other than 0,
 * which f then returns at once; f itself, or the freplace program in its place;
 * fexit programs, if they were attached before the call. In each kind those that
 * were attached first run first. A program that is running on this thread already
 * is passed over, and counted (kiln_program_stats()). Any number may be attached
 * to one function; of freplace one. */
struct kiln_link;
struct kiln_attach_opts {
	size_t sz;
	uint64_t cookie; /* what bpf_get_attach_cookie() yields */
	/* The function, instead of the one that the section names; it must be
	 * called alike. */
	void *target;
};
/* opts may be NULL. Takes effect for calls that begin from now on. NULL with errno,
 * and a line in the log that says what would be right: ENOENT (no such function),
 * EINVAL (not a program that attaches; the function has no sled), EEXIST (another
 * prototype of the function is in use), EBUSY (freplace: there is one), ENODEV (the
 * object is not loaded), EDEADLK (inside a run scope), ERANGE, EPERM, ENOMEM. Any
 * thread, not in a signal handler. */
struct kiln_link *kiln_program_attach(
	struct kiln_program *p, const struct kiln_attach_opts *opts);
/* Takes effect for calls that begin from now on; fexit: that return from now on.
 * Never fails and does not wait for calls that are inside f; its memory goes
 * later. NULL is fine. Objects that are closed, and images that go, detach what
 * they have by themselves: links stay to be destroyed. */
int kiln_link_destroy(struct kiln_link *link);

/* Off at first: then nothing is counted but recursion. Process-wide. */
void kiln_stats_enable(bool on);
struct kiln_program_stats {
	uint64_t run_cnt, run_time_ns; /* by stubs and kiln_program_run() */
	uint64_t recursion_misses;
};
void kiln_program_stats(
	const struct kiln_program *p, struct kiln_program_stats *stats);

/* ---- maps -------------------------------------------------------------------- */

struct kiln_map *kiln_object_find_map(
	const struct kiln_object *obj, const char *name);
struct kiln_map *kiln_object_next_map(
	const struct kiln_object *obj, const struct kiln_map *prev);
const char *kiln_map_name(const struct kiln_map *map);
/* Between open and load of the map's object, else -EBUSY: another size, -E2BIG or
 * -EINVAL if the kind cannot have it, or a prog_array would have fewer than in the
 * source, which tail calls of known indices rely on; or another map in its place, of a loaded
 * object, a linked one, or from kiln_map_create(): -EINVAL unless kind, sizes of
 * key and value, flags and CPU slots agree; of a prog_array the context, too,
 * also when the object is loaded. Its number of entries counts then.
 * Objects with a map that is reused are kept until its users are closed. */
int kiln_map_set_max_entries(struct kiln_map *map, uint32_t max_entries);
int kiln_map_reuse(struct kiln_map *map, struct kiln_map *other);
/* A map of the host's own, for a map of maps or without any program. Sizes and
 * flags as the kernel takes them; inner: the template of a map of maps, or
 * NULL. NULL with errno EINVAL, E2BIG or ENOMEM. libkiln only. */
struct kiln_map_create_opts {
	size_t sz;
	uint32_t flags; /* BPF_F_* of map creation */
	uint64_t extra; /* map_extra */
	struct kiln_map *inner;
};
struct kiln_map *kiln_map_create(uint32_t type, const char *name,
	uint32_t key_size, uint32_t value_size, uint32_t max_entries,
	const struct kiln_map_create_opts *opts);
/* Gives up what kiln_map_create() gave: the map is freed when no map of maps
 * has it any more, either. Nothing for maps of objects, or NULL. */
void kiln_map_free(struct kiln_map *map);

/* As bpf(2) from user space: values of per-CPU maps are max_cpus values, each
 * rounded up to 8 bytes. lookup copies. 0 or -ENOENT, -EEXIST, -E2BIG,
 * -EINVAL, -ENOTSUP, -ENOMEM, -EBUSY.
 *
 * Values of a prog_array are programs: a struct kiln_program *, as in
 * kiln_map_update(map, &index, &program, 0); with libkiln-core a const struct
 * kiln_prog_row *. -EINVAL, with a message, if its context is another one than
 * that of the programs that tail-call through the map or were in it first: as
 * in the kernel type, place of attachment, XDP fragments and traced function
 * must be the same, of an own struct its name, size and digest. Update and delete
 * count for tail calls that come behind them and do not wait for programs that run. After an update made
 * inside a run scope tail calls of that index go through the map, until one is
 * made outside, of any index, or an object is loaded or closed there.
 *
 * Queues, stacks and bloom filters have no keys, key is NULL: update pushes,
 * lookup peeks; a bloom filter is asked for *value, which it does not change.
 *
 * Values of a map of maps are struct kiln_map *. Update and delete return
 * when no program uses the map that was there any more; inside a run scope
 * they are refused with -EDEADLK. -ETIMEDOUT: done, but a program still ran
 * after a second, and the map that was there must not be freed. */
size_t kiln_map_value_bytes(const struct kiln_map *map); /* of one lookup */
int kiln_map_lookup(struct kiln_map *map, const void *key, void *value);
/* flags: 0, or BPF_F_LOCK (4) for maps with a struct bpf_spin_lock in their
 * value: the copy is made under that lock. Update takes it, too. Locks, timers
 * and kernel pointers in values are not copied: they read 0 and stay. */
int kiln_map_lookup_flags(
	struct kiln_map *map, const void *key, void *value, uint64_t flags);
int kiln_map_update(struct kiln_map *map, const void *key, const void *value,
	uint64_t flags);
int kiln_map_delete(struct kiln_map *map, const void *key);
/* Queues and stacks (pop), hashes; for other kinds -524, ENOTSUPP, as bpf(2). */
int kiln_map_lookup_and_delete(
	struct kiln_map *map, const void *key, void *value);
/* key NULL: the first key. -ENOENT at the end. */
int kiln_map_next_key(struct kiln_map *map, const void *key, void *next);

/* ---- timers and kernel pointers in values ------------------------------------- */

/* Callbacks of bpf_timer_start() run in a run scope, one after the other. libkiln
 * has a thread for that, which the first start makes (not in a signal handler);
 * with libkiln-core the embedder calls this, from any context: runs what is due
 * at now_ns (kiln_port_time_ns()), and returns when the next one is, or
 * UINT64_MAX, or now_ns if it is to be called again: another context is in it.
 * No callback begins after bpf_timer_cancel(), after its element was deleted or
 * replaced, or after its object was closed; cancel and close wait for one that
 * runs. At most 65536 timers are initialised at a time, and 256 where
 * kiln_port_pages() gives none. */
uint64_t kiln_timers_run(uint64_t now_ns);
/* For the embedder of libkiln-core to define: a timer was started that is due
 * before all others. Called with no lock held. */
void kiln_timers_wake(uint64_t deadline_ns);

/* For the embedder to define: bpf_kptr_xchg() left ptr at `off` in a value of
 * the map, and that value was deleted, replaced or goes with its object. It is
 * the callee's now. Called in any context, maybe with a lock of the map held: it
 * must not use that map, or wait. The runtime's own does nothing. */
void kiln_kptr_dtor(struct kiln_map *map, uint32_t off, void *ptr);

/* ---- rings ---------------------------------------------------------------------- */

/* Maps of type ringbuf: fn gets each record once, in order; a negative result
 * ends the round with that record consumed. One thread consumes at a time. */
typedef int (*kiln_ring_fn)(void *ctx, void *data, size_t size);
/* What is there now: how many records, or fn's negative result, or -EINVAL. In
 * the core, too. */
int kiln_ring_consume(struct kiln_map *map, kiln_ring_fn fn, void *ctx);

/* Maps of type perf_event_array: a ring per CPU slot. Programs find no event
 * there (-ENOENT) before the first call. sample gets the program's bytes and the
 * part of the packet that it asked for, without padding; lost (may be NULL) how
 * many found no place. Returns how many samples, or -EINVAL. In the core, too. */
typedef void (*kiln_perf_sample_fn)(
	void *ctx, int cpu, void *data, uint32_t size);
typedef void (*kiln_perf_lost_fn)(void *ctx, int cpu, uint64_t count);
int kiln_perf_consume(struct kiln_map *map, kiln_perf_sample_fn sample,
	kiln_perf_lost_fn lost, void *ctx);

/* Maps of type user_ringbuf: records for bpf_user_ringbuf_drain(). reserve: size
 * bytes, 8-byte aligned, to be given to submit or discard; NULL if there is no
 * room. Any thread, and several at a time. In the core, too. */
void *kiln_user_ring_reserve(struct kiln_map *map, uint32_t size);
void kiln_user_ring_submit(struct kiln_map *map, void *sample);
void kiln_user_ring_discard(struct kiln_map *map, void *sample);

/* For the embedder to define: the packet of an object of his, for programs that
 * give it to bpf_skb_output() or bpf_xdp_output() and ask for its first bytes.
 * Its address, and its size in *size. The runtime's own says NULL: -EFAULT. */
const void *kiln_skb_bytes(const void *skb, size_t *size);
const void *kiln_xdp_bytes(const void *xdp, size_t *size);

/* The same waiting for records, in libbpf's shape; libkiln only. A map is in one
 * buffer at a time. new: NULL with errno. poll waits up to timeout_ms (-1: for
 * ever) and consumes what is there, consume does not wait: how many records, or
 * negative errno or fn's result. epoll_fd becomes readable when there is
 * something to consume. free does not touch the maps. */
struct kiln_ring_buffer;
struct kiln_ring_buffer *kiln_ring_buffer_new(
	struct kiln_map *map, kiln_ring_fn fn, void *ctx);
int kiln_ring_buffer_add(struct kiln_ring_buffer *rb, struct kiln_map *map,
	kiln_ring_fn fn, void *ctx);
int kiln_ring_buffer_poll(struct kiln_ring_buffer *rb, int timeout_ms);
int kiln_ring_buffer_consume(struct kiln_ring_buffer *rb);
int kiln_ring_buffer_epoll_fd(const struct kiln_ring_buffer *rb);
void kiln_ring_buffer_free(struct kiln_ring_buffer *rb); /* NULL is fine */

struct kiln_perf_buffer;
struct kiln_perf_buffer *kiln_perf_buffer_new(struct kiln_map *map,
	kiln_perf_sample_fn sample, kiln_perf_lost_fn lost, void *ctx);
int kiln_perf_buffer_poll(struct kiln_perf_buffer *pb, int timeout_ms);
int kiln_perf_buffer_consume(struct kiln_perf_buffer *pb);
int kiln_perf_buffer_epoll_fd(const struct kiln_perf_buffer *pb);
void kiln_perf_buffer_free(struct kiln_perf_buffer *pb); /* NULL is fine */

/* ---- faults --------------------------------------------------------------------- */

/* A load through a pointer to an object that BTF describes may touch memory
 * that is not there: it yields 0, and the program goes on. A process's signals
 * SIGSEGV and SIGBUS are how that shows: the first object with such loads (by
 * kiln_object_load() or kiln_object_self()), and the first bpf_probe_read(),
 * put a handler in front of the one that is there. It passes on what is not a
 * program's: same siginfo, the other handler's own signal mask without these
 * two, or the default action. libkiln only, as far as kiln_core_fixup(). */

/* Puts the handler there now, if it is not. */
void kiln_faults_enable(void);
/* For an application's handler that came later, with the arguments of an
 * SA_SIGINFO handler: 1 if it was a program's fault and is dealt with, 0 if it
 * was not. Async-signal-safe. */
int kiln_fault(int sig, void *siginfo, void *ucontext);
/* How many there were while this program ran, in its code or below it in that
 * of a subprogram, whoever else calls that; and in all code of the object. In a
 * callback that a helper calls it is not known who runs: faults there count for
 * the program if no other one uses the callback, else for the object alone. */
uint64_t kiln_program_faults(const struct kiln_program *p);
uint64_t kiln_object_faults(const struct kiln_object *obj);

/* libkiln-core only: for the fault handler of firmware. pc: of the instruction
 * that faulted; regs: general registers by the processor's numbers (x86-64:
 * rax, rcx, rdx, rbx, rsp, ...). True: both are changed, go on there. */
bool kiln_core_fixup(uintptr_t *pc, uint64_t *regs);

/* ---- run scopes --------------------------------------------------------------- */

/* Inside a scope a thread holds a CPU slot, which selects its values of per-CPU
 * maps and is its processor id, and kiln_synchronize() waits for it. Programs
 * that need one hold it by themselves (KILN_PROG_SCOPE).
 *
 * Around calls of programs whose KILN_PROG_SCOPE flag is clear but that use
 * what others take away. They nest, and keep all argument registers. */
void kiln_scope_enter(void);
void kiln_scope_leave(void);
/* Returns when every scope that was open at the call has been left: 0,
 * -EDEADLK inside a scope or another synchronize of this thread, -ETIMEDOUT
 * if one is still open after a second. */
int kiln_synchronize(void);
/* Closes the scopes that this thread left by a jump (siglongjmp out of a
 * handler). libkiln only. */
void kiln_thread_reset(void);

#ifdef __cplusplus
}
#endif
#endif
