/*
 * Prints a list of tasks through a BPF program. The structs have the kernel's
 * names, because the program asks for them; their layout is this program's own.
 */
#include <stdint.h>
#include <stdio.h>

#include <kiln/runtime.h>

struct mm_struct {
	const char *owner;
	unsigned long total_vm;
};

struct task_struct {
	char comm[12];
	struct task_struct *next;
	struct mm_struct *mm; /* NULL: it has no memory of its own */
	long flags;
	int pid;
};

struct seq_file {
	FILE *out;
};

struct bpf_iter_meta {
	uint64_t session;
	struct seq_file *seq;
};

struct bpf_iter__task {
	struct bpf_iter_meta *meta;
	struct task_struct *task;
};

extern uint64_t dump_task(void *ctx); /* iter.bpf.c */

/* Where the text of bpf_seq_printf() goes: a helper that only the application
 * can have. */
uint64_t kiln_helper_seq_write(
	uint64_t, uint64_t, uint64_t, uint64_t, uint64_t);

uint64_t kiln_helper_seq_write(uint64_t seq, uint64_t data, uint64_t len,
	uint64_t unused4, uint64_t unused5)
{
	const struct seq_file *s = (const struct seq_file *)(uintptr_t)seq;

	(void)unused4, (void)unused5;
	fwrite((const void *)(uintptr_t)data, 1, (uint32_t)len, s->out);
	return 0;
}

int main(void)
{
	struct mm_struct init_mm = {"init", 4200}, shell_mm = {"shell", 1234};
	struct task_struct shell = {"shell", NULL, &shell_mm, 0, 4711},
			   kthread = {"kthread", &shell, NULL, 1, 2},
			   init = {"init", &kthread, &init_mm, 0, 1};
	struct seq_file seq = {stdout};
	struct bpf_iter_meta meta = {.seq = &seq};

	/* makes faults of the linked programs read 0 */
	if (!kiln_object_self())
		return 1;
	for (struct task_struct *t = &init; t; t = t->next) {
		struct bpf_iter__task ctx = {&meta, t};

		dump_task(&ctx);
	}
	return 0;
}
