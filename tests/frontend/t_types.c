/* Types: contexts through registers, spills, calls and frames; what is
 * refused, with its message. */
#include <linux/bpf.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "fixture.h"

static struct func *prog(struct fixture *x, const char *name, const char *text)
{
	struct func *f = fix_func(x, name, SYM_PROG, text);

	f->prog_type = BPF_PROG_TYPE_XDP;
	return f;
}

/* Slot `at` of function `from` calls, or takes the address of, function to. */
static void call(struct fixture *x, u32 from, u32 at, u32 to)
{
	fix_name(x, &x->m.func.v[from], at, x->m.func.v[to].sym);
}

static void run(struct fixture *x)
{
	if (fe_decode(&x->m) || fe_flow(&x->m))
		fail_msg("%s", x->log);
	fe_types(&x->m);
}

static void expect(struct fixture *x, const char *want)
{
	run(x);
	if (x->diag.errors)
		fail_msg("%s", x->log);
	char *got = fix_dump(x, fe_dump_types);
	assert_string_equal(got, want);
	free(got);
	fix_fini(x);
}

static void expect_error(struct fixture *x, const char *want)
{
	run(x);
	assert_string_equal(x->log, want);
	fix_fini(x);
}

/* A program of one function; the message follows its place. */
static void refuse(const char *text, const char *want)
{
	struct fixture x;
	char line[512];

	fix_init(&x);
	prog(&x, "p", text);
	snprintf(line, sizeof(line), "t.o: section xdp: program p: %s\n", want);
	expect_error(&x, line);
}

/* It compiles, with a warning. */
static void leave_out(const char *text, const char *want)
{
	struct fixture x;
	char line[512];

	fix_init(&x);
	prog(&x, "p", text);
	snprintf(line, sizeof(line),
		"t.o: section xdp: program p: %s; the call is left out and "
		"fails\n",
		want);
	run(&x);
	assert_int_equal(x.diag.errors, 0);
	assert_string_equal(x.log, line);
	fix_fini(&x);
}

static void t_types_packet_access(void **state)
{
	struct fixture x;

	(void)state;
	fix_init(&x);
	prog(&x, "p",
		"r2 = *(u32 *)(r1 +4)\nr1 = *(u32 *)(r1 +0)\nr0 = 0\n"
		"r3 = r1\nr3 += 14\nif r3 > r2 goto out\n"
		"r0 = *(u16 *)(r1 +12)\nout:\nexit");
	expect(&x, "p:\n"
		   "   0: r2 = *(u32 *)(r1 +4) # context, 8 bytes at +32\n"
		   "   1: r1 = *(u32 *)(r1 +0) # context, 8 bytes at +24\n"
		   "   2: r0 = 0\n"
		   "   3: r3 = r1\n"
		   "   4: r3 += 14\n"
		   "   5: if r3 > r2 goto pc+1\n"
		   "   6: r0 = *(u16 *)(r1 +12) # packet\n"
		   "   7: exit\n");
}

static void t_types_context_through_a_spill(void **state)
{
	struct fixture x;

	(void)state;
	fix_init(&x);
	prog(&x, "p",
		"r6 = r10\nr6 += -16\n*(u64 *)(r6 +8) = r1\nr1 = 0\n"
		"l:\nr1 += 1\nif r1 < 9 goto l\n"
		"r2 = *(u64 *)(r10 -8)\nr0 = *(u32 *)(r2 +12)\nexit");
	expect(&x, "p:\n"
		   "   0: r6 = r10\n"
		   "   1: r6 += -16\n"
		   "   2: *(u64 *)(r6 +8) = r1 # stack -16\n"
		   "   3: r1 = 0\n"
		   "   4: r1 += 1\n"
		   "   5: if r1 < 0x9 goto pc-2\n"
		   "   6: r2 = *(u64 *)(r10 -8) # stack\n"
		   "   7: r0 = *(u32 *)(r2 +12) # context\n"
		   "   8: exit\n");
}

