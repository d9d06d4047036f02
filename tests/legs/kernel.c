/*
 * The running kernel as a leg. Its verifier wants to know all memory, so the
 * buffer is the value of an array map, and the 64-bit result is stored there:
 *
 *	value: r0 (8 bytes), 8 bytes of padding, buffer
 *
 *	r1 = &value + 16                     prologue, PROLOGUE slots
 *	r2 = size
 *	... main; "exit" became "goto end"
 *	end: r1 = &value; *r1 = r0; r0 = 0; exit      EPILOGUE slots
 *	... subprograms
 *
 * A program with a packet is a classifier and gets the context in r1; others
 * are syscall programs, which are cheap to run.
 */
#include <errno.h>
#include <linux/bpf.h>
#include <linux/btf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "decode.h"
#include "leg.h"
#include "tests/bpf_pace.h"

enum {
	PROLOGUE = 3,
	EPILOGUE = 5,
	HEAD = 16, /* bytes of the value before the buffer */
	MAPS = 64,
	LOG = 1 << 16,
	MAX_SLOTS = 1 << 16,
};

/* Maps are kept: one per size. State of this file. */
static struct {
	u32 size;
	int fd;
} maps[MAPS];
static u32 nmaps;

static int sys_bpf(int cmd, union bpf_attr *attr)
{
	return (int)syscall(SYS_bpf, cmd, attr, sizeof(*attr));
}

static u64 ptr(const void *p)
{
	return (u64)(uintptr_t)p;
}

/* ---- the wrapped program ------------------------------------------------ */

static struct bpf_insn *put(struct bpf_insn *at, struct bpf_insn i)
{
	*at = i;
	return at + 1;
}

static struct bpf_insn *put_value(struct bpf_insn *at, int fd, i32 off)
{
	at = put(at, (struct bpf_insn){.code = BPF_LD | BPF_DW | BPF_IMM,
			     .dst_reg = 1,
			     .src_reg = BPF_PSEUDO_MAP_VALUE,
			     .imm = fd});
	return put(at, (struct bpf_insn){.imm = off});
}

static struct bpf_insn *put_mov(struct bpf_insn *at, u8 reg, u32 v)
{
	return put(at, (struct bpf_insn){.code = BPF_ALU64 | BPF_MOV | BPF_K,
			       .dst_reg = reg & 15,
			       .imm = (i32)v});
}

static struct bpf_insn *put_prologue(
	struct bpf_insn *at, const struct leg_run *run, int fd)
{
	if (run->skb)
		return at;
	if (run->mem_size) {
		at = put_value(at, fd, HEAD);
	} else {
		at = put_mov(at, 1, 0);
		at = put_mov(at, 1, 0);
	}
	return put_mov(at, 2, run->mem_size);
}

static struct bpf_insn *put_epilogue(struct bpf_insn *at, int fd)
{
	at = put_value(at, fd, 0);
	at = put(at, (struct bpf_insn){
			     .code = BPF_STX | BPF_DW | BPF_MEM, .dst_reg = 1});
	at = put_mov(at, 0, 0);
	return put(at, (struct bpf_insn){.code = BPF_JMP | BPF_EXIT});
}

static bool names_function(struct insn i)
{
	return (i.code == 0x85 && i.src == CALL_LOCAL) ||
	       (insn_is_lddw(i) && i.src == LDDW_FUNC);
}

/* Where main ends: at the first function that somebody refers to. */
static u32 main_end(const struct leg_run *run)
{
	i64 end = run->slots;

	for (u32 pc = 0; pc < run->slots; pc++) {
		struct insn i = insn_decode(run->bytes + 8 * (size_t)pc);
		i64 to = (i64)pc + 1 + i.imm;

		if (names_function(i) && to > 0 && to < end)
			end = to;
		pc += insn_is_lddw(i);
	}
	return (u32)end;
}

