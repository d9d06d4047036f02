/*
 * libkiln-compile: BPF ELF objects to one native relocatable ELF object.
 *
 * Thread-safety: calls are independent except that libbpf's print callback is
 * process-global; kiln_compile() serialises on it.
 */
#ifndef KILN_COMPILE_H
#define KILN_COMPILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#ifdef __cplusplus
extern "C" {
#endif

/* How tail calls of a known index jump. */
enum kiln_tail_calls {
	KILN_TAIL_CALLS_DIRECT, /* patchable: directly in loaded objects */
	KILN_TAIL_CALLS_SLOT,	/* through the map always */
	KILN_TAIL_CALLS_STATIC, /* maps that begin with programs stay so: plain
				 * jumps; others as SLOT */
};

enum kiln_level { KILN_ERROR, KILN_WARNING, KILN_INFO };

/* Receives one line without newline; called from the calling thread. */
typedef void (*kiln_log_fn)(void *ctx, enum kiln_level level, const char *line);

struct kiln_name_value {
	const char *name;
	const char *value;
};

/* One input: a file, or bytes with a name for diagnostics. */
struct kiln_input {
	const char *name;
	const void *bytes; /* NULL: read the file `name` */
	size_t size;
};

/* All options of `kiln compile`. Zero-initialise, then set;
 * every zero means the default. Strings are borrowed for the call. */
struct kiln_compile_opts {
	size_t sz;		  /* sizeof(struct kiln_compile_opts) */
	const char *target;	  /* "x86_64", "aarch64"; NULL: host */
	const char *cpu;	  /* NAME+FEATURE...; NULL: baseline */
	int opt;		  /* -1: -O0; 0: default (-O2); 1, 2 */
	const char *const *progs; /* NULL-terminated; NULL: all */
	const struct kiln_name_value
		*types; /* --type SECTION=TYPE; name NULL ends */
	const struct kiln_name_value *sets;	   /* --set NAME=VALUE */
	const struct kiln_name_value *map_entries; /* --map NAME=ENTRIES */
	bool map_storage_dynamic;		   /* --map-storage=dynamic */
	unsigned max_cpus;			   /* 0: 64 */
	bool hosted;				   /* --env=hosted */
	bool strict_align;
	const char *prefix;
	const char *const *exports; /* NULL-terminated; NULL: all globals */
	bool raw;		    /* the one input is bare BPF instructions */
	uint64_t reg_mask; /* 0, or the only registers to allocate: tests */
	kiln_log_fn log;
	void *log_ctx;
	/* Intermediate forms: stage is NULL, "elf", "decode", "flow", "types",
	 * "ir", "opt", "mir" or "unit"; text goes to dump. */
	const char *dump_stage;
	FILE *dump;
	enum kiln_tail_calls tail_calls;
	const char *btf; /* --btf: a file with the types of the target, BTF or
			  * ELF; NULL: CO-RE takes the object's own */
	const char *kconfig; /* --kconfig: a file with a kernel's configuration,
			      * text or gzip; NULL: none */
	/* --attach: programs that are attached to their functions when the
	 * image starts (kiln-module.o); NULL-terminated, or NULL */
	const char *const *attach;
	/* --entry-sites: programs can attach to programs and global subprograms
	 * of this object */
	bool entry_sites;
};

/* Compiles and links n inputs into one native object. On success returns 0
 * and *out (free with kiln_free), *out_size. On failure: negative errno
 * (-EINVAL: input refused, -ENOMEM, -E2BIG, -ENOENT ...) after at least one
 * KILN_ERROR line, and no output. The output depends on inputs and options
 * only. */
int kiln_compile(const struct kiln_input *in, size_t n,
	const struct kiln_compile_opts *opts, void **out, size_t *out_size);
void kiln_free(void *out);

#ifdef __cplusplus
}
#endif
#endif
