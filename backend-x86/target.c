/* The x86-64 target: registers, numbers, names. No code. */
#include "backend-x86/x86.h"

/* ---- registers ------------------------------------------------------------ */

static const char *const preg_names[16] = {"rax", "rcx", "rdx", "rbx", "rsp",
	"rbp", "rsi", "rdi", "r8", "r9", "r10", "r11", "r12", "r13", "r14",
	"r15"};

#define BIT(r) (1u << (r))
#define CALLEE_SAVED                                                 \
	(BIT(X86_RBX) | BIT(X86_RBP) | BIT(X86_R12) | BIT(X86_R13) | \
		BIT(X86_R14) | BIT(X86_R15))
#define ALLOCATABLE (0xffffu & ~BIT(X86_RSP))

/* What no call keeps comes first, short encodings before long ones; R12 and
 * R13 last: as a base they cost a SIB byte or a displacement. */
static const u8 alloc_order[15] = {X86_RAX, X86_RCX, X86_RDX, X86_RSI, X86_RDI,
	X86_R8, X86_R9, X86_R10, X86_R11, X86_RBX, X86_RBP, X86_R14, X86_R15,
	X86_R12, X86_R13};

/* x86-64 psABI figure 3.4: parameter passing. */
const u8 x86_arg_regs[5] = {X86_RDI, X86_RSI, X86_RDX, X86_RCX, X86_R8};

/* x86-64 psABI figure 3.36: DWARF register number mapping. */
static const u8 dwarf_reg[16] = {
	0, 2, 1, 3, 7, 6, 4, 5, 8, 9, 10, 11, 12, 13, 14, 15};

/* ---- machine operations --------------------------------------------------- */

const struct x86_mop_info x86_mops[X86_MOP_END - MOP_TARGET] = {
#define C				   X86_MOP_C
#define S				   X86_MOP_S
#define R				   X86_MOP_R
#define MOP(name, text, form, code, flags) {text, F_##form, code, flags},
#include "backend-x86/mops.def"
#undef MOP
#undef C
#undef S
#undef R
};

static const char *mop_name(u16 op)
{
	return op >= MOP_TARGET && op < X86_MOP_END ? x86_mop(op)->name : NULL;
}

/* ---- the target ----------------------------------------------------------- */

static const char *const feature_names[] = {"bmi2", "movbe", NULL};

const struct target x86_target = {
	.name = "x86_64",
	.elf_machine = 62, /* EM_X86_64 */
	.npregs = 16,
	.preg_names = preg_names,
	.allocatable = ALLOCATABLE,
	.caller_saved = ALLOCATABLE & ~CALLEE_SAVED,
	.callee_saved = CALLEE_SAVED,
	.alloc_order = alloc_order,
	.rel_abs64 = X86_R_64,
	.rel_abs32 = X86_R_32,
	.rel_pc32 = X86_R_PC32,
	.rel_pc64 = X86_R_PC64,
	.dwarf_ra = 16,
	.dwarf_sp = 7,
	.code_align = 1,
	.code_fill = 0xcc, /* int3 */
	.data_align = -8,
	.entry_cfa = 8,
	.ra_on_stack = true,
	.dwarf_reg = dwarf_reg,
	.property_type = 0xc0000002, /* GNU_PROPERTY_X86_FEATURE_1_AND */
	.property_value = 3,	     /* IBT | SHSTK */
	.feature_names = feature_names,
	.legalise = x86_legalise,
	.select = x86_select,
	.emit = x86_emit,
	.wrapper = x86_wrapper,
	.stub = x86_stub,
	.mop_name = mop_name,
};
