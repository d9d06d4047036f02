/* A value of its own for each object that the hook names. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, __u64);
} tasks SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC | BPF_F_CLONE);
	__type(key, int);
	__type(value, __u64);
} sockets SEC(".maps");

struct ask {
	void *object;
	__u64 flags;
};

SEC("raw")
__u64 count(struct ask *ask)
{
	__u64 *v = bpf_task_storage_get(&tasks, ask->object, 0, ask->flags);

	return v ? ++*v : 1000;
}

SEC("raw")
__u64 from_ten(struct ask *ask)
{
	__u64 ten = 10, *v;

	v = bpf_sk_storage_get(&sockets, ask->object, &ten, ask->flags);
	return v ? ++*v : 1000;
}

SEC("raw")
__u64 forget(struct ask *ask)
{
	return bpf_task_storage_delete(&tasks, ask->object);
}
