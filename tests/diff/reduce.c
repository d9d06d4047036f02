/*
 * Makes a failing program smaller: instructions go, in big pieces first, then
 * operands become simple, then the memory. Each candidate must be valid for
 * the interpreter and fail in the leg as the original did.
 */
#include <string.h>

#include "subject.h"

/* An instruction with its target as a number of an item. */
struct item {
	struct insn i;
	i32 high;   /* the second slot of an lddw */
	i32 target; /* -1: none */
};

struct program {
	struct item item[GEN_SLOTS];
	u32 n;
	u8 mem[GEN_MEM];
	u32 mem_size;
	bool written_only;
};

struct job {
	const struct leg *leg;
	bool apart;
	enum verdict verdict;
	char text[256]; /* of the original failure, without numbers */
	struct program now, next;
};

static bool has_target(struct insn i, i32 *rel)
{
	bool jumps = insn_class(i) == CLS_JMP || insn_class(i) == CLS_JMP32;

	*rel = i.off;
	if (insn_is_lddw(i) || i.code == 0x85 || i.code == 0x06)
		*rel = i.imm;
	if (insn_is_lddw(i))
		return i.src == LDDW_FUNC;
	if (!jumps || insn_op(i) == JMP_EXIT)
		return false;
	return insn_op(i) != JMP_CALL ||
	       (i.code == 0x85 && i.src == CALL_LOCAL);
}

static void set_target(struct insn *i, i32 rel)
{
	if (insn_is_lddw(*i) || i->code == 0x85 || i->code == 0x06)
		i->imm = rel;
	else
		i->off = (i16)rel;
}

/* ---- to items and back ---------------------------------------------------- */

static void parse(const struct gen_prog *from, struct program *to)
{
	static u32 item_at[GEN_SLOTS];
	i32 rel;

	to->n = 0;
	for (u32 pc = 0; pc < from->slots; pc++) {
		struct item *it = &to->item[to->n];

		item_at[pc] = to->n++;
		it->i = insn_decode(from->bytes + 8 * (size_t)pc);
		it->target = -1;
		if (has_target(it->i, &rel))
			it->target = (i32)pc + 1 + rel; /* a slot, for now */
		if (insn_is_lddw(it->i))
			it->high =
				insn_decode(from->bytes + 8 * (size_t)++pc).imm;
	}
	for (u32 k = 0; k < to->n; k++)
		if (to->item[k].target >= 0)
			to->item[k].target = (i32)item_at[to->item[k].target];
	memcpy(to->mem, from->mem, sizeof(to->mem));
	to->mem_size = from->mem_size;
	to->written_only = from->written_only;
}

static void print(const struct program *from, struct gen_prog *to)
{
	static u32 slot_of[GEN_SLOTS];
	u32 pc = 0;

	for (u32 k = 0; k < from->n; k++) {
		slot_of[k] = pc;
		pc += insn_is_lddw(from->item[k].i) ? 2 : 1;
	}
	to->slots = pc;
	for (u32 k = 0; k < from->n; k++) {
		struct insn i = from->item[k].i;
		u8 *p = to->bytes + 8 * (size_t)slot_of[k];

		if (from->item[k].target >= 0)
			set_target(&i, (i32)slot_of[from->item[k].target] -
					       (i32)slot_of[k] - 1);
		put_insn(p, i);
		if (insn_is_lddw(i))
			put_insn(p + 8,
				(struct insn){.imm = from->item[k].high});
	}
	memcpy(to->mem, from->mem, sizeof(to->mem));
	to->mem_size = from->mem_size;
	to->written_only = from->written_only;
}

/* ---- candidates ---------------------------------------------------------- */

/* Instruction numbers change; what is wrong must not. */
static void strip_numbers(const char *from, char *to)
{
	do
		if (*from < '0' || *from > '9')
			*to++ = *from;
	while (*from++);
}

/* Takes next for now if it still fails, in the same way. */
static bool try_next(struct job *job)
{
	static struct gen_prog prog;
	struct outcome out = {0};
	char text[256];

	print(&job->next, &prog);
	if (subject_try(&prog, job->leg, job->apart, &out) != job->verdict)
		return false;
	strip_numbers(out.text, text);
	if (job->verdict == V_BROKEN && strcmp(text, job->text))
		return false;
	job->now = job->next;
	return true;
}

