/*
 * Helpers of ours against those of the running kernel, called from an XDP
 * program with arguments from its packet.
 */
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kernel.h"
#include "rt_test.h"

static u64 rng = 88172645463325252;

static u32 rnd(u32 n)
{
	rng ^= rng << 13;
	rng ^= rng >> 7;
	rng ^= rng << 17;
	return (u32)(rng >> 20) % n;
}

/* ---- csum_diff ------------------------------------------------------------- */

struct csum_ask {
	u64 from_size, to_size, seed, ret;
	u8 from[64], to[64];
};

/* Copies `from` to fp-64 and `to` to fp-128: a helper takes a variable size
 * of stack. */
static int csum_prog(void)
{
	struct bpf_insn insn[64] = {PACKET(sizeof(struct csum_ask))};
	const struct bpf_insn call[] = {LD64(2, 6, 0), ANDI(2, 63),
		LD64(4, 6, 8), ANDI(4, 63), LD64(5, 6, 16), MOV(1, 10),
		ADDI(1, -64), MOV(3, 10), ADDI(3, -128),
		CALL(BPF_FUNC_csum_diff), ST64(6, 24, 0), MOVI(0, 2), EXIT};
	u32 n = 8;

	for (int i = 0; i < 16; i++) {
		i16 to = (i16)(i < 8 ? -64 + 8 * i : -128 + 8 * (i - 8));

		insn[n++] = LD64(1, 6, (i16)(32 + 8 * i));
		insn[n++] = ST64(10, to, 1);
	}
	memcpy(insn + n, call, sizeof(call));
	return kernel_prog(insn, n + countof(call));
}

static void t_csum_diff(void **state)
{
	int prog = csum_prog();

	(void)state;
	assert_true(prog >= 0);
	for (int i = 0; i < 50000; i++) {
		struct csum_ask a = {.from_size = rnd(64), .to_size = rnd(64)};
		u8 mask = (u8)rnd(256); /* all-ones and all-zero data too */

		if (rnd(4)) {
			a.from_size &= 60;
			a.to_size &= 60;
		}
		a.seed = rnd(4) ? (u64)rnd(UINT32_MAX) << rnd(33)
				: (u64)0 - rnd(3);
		for (int k = 0; k < 64; k++) {
			a.from[k] = (u8)(rnd(256) | mask);
			a.to[k] = (u8)(rnd(256) & ~mask);
		}
		a.ret = kiln_helper_csum_diff((uintptr_t)a.from, a.from_size,
			(uintptr_t)a.to, a.to_size, a.seed);
		struct csum_ask b = a;

		b.ret = 1;
		assert_int_equal(kernel_run(prog, &b, sizeof(b), 1, NULL), 2);
		assert_int_equal(a.ret, b.ret);
	}
	close(prog);
}

/* ---- strtol, strtoul --------------------------------------------------------- */

struct number_ask {
	u64 size, flags, ret, value;
	u8 text[32];
};

/* text is copied to fp-32, the number comes to fp-40. */
static int number_prog(int helper)
{
	struct bpf_insn insn[64] = {PACKET(sizeof(struct number_ask))};
	const struct bpf_insn call[] = {LD64(2, 6, 0), ANDI(2, 30), ADDI(2, 1),
		LD64(3, 6, 8), MOV(1, 10), ADDI(1, -32), MOV(4, 10),
		ADDI(4, -40), ST64I(10, -40, 7), CALL(helper), ST64(6, 16, 0),
		LD64(1, 10, -40), ST64(6, 24, 1), MOVI(0, 2), EXIT};
	u32 n = 8;

	for (int i = 0; i < 4; i++) {
		insn[n++] = LD64(1, 6, (i16)(32 + 8 * i));
		insn[n++] = ST64(10, (i16)(8 * i - 32), 1);
	}
	memcpy(insn + n, call, sizeof(call));
	return kernel_prog(insn, n + countof(call));
}

static void random_number(u8 *text)
{
	static const char *const piece[] = {"0", "1", "7", "8", "9", "a", "F",
		"g", "x", "0x", "0X", "-", " ", "\t", "+", "12345678901234567",
		"9223372036854775807", "18446744073709551615", "77777777",
		"\xa0"};
	char s[160] = "";
	u32 n = 1 + rnd(4);

	while (n--)
		strcat(s, piece[rnd(countof(piece))]);
	memset(text, 0, 32);
	memcpy(text, s, strlen(s) < 32 ? strlen(s) : 32);
}

