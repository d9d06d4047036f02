/*
 * The kernel's iterator over tasks (selftests/bpf, bpf_iter_task.c), on a list
 * that an application has. Only the members that are used are declared: where
 * they are is what the application's own types say (kiln compile --btf).
 */
#include <linux/bpf.h>
#include <kiln/bpf.h>

#define CORE __attribute__((preserve_access_index))

struct seq_file;

struct mm_struct {
	unsigned long total_vm;
} CORE;

struct task_struct {
	int pid;
	struct mm_struct *mm;
} CORE;

struct bpf_iter_meta {
	struct seq_file *seq;
} CORE;

struct bpf_iter__task {
	struct bpf_iter_meta *meta;
	struct task_struct *task;
} CORE;

KILN_BPF_HELPER(126, long, bpf_seq_printf, struct seq_file *seq,
	const char *fmt, __u32 fmt_size, const void *data, __u32 data_len);

SEC("iter/task")
int dump_task(struct bpf_iter__task *ctx)
{
	static const char fmt[] = "pid=%d vm=%d\n";
	struct seq_file *seq = ctx->meta->seq;
	struct task_struct *task = ctx->task;

	if (!task)
		return 0;
	/* nobody checks task->mm, which a kernel thread does not have */
	__u64 args[] = {task->pid, task->mm->total_vm};

	bpf_seq_printf(seq, fmt, sizeof(fmt), args, sizeof(args));
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