static void t_types_context_plus_constant(void **state)
{
	struct fixture x;

	(void)state;
	fix_init(&x);
	prog(&x, "p", "r1 += 8\nr0 = *(u32 *)(r1 -4)\nr0 = 0\nexit");
	expect(&x, "p:\n"
		   "   0: r1 += 8\n"
		   "   1: r0 = *(u32 *)(r1 -4) # context +8, 8 bytes at +24\n"
		   "   2: r0 = 0\n"
		   "   3: exit\n");
}

static void t_types_context_is_passed(void **state)
{
	struct fixture x;

	(void)state;
	fix_init(&x);
	prog(&x, "p", ".slot 85100000ffffffff\nexit");
	fix_func(&x, "sub", SYM_SUBPROG, "r0 = *(u32 *)(r1 +16)\nexit");
	call(&x, 0, 0, 1);
	expect(&x, "p:\n"
		   "   0: call sub # sub(context)\n"
		   "   1: exit\n"
		   "sub:\n"
		   "   0: r0 = *(u32 *)(r1 +16) # context\n"
		   "   1: exit\n");
}

static void t_types_context_in_a_passed_frame(void **state)
{
	struct fixture x;

	(void)state;
	fix_init(&x);
	prog(&x, "p",
		"*(u64 *)(r10 -8) = r1\nr1 = r10\nr1 += -16\n"
		".slot 85100000ffffffff\nr1 = *(u64 *)(r10 -16)\n"
		"r0 = *(u8 *)(r1 +0)\nexit");
	/* data into the caller's frame */
	fix_func(&x, "sub", SYM_SUBPROG,
		"r2 = *(u64 *)(r1 +8)\nr2 = *(u32 *)(r2 +0)\n"
		"*(u64 *)(r1 +0) = r2\nr0 = 0\nexit");
	call(&x, 0, 3, 1);
	expect(&x, "p:\n"
		   "   0: *(u64 *)(r10 -8) = r1 # stack\n"
		   "   1: r1 = r10\n"
		   "   2: r1 += -16\n"
		   "   3: call sub # sub(stack -16)\n"
		   "   4: r1 = *(u64 *)(r10 -16) # stack\n"
		   "   5: r0 = *(u8 *)(r1 +0) # packet\n"
		   "   6: exit\n"
		   "sub:\n"
		   "   0: r2 = *(u64 *)(r1 +8) # stack of caller 1 -16\n"
		   "   1: r2 = *(u32 *)(r2 +0) # context, 8 bytes at +24\n"
		   "   2: *(u64 *)(r1 +0) = r2 # stack of caller 1 -16\n"
		   "   3: r0 = 0\n"
		   "   4: exit\n");
}

static void t_types_result_of_a_subprogram(void **state)
{
	struct fixture x;

	(void)state;
	fix_init(&x);
	u32 map = fix_map(&x, "m", BPF_MAP_TYPE_HASH, 4, 8, 10);
	prog(&x, "p",
		".slot 85100000ffffffff\nif r0 == 0 goto out\n"
		"r0 = *(u64 *)(r0 +0)\nout:\nexit");
	fix_func(&x, "get", SYM_SUBPROG,
		"*(u32 *)(r10 -4) = 1\nr2 = r10\nr2 += -4\n"
		"r1 = 0 ll\ncall 1\nexit");
	call(&x, 0, 0, 1);
	fix_name(&x, &x.m.func.v[1], 3, map);
	expect(&x, "p:\n"
		   "   0: call get # get\n"
		   "   1: if r0 == 0x0 goto pc+1\n"
		   "   2: r0 = *(u64 *)(r0 +0) # value of m\n"
		   "   3: exit\n"
		   "get:\n"
		   "   0: *(u32 *)(r10 -4) = 1 # stack\n"
		   "   1: r2 = r10\n"
		   "   2: r2 += -4\n"
		   "   3: r1 = m\n"
		   "   5: call bpf_map_lookup_elem#1 # map_lookup_elem(map m, "
		   "stack -4)\n"
		   "   6: exit\n");
}