/* next = now without n items; targets among them move to what follows. */
static bool cut(struct job *job, u32 first, u32 n)
{
	const struct program *now = &job->now;
	struct program *next = &job->next;

	*next = *now;
	next->n = now->n - n;
	memmove(next->item + first, now->item + first + n,
		(now->n - first - n) * sizeof(*next->item));
	for (u32 k = 0; k < next->n; k++) {
		i32 *target = &next->item[k].target;

		if (*target >= (i32)(first + n))
			*target -= (i32)n;
		else if (*target > (i32)first)
			*target = (i32)first;
		if (*target >= (i32)next->n)
			return false;
	}
	return next->n > 0;
}

static bool cut_pieces(struct job *job)
{
	bool any = false;

	for (u32 size = job->now.n / 2; size; size /= 2)
		for (u32 at = 0; at + size <= job->now.n;) {
			if (cut(job, at, size) && try_next(job))
				any = true;
			else
				at += size;
		}
	return any;
}

static bool try_insn(struct job *job, u32 k, struct insn i)
{
	struct insn old = job->now.item[k].i;

	if (!memcmp(&old, &i, sizeof(i)))
		return false;
	job->next = job->now;
	job->next.item[k].i = i;
	if (!has_target(i, &(i32){0}))
		job->next.item[k].target = -1;
	return try_next(job);
}

/* Only ever towards fewer registers, smaller numbers, plainer instructions. */
static bool simplify_insn(struct job *job, u32 k)
{
	struct insn i = job->now.item[k].i, to = i;
	int class = insn_class(i);
	bool any = false;

	if (insn_is_lddw(i)) {
		if (i.src)
			return false;
		to = (struct insn){.code = 0xb7, .dst = i.dst, .imm = i.imm};
		return try_insn(job, k, to);
	}
	if ((class == CLS_JMP || class == CLS_JMP32) &&
		job->now.item[k].target >= 0 && i.code != 0x85 &&
		i.code != 0x05) {
		to = (struct insn){.code = 0x05};
		if (try_insn(job, k, to))
			return true;
		to = i;
	}
	if (class == CLS_ALU || class == CLS_ALU64 || class == CLS_ST ||
		((class == CLS_JMP || class == CLS_JMP32) && !insn_is_reg(i) &&
			i.code != 0x85)) {
		const i32 values[] = {0, 1, i.imm / 16, i.imm / 2};

		for (size_t v = 0; v < countof(values) && !any; v++) {
			to.imm = values[v];
			if (insn_is_reg(i) || insn_op(i) == ALU_END ||
				(u32)values[v] >= (u32)i.imm)
				continue;
			any = try_insn(job, k, to);
		}
	}
	return any;
}

static bool simplify_all(struct job *job)
{
	bool any = false;

	for (u32 k = 0; k < job->now.n; k++)
		any |= simplify_insn(job, k);
	return any;
}

static bool clear_memory(struct job *job)
{
	bool any = false;

	for (u32 size = GEN_MEM / 2; size; size /= 2)
		for (u32 at = 0; at + size <= job->now.mem_size; at += size) {
			job->next = job->now;
			memset(job->next.mem + at, 0, size);
			if (memcmp(job->next.mem, job->now.mem, GEN_MEM))
				any |= try_next(job);
		}
	for (u32 size = 64; size; size /= 2)
		while (job->now.mem_size > size) {
			job->next = job->now;
			job->next.mem_size -= size;
			if (!try_next(job))
				break;
			any = true;
		}
	return any;
}

void reduce(struct gen_prog *prog, const struct leg *leg, bool apart)
{
	static struct job job;
	struct outcome out = {0};
	bool any = true;

	job.leg = leg;
	job.apart = apart;
	job.verdict = subject_try(prog, leg, apart, &out);
	strip_numbers(out.text, job.text);
	parse(prog, &job.now);
	if (job.verdict == V_SAME || job.verdict == V_REFUSED)
		return;
	for (int round = 0; any && round < 20; round++) {
		any = cut_pieces(&job);
		any |= simplify_all(&job);
		any |= clear_memory(&job);
	}
	print(&job.now, prog);
}
