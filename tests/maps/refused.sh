# What the kernel would not load is refused with its place and the reason, or, if
# only a helper's argument is wrong, compiled without that call.
. "$KILN_TOP/tests/link/common.sh"

# program DEFINITION BODY: `run` with a map `m` -> bad.bpf.o
program()
{
	cat >bad.bpf.c <<END
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
struct inner {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4);
	__type(key, __u32);
	__type(value, __u64);
};
struct {
	$1
} m SEC(".maps");
static long cb(void *map, void *key, void *value, void *ctx) { return 0; }
SEC("raw") long run(__u64 *ctx)
{
	__u32 key = ctx[0];
	__u64 value = 7, *v;
	$2
	return 0;
}
END
	bpf bad.bpf.c bad.bpf.o 2>/dev/null || bpf bad.bpf.c bad.bpf.o
	rm -f bad.kiln.o
}

# refuse PATTERN DEFINITION BODY
refuse()
{
	program "$2" "$3"
	if compile bad.bpf.o 2>err; then
		fail "accepted: $2 $3"
	fi
	has err "$1"
	[ "$(grep -c error: err)" = 1 ] || fail "more than one line: $(cat err)"
	[ ! -e bad.kiln.o ] || fail "output of a refused object"
}

# leave_out PATTERN DEFINITION BODY: one warning
leave_out()
{
	program "$2" "$3"
	compile bad.bpf.o 2>err || fail "refused: $2 $3"
	has err "warning: .*$1.*; the call is left out and fails"
	"$KILN" inspect bad.kiln.o >out
	! grep -q "$(sed -n 's/.*): \([a-z_]*\) on map.*/\1/p' err)" out ||
		fail "calls it: $2 $3"
}

hash='__uint(type, BPF_MAP_TYPE_HASH); __uint(max_entries, 4);
	__type(key, __u32); __type(value, __u64);'
array='__uint(type, BPF_MAP_TYPE_ARRAY); __uint(max_entries, 4);
	__type(key, __u32); __type(value, __u64);'
maps='__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS); __uint(max_entries, 4);
	__type(key, __u32);'
lookup='v = bpf_map_lookup_elem(&m, &key); if (v)'

leave_out 'insn [0-9]+ .*map_update_elem on map m \(array_of_maps\): its kind does not have that' \
	"$maps __array(values, struct inner);" \
	'bpf_map_update_elem(&m, &key, &value, 0);'
refuse 'access to map like m.inner, wanted memory of the program' \
	"$maps __array(values, struct inner);" "$lookup return *v;"
refuse 'map m.inner: hash with value size 0' \
	"$maps __array(values, struct { __uint(type, BPF_MAP_TYPE_HASH);
		__uint(max_entries, 4); __uint(key_size, 4); });" \
	"$lookup return 1;"
leave_out 'for_each_map_elem on map m \(array_of_maps\)' \
	"$maps __array(values, struct inner);" \
	'bpf_for_each_map_elem(&m, cb, &key, 0);'
leave_out 'map_lookup_percpu_elem on map m \(hash\)' "$hash" \
	'bpf_map_lookup_percpu_elem(&m, &key, 0);'
refuse 'map m: hash with map_flags 0x2, wanted of 0x1dd' \
	"$hash __uint(map_flags, BPF_F_NO_COMMON_LRU);" "$lookup return 1;"
refuse 'map m: array with map_flags 0x1' \
	"$array __uint(map_flags, BPF_F_NO_PREALLOC);" "$lookup return 1;"
refuse 'map m: hash with map_flags 0x180' \
	"$hash __uint(map_flags, BPF_F_RDONLY_PROG | BPF_F_WRONLY_PROG);" \
	"$lookup return 1;"
refuse 'store to a value of map m, which programs only read' \
	"$array __uint(map_flags, BPF_F_RDONLY_PROG);" "$lookup *v = 1;"
leave_out 'map_delete_elem on map m \(hash\): programs only read it' \
	"$hash __uint(map_flags, BPF_F_RDONLY_PROG);" \
	'bpf_map_delete_elem(&m, &key);'
refuse 'load from a value of map m, which programs only write' \
	"$array __uint(map_flags, BPF_F_WRONLY_PROG);" "$lookup return *v;"
refuse 'map m: queue with a spin lock in its value' \
	'__uint(type, BPF_MAP_TYPE_QUEUE); __uint(max_entries, 4);
	struct { struct bpf_spin_lock lock; } *value;' \
	'return bpf_map_peek_elem(&m, &value);'
refuse 'map m: two spin locks in its value' \
	'__uint(type, BPF_MAP_TYPE_HASH); __uint(max_entries, 4);
	__type(key, __u32); struct { struct bpf_spin_lock lock[2]; } *value;' \
	"$lookup return 1;"
refuse 'map m: max_entries 4, wanted 0' \
	'__uint(type, BPF_MAP_TYPE_TASK_STORAGE); __uint(max_entries, 4);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int); __type(value, __u64);' \
	'v = bpf_task_storage_get(&m, 0, 0, 0); if (v) return 1;'
refuse 'map m: lpm_trie with map_flags 0' \
	'__uint(type, BPF_MAP_TYPE_LPM_TRIE); __uint(max_entries, 4);
	__type(key, __u64); __type(value, __u64);' \
	'__u64 k = key; v = bpf_map_lookup_elem(&m, &k); if (v) return 1;'