static void t_types_subprogram_is_specialised(void **state)
{
	struct fixture x;

	(void)state;
	fix_init(&x);
	prog(&x, "p",
		"r6 = r1\n.slot 85100000ffffffff\nr1 = r10\nr1 += -64\n"
		"*(u32 *)(r1 +0) = 0\n.slot 85100000ffffffff\nexit");
	fix_func(&x, "sub", SYM_SUBPROG, "r0 = *(u32 *)(r1 +0)\nexit");
	call(&x, 0, 1, 1);
	call(&x, 0, 5, 1);
	expect(&x, "p:\n"
		   "   0: r6 = r1\n"
		   "   1: call sub # sub(context)\n"
		   "   2: r1 = r10\n"
		   "   3: r1 += -64\n"
		   "   4: *(u32 *)(r1 +0) = 0 # stack -64\n"
		   "   5: call sub # sub.1(stack -64)\n"
		   "   6: exit\n"
		   "sub:\n"
		   "   0: r0 = *(u32 *)(r1 +0) # context, 8 bytes at +24\n"
		   "   1: exit\n"
		   "sub.1:\n"
		   "   0: r0 = *(u32 *)(r1 +0) # stack of caller 1 -64\n"
		   "   1: exit\n");
}

static void t_types_two_kinds_are_refused(void **state)
{
	(void)state;
	refuse("r2 = *(u32 *)(r1 +12)\nif r2 == 0 goto l\nr1 = r10\n"
	       "r1 += -64\nl:\nr0 = *(u32 *)(r1 +12)\nexit",
		"insn 4: r1 is a context on one path and something else on "
		"another");
}

static void t_types_null_or_context_is_one_kind(void **state)
{
	struct fixture x;

	(void)state;
	fix_init(&x);
	prog(&x, "p",
		"r6 = r1\nr0 = *(u32 *)(r1 +12)\nif r0 == 0 goto l\nr6 = 0\n"
		"l:\nif r6 == 0 goto out\nr0 = *(u32 *)(r6 +16)\nout:\nexit");
	run(&x);
	assert_string_equal(x.log, "");
	fix_fini(&x);
}

static void t_types_context_rules_of_the_kernel(void **state)
{
	(void)state;
	refuse("r2 = *(u32 *)(r1 +12)\nr1 += r2\nr0 = *(u32 *)(r1 +0)\nexit",
		"insn 2: access to struct xdp_md at a variable offset");
	refuse("r0 = *(u64 *)(r1 +0)\nexit",
		"insn 0: access of 8 bytes at offset 0 of struct xdp_md, "
		"wanted one whole field");
	refuse("r0 = *(u16 *)(r1 +12)\nexit",
		"insn 0: access of 2 bytes to xdp_md.ingress_ifindex, wanted "
		"4");
	refuse("r0 = *(u32 *)(r1 +2)\nexit",
		"insn 0: access of 4 bytes at offset 2 of struct xdp_md, "
		"wanted one whole field");
	refuse("r0 = *(u32 *)(r1 +24)\nexit",
		"insn 0: access of 4 bytes at offset 24 of struct xdp_md, "
		"which has 24");
	refuse("r0 = *(u32 *)(r1 -4)\nexit",
		"insn 0: access of 4 bytes at offset -4 of struct xdp_md, "
		"which has 24");
	refuse("r0 = 0\n*(u32 *)(r1 +16) = r0\nexit",
		"insn 1: store to xdp_md.rx_queue_index, which is read-only");
	refuse("r0 = *(s32 *)(r1 +0)\nexit",
		"insn 0: sign-extending load of the pointer xdp_md.data");
	refuse("r0 = 0\nlock *(u32 *)(r1 +12) += r0\nexit",
		"insn 1: atomic access to struct xdp_md");
}

static void t_types_unwritten_registers_are_refused(void **state)
{
	(void)state;
	refuse("exit", "insn 0: reads r0, which was not written");
	refuse("r0 = r7\nexit", "insn 0: reads r7, which was not written");
	refuse("call 5\nr0 = r1\nexit",
		"insn 1: reads r1, which was not written or was lost in a "
		"call");
}

