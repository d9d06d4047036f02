/* Native code of tests on x86-64. */
#include <assert.h>
#include <stdlib.h>

#include "backend-x86/x86.h"
#include "tests/code/native.h"

const struct target *const native_target = &x86_target;

/* Few: what fixed operands need and little else; awkward: bases that cost a
 * SIB byte or a displacement, byte registers that need a prefix. */
#define BIT(r) (1u << (r))
const u64 native_few = BIT(X86_RAX) | BIT(X86_RCX) | BIT(X86_RDX) |
		       BIT(X86_RDI) | BIT(X86_RSI) | BIT(X86_R8);
const u64 native_awkward = BIT(X86_RAX) | BIT(X86_RCX) | BIT(X86_RDX) |
			   BIT(X86_R12) | BIT(X86_R13) | BIT(X86_RBP) |
			   BIT(X86_RDI);

u64 native_features(void)
{
	return __builtin_cpu_supports("bmi2") ? X86_F_BMI2 : 0;
}

__attribute__((noinline)) u64 native_callee(u64 a, u64 b, u64 c, u64 d, u64 e)
{
	u64 r = a + 3 * b + 5 * c + 7 * d + 11 * e;
	u64 misaligned = (u64)__builtin_frame_address(0) & 15;

	asm volatile(
		"mov $0x1234, %%ecx; mov %%rcx, %%rdx; mov %%rcx, %%rsi;"
		"mov %%rcx, %%rdi; mov %%rcx, %%r8; mov %%rcx, %%r9;"
		"mov %%rcx, %%r10; mov %%rcx, %%r11" ::
			: "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11");
	return r + (misaligned << 56);
}

void native_put_stub(u8 *stub, const u8 *got)
{
	u8 *fix, *end;

	end = x86_jmp_m(stub, x86_at_sym(&fix));
	put_le32(fix, (u32)(got - end));
}

static u64 target_of(const struct unit_rel *r, const struct native_place *p)
{
	switch (r->type) {
	case X86_R_PLT32: return p->stub + (u64)r->addend;
	case X86_R_REX_GOTPCRELX: return p->got;
	case X86_R_PC32: return p->addr;
	default: abort();
	}
}

void native_apply(const struct unit_rel *r, const struct native_place *p)
{
	i64 v = (i64)(target_of(r, p) - (u64)p->at);

	assert(fits_i32(v));
	put_le32(p->at, (u32)v);
}
