/* Timers in values of the kinds that may have them, and what is refused. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#define MONOTONIC 1
#define MS	  1000000ull

struct value {
	__u64 runs;
	struct bpf_timer t, second;
	__u32 again; /* how often the callback starts it again */
	__u32 erase; /* the callback deletes its element */
};

#define KIND(name, map_type)                 \
	struct {                             \
		__uint(type, map_type);      \
		__uint(max_entries, 4);      \
		__type(key, __u32);          \
		__type(value, struct value); \
	} name SEC(".maps")

KIND(array, BPF_MAP_TYPE_ARRAY);
KIND(hash, BPF_MAP_TYPE_HASH);
KIND(lru, BPF_MAP_TYPE_LRU_HASH);

__u64 ran, last_key, self_cancel, second_ran;
__u32 which; /* 0 array, 1 hash, 2 lru */

static struct value *find(__u32 key)
{
	struct value *v;

	if (which == 0)
		v = bpf_map_lookup_elem(&array, &key);
	else if (which == 1)
		v = bpf_map_lookup_elem(&hash, &key);
	else
		v = bpf_map_lookup_elem(&lru, &key);
	return v;
}

static int tick(void *map, __u32 *key, struct value *v)
{
	last_key = *key;
	v->runs++;
	self_cancel = bpf_timer_cancel(&v->t);
	if (v->erase) {
		bpf_map_delete_elem(map, key);
	} else if (v->again) {
		v->again--;
		bpf_timer_start(&v->t, 0, 0);
	}
	__sync_fetch_and_add(&ran, 1);
	return 0;
}

static int tock(void *map, __u32 *key, struct value *v)
{
	__sync_fetch_and_add(&second_ran, 1);
	return 0;
}

SEC("raw")
__u64 init(__u32 *ctx)
{
	struct value *v = find(ctx[0]);
	long err;

	if (!v)
		return -100;
	if (which == 0)
		err = bpf_timer_init(&v->t, &array, ctx[1]);
	else if (which == 1)
		err = bpf_timer_init(&v->t, &hash, ctx[1]);
	else
		err = bpf_timer_init(&v->t, &lru, ctx[1]);
	return err;
}

SEC("raw")
__u64 callback(__u32 *ctx)
{
	struct value *v = find(*ctx);

	return v ? bpf_timer_set_callback(&v->t, tick) : -100;
}

SEC("raw")
__u64 start(__u64 *ctx)
{
	struct value *v = find(ctx[0]);

	return v ? bpf_timer_start(&v->t, ctx[1], ctx[2]) : -100;
}

SEC("raw")
__u64 cancel(__u32 *ctx)
{
	struct value *v = find(*ctx);

	return v ? bpf_timer_cancel(&v->t) : -100;
}

/* The other timer of the same value. */
SEC("raw")
__u64 second(__u32 *ctx)
{
	struct value *v = bpf_map_lookup_elem(&array, ctx);

	if (!v)
		return -100;
	if (bpf_timer_init(&v->second, &array, MONOTONIC) ||
		bpf_timer_set_callback(&v->second, tock))
		return -101;
	return bpf_timer_start(&v->second, 0, 0);
}

SEC("raw")
__u64 now(void *ctx)
{
	return bpf_ktime_get_ns();
}

char _license[] SEC("license") = "GPL";