static void t_types_stack_bounds(void **state)
{
	(void)state;
	refuse("r0 = 0\n*(u64 *)(r10 +0) = r0\nexit",
		"insn 1: access of 8 bytes at 0 of the stack, wanted -512 to "
		"-1");
	refuse("r0 = 0\n*(u64 *)(r10 -516) = r0\nexit",
		"insn 1: access of 8 bytes at -516 of the stack, wanted -512 "
		"to -1");
	refuse("r0 = 0\n*(u32 *)(r10 -2) = r0\nexit",
		"insn 1: access of 4 bytes at -2 of the stack, wanted -512 to "
		"-1");
}

static void t_types_calls_are_refused(void **state)
{
	(void)state;
	refuse("call 9999\nexit", "insn 0: unknown helper 9999");
	refuse("callx r1\nexit",
		"insn 0: callx through context, wanted a function address or "
		"a helper number");
	refuse("r0 = 0\n.slot bfa1010001000000\nexit",
		"insn 1: address space cast: arenas are not supported yet");
	refuse("r6 = r1\nr0 = *(u8 *)skb[12]\nexit",
		"insn 1: packet load in a program whose context is no socket "
		"buffer");
}

static void t_types_calls_are_left_out(void **state)
{
	(void)state;
	leave_out("r3 = 1\nr2 = 7\ncall 12\nexit",
		"insn 2: argument 2 of tail_call is number +7, wanted a "
		"prog_array");
	leave_out("r1 += 4\nr2 = 0\ncall 44\nexit",
		"insn 2: argument 1 of xdp_adjust_head is context +4, wanted "
		"the context");
	leave_out("r1 = 7\nr2 = 0\ncall 44\nexit",
		"insn 2: argument 1 of xdp_adjust_head is number +7, wanted "
		"the context");
	leave_out("r2 = 0\ncall 39\nexit",
		"insn 1: argument 1 of skb_pull_data is the context of program "
		"type xdp, wanted a socket buffer");
	leave_out("r1 = 5\nr2 = r10\nr2 += -4\ncall 1\nexit",
		"insn 3: argument 1 of map_lookup_elem is number +5, wanted a "
		"map");
}

static void refuse_skb(u32 type, const char *text, const char *what)
{
	struct fixture x;
	char want[256];

	fix_init(&x);
	prog(&x, "p", text)->prog_type = type;
	snprintf(want, sizeof(want), "t.o: section xdp: program p: %s\n", what);
	expect_error(&x, want);
}

static void t_types_socket_buffers(void **state)
{
	(void)state;
	refuse_skb(BPF_PROG_TYPE_SOCKET_FILTER, "r0 = *(u32 *)(r1 +76)\nexit",
		"insn 0: access to __sk_buff.data, which programs of type "
		"socket_filter do not have");
	refuse_skb(BPF_PROG_TYPE_SOCKET_FILTER,
		"r0 = 0\n*(u32 *)(r1 +8) = r0\nexit",
		"insn 1: store to __sk_buff.mark, which is read-only to "
		"programs of type socket_filter");
	refuse_skb(BPF_PROG_TYPE_SCHED_CLS,
		"r0 = 0\n*(u32 *)(r1 +0) = r0\nexit",
		"insn 1: store to __sk_buff.len, which is read-only");
	refuse_skb(BPF_PROG_TYPE_SCHED_CLS, "r0 = *(u16 *)(r1 +76)\nexit",
		"insn 0: access of 2 bytes to __sk_buff.data, wanted 4");
	refuse_skb(BPF_PROG_TYPE_SCHED_CLS,
		"r6 = r1\nr6 += 8\nr0 = *(u8 *)skb[12]\nexit",
		"insn 2: packet load: r6 is context +8, wanted the context");
	refuse_skb(BPF_PROG_TYPE_SCHED_CLS, "r6 = 5\nr0 = *(u8 *)skb[12]\nexit",
		"insn 1: packet load: r6 is number +5, wanted the context");
	refuse_skb(BPF_PROG_TYPE_SCHED_CLS,
		"r6 = r1\nr0 = *(u8 *)skb[12]\nr0 = r1\nexit",
		"insn 2: reads r1, which was not written or was lost in a "
		"call");
}

