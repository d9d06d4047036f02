/* The arm64 target: registers, numbers, names. No code. */
#include "backend-arm64/a64.h"

/* ---- registers ----------------------------------------------------------- */

static const char *const preg_names[32] = {"x0", "x1", "x2", "x3", "x4", "x5",
	"x6", "x7", "x8", "x9", "x10", "x11", "x12", "x13", "x14", "x15", "x16",
	"x17", "x18", "x19", "x20", "x21", "x22", "x23", "x24", "x25", "x26",
	"x27", "x28", "x29", "x30", "sp"};

/* X16 and X17 are for emission and for linkers; X18 is the platform's; X29
 * stays as it is, so that chains of frame records go through us unharmed. */
#define CALLEE_SAVED 0x1ff80000u /* x19 to x28 */
#define CALLER_SAVED 0x0000ffffu /* x0 to x15 */

/* What no call keeps comes first. */
static const u8 alloc_order[26] = {A64_X0, A64_X1, A64_X2, A64_X3, A64_X4,
	A64_X5, A64_X6, A64_X7, A64_X8, A64_X9, A64_X10, A64_X11, A64_X12,
	A64_X13, A64_X14, A64_X15, A64_X19, A64_X20, A64_X21, A64_X22, A64_X23,
	A64_X24, A64_X25, A64_X26, A64_X27, A64_X28};

/* AAPCS64 6.8.2: parameter passing. */
const u8 a64_arg_regs[5] = {A64_X0, A64_X1, A64_X2, A64_X3, A64_X4};

/* DWARF for the Arm 64-bit Architecture, table 1. */
static const u8 dwarf_reg[32] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13,
	14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31};

/* ---- machine operations -------------------------------------------------- */

const struct a64_mop_info a64_mops[A64_MOP_END - MOP_TARGET] = {
#define S				   A64_MOP_S
#define R				   A64_MOP_R
#define MOP(name, text, form, code, flags) {text, F_##form, code, flags},
#include "backend-arm64/mops.def"
#undef MOP
#undef S
#undef R
};

static const char *mop_name(u16 op)
{
	return op >= MOP_TARGET && op < A64_MOP_END ? a64_mop(op)->name : NULL;
}

/* ---- the target ---------------------------------------------------------- */

static const char *const feature_names[] = {"lse", NULL};

const struct target a64_target = {
	.name = "aarch64",
	.elf_machine = 183, /* EM_AARCH64 */
	.npregs = 32,
	.preg_names = preg_names,
	.allocatable = CALLER_SAVED | CALLEE_SAVED,
	.caller_saved = CALLER_SAVED,
	.callee_saved = CALLEE_SAVED,
	.alloc_order = alloc_order,
	.rel_abs64 = A64_R_ABS64,
	.rel_abs32 = A64_R_ABS32,
	.rel_pc32 = A64_R_PREL32,
	.rel_pc64 = A64_R_PREL64,
	.dwarf_ra = 30,
	.dwarf_sp = 31,
	.code_align = 4,
	.code_fill = 0, /* udf #0 */
	.data_align = -8,
	.entry_cfa = 0,
	.ra_on_stack = false,
	.dwarf_reg = dwarf_reg,
	.property_type = 0xc0000000, /* GNU_PROPERTY_AARCH64_FEATURE_1_AND */
	.property_value = 3,	     /* BTI | PAC */
	.feature_names = feature_names,
	.legalise = a64_legalise,
	.select = a64_select,
	.emit = a64_emit,
	.wrapper = a64_wrapper,
	.stub = a64_stub,
	.mop_name = mop_name,
};
