/*
 * The same packets through the running kernel and through kiln: what the files
 * of this folder share.
 *
 *   packets.c   generated packets
 *   kernel.c    one program of an object in the kernel, by libbpf; objects with
 *               legacy maps, which libbpf refuses, by legacy.c
 *   native.c    the same program compiled and loaded by kiln
 *   contents.c  what maps hold before and after
 *   differ.c    runs and compares
 */
#ifndef KILN_TESTS_PACKETS_H
#define KILN_TESTS_PACKETS_H

#include <bpf/libbpf.h>

#include "kiln/base.h"
#include "kiln/compile.h"
#include "kiln/runtime.h"
#include "linker/linker.h"

enum { MAX_PACKETS = 64, MAX_PACKET = 256, MAX_MAPS = 128, MAX_OUT = 2048 };

/* ---- packets.c ----------------------------------------------------------- */
struct packet {
	const char *name;
	u8 bytes[MAX_PACKET];
	u32 n;
};

u32 packets_make(struct packet *out); /* how many */

/* ---- kernel.c, legacy.c -------------------------------------------------- */
struct kmap {
	char name[64];
	int fd;
	u32 type, key_size, value_size, max_entries;
	bool internal; /* a data section */
};

/* One program in the kernel, with maps of its own. */
struct kprog {
	int fd;
	bool hashes; /* it asks for the kernel's hash of the packet */
	u32 nmaps;
	struct kmap map[MAX_MAPS];
	/* whoever holds the descriptors */
	struct bpf_object *obj;
	bool legacy;
};

/* What one run left. */
struct result {
	int err;
	u32 retval;
	u32 data_n, ctx_n;
	u8 data[MAX_OUT];
	u8 ctx[512];
};

/* Loads the program that kiln calls by this name; NULL, or why not. */
const char *kprog_load(struct kprog *k, const char *path, const char *prog,
	const char *section, u32 type);
const char *legacy_load(struct kprog *k, const char *path, const char *prog,
	const char *section, u32 type);
/* Looks at what the kernel got. */
void kprog_scan(struct kprog *k, const struct bpf_insn *insn, size_t n);
void kprog_unload(struct kprog *k);
void kprog_run(const struct kprog *k, u32 type, const void *data, u32 n,
	struct result *r);

/* ---- native.c ------------------------------------------------------------ */
struct nprog {
	struct kiln_object *obj;
	struct kiln_program *prog;
	struct arena a;
};

/* The object as kiln compiles it; NULL after messages. */
void *native_compile(const char *path, int level, size_t *size);
bool nprog_load(
	struct nprog *n, const void *bytes, size_t size, const char *prog);
void nprog_unload(struct nprog *n);
void nprog_run(struct nprog *n, const void *data, u32 size, struct result *r);

/* ---- contents.c ---------------------------------------------------------- */
/* A map's entries, sorted; per-CPU values folded into one. */
struct entries {
	u32 n, key_size, value_size;
	u8 *bytes;   /* n times key, value; malloc'ed */
	bool opaque; /* holds no comparable values */
};

/* The same entries into all three, drawn from seed; 0: none. No programs. */
void contents_fill(const struct kprog k[2], const struct nprog *n, u64 seed);
struct entries contents_of_kernel(const struct kmap *m);
struct entries contents_of_native(const struct nprog *n, const struct kmap *m);
bool entries_equal(const struct entries *a, const struct entries *b);

#endif