/* One that a newer libbpf has a name for. */
static void t_types_unknown_program_type(void **state)
{
	struct fixture x;

	(void)state;
	fix_init(&x);
	prog(&x, "p", "r0 = 0\nexit")->prog_type = 99;
	expect_error(&x, "t.o: section xdp: program p: insn 0: program type "
			 "99 (unknown) is not supported\n");
}

static void refuse_at(u32 type, u32 attach, const char *text, const char *what)
{
	struct fixture x;
	char want[256];

	fix_init(&x);
	struct func *f = prog(&x, "p", text);
	f->prog_type = type;
	f->attach_type = attach;
	snprintf(want, sizeof(want), "t.o: section xdp: program p: %s\n", what);
	expect_error(&x, want);
}

/* What a program may touch depends on where it is attached. */
static void t_types_sockets(void **state)
{
	static const char msg_src_ip4[] = "r0 = *(u32 *)(r1 +40)\nexit";
	struct fixture x;

	(void)state;
	refuse_at(BPF_PROG_TYPE_CGROUP_SOCK_ADDR, BPF_CGROUP_INET4_CONNECT,
		msg_src_ip4,
		"insn 0: access to bpf_sock_addr.msg_src_ip4, which programs "
		"of type cgroup_sock_addr do not have");
	fix_init(&x);
	struct func *f = prog(&x, "p", msg_src_ip4);
	f->prog_type = BPF_PROG_TYPE_CGROUP_SOCK_ADDR;
	f->attach_type = BPF_CGROUP_UDP4_SENDMSG;
	expect(&x, "p:\n"
		   "   0: r0 = *(u32 *)(r1 +40) # context\n"
		   "   1: exit\n");
	refuse_at(BPF_PROG_TYPE_SOCK_OPS, 0,
		"r0 = 1\n*(u32 *)(r1 +8) = r0\nexit",
		"insn 1: store to bpf_sock_ops.args, which is read-only");
	refuse_at(BPF_PROG_TYPE_SK_MSG, 0, "r0 = *(u32 *)(r1 +0)\nexit",
		"insn 0: access of 4 bytes to sk_msg_md.data, wanted 8");
}

/* freplace: the context of the program that it extends, where BTF says so. */
static void t_types_extension(void **state)
{
	static const char text[] = "r2 = *(u32 *)(r1 +0)\nr0 = 0\nexit";
	struct fixture x;

	(void)state;
	fix_init(&x);
	struct func *f = prog(&x, "p", text);
	f->prog_type = BPF_PROG_TYPE_EXT;
	f->ext_type = BPF_PROG_TYPE_XDP;
	expect(&x, "p:\n"
		   "   0: r2 = *(u32 *)(r1 +0) # context, 8 bytes at +24\n"
		   "   1: r0 = 0\n"
		   "   2: exit\n");
	fix_init(&x);
	prog(&x, "p", text)->prog_type = BPF_PROG_TYPE_EXT;
	expect(&x, "p:\n"
		   "   0: r2 = *(u32 *)(r1 +0) # unknown\n"
		   "   1: r0 = 0\n"
		   "   2: exit\n");
}

/* The helper does not have the context; the compiler adds it from a parameter. */
static void t_types_redirect_needs_a_context(void **state)
{
	struct fixture x;

	(void)state;
	fix_init(&x);
	prog(&x, "p", "r2 = 5\ncall 0\nexit");
	fix_func(&x, "sub", SYM_SUBPROG,
		"r0 = *(u32 *)(r1 + 12)\nr1 = r2\nr2 = 0\ncall 23\nexit");
	call(&x, 0, 1, 1);
	run(&x);
	assert_string_equal(x.log, "");
	fix_fini(&x);
	fix_init(&x);
	prog(&x, "p", "r1 = 5\ncall 0\nexit");
	fix_func(&x, "sub", SYM_SUBPROG, "r2 = 0\ncall 23\nexit");
	call(&x, 0, 1, 1);
	expect_error(&x,
		"t.o: section .text: program sub: insn 1: redirect where no "
		"parameter is the context of a packet\n");
}