static void numbers(int helper, u64 (*ours)(u64, u64, u64, u64, u64))
{
	static const u8 base[] = {0, 0, 8, 10, 16, 2, 36};
	int prog = number_prog(helper);

	assert_true(prog >= 0);
	for (int i = 0; i < 20000; i++) {
		struct number_ask a = {.size = 2 * rnd(16) + 1, .value = 7}, b;

		random_number(a.text);
		a.flags = rnd(20) ? base[rnd(countof(base))] : rnd(256);
		b = a;
		a.ret = ours((uintptr_t)a.text, a.size, a.flags,
			(uintptr_t)&a.value, 0);
		assert_int_equal(kernel_run(prog, &b, sizeof(b), 1, NULL), 2);
		if (a.ret != b.ret || a.value != b.value)
			fail_msg("\"%.32s\", %u bytes, flags %u: ours %lld "
				 "(%lld), the kernel's %lld (%lld)",
				a.text, (u32)a.size, (u32)a.flags,
				(long long)a.ret, (long long)a.value,
				(long long)b.ret, (long long)b.value);
	}
	close(prog);
}

static void t_strtol(void **state)
{
	(void)state;
	numbers(BPF_FUNC_strtol, kiln_helper_strtol);
	numbers(BPF_FUNC_strtoul, kiln_helper_strtoul);
}

/* ---- trace_printk ------------------------------------------------------------- */

#define FMT 48

struct printk_ask {
	u64 arg[3], ret;
	char fmt[FMT];
	u8 mem[16];
	u64 use_mem; /* the arguments are all the address of mem's copy */
};

/* fmt is copied to fp-48, mem to fp-64: a helper takes memory from there. */
static int printk_prog(void)
{
	struct bpf_insn insn[64] = {PACKET(sizeof(struct printk_ask))};
	const struct bpf_insn call[] = {LD64(3, 6, 0), LD64(4, 6, 8),
		LD64(5, 6, 16), LD64(1, 6, 96), JEQI(1, 0, 4), MOV(3, 10),
		ADDI(3, -64), MOV(4, 3), MOV(5, 3), MOV(1, 10), ADDI(1, -FMT),
		MOVI(2, FMT), CALL(BPF_FUNC_trace_printk), ST64(6, 24, 0),
		MOVI(0, 2), EXIT};
	u32 n = 8;

	for (int i = 0; i < FMT / 8 + 2; i++) {
		i16 to = (i16)(i < FMT / 8 ? -FMT + 8 * i : -64 + 8 * i - FMT);

		insn[n++] = LD64(1, 6, (i16)(32 + 8 * i));
		insn[n++] = ST64(10, to, 1);
	}
	memcpy(insn + n, call, sizeof(call));
	return kernel_prog(insn, n + countof(call));
}

/* What kiln's program printed last; how many texts were compared. */
static char printed[1024];
static u32 n_texts;

static void keep(void *ctx, enum kiln_log_level level, const char *line)
{
	(void)ctx, (void)level;
	snprintf(printed, sizeof(printed), "%s", line);
}

static void random_format(char *fmt)
{
	static const char *const piece[] = {"%", "%d", "%u", "%x", "%X", "%ld",
		"%lu", "%lx", "%lld", "%llu", "%llx", "%i", "%c", "%%", "%5",
		"%-7", "%0", "%+", "% ", "d", "u", "l", "h", "12", "0", " ",
		"a", "=", "%s", "%-9s", "%08x", "%p", "%px", "%hd", "%o",
		"%lllx", "\x80", "\x01", "\t", "%2c", "%.3d", "%*d", "%n",
		"%#x", "%pS", "%pB", "%ps", "%pI4", "%pi4", "%pI6", "%pi6",
		"%pks", "%-010d", "%+lld"};
	u32 n = rnd(6);

	memset(fmt, 0, FMT);
	while (n--)
		strcat(fmt, piece[rnd(countof(piece))]);
	if (!rnd(20))
		memset(fmt, 'x', FMT); /* no end */
}

/* The text that the kernel printed last, or NULL. */
static const char *kernel_text(int pipe)
{
	static char buf[4096];
	ssize_t n = read(pipe, buf, sizeof(buf) - 1);
	char *at;

	if (n <= 0)
		return NULL;
	buf[n] = '\0';
	at = strstr(buf, "bpf_trace_printk: ");
	if (!at)
		return NULL;
	at += strlen("bpf_trace_printk: ");
	n = (ssize_t)strlen(at);
	if (n && at[n - 1] == '\n')
		at[n - 1] = '\0';
	return at;
}

#define TRACING "/sys/kernel/tracing"

/* A trace buffer of our own, for this thread's lines only: others may trace
 * at the same time. */
static char instance[64];

