/*
 * kiln run: runs a program of a BPF or native object through the runtime, as
 * `bpftool prog run` does in the kernel; with --raw, bare BPF instructions.
 *
 * A BPF object is compiled in memory first. Either way the native object goes
 * through kiln_object_open_mem() and _load(), and nothing else.
 */
#include <elf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "kiln/bytes.h"
#include "kiln/context.h"
#include "kiln/runtime.h"
#include "linker/linker.h"

/* Room around packet data, as the kernel's test run gives. */
enum { HEADROOM = 256, TAILROOM = 320, MAX_DATA = 1 << 20 };

enum { ETH_HEADER = 14, LOOPBACK = 1 };

/* A growing file or hex string in memory. */
struct blob {
	u8 *p;
	size_t n;
};

/* ---- input ------------------------------------------------------------------ */

static int complain(const char *name, const char *what)
{
	fprintf(stderr, "kiln: error: %s: %s\n", name, what);
	return -EINVAL;
}

enum { MAX_INPUT = 1 << 28 }; /* bytes; devices have no end */

static int read_stream(struct cli *o, FILE *f, struct blob *b)
{
	struct buf buf;
	size_t got;

	buf_init(&buf, &o->a);
	do {
		got = fread(buf_room(&buf, 65536), 1, 65536, f);
		buf.n += got;
		if (buf.n > MAX_INPUT)
			return -EFBIG;
	} while (got);
	*b = (struct blob){buf.p, buf.n};
	return ferror(f) ? -EIO : 0;
}

static int read_file(struct cli *o, const char *name, struct blob *b)
{
	bool is_stdin = !strcmp(name, "-");
	FILE *f = is_stdin ? stdin : fopen(name, "rbe");

	if (!f)
		return complain(name, strerror(errno));
	int err = read_stream(o, f, b);
	if (!is_stdin)
		fclose(f);
	if (err == -EFBIG)
		return complain(name, "larger than 256 MiB");
	return err ? complain(name, "read error") : 0;
}

