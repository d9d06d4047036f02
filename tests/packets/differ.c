/*
 * The same packets through the running kernel and through kiln.
 *
 *   differ [-O0|-O2] [-p PROGRAM] OBJECT...
 *
 * Every XDP, tc, socket filter and raw tracepoint program of the objects that
 * the kernel loads gets every generated packet, whole and cut at every length,
 * with its maps empty and with its maps filled, on both sides. Compared are the
 * verdict, the packet, the fields of the context that the kernel gives back,
 * and at the end all maps. What differs between two runs in the kernel (time,
 * random numbers) is not compared and counted as unstable. Not counted are
 * the differences of a program that draws its verdicts, or puts the kernel's
 * hash of a packet into it, which nobody else can compute.
 */
#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "differ.h"

enum { SKIPPED = 77, MAX_SAID = 5 };

enum { MIN_XDP = 14, TRACE_ARGS = 12 * 8 };

/* State of this file. */
static struct packet packets[MAX_PACKETS];
static u32 npackets;
static const char *only; /* -p */
static struct {
	u32 objects, refused, programs, ran, runs, unstable, differences;
} total;

/* One program on its three sides: twice in the kernel, once by kiln. */
struct trial {
	const char *name;
	u32 type;
	struct kprog kernel[2];
	struct nprog native;
	bool hashes;
	u32 runs, unstable, differences;
};

/* ---- one packet ---------------------------------------------------------- */

static void say_difference(struct trial *t, const char *format, ...)
{
	va_list args;

	if (t->differences++ >= MAX_SAID)
		return;
	printf("  %s: ", t->name);
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	printf("\n");
}

/* The fields of __sk_buff that the kernel gives back. */
static bool same_context(const struct result *a, const struct result *b)
{
	const struct __sk_buff *x = (const void *)a->ctx;
	const struct __sk_buff *y = (const void *)b->ctx;

	if (!a->ctx_n || !b->ctx_n)
		return true;
	return x->mark == y->mark && x->priority == y->priority &&
	       !memcmp(x->cb, y->cb, sizeof(x->cb));
}

static bool same(const struct result *a, const struct result *b)
{
	return a->err == b->err && a->retval == b->retval &&
	       a->data_n == b->data_n && !memcmp(a->data, b->data, a->data_n) &&
	       same_context(a, b);
}

static void print_context(const struct result *r)
{
	const struct __sk_buff *skb = (const void *)r->ctx;

	printf("    mark %x, priority %x, cb %x %x %x %x %x\n", skb->mark,
		skb->priority, skb->cb[0], skb->cb[1], skb->cb[2], skb->cb[3],
		skb->cb[4]);
}

static u32 first_difference(const struct result *a, const struct result *b)
{
	u32 k = 0;

	while (k < a->data_n && k < b->data_n && a->data[k] == b->data[k])
		k++;
	return k;
}

static void run_packet(
	struct trial *t, const char *what, const void *bytes, u32 n)
{
	static struct result k0, k1, native;

	kprog_run(&t->kernel[0], t->type, bytes, n, &k0);
	if (k0.err)
		return; /* not a packet that the kernel takes */
	kprog_run(&t->kernel[1], t->type, bytes, n, &k1);
	nprog_run(&t->native, bytes, n, &native);
	t->runs++;
	if (!same(&k0, &k1)) {
		t->unstable++;
		return;
	}
	if (same(&k0, &native))
		return;
	say_difference(t,
		"%s of %u bytes: kernel %u, kiln %u; packets of %u and %u "
		"bytes differ at %u%s",
		what, n, k0.retval, native.retval, k0.data_n, native.data_n,
		first_difference(&k0, &native),
		same_context(&k0, &native) ? "" : "; contexts differ");
	if (!same_context(&k0, &native) && t->differences <= MAX_SAID) {
		print_context(&k0);
		print_context(&native);
	}
}