static int write_to(const char *file, const char *text)
{
	char path[160];
	int fd, ok;

	snprintf(path, sizeof(path), "%s/%s", instance, file);
	fd = open(path, O_WRONLY);
	if (fd < 0)
		return -1;
	ok = write(fd, text, strlen(text)) == (ssize_t)strlen(text);
	close(fd);
	return ok ? 0 : -1;
}

static int open_trace(void)
{
	char path[160], pid[16];
	int fd = -1;

	snprintf(instance, sizeof(instance), TRACING "/instances/kiln-%d",
		(int)getpid());
	snprintf(path, sizeof(path), "%s/trace_pipe", instance);
	snprintf(pid, sizeof(pid), "%d", (int)getpid());
	if (access(TRACING "/instances", W_OK))
		mount("none", TRACING, "tracefs", 0, NULL);
	if (!mkdir(instance, 0700) && !write_to("set_event_pid", pid) &&
		!write_to("events/bpf_trace/bpf_trace_printk/enable", "1"))
		fd = open(path, O_RDONLY | O_NONBLOCK);
	if (fd < 0)
		printf("texts are not compared: no %s\n", path);
	return fd;
}

static void close_trace(int pipe)
{
	write_to("events/bpf_trace/bpf_trace_printk/enable", "0");
	if (pipe >= 0)
		close(pipe);
	rmdir(instance);
}

/* Prints an address, which is another one there, or hashed. */
static bool has_address(const struct printk_ask *a)
{
	static const char *const no[] = {
		"pI4", "pi4", "pI6", "pi6", "pks", "pus", "s"};
	const char *p = a->fmt, *k;
	size_t i;

	while ((p = strchr(p, '%'))) {
		p += 1 + strspn(p + 1, "0123456789+- ");
		for (i = 0; i < countof(no); i++)
			if (!strncmp(p, no[i], strlen(no[i])))
				break;
		k = *p ? strchr("%", *p) : NULL;
		if (i == countof(no) && !k && (a->use_mem || *p == 'p'))
			return true;
		p += *p == '%';
	}
	return false;
}

static void one_printk(int prog, int pipe)
{
	struct printk_ask a = {.ret = 0}, b;
	const char *text;

	random_format(a.fmt);
	a.use_mem = strpbrk(a.fmt, "sI") || strstr(a.fmt, "pi");
	for (int k = 0; k < 16; k++)
		a.mem[k] = (u8)(rnd(3) ? rnd(256) : 0);
	if (strchr(a.fmt, 's'))
		for (int k = 0; k < 16; k++)
			a.mem[k] = k < 15 ? (u8)('a' + rnd(9)) : 0;
	for (int k = 0; k < 3; k++)
		a.arg[k] = a.use_mem
				   ? (uintptr_t)a.mem
				   : (u64)rnd(UINT32_MAX) << rnd(40) >> rnd(30);
	b = a;
	printed[0] = '\0';
	a.ret = kiln_helper_trace_printk(
		(uintptr_t)a.fmt, FMT, a.arg[0], a.arg[1], a.arg[2]);
	assert_int_equal(kernel_run(prog, &b, sizeof(b), 1, NULL), 2);
	if (a.use_mem && has_address(&a)) {
		assert_int_equal((i64)a.ret < 0, (i64)b.ret < 0);
		while (pipe >= 0 && kernel_text(pipe))
			;
		return;
	}
	if (a.ret != b.ret)
		fail_msg("\"%.48s\": ours %lld, the kernel's %lld", a.fmt,
			(long long)a.ret, (long long)b.ret);
	text = pipe >= 0 && (i64)b.ret >= 0 ? kernel_text(pipe) : NULL;
	/* only where text and result agree: %c may be a NUL. Numbers that
	 * are addresses differ */
	if (!text || strlen(text) != b.ret || has_address(&a))
		return;
	n_texts++;
	if (strcmp(text, printed))
		fail_msg("\"%s\": ours \"%s\", the kernel's \"%s\"", a.fmt,
			printed, text);
}

static void t_trace_printk(void **state)
{
	int prog = printk_prog(), pipe = open_trace();

	(void)state;
	assert_true(prog >= 0);
	kiln_set_log(keep, NULL);
	while (pipe >= 0 && kernel_text(pipe))
		;
	for (int i = 0; i < 20000; i++)
		one_printk(prog, pipe);
	kiln_set_log(NULL, NULL);
	close_trace(pipe);
	assert_true(pipe < 0 || n_texts > 1000);
	close(prog);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(t_csum_diff),
		cmocka_unit_test(t_strtol),
		cmocka_unit_test(t_trace_printk),
	};

	if (!kernel_is_there())
		return SKIPPED;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