static int write_file(const char *name, const void *p, size_t n)
{
	bool is_stdout = !strcmp(name, "-");
	FILE *f = is_stdout ? stdout : fopen(name, "wbe");

	if (!f)
		return complain(name, strerror(errno));
	bool bad = fwrite(p, 1, n, f) != n;
	bad |= is_stdout ? fflush(f) != 0 : fclose(f) != 0;
	return bad ? complain(name, "write error") : 0;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool is_space(char c)
{
	return c == ' ' || c == '\n' || c == '\t' || c == '\r';
}

static int parse_hex(struct cli *o, const char *what, const char *s, size_t n,
	struct blob *b)
{
	b->p = arena_alloc(&o->a, n / 2 + 1);
	b->n = 0;
	for (size_t i = 0; i < n; i++) {
		if (is_space(s[i]))
			continue;
		int hi = hex_digit(s[i]);
		int lo = i + 1 < n ? hex_digit(s[i + 1]) : -1;

		if (hi < 0 || lo < 0)
			return complain(what, "wanted pairs of hex digits");
		b->p[b->n++] = (u8)(hi << 4 | lo);
		i++;
	}
	return 0;
}

/* ---- object -------------------------------------------------------------------- */

static bool is_bpf(const struct blob *b)
{
	if (b->n < sizeof(Elf64_Ehdr))
		return true; /* let the compiler say what is wrong */
	u16 machine = get_le16(b->p + offsetof(Elf64_Ehdr, e_machine));

	return machine == EM_BPF || machine == EM_NONE ||
	       memcmp(b->p, ELFMAG, SELFMAG);
}

static struct kiln_object *open_object(
	struct cli *o, const char *name, const struct blob *b)
{
	const struct kiln_open_opts opts = {.sz = sizeof(opts), .name = name};
	const struct kiln_input in = {name, b->p, b->n};
	struct kiln_object *obj;
	size_t size;
	void *out;

	if (!o->c.raw && !is_bpf(b))
		return kiln_object_open_mem(b->p, b->n, &opts);
	if (kiln_compile(&in, 1, &o->c, &out, &size))
		return NULL;
	obj = kiln_object_open_mem(out, size, &opts);
	kiln_free(out);
	return obj;
}

static struct kiln_object *load_object(
	struct cli *o, const char *name, const struct blob *b)
{
	struct kiln_object *obj = open_object(o, name, b);

	if (obj && kiln_object_load(obj)) {
		kiln_object_close(obj);
		return NULL;
	}
	return obj;
}

static struct kiln_program *pick_program(struct cli *o, struct kiln_object *obj)
{
	struct kiln_program *p = kiln_object_next_program(obj, NULL);

	if (o->prog) {
		p = kiln_object_find_program(obj, o->prog);
		if (!p)
			complain(o->prog, "the object has no such program");
		return p;
	}
	if (!p)
		complain(kiln_object_name(obj), "no programs");
	else if (kiln_object_next_program(obj, p)) {
		complain(kiln_object_name(obj),
			"more than one program: choose with --prog");
		return NULL;
	}
	return p;
}

/* ---- bare instructions ------------------------------------------------------------ */

static int run_raw(struct cli *o)
{
	struct blob text = {0}, code, mem = {0};

	if (o->narg != 1)
		return complain("run --raw", "wanted one program in hex, or -");
	text = (struct blob){(u8 *)o->arg[0], strlen(o->arg[0])};
	if (!strcmp(o->arg[0], "-") && read_file(o, "-", &text))
		return -EINVAL;
	if (parse_hex(o, "program", (char *)text.p, text.n, &code))
		return -EINVAL;
	if (o->mem && parse_hex(o, "--mem", o->mem, strlen(o->mem), &mem))
		return -EINVAL;

	struct kiln_object *obj = load_object(o, "raw", &code);
	if (!obj)
		return -EINVAL;
	const struct kiln_program *p = kiln_object_next_program(obj, NULL);
	u64 r0 = 0;
	for (u32 i = 0; i < o->repeat; i++)
		r0 = kiln_program_run_raw(
			p, mem.n ? (uintptr_t)mem.p : 0, mem.n);
	printf("%llx\n", (unsigned long long)r0);
	kiln_object_close(obj);
	return 0;
}

/* ---- programs with a context -------------------------------------------------------- */

/* What a program of some type gets, and the memory behind it. */
struct run_ctx {
	const struct ctx_kind *kind;
	struct blob data; /* as given */
	u8 *frame;	  /* headroom, data, tailroom */
	struct blob ctx;  /* what the program gets */
};

/* Types of programs by the context that they share. */
struct ctx_kind {
	const char *
		name; /* of the UAPI struct; NULL: memory of the program's own */
	size_t size, uapi_size;
	/* The packet as it came; the rest of the context for it. */
	void (*reset)(struct run_ctx *c);
	/* What the program left as packet. */
	struct blob (*result)(const struct run_ctx *c);
	size_t min_data;
	bool l3; /* data begins behind the Ethernet header */
};

static u8 *frame_data(const struct run_ctx *c)
{
	return c->frame + HEADROOM;
}

static u8 *frame_end(const struct run_ctx *c)
{
	return frame_data(c) + c->data.n;
}

static void reset_xdp(struct run_ctx *c)
{
	kiln_xdp_md_init((void *)c->ctx.p, c->frame, frame_data(c),
		frame_end(c), frame_end(c) + TAILROOM);
}

static struct blob result_xdp(const struct run_ctx *c)
{
	const struct kiln_xdp_md *md = (const void *)c->ctx.p;

	return (struct blob){
		md->data, (size_t)((u8 *)md->data_end - (u8 *)md->data)};
}

/* Who a frame is for, when it comes in on an interface with address 0. */
static u32 packet_type(const u8 *frame)
{
	static const u8 broadcast[] = {255, 255, 255, 255, 255, 255};
	static const u8 own[6];
	enum { HOST, BROADCAST, MULTICAST, OTHERHOST };

	if (!memcmp(frame, broadcast, 6))
		return BROADCAST;
	if (frame[0] & 1)
		return MULTICAST;
	return memcmp(frame, own, 6) ? OTHERHOST : HOST;
}

/* As the kernel's test run makes it: a frame that came in on the loopback
 * device. What --ctx-in gave stays. */
static void reset_skb(struct run_ctx *c)
{
	struct kiln_sk_buff *skb = (void *)c->ctx.p;
	const u8 *frame = frame_data(c);

	kiln_sk_buff_init(skb, c->frame, frame_data(c), frame_end(c),
		frame_end(c) + TAILROOM);
	if (c->data.n < ETH_HEADER)
		return;
	if (c->kind->l3) {
		skb->data = (u8 *)skb->data + ETH_HEADER;
		skb->data_meta = skb->data;
		skb->len -= ETH_HEADER;
	}
	skb->pkt_type = skb->pkt_type ?: packet_type(frame);
	skb->protocol = skb->protocol ?: get_le16(frame + ETH_HEADER - 2);
	skb->ifindex = skb->ifindex ?: LOOPBACK;
	skb->wire_len = skb->wire_len ?: skb->len;
}

static struct blob result_skb(const struct run_ctx *c)
{
	const struct kiln_sk_buff *skb = (const void *)c->ctx.p;
	u8 *data = skb->data;

	/* the kernel puts an empty header in front */
	if (c->kind->l3 && data - c->frame >= ETH_HEADER) {
		data -= ETH_HEADER;
		memset(data, 0, ETH_HEADER);
	}
	return (struct blob){data, (size_t)((u8 *)skb->data_end - data)};
}

static const struct ctx_kind *kind_of(u32 type)
{
	static const struct ctx_kind own = {0};
	static const struct ctx_kind xdp = {"xdp_md",
		sizeof(struct kiln_xdp_md), KILN_XDP_MD_UAPI_SIZE, reset_xdp,
		result_xdp, 0, false};
	static const struct ctx_kind l2 = {"__sk_buff",
		sizeof(struct kiln_sk_buff), KILN_SK_BUFF_UAPI_SIZE, reset_skb,
		result_skb, ETH_HEADER, false};
	static const struct ctx_kind l3 = {"__sk_buff",
		sizeof(struct kiln_sk_buff), KILN_SK_BUFF_UAPI_SIZE, reset_skb,
		result_skb, ETH_HEADER, true};

	switch (type) {
	case BPF_PROG_TYPE_XDP: return &xdp;
	case BPF_PROG_TYPE_SCHED_CLS:
	case BPF_PROG_TYPE_SCHED_ACT: return &l2;
	case BPF_PROG_TYPE_SOCKET_FILTER:
	case BPF_PROG_TYPE_CGROUP_SKB:
	case BPF_PROG_TYPE_LWT_IN:
	case BPF_PROG_TYPE_LWT_OUT:
	case BPF_PROG_TYPE_LWT_XMIT:
	case BPF_PROG_TYPE_LWT_SEG6LOCAL:
	case BPF_PROG_TYPE_SK_SKB:
	case BPF_PROG_TYPE_FLOW_DISSECTOR: return &l3;
	default: return &own;
	}
}

static int make_data(struct cli *o, struct run_ctx *c)
{
	if (o->data_in && read_file(o, o->data_in, &c->data))
		return -EINVAL;
	if (c->data.n > MAX_DATA)
		return complain(o->data_in, "more than 1 MiB of data");
	if (o->data_in && c->data.n < c->kind->min_data)
		return complain(o->data_in,
			"shorter than the 14 bytes of an Ethernet header");
	c->frame = arena_alloc(&o->a, HEADROOM + c->data.n + TAILROOM);
	if (c->data.n)
		memcpy(frame_data(c), c->data.p, c->data.n);
	return 0;
}

static int make_context(struct cli *o, struct run_ctx *c)
{
	struct blob in = {0};

	if (o->data_in && !c->kind->name)
		return complain(
			o->data_in, "programs of this type take no packet");
	if (make_data(o, c))
		return -EINVAL;
	if (o->ctx_in && read_file(o, o->ctx_in, &in))
		return -EINVAL;
	if (!c->kind->name) {
		/* the application's own context is plain memory */
		c->ctx = in.n ? in
			      : (struct blob){arena_alloc(&o->a, 4096), 4096};
		return 0;
	}
	if (in.n > c->kind->uapi_size)
		return complain(
			o->ctx_in, arena_printf(&o->a, "larger than struct %s",
					   c->kind->name));
	c->ctx =
		(struct blob){arena_alloc(&o->a, c->kind->size), c->kind->size};
	if (in.n)
		memcpy(c->ctx.p, in.p, in.n);
	c->kind->reset(c);
	return 0;
}

static int write_results(struct cli *o, const struct run_ctx *c)
{
	if (c->kind->name && o->data_out) {
		struct blob b = c->kind->result(c);

		if (write_file(o->data_out, b.p, b.n))
			return -EINVAL;
	}
	if (!o->ctx_out)
		return 0;
	return write_file(o->ctx_out, c->ctx.p,
		c->kind->name ? c->kind->uapi_size : c->ctx.n);
}

static void print_result(const struct cli *o, u64 ret, u64 ns)
{
	struct json j;

	if (!o->json) {
		printf("Return value: %llu, duration (average): %lluns\n",
			(unsigned long long)ret, (unsigned long long)ns);
		return;
	}
	json_init(&j, stdout, o->pretty);
	json_object(&j, NULL);
	json_number(&j, "retval", ret);
	json_number(&j, "duration", ns);
	json_end(&j);
}

static u64 now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (u64)t.tv_sec * 1000000000u + (u64)t.tv_nsec;
}