/* Main, its exits turned into jumps; subprograms have moved by EPILOGUE. */
static struct bpf_insn *put_main(
	struct bpf_insn *at, const struct leg_run *run, u32 end)
{
	for (u32 pc = 0; pc < end; pc++) {
		struct insn i = insn_decode(run->bytes + 8 * (size_t)pc);
		struct bpf_insn out;

		memcpy(&out, run->bytes + 8 * (size_t)pc, 8);
		if (names_function(i))
			out.imm += EPILOGUE;
		if (i.code == (BPF_JMP | BPF_EXIT))
			out = (struct bpf_insn){.code = BPF_JMP32 | BPF_JA,
				.imm = (i32)(end - pc - 1)};
		at = put(at, out);
		if (insn_is_lddw(i) && ++pc < end) {
			memcpy(&out, run->bytes + 8 * (size_t)pc, 8);
			at = put(at, out);
		}
	}
	return at;
}

/* The number of slots. */
static u32 wrap(struct bpf_insn *out, const struct leg_run *run, int fd)
{
	u32 end = main_end(run);
	size_t rest = run->slots - end;
	struct bpf_insn *at = put_prologue(out, run, fd);

	at = put_main(at, run, end);
	at = put_epilogue(at, fd);
	memcpy(at, run->bytes + 8 * (size_t)end, 8 * rest);
	return (u32)(at - out) + (u32)rest;
}

/* ---- types: callbacks are only taken with function information ------------ */

/* [1] unsigned long u64; [2] u64 (void); [3] static f: all functions. */
static int load_btf(void)
{
	static const char names[] = "\0u64\0f";
	static const struct {
		struct btf_header head;
		struct btf_type u64_type;
		u32 u64_bits;
		struct btf_type proto, func;
		char names[sizeof(names)];
	} blob = {
		.head = {.magic = BTF_MAGIC,
			.version = BTF_VERSION,
			.hdr_len = sizeof(struct btf_header),
			.type_len = 3 * sizeof(struct btf_type) + sizeof(u32),
			.str_off = 3 * sizeof(struct btf_type) + sizeof(u32),
			.str_len = sizeof(names)},
		.u64_type = {.name_off = 1,
			.info = BTF_KIND_INT << 24,
			.size = 8},
		.u64_bits = 64,
		.proto = {.info = BTF_KIND_FUNC_PROTO << 24, .type = 1},
		.func = {.name_off = 5, .info = BTF_KIND_FUNC << 24, .type = 2},
		.names = "\0u64\0f",
	};
	union bpf_attr attr = {
		.btf = ptr(&blob),
		.btf_size = offsetof(__typeof__(blob), names) + sizeof(names),
	};

	return sys_bpf(BPF_BTF_LOAD, &attr);
}

/* One row per function of the wrapped program, in order. */
static u32 list_functions(
	const struct bpf_insn *insns, u32 n, struct bpf_func_info *rows)
{
	static bool starts[MAX_SLOTS];
	u32 count = 0;

	memset(starts, 0, n * sizeof(*starts));
	starts[0] = true;
	for (u32 pc = 0; pc < n; pc++) {
		struct insn i = insn_decode((const u8 *)&insns[pc]);
		i64 to = (i64)pc + 1 + i.imm;

		if (names_function(i) && to >= 0 && to < n)
			starts[to] = true;
		pc += insn_is_lddw(i);
	}
	for (u32 pc = 0; pc < n; pc++)
		if (starts[pc])
			rows[count++] = (struct bpf_func_info){pc, 3};
	return count;
}

/* ---- the kernel's side -------------------------------------------------- */

static int new_map(u32 size)
{
	union bpf_attr attr = {
		.map_type = BPF_MAP_TYPE_ARRAY,
		.key_size = 4,
		.value_size = HEAD + size,
		.max_entries = 1,
	};

	return sys_bpf(BPF_MAP_CREATE, &attr);
}

static int get_map(u32 size)
{
	u32 k = 0;

	while (k < nmaps && maps[k].size != size)
		k++;
	if (k < nmaps)
		return maps[k].fd;
	if (nmaps == MAPS)
		close(maps[--nmaps].fd);
	maps[nmaps].size = size;
	maps[nmaps].fd = new_map(size);
	return maps[nmaps].fd < 0 ? -1 : maps[nmaps++].fd;
}