static void run_packets(struct trial *t)
{
	u8 args[TRACE_ARGS] = {0};

	if (t->type == BPF_PROG_TYPE_RAW_TRACEPOINT) {
		run_packet(t, "arguments of 0", args, sizeof(args));
		return;
	}
	for (u32 k = 0; k < npackets; k++)
		for (u32 n = MIN_XDP; n <= packets[k].n; n++)
			run_packet(t, packets[k].name, packets[k].bytes, n);
}

/* ---- maps ---------------------------------------------------------------- */

static void compare_map(struct trial *t, u32 i)
{
	const struct kmap *m = &t->kernel[0].map[i];
	struct entries k0 = contents_of_kernel(m);
	struct entries k1 = contents_of_kernel(&t->kernel[1].map[i]);
	struct entries native = contents_of_native(&t->native, m);

	if (!entries_equal(&k0, &k1))
		t->unstable++;
	else if (!native.opaque && !entries_equal(&k0, &native))
		say_difference(t,
			"map %s: %u entries in the kernel, %u here, "
			"or other values",
			m->name, k0.n, native.n);
	free(k0.bytes);
	free(k1.bytes);
	free(native.bytes);
}

/* Global variables, by the names that BTF has for the parts of a section. */
static void compare_globals(struct trial *t, u32 i)
{
	const struct kmap *m = &t->kernel[0].map[i];
	const struct btf *btf =
		t->kernel[0].obj ? bpf_object__btf(t->kernel[0].obj) : NULL;
	const char *name = strrchr(m->name, '.');
	u32 key = 0;
	u8 *value[2];
	i32 id;

	id = btf && name ? btf__find_by_name_kind(btf, name, BTF_KIND_DATASEC)
			 : -1;
	if (id < 0)
		return;
	value[0] = calloc(1, m->value_size);
	value[1] = calloc(1, m->value_size);
	bpf_map_lookup_elem(m->fd, &key, value[0]);
	bpf_map_lookup_elem(t->kernel[1].map[i].fd, &key, value[1]);
	const struct btf_type *sec = btf__type_by_id(btf, (u32)id);
	const struct btf_var_secinfo *v = btf_var_secinfos(sec);
	for (u32 k = 0; k < btf_vlen(sec); k++, v++) {
		const char *var = btf__name_by_offset(
			btf, btf__type_by_id(btf, v->type)->name_off);
		size_t size;
		const void *here =
			kiln_object_find_global(t->native.obj, var, &size);

		if (!here || size != v->size)
			continue; /* unused, or folded */
		if (memcmp(value[0] + v->offset, value[1] + v->offset, size))
			t->unstable++;
		else if (memcmp(value[0] + v->offset, here, size))
			say_difference(t, "variable %s", var);
	}
	free(value[0]);
	free(value[1]);
}

static void compare_maps(struct trial *t)
{
	for (u32 i = 0; i < t->kernel[0].nmaps; i++)
		if (t->kernel[0].map[i].internal)
			compare_globals(t, i);
		else
			compare_map(t, i);
}

/* ---- programs ------------------------------------------------------------ */

static bool runs_here(u32 type)
{
	return type == BPF_PROG_TYPE_XDP || type == BPF_PROG_TYPE_SCHED_CLS ||
	       type == BPF_PROG_TYPE_SCHED_ACT ||
	       type == BPF_PROG_TYPE_SOCKET_FILTER ||
	       type == BPF_PROG_TYPE_RAW_TRACEPOINT;
}

/* One round: maps empty (seed 0) or filled. False: not to be had. */
static bool run_round(struct trial *t, const char *path, const char *section,
	const void *bytes, size_t size, u64 seed)
{
	const char *why = NULL;

	for (u32 k = 0; k < 2 && !why; k++)
		why = kprog_load(
			&t->kernel[k], path, t->name, section, t->type);
	if (why)
		printf("  %s: not run: the kernel: %s\n", t->name, why);
	else if (!nprog_load(&t->native, bytes, size, t->name)) {
		say_difference(t, "kiln does not load it");
	} else {
		t->hashes = t->kernel[0].hashes;
		contents_fill(t->kernel, &t->native, seed);
		run_packets(t);
		compare_maps(t);
	}
	kprog_unload(&t->kernel[0]);
	kprog_unload(&t->kernel[1]);
	nprog_unload(&t->native);
	return !why;
}