static void t_types_callx_by_constant(void **state)
{
	struct fixture x;

	(void)state;
	fix_init(&x);
	prog(&x, "p", "r1 = 5\ncallx r1\nexit");
	expect(&x, "p:\n"
		   "   0: r1 = 5\n"
		   "   1: callx r1 # ktime_get_ns\n"
		   "   2: exit\n");
	fix_init(&x);
	prog(&x, "p", "r3 = 0 ll\nr1 = 7\ncallx r3\nexit");
	fix_func(&x, "sub", SYM_SUBPROG, "r0 = r1\nexit");
	call(&x, 0, 0, 1);
	expect(&x, "p:\n"
		   "   0: r3 = sub\n"
		   "   2: r1 = 7\n"
		   "   3: callx r3 # sub(number +7)\n"
		   "   4: exit\n"
		   "sub:\n"
		   "   0: r0 = r1\n"
		   "   1: exit\n");
}

/* A result that grows after a caller has used it. */
static void t_types_shared_callee_reaches_fixpoint(void **state)
{
	struct fixture x;

	(void)state;
	fix_init(&x);
	prog(&x, "p",
		"r2 = *(u32 *)(r1 +0)\nr1 = r2\n.slot 85100000ffffffff\n"
		"r0 = *(u8 *)(r0 +0)\nexit");
	prog(&x, "q",
		"r1 = r10\nr1 += -8\n.slot 85100000ffffffff\n"
		"r0 = *(u8 *)(r0 +0)\nexit");
	fix_func(&x, "id", SYM_SUBPROG, "r0 = r1\nexit");
	call(&x, 0, 2, 2);
	call(&x, 1, 2, 2);
	expect(&x, "p:\n"
		   "   0: r2 = *(u32 *)(r1 +0) # context, 8 bytes at +24\n"
		   "   1: r1 = r2\n"
		   "   2: call id # id(packet)\n"
		   "   3: r0 = *(u8 *)(r0 +0) # unknown\n"
		   "   4: exit\n"
		   "q:\n"
		   "   0: r1 = r10\n"
		   "   1: r1 += -8\n"
		   "   2: call id # id(stack -8)\n"
		   "   3: r0 = *(u8 *)(r0 +0) # unknown\n"
		   "   4: exit\n"
		   "id:\n"
		   "   0: r0 = r1\n"
		   "   1: exit\n");
}

/* bpf_loop(2, cb, &frame, 0) where the frame holds the context. */
static const char loop_text[] =
	"*(u64 *)(r10 -8) = r1\nr1 = 2\nr2 = 0 ll\nr3 = r10\nr3 += -16\n"
	"r4 = 0\ncall 181\nr0 = 0\nexit";
static const char loop_callback[] =
	"r3 = *(u64 *)(r2 +8)\nr3 = *(u32 *)(r3 +12)\nr0 = 0\nexit";

static void t_types_callback_context(void **state)
{
	struct fixture x;

	(void)state;
	fix_init(&x);
	prog(&x, "p", loop_text);
	fix_func(&x, "cb", SYM_SUBPROG, loop_callback);
	call(&x, 0, 2, 1);
	expect(&x, "p:\n"
		   "   0: *(u64 *)(r10 -8) = r1 # stack\n"
		   "   1: r1 = 2\n"
		   "   2: r2 = cb\n"
		   "   4: r3 = r10\n"
		   "   5: r3 += -16\n"
		   "   6: r4 = 0\n"
		   "   7: call bpf_loop#181 # loop(number +2, cb, stack -16, "
		   "number +0)\n"
		   "   8: r0 = 0\n"
		   "   9: exit\n"
		   "cb:\n"
		   "   0: r3 = *(u64 *)(r2 +8) # stack of caller 1 -16\n"
		   "   1: r3 = *(u32 *)(r3 +12) # context\n"
		   "   2: r0 = 0\n"
		   "   3: exit\n");
}