static int run_program(struct cli *o, struct kiln_program *p)
{
	struct run_ctx c = {.kind = kind_of(kiln_program_type(p))};
	u64 ret = 0, ns = 0;

	if (make_context(o, &c))
		return -EINVAL;
	/* as in the kernel's test run, a changed packet stays changed */
	u64 start = now_ns();
	for (u32 i = 0; i < o->repeat; i++)
		ret = kiln_program_run(p, c.ctx.p);
	ns = now_ns() - start;
	print_result(o, ret, o->repeat ? ns / o->repeat : 0);
	return write_results(o, &c);
}

static int run(struct cli *o)
{
	struct blob b;

	if (o->c.raw)
		return run_raw(o);
	if (o->narg != 1) {
		fprintf(stderr, "kiln run: %d files given, wanted one\n",
			o->narg);
		return -EINVAL;
	}
	if (read_file(o, o->arg[0], &b))
		return -EINVAL;
	struct kiln_object *obj = load_object(o, o->arg[0], &b);
	if (!obj)
		return -EINVAL;
	struct kiln_program *p = pick_program(o, obj);
	int err = p ? run_program(o, p) : -EINVAL;
	kiln_object_close(obj);
	return err;
}

int cmd_run(int argc, char **argv)
{
	struct cli o;
	int err = cli_parse(&o, argc, argv, CLI_COMPILE | CLI_RUN | CLI_JSON,
		"[OPTIONS] FILE [--prog NAME]\n"
		"       kiln run --raw [--mem HEX] PROGRAM-HEX|-");
	int status = err ? err < 0 : run(&o) != 0;

	cli_fini(&o);
	return status;
}
