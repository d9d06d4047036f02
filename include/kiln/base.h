/*
 * The words every room of kiln speaks: short integer names, checked
 * arithmetic on sizes that came from outside, and two or three macros.
 * Internal: not installed. Freestanding: needs no libc.
 */
#ifndef KILN_BASE_H
#define KILN_BASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef int8_t i8;
typedef int16_t i16;
typedef int32_t i32;
typedef int64_t i64;

#define countof(a)	       (sizeof(a) / sizeof((a)[0]))
#define unreachable()	       __builtin_unreachable()
#define fallthrough	       __attribute__((fallthrough))
#define printf_like(fmt, args) __attribute__((format(printf, fmt, args)))

/* True when the sum, difference or product does not fit its result. */
#define add_overflows(a, b, out) __builtin_add_overflow(a, b, out)
#define sub_overflows(a, b, out) __builtin_sub_overflow(a, b, out)
#define mul_overflows(a, b, out) __builtin_mul_overflow(a, b, out)

/* [off, off+len) lies inside [0, size). */
static inline bool range_inside(u64 off, u64 len, u64 size)
{
	return off <= size && len <= size - off;
}

/* v rounded up to a power of two; the caller knows that it does not wrap. */
static inline u64 align_up(u64 v, u64 align)
{
	return (v + align - 1) & ~(align - 1);
}

static inline bool fits_i8(i64 v)
{
	return v == (i8)v;
}

static inline bool fits_i32(i64 v)
{
	return v == (i32)v;
}

static inline bool fits_u32(i64 v)
{
	return v == (i64)(u32)v;
}

#endif
