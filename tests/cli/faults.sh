# Typed pointers: which loads may fault, by program type, and what C calls what
# they read. Kernel objects are only read.
. "$KILN_TOP/tests/cli/common.sh"
cat >types.h <<'END2'
#include <linux/bpf.h>
#include <kiln/bpf.h>
#define CORE __attribute__((preserve_access_index))
struct mm_struct {
	long total_vm;
} CORE;
struct task_struct {
	int pid;
	short prio;
	struct mm_struct *mm;
	struct {
		struct task_struct *next;
	} list;
	union {
		long id;
		struct task_struct *parent;
	};
	struct task_struct *kids[4];
	unsigned char *name;
	char comm[16];
} CORE;
END2

# faults OBJECT: function and what it loads, of each row
faults()
{
	"$KILN" inspect -j "$1" | tr '{' '\n' |
		sed -n -e 's/.*"at":"\([a-z_]*\).*"loads":"\([^"]*\)".*/\1 \2/p' \
			-e t -e 's/.*"at":"\([a-z_]*\).*/\1/p' |
		sort
}

# loads NAME OPTION...: what faults prints of it is what comes in
loads()
{
	name=$1
	shift
	sort >wanted
	bpf "$name.bpf.c" "$name.bpf.o"
	compile "$@" -o "$name.o" "$name.bpf.o" 2>err || {
		cat err
		fail "compile"
	}
	faults "$name.o" >got
	cmp -s got wanted || { diff got wanted; fail "$name"; }
}

# An application's own struct is plain memory, and so is what its pointers to
# anything but structs point to.
cat >app.bpf.c <<'END2'
#include "types.h"
struct ctx {
	struct task_struct *task;
	unsigned char *buf;
	long n;
} CORE;
SEC("app") long member(struct ctx *c)
{
	return c->task->mm->total_vm + c->n + c->buf[0] + c->buf[1];
}
SEC("app") long checked(struct ctx *c)
{
	struct task_struct *t = c->task;

	if (!t || !t->parent)
		return 0;
	c->n = t->pid;
	t->prio = 3; /* the application's: may be written */
	return t->parent->kids[2]->list.next->comm[5];
}
SEC("app") long walk(struct ctx *c)
{
	long sum = 0;

	for (struct task_struct *t = c->task; t; t = t->list.next)
		sum += t->mm->total_vm;
	return sum;
}
SEC("app") long name(struct ctx *c)
{
	return c->task->name[1];
}
static __noinline long count(struct task_struct *t)
{
	return t->prio;
}
struct list {
	struct list *next;
};
struct head {
	struct list *first;
};
SEC("app") long last(struct head *h)
{
	/* clang begins at the context, as if it was an element */
	struct list *l = h->first;

	long n = 0;

	for (; l; l = l->next)
		n++;
	return n;
}
SEC("app") long sub(struct ctx *c)
{
	return count(c->task) + count(c->task->parent);
}
END2
loads app <<'END2'
checked c->task->parent
checked c->task->parent
checked c->task->pid
checked c->task->parent->kids[2]
checked c->task->parent->kids[2]->list.next
checked c->task->parent->kids[2]->list.next->comm[5]
count (struct task_struct)->prio
last
member c->task->mm
member c->task->mm->total_vm
name c->task->name
sub c->task->parent
walk (struct task_struct)->list.next
walk (struct task_struct)->mm
walk (struct task_struct)->mm->total_vm
END2

# Tracing: arguments by the prototype in --btf; without it they are objects all
# the same, of unknown type.
cat >kernel.c <<'END2'
struct mm_struct {
	int more;
	long total_vm;
};
struct task_struct {
	long more[2];
	struct mm_struct *mm;
	int pid;
};
struct pair {
	long a, b;
};
typedef void (*btf_trace_wake)(void *data, struct task_struct *p, int flag);
btf_trace_wake event;
struct mm_struct mm; /* or clang only declares it */
int run(struct pair two, int n, struct task_struct *t) { return t->pid + n; }
struct link {
	long a;
	struct task_struct *to;
};
int via(struct link l) { return l.to->pid; }
struct task_struct *find(int pid) { return 0; }
int bpf_lsm_check(struct task_struct *task, int mode) { return 0; }
END2
clang -target bpf -g -O1 -c kernel.c -o kernel.o
cat >trace.bpf.c <<'END2'
#include "types.h"
typedef unsigned long long u64;
SEC("fentry/run") int enter(u64 *ctx)
{
	struct task_struct *t = (void *)ctx[3];

	return t->mm->total_vm + (int)ctx[2];
}
SEC("fexit/find") int leave(u64 *ctx)
{
	return ((struct task_struct *)ctx[1])->pid;
}
SEC("?fentry/via") int member(u64 *ctx)
{
	return ((struct task_struct *)ctx[1])->pid;
}
SEC("tp_btf/wake") int wake(u64 *ctx)
{
	return ((struct task_struct *)ctx[0])->pid;
}
SEC("lsm/check") int check(u64 *ctx)
{
	return ((struct task_struct *)ctx[0])->mm->total_vm;
}
struct bpf_iter__task {
	union {
		struct task_struct *task;
		u64 : 64;
	};
};
SEC("iter/task") int dump(struct bpf_iter__task *ctx)
{
	struct task_struct *task = ctx->task;

	return task ? task->mm->total_vm : 0;
}
static struct task_struct *(*current)(void) = (void *)158;
SEC("?fentry/other") int own(u64 *ctx)
{
	return current()->mm->total_vm;
}
END2
loads trace --btf kernel.o <<'END2'
enter t->mm
enter t->mm->total_vm
leave result->pid
member l.to->pid
wake arg0->pid
check task->mm
check task->mm->total_vm
dump ctx->task->mm
dump ctx->task->mm->total_vm
own bpf_get_current_task_btf()->mm
own bpf_get_current_task_btf()->mm->total_vm
END2
loads trace <<'END2'
enter
enter
leave
member
wake
check
check
dump ctx->task->mm
dump ctx->task->mm->total_vm
own bpf_get_current_task_btf()->mm
own bpf_get_current_task_btf()->mm->total_vm
END2

# Programs of a table of struct_ops are called with the application's objects.
cat >ops.bpf.c <<'END2'
#include "types.h"
struct ops {
	long (*enqueue)(struct task_struct *p, long flags);
};
SEC("struct_ops/enqueue") long enqueue(unsigned long long *ctx)
{
	struct task_struct *p = (void *)ctx[0];

	p->prio = 1;
	return p->mm->total_vm + ctx[1];
}
SEC(".struct_ops") struct ops table = {.enqueue = (void *)enqueue};
END2
loads ops <<'END2'
enqueue arg0->mm
enqueue arg0->mm->total_vm
END2

# What is only read.
cat >store.bpf.c <<'END2'
#include "types.h"
SEC("fentry/run") int store(unsigned long long *ctx)
{
	((struct task_struct *)ctx[3])->pid = 1;
	return 0;
}
SEC("fentry/run") int add(unsigned long long *ctx)
{
	__sync_fetch_and_add(&((struct task_struct *)ctx[3])->pid, 1);
	return 0;
}
END2
bpf store.bpf.c store.bpf.o
refused 1 compile --btf kernel.o -o s.o store.bpf.o <<END2
kiln: error: store.bpf.o: section fentry/run: program store: insn 2 ($work/store.bpf.c:4): store to object struct task_struct, which programs only read
kiln: error: store.bpf.o: section fentry/run: program add: insn 4 ($work/store.bpf.c:9): atomic access to object struct task_struct +24, which programs only read
END2