static int load(const struct bpf_insn *insns, u32 n, bool skb, char *log)
{
	static struct bpf_func_info rows[MAX_SLOTS];
	static int btf = -1;
	union bpf_attr attr = {
		.prog_type =
			skb ? BPF_PROG_TYPE_SCHED_CLS : BPF_PROG_TYPE_SYSCALL,
		.prog_flags = skb ? 0 : BPF_F_SLEEPABLE,
		.insns = ptr(insns),
		.insn_cnt = n,
		.license = ptr("GPL"),
	};

	attr.func_info_cnt = list_functions(insns, n, rows);
	if (attr.func_info_cnt > 1) {
		if (btf < 0)
			btf = load_btf();
		attr.prog_btf_fd = (u32)btf;
		attr.func_info = ptr(rows);
		attr.func_info_rec_size = sizeof(*rows);
	} else {
		attr.func_info_cnt = 0;
	}
	if (log) {
		attr.log_buf = ptr(log);
		attr.log_size = LOG;
		attr.log_level = 1;
	}
	bpf_pace();
	return sys_bpf(BPF_PROG_LOAD, &attr);
}

/* The verifier's reason: the last line before its statistics. */
static void find_reason(char *log, char *text, size_t size)
{
	char *line, *reason = log, *rest = log;

	while ((line = strsep(&rest, "\n"))) {
		if (!strncmp(line, "processed ", 10) || !*line)
			continue;
		if (strncmp(line, "verification time", 17) &&
			strncmp(line, "stack depth", 11))
			reason = line;
	}
	snprintf(text, size, "%s", reason);
}

static int load_or_explain(
	struct leg_run *run, const struct bpf_insn *insns, u32 n)
{
	static char log[LOG];
	int fd = load(insns, n, run->skb, NULL);

	if (fd >= 0)
		return fd;
	snprintf(run->text, sizeof(run->text), "%s", strerror(errno));
	log[0] = 0;
	fd = load(insns, n, run->skb, log);
	if (fd < 0 && log[0])
		find_reason(log, run->text, sizeof(run->text));
	return fd;
}

static int test_run(struct leg_run *run, int prog)
{
	union bpf_attr attr = {.test.prog_fd = (u32)prog};

	if (run->skb) {
		attr.test.data_in = ptr(run->skb->head);
		attr.test.data_size_in = run->skb->size;
	}
	return sys_bpf(BPF_PROG_TEST_RUN, &attr);
}

static int access_value(int cmd, int map, void *value)
{
	u32 key = 0;
	union bpf_attr attr = {
		.map_fd = (u32)map, .key = ptr(&key), .value = ptr(value)};

	return sys_bpf(cmd, &attr);
}

static enum leg_status run_loaded(struct leg_run *run, int prog, int map)
{
	static u8 value[HEAD + LEG_MEM_MAX];

	memset(value, 0, HEAD);
	memcpy(value + HEAD, run->mem, run->mem_size);
	if (access_value(BPF_MAP_UPDATE_ELEM, map, value) ||
		test_run(run, prog) ||
		access_value(BPF_MAP_LOOKUP_ELEM, map, value)) {
		snprintf(run->text, sizeof(run->text), "test run: %s",
			strerror(errno));
		return LEG_FAILED;
	}
	run->r0 = get_le64(value);
	memcpy(run->mem, value + HEAD, run->mem_size);
	return LEG_OK;
}

enum leg_status leg_kernel(struct leg_run *run)
{
	static struct bpf_insn insns[MAX_SLOTS];
	int map = get_map(run->mem_size), prog;
	enum leg_status status;

	if (map < 0 || run->slots + PROLOGUE + EPILOGUE > MAX_SLOTS) {
		snprintf(run->text, sizeof(run->text), "no map or too long");
		return LEG_FAILED;
	}
	prog = load_or_explain(run, insns, wrap(insns, run, map));
	if (prog < 0)
		return LEG_REFUSED;
	status = run_loaded(run, prog, map);
	close(prog);
	return status;
}

const char *leg_kernel_open(void)
{
	static const u8 program[] = {
		0xb7, 0, 0, 0, 0, 0, 0, 0, 0x95, 0, 0, 0, 0, 0, 0, 0};
	static char why[300];
	static u8 no_memory[1];
	struct leg_run run = {.bytes = program, .slots = 2, .mem = no_memory};

	if (leg_kernel(&run) == LEG_OK)
		return NULL;
	snprintf(why, sizeof(why), "bpf() does not work here: %s", run.text);
	return why;
}
