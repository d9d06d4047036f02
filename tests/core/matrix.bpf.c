/*
 * What programs ask of types that they were not compiled with: each kind of
 * CO-RE relocation, in a program and in a subprogram. The answer goes behind
 * the target's struct, which the context begins with.
 */
#include <linux/types.h>
#include <stdbool.h>
#define BPF_NO_PRESERVE_ACCESS_INDEX
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>

#define RELOCATED __attribute__((preserve_access_index))

enum kind { KIND_A = 1, KIND_B = 2 };
enum kind___other { KIND_A___other = 1, KIND_B___other = 2 };

struct s {
	__u32 a;
	__u32 b;
	__u16 arr[4];
	struct {
		int x;
		int y;
	} in;
	union {
		__u32 u;
		__u16 v;
	};
	__u32 bits : 5;
	int sbits : 7;
	void *ptr;
	int sgn;
} RELOCATED;

struct s___other {
	__u32 b;
} RELOCATED;

/* Only asked for, to see whether it matches. */
struct shape {
	__u32 a;
	__u64 b;
	struct s *p;
} RELOCATED;
typedef struct shape shape_t;

#define ANSWER 32 /* in units of 8 bytes */

#define ASK(name, expr)                                            \
	static __noinline __u64 sub_##name(struct s *s)            \
	{                                                          \
		return (expr);                                     \
	}                                                          \
	SEC("syscall") int name(void *ctx)                         \
	{                                                          \
		struct s *s = ctx;                                 \
		__u64 v = (expr);                                  \
                                                                   \
		((volatile __u64 *)ctx)[ANSWER] = v;               \
		return 0;                                          \
	}                                                          \
	SEC("syscall") int name##_in_sub(void *ctx)                \
	{                                                          \
		((volatile __u64 *)ctx)[ANSWER] = sub_##name(ctx); \
		return 0;                                          \
	}

#define OTHER ((struct s___other *)s)

ASK(offset, bpf_core_field_offset(s->b))
ASK(offset_flavour, bpf_core_field_offset(OTHER->b))
ASK(offset_nested, bpf_core_field_offset(s->in.y))
ASK(offset_anonymous, bpf_core_field_offset(s->v))
ASK(offset_element, bpf_core_field_offset(s->arr[3]))
ASK(offset_of_second, bpf_core_field_offset(s[1].b))
ASK(size, bpf_core_field_size(s->b))
ASK(size_array, bpf_core_field_size(s->arr))
ASK(exists, bpf_core_field_exists(s->b))
ASK(exists_flavour, bpf_core_field_exists(OTHER->b))
ASK(is_signed, __builtin_preserve_field_info(s->b, BPF_FIELD_SIGNED))
ASK(is_signed_int, __builtin_preserve_field_info(s->sgn, BPF_FIELD_SIGNED))
ASK(lshift, __builtin_preserve_field_info(s->b, BPF_FIELD_LSHIFT_U64))
ASK(rshift, __builtin_preserve_field_info(s->b, BPF_FIELD_RSHIFT_U64))
ASK(bits, BPF_CORE_READ_BITFIELD(s, bits))
ASK(sbits, BPF_CORE_READ_BITFIELD(s, sbits))
ASK(offset_bits, bpf_core_field_offset(s->bits))
ASK(size_bits, bpf_core_field_size(s->bits))
ASK(lshift_bits, __builtin_preserve_field_info(s->bits, BPF_FIELD_LSHIFT_U64))
ASK(rshift_bits, __builtin_preserve_field_info(s->bits, BPF_FIELD_RSHIFT_U64))
ASK(lshift_sbits, __builtin_preserve_field_info(s->sbits, BPF_FIELD_LSHIFT_U64))
ASK(is_signed_bits, __builtin_preserve_field_info(s->sbits, BPF_FIELD_SIGNED))
ASK(load, s->b)
ASK(load_flavour, OTHER->b)
ASK(load_element, s->arr[2])
ASK(load_nested, s->in.y)
ASK(load_signed, (__u64)s->sgn)
ASK(load_ptr, (__u64)s->ptr)
ASK(store, (s->b = 0x12345, *(volatile __u32 *)((void *)s +
						bpf_core_field_offset(s->b))))
ASK(guarded, bpf_core_field_exists(s->b) ? s->b : 77)
ASK(type_exists, bpf_core_type_exists(struct s))
ASK(type_exists_flavour, bpf_core_type_exists(struct s___other))
ASK(type_size, bpf_core_type_size(struct s))
ASK(type_id_here, bpf_core_type_id_local(struct s))
ASK(type_id, bpf_core_type_id_kernel(struct s))
/* clang 14 has no such builtin; t_core.c makes it of type_exists */
ASK(matches_shape, bpf_core_type_exists(shape_t))
ASK(enum_exists, bpf_core_enum_value_exists(enum kind, KIND_B))
ASK(enum_exists_flavour,
	bpf_core_enum_value_exists(enum kind___other, KIND_B___other))
ASK(enum_value, bpf_core_enum_value(enum kind, KIND_B))
ASK(enum_value_flavour, bpf_core_enum_value(enum kind___other, KIND_B___other))

char lic[] SEC("license") = "GPL";