static void t_types_callback_is_specialised(void **state)
{
	struct fixture x;

	(void)state;
	fix_init(&x);
	prog(&x, "p", loop_text);
	prog(&x, "q", loop_text)->prog_type = BPF_PROG_TYPE_CGROUP_SYSCTL;
	fix_func(&x, "cb", SYM_SUBPROG, loop_callback);
	call(&x, 0, 2, 2);
	call(&x, 1, 2, 2);
	expect_error(&x, "t.o: section .text: program cb.1: insn 1: access of "
			 "4 bytes at offset 12 of struct bpf_sysctl, which has "
			 "8\n");
}

static void t_types_callback_must_be_known(void **state)
{
	(void)state;
	refuse("r1 = 2\nr2 = 7\nr3 = r10\nr4 = 0\ncall 181\nexit",
		"insn 4: argument 2 of loop is number +7, wanted one function");
}

/* A subprogram that 60 calls give the context at 60 offsets, and that looks at
 * none: it does not come in 60 versions. */
static void t_types_versions_are_limited(void **state)
{
	enum { CALLS = 60, SLOTS = 3 };
	char text[4096] = "r6 = r1\n";
	size_t n = strlen(text);
	struct fixture x;

	(void)state;
	for (int k = 0; k < CALLS; k++)
		n += (size_t)snprintf(text + n, sizeof(text) - n,
			"r1 = r6\nr1 += %d\n.slot 85100000ffffffff\n", 4 * k);
	snprintf(text + n, sizeof(text) - n, "r0 = 0\nexit");
	fix_init(&x);
	fix_func(&x, "p", SYM_PROG, text)->prog_type = BPF_PROG_TYPE_XDP;
	u32 sym = fix_func(&x, "sub", SYM_SUBPROG, "r0 = r1\nexit")->sym;
	for (u32 k = 0; k < CALLS; k++)
		fix_name(&x, &x.m.func.v[0], SLOTS * (k + 1), sym);
	if (fe_decode(&x.m) || fe_flow(&x.m) || fe_types(&x.m))
		fail_msg("%s", x.log);
	assert_in_range(x.m.func.n, 3, CALLS / 2 + 3);
	fix_fini(&x);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(t_types_versions_are_limited),
		cmocka_unit_test(t_types_packet_access),
		cmocka_unit_test(t_types_context_through_a_spill),
		cmocka_unit_test(t_types_context_plus_constant),
		cmocka_unit_test(t_types_context_is_passed),
		cmocka_unit_test(t_types_context_in_a_passed_frame),
		cmocka_unit_test(t_types_result_of_a_subprogram),
		cmocka_unit_test(t_types_subprogram_is_specialised),
		cmocka_unit_test(t_types_two_kinds_are_refused),
		cmocka_unit_test(t_types_null_or_context_is_one_kind),
		cmocka_unit_test(t_types_context_rules_of_the_kernel),
		cmocka_unit_test(t_types_unwritten_registers_are_refused),
		cmocka_unit_test(t_types_stack_bounds),
		cmocka_unit_test(t_types_calls_are_refused),
		cmocka_unit_test(t_types_calls_are_left_out),
		cmocka_unit_test(t_types_socket_buffers),
		cmocka_unit_test(t_types_unknown_program_type),
		cmocka_unit_test(t_types_sockets),
		cmocka_unit_test(t_types_extension),
		cmocka_unit_test(t_types_redirect_needs_a_context),
		cmocka_unit_test(t_types_callx_by_constant),
		cmocka_unit_test(t_types_callback_context),
		cmocka_unit_test(t_types_callback_is_specialised),
		cmocka_unit_test(t_types_callback_must_be_known),
		cmocka_unit_test(t_types_shared_callee_reaches_fixpoint),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