/* Programs of public objects that the kernel lets do what kiln does not. */
static const struct {
	const char *program, *why;
} known[] = {
	{"tail_nodeport_ipv4_dsr",
		"it makes room behind the IPv6 header of a packet that ends "
		"before: the kernel moves what lies behind the packet"},
};

/* Why differences say nothing, or NULL. */
static const char *excuse(const struct trial *t)
{
	if (!t->differences)
		return NULL;
	if (t->unstable > t->runs / 20 + 1)
		return "random, not counted";
	for (u32 k = 0; k < countof(known); k++)
		if (!strcmp(known[k].program, t->name))
			return known[k].why;
	return t->hashes ? "the kernel's hash, not counted" : NULL;
}

static void run_program(const char *path, const struct kiln_program *p,
	const void *bytes, size_t size)
{
	struct trial *t = calloc(1, sizeof(*t));

	t->name = kiln_program_name(p);
	t->type = kiln_program_type(p);
	total.programs++;
	if (run_round(t, path, kiln_program_section(p), bytes, size, 0) &&
		run_round(t, path, kiln_program_section(p), bytes, size, 77)) {
		printf("  %s: %u runs, %u unstable, %u differences%s%s\n",
			t->name, t->runs, t->unstable, t->differences,
			excuse(t) ? ": " : "", excuse(t) ?: "");
		total.ran++;
	}
	if (excuse(t))
		t->differences = 0;
	total.runs += t->runs;
	total.unstable += t->unstable;
	total.differences += t->differences;
	free(t);
}

static void run_object(const char *path, int level)
{
	struct kiln_object *obj;
	struct kiln_program *p = NULL;
	size_t size;
	void *bytes;

	printf("%s:\n", path);
	total.objects++;
	bytes = native_compile(path, level, &size);
	obj = bytes ? kiln_object_open_mem(bytes, size, NULL) : NULL;
	if (obj && kiln_object_load(obj)) {
		kiln_object_close(obj);
		obj = NULL;
	}
	total.refused += !obj;
	while (obj && (p = kiln_object_next_program(obj, p)))
		if (runs_here(kiln_program_type(p)) &&
			(!only || !strcmp(only, kiln_program_name(p))))
			run_program(path, p, bytes, size);
	if (obj)
		kiln_object_close(obj);
	kiln_free(bytes);
}

/* ---- main ---------------------------------------------------------------- */

/* The first, for programs that ask which: kiln's first slot is 0, too. */
static void stay_on_one_cpu(void)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(0, &set);
	sched_setaffinity(0, sizeof(set), &set);
}

static bool kernel_is_there(void)
{
	int fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, NULL, 4, 8, 1, NULL);

	if (fd < 0)
		printf("skipped: bpf(2): %s\n", strerror(errno));
	return fd >= 0;
}

int main(int argc, char **argv)
{
	int level = 2;

	if (!kernel_is_there())
		return SKIPPED;
	setvbuf(stdout, NULL, _IOLBF, 0);
	libbpf_set_strict_mode(LIBBPF_STRICT_ALL);
	stay_on_one_cpu();
	npackets = packets_make(packets);
	for (int k = 1; k < argc; k++)
		if (!strcmp(argv[k], "-O0"))
			level = 0;
		else if (!strcmp(argv[k], "-p") && k + 1 < argc)
			only = argv[++k];
		else if (strcmp(argv[k], "-O2") != 0)
			run_object(argv[k], level);
	printf("%u objects, %u refused; %u programs, %u run; %u runs, %u "
	       "unstable, %u differences\n",
		total.objects, total.refused, total.programs, total.ran,
		total.runs, total.unstable, total.differences);
	return total.differences || !total.runs;
}
