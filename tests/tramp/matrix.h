/* What matrix.awk's functions, their programs and matrix.c share. */
#ifndef MATRIX_H
#define MATRIX_H

#ifdef __bpf__
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>
typedef __s8 int8_t;
typedef __u8 uint8_t;
typedef __s16 int16_t;
typedef __u16 uint16_t;
typedef __s32 int32_t;
typedef __u32 uint32_t;
typedef __s64 int64_t;
typedef __u64 uint64_t;
extern void saw(
	unsigned k, unsigned kind, unsigned i, unsigned long long v) __ksym;
int decides;
#else
#include <kiln/hook.h>
#include <stddef.h>
#include <stdint.h>
#endif

enum { FENTRY = 1, FEXIT, FMOD_RET, FREPLACE };
enum { RESULT = 64, COUNT = 80 }; /* in place of a word's number */
#define DECIDED 0x7bcdef9a	  /* by programs that decide the result */

typedef void *ptr;
struct s4 {
	int a;
};
struct s12 {
	int a, b, c;
};
struct s16 {
	int64_t a;
	double b;
};
struct d16 {
	double a, b;
};
struct f12 {
	float a, b, c;
};
struct s24 {
	int64_t a, b, c;
};
struct s40 {
	double a, b, c, d;
	int64_t e;
};

#ifndef __bpf__
void pattern(unsigned k, unsigned i, void *p, size_t n);
/* By function k. */
void body(unsigned k);
void argument(unsigned k, unsigned i, const void *p, size_t n);
/* By its caller: the words that programs are to see, its result. */
void begin(unsigned k);
void word(uint64_t v);
void bytes(const void *p, size_t n);
void arguments_end(void); /* words of the result come behind, or */
void in_memory(size_t n);
void integer(
	unsigned k, uint64_t got, uint64_t decided, size_t n, int replaceable);
void returned(unsigned k, const void *p, size_t n);
void end(unsigned k, int has_mod, int replaceable, unsigned rwords);
extern void (*const calls[])(void);
#endif

#endif
