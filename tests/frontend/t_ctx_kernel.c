/*
 * Every access to a context, by offset, size and direction, and for every type
 * of program: the running kernel's verifier and kiln take the same ones.
 * Skipped where bpf(2) is refused, or the kernel is older than the rules that
 * kiln follows (Linux 6.4: immediate stores to contexts).
 */
#include <errno.h>
#include <linux/bpf.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "frontend/types.h"
#include "tests/bpf_pace.h"

enum { SKIPPED = 77, BPF_MEMSX_MODE = 0x80 };

/* Where the kernel wants one and kiln's rules are the same for all. */
static u32 attach_type(const struct ctx_type *c)
{
	if (c->attach_type != CTX_EVERY)
		return (u32)c->attach_type;
	switch (c->prog_type) {
	case BPF_PROG_TYPE_XDP: return BPF_XDP_DEVMAP; /* egress_ifindex too */
	case BPF_PROG_TYPE_SK_LOOKUP: return BPF_SK_LOOKUP;
	case BPF_PROG_TYPE_SK_REUSEPORT:
		return BPF_SK_REUSEPORT_SELECT_OR_MIGRATE;
	default: return 0;
	}
}

static int load(const struct ctx_type *c, const struct bpf_insn *insns, u32 n)
{
	union bpf_attr attr = {
		.prog_type = c->prog_type,
		.expected_attach_type = attach_type(c),
		.insns = (uintptr_t)insns,
		.insn_cnt = n,
		.license = (uintptr_t) "GPL",
	};
	int fd;

	bpf_pace();
	fd = (int)syscall(SYS_bpf, BPF_PROG_LOAD, &attr, sizeof(attr));

	if (fd >= 0)
		close(fd);
	return fd < 0 ? -errno : 0;
}

/* ---- one access ---------------------------------------------------------- */

struct form {
	const char *name;
	u8 mode; /* class and mode of its opcode */
	u8 flags;
	u8 max_size;
};

static const struct form forms[] = {
	{"load", BPF_LDX | BPF_MEM, CTX_LOAD, 8},
	{"sign-extending load", BPF_LDX | BPF_MEMSX_MODE, CTX_LOAD | CTX_SX, 4},
	{"store", BPF_STX | BPF_MEM, CTX_STORE, 8},
	{"immediate store", BPF_ST | BPF_MEM, CTX_STORE, 8},
};

static u8 size_code(u32 size)
{
	return size == 1   ? BPF_B
	       : size == 2 ? BPF_H
	       : size == 4 ? BPF_W
			   : BPF_DW;
}

static bool kernel_takes(
	const struct ctx_type *c, const struct form *f, int off, u32 size)
{
	u8 class = f->mode & 7;
	struct bpf_insn insns[] = {
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 2},
		{.code = f->mode | size_code(size),
			.dst_reg = class == BPF_LDX ? 3 : 1,
			.src_reg = class == BPF_LDX   ? 1
				   : class == BPF_STX ? 2
						      : 0,
			.off = (i16)off},
		{.code = BPF_ALU64 | BPF_MOV | BPF_K},
		{.code = BPF_JMP | BPF_EXIT},
	};

	return !load(c, insns, countof(insns));
}

/* ---- all of them --------------------------------------------------------- */

static u32 compare(const struct ctx_type *c)
{
	u32 wrong = 0, taken = 0;

	for (u32 k = 0; k < countof(forms); k++)
		for (int off = -8; off < c->of->size + 16; off++)
			for (u32 size = 1; size <= forms[k].max_size;
				size *= 2) {
				char why[160] = "";
				bool kernel =
					kernel_takes(c, &forms[k], off, size);
				bool kiln = ctx_access(c, off, size,
					forms[k].flags, why, sizeof(why));

				taken += kernel;
				if (kernel == kiln)
					continue;
				wrong++;
				printf("%s at %d: %s of %u bytes at %d: kernel "
				       "%s, kiln %s %s\n",
					ctx_prog_name(c->prog_type),
					c->attach_type, forms[k].name, size,
					off, kernel ? "takes it" : "refuses",
					kiln ? "takes it" : "refuses:", why);
			}
	printf("%s at %d: %u accesses are taken\n", ctx_prog_name(c->prog_type),
		c->attach_type, taken);
	return wrong + !taken;
}

/* What programs may do whose attach type is not known: the kernel has none. */
static bool is_union(const struct ctx_type *c)
{
	return c->attach_type == CTX_EVERY && c[-1].prog_type == c->prog_type;
}

static bool is_old_kernel(void)
{
	struct utsname u;
	u32 major = 0, minor = 0;

	if (uname(&u) || sscanf(u.release, "%u.%u", &major, &minor) != 2)
		return true;
	return major < 6 || (major == 6 && minor < 4);
}

int main(void)
{
	static const struct bpf_insn trivial[] = {
		{.code = BPF_ALU64 | BPF_MOV | BPF_K},
		{.code = BPF_JMP | BPF_EXIT},
	};
	const struct ctx_type *c =
		ctx_type(ctx_find(BPF_PROG_TYPE_SOCKET_FILTER, 0));
	int err = load(c, trivial, countof(trivial));
	u32 wrong = 0, n = 0;

	if (err || is_old_kernel()) {
		printf("skipped: %s\n",
			err ? strerror(-err) : "the kernel is older than 6.4");
		return SKIPPED;
	}
	for (u32 id = 0; (c = ctx_type(id)); id++) {
		if (!c->of || is_union(c))
			continue;
		n++;
		err = load(c, trivial, countof(trivial));
		if (err)
			printf("%s at %d: not in this kernel: %s\n",
				ctx_prog_name(c->prog_type), c->attach_type,
				strerror(-err));
		else
			wrong += compare(c);
	}
	printf("%u kinds of programs, %u differences\n", n, wrong);
	return wrong != 0;
}
