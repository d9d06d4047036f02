/*
 * A small valid BPF object, built byte by byte so that every test run has the
 * same one: each case in this folder damages one thing in it.
 *
 *   .text    sub (global), cb (static)
 *   xdp      p1: lddw m; lddw .data+8; call sub; lddw cb; call 1; exit
 *            p2: two instructions
 *   .maps    m: hash u32 -> u64, 16 entries; jmp: programs, {[1] = p2}
 *   .data    v, ptr = &v       .rodata  knob (const volatile)      .bss  zero
 *   license, version, .BTF, .BTF.ext (functions, lines; one CO-RE record lies
 *   behind them, which the header does not count)
 */
#ifndef TESTS_ELF_BASE_H
#define TESTS_ELF_BASE_H

#include "kiln/base.h"

enum { BASE_SECS = 32, BASE_SYMS = 32 };

struct base {
	u8 *bytes;
	size_t size;
	u32 nsec, nsym;
	const char *sec_name[BASE_SECS];
	const char *sym_name[BASE_SYMS];
	u64 sec_off[BASE_SECS], sec_size[BASE_SECS];
	u64 shdrs;	  /* file offset of the section headers */
	u32 type_off[64]; /* BTF: file offset of a type by id */
	u32 ntypes;
};

void base_make(struct base *b);
void base_free(struct base *b);
u32 base_sec(const struct base *b, const char *name); /* exits if absent */
u32 base_sym(const struct base *b, const char *name);

#endif
