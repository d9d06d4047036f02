/* Helpers where the expectation can be written down. */
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "kiln/context.h"
#include "rt_test.h"

static char printed[1024];
static int n_printed;

static void keep(void *ctx, enum kiln_log_level level, const char *line)
{
	(void)ctx;
	assert_int_equal(level, KILN_LOG_INFO);
	snprintf(printed, sizeof(printed), "%s", line);
	n_printed++;
}

static i64 print(const char *fmt, u32 size, u64 a, u64 b, u64 c)
{
	return (i64)kiln_helper_trace_printk((uintptr_t)fmt, size, a, b, c);
}

static void t_printk_prints_as_the_kernel(void **state)
{
	static const u8 ip[16] = {192, 0, 2, 1, 0xab};
	static const struct {
		const char *fmt, *text;
		u64 a, b, c;
	} row[] = {
		{"plain", "plain", 0, 0, 0}, {"line\n", "line", 0, 0, 0},
		{"%d %u %x", "-1 4294967295 ffffffff", -1, -1, -1},
		{"%ld %lu %lx", "-1 18446744073709551615 ffffffffffffffff", -1,
			-1, -1},
		{"%lld|%5d|%-5d|", "7|    8|9    |", 7, 8, 9},
		{"%05d %+d % d", "-0001 +2  3", -1, 2, 3},
		{"%08X %i %%", "0000BEEF 0 %", 0xbeef, 0, 0},
		{"%c%3c%-3c|", "a  bc  |", 'a', 'b', 'c'},
		{"[%s] [%6s] [%-6s]", "[] [    hi] [hi    ]", 0,
			(uintptr_t) "hi", (uintptr_t) "hi"},
		{"%p", "0000000000001234", 0x1234, 0, 0},
		{"%pI4 %pi4", "192.0.2.1 192.000.002.001", (uintptr_t)ip,
			(uintptr_t)ip, 0},
		{"%pI6", "c000:0201:ab00:0000:0000:0000:0000:0000",
			(uintptr_t)ip, 0, 0},
		{"\xc3\xa9", "\xc3\xa9", 0, 0, 0}, /* UTF-8 */
	};

	(void)state;
	kiln_set_log(keep, NULL);
	for (size_t i = 0; i < countof(row); i++) {
		i64 n = print(row[i].fmt, (u32)strlen(row[i].fmt) + 1, row[i].a,
			row[i].b, row[i].c);

		assert_string_equal(printed, row[i].text);
		assert_int_equal(
			n, strlen(row[i].text) + !!strchr(row[i].fmt, '\n'));
	}
	kiln_set_log(NULL, NULL);
}

static void t_printk_refuses_before_it_prints(void **state)
{
	static const char *const bad[] = {"%d%d%d%d", "%z", "%", "%l", "%hd",
		"%pZ", "%sx", "a\x01", "%f", "%n", "%.3d", "%5"};

	(void)state;
	n_printed = 0;
	kiln_set_log(keep, NULL);
	for (size_t i = 0; i < countof(bad); i++)
		assert_int_equal(
			print(bad[i], (u32)strlen(bad[i]) + 1, 0, 0, 0), -22);
	assert_int_equal(print("no end", 6, 0, 0, 0), -22);
	assert_int_equal(print("", 0, 0, 0, 0), -22);
	assert_int_equal(n_printed, 0);
	kiln_set_log(NULL, NULL);
}

static void t_printk_counts_what_does_not_fit(void **state)
{
	(void)state;
	kiln_set_log(keep, NULL);
	assert_int_equal(print("%9000d|", 8, 1, 0, 0), 9001);
	assert_true(strlen(printed) < 1000);
	kiln_set_log(NULL, NULL);
}

static void t_csum_diff_of_rfc1071(void **state)
{
	/* the example of RFC 1071, section 3: sum ddf2 in network order */
	static const u8 data[8] = {
		0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7};
	u64 sum = kiln_helper_csum_diff(0, 0, (uintptr_t)data, 8, 0);

	(void)state;
	assert_int_equal(sum, 0xf2dd);
	/* taking away what was added leaves zero, in one of its two forms */
	sum = kiln_helper_csum_diff((uintptr_t)data, 8, 0, 0, sum);
	assert_true(sum == 0 || sum == 0xffff);
}

static void t_ids_and_time(void **state)
{
	u64 id = kiln_helper_get_current_pid_tgid(0, 0, 0, 0, 0);
	u64 t = kiln_helper_ktime_get_ns(0, 0, 0, 0, 0);
	u64 seen = 0;

	(void)state;
	assert_int_equal(id >> 32, getpid());
	assert_int_equal((u32)id, syscall(SYS_gettid));
	assert_true(kiln_helper_ktime_get_ns(0, 0, 0, 0, 0) >= t);
	for (int i = 0; i < 64; i++)
		seen |= kiln_helper_get_prandom_u32(0, 0, 0, 0, 0);
	assert_int_equal(seen, UINT32_MAX);
}

static i64 compare(const char *a, u32 size, const char *b)
{
	return (i64)kiln_helper_strncmp((uintptr_t)a, size, (uintptr_t)b, 0, 0);
}

static void t_strncmp(void **state)
{
	(void)state;
	assert_int_equal(compare("abc", 4, "abc"), 0);
	assert_int_equal(compare("abc", 3, "abcd"), 0);
	assert_int_equal(compare("abc", 4, "abd"), -1);
	assert_int_equal(compare("\xff", 1, "a"), 1);
	assert_int_equal(compare("", 1, ""), 0);
	assert_int_equal(compare("x", 0, "y"), 0);
}

static void t_task_helpers(void **state)
{
	char name[20];
	u64 t;

	(void)state;
	memset(name, 'x', sizeof(name));
	assert_int_equal(prctl(PR_SET_NAME, "kiln-test"), 0);
	assert_int_equal(
		kiln_helper_get_current_comm((uintptr_t)name, 20, 0, 0, 0), 0);
	assert_memory_equal(name, "kiln-test\0\0\0\0\0\0\0\0\0\0", 20);
	assert_int_equal(
		kiln_helper_get_current_comm((uintptr_t)name, 5, 0, 0, 0), 0);
	assert_string_equal(name, "kiln");
	assert_int_equal(kiln_helper_get_current_uid_gid(0, 0, 0, 0, 0),
		(u64)getgid() << 32 | getuid());
	t = kiln_helper_ktime_get_coarse_ns(0, 0, 0, 0, 0);
	assert_true(t <= kiln_port_time_ns());
	assert_true(kiln_helper_ktime_get_boot_ns(0, 0, 0, 0, 0) >= t);
}

/* ---- arguments in an array ---------------------------------------------------- */

static void t_vprintk_takes_twelve(void **state)
{
	static const char fmt[] = "%d%d%d%d%d%d%d%d%d%d%d%s";
	u64 arg[13] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, (uintptr_t) "end"};

	(void)state;
	kiln_set_log(keep, NULL);
	assert_int_equal(kiln_helper_trace_vprintk((uintptr_t)fmt, sizeof(fmt),
				 (uintptr_t)arg, 96, 0),
		15);
	assert_string_equal(printed, "012345678910end");
	n_printed = 0;
	assert_int_equal((i64)kiln_helper_trace_vprintk((uintptr_t)fmt,
				 sizeof(fmt), (uintptr_t)arg, 88, 0),
		-22);
	assert_int_equal((i64)kiln_helper_trace_vprintk((uintptr_t)fmt,
				 sizeof(fmt), (uintptr_t)arg, 104, 0),
		-22);
	assert_int_equal((i64)kiln_helper_trace_vprintk(
				 (uintptr_t)fmt, sizeof(fmt), 0, 96, 0),
		-22);
	assert_int_equal(n_printed, 0);
	kiln_set_log(NULL, NULL);
}

static i64 print_to(char *buf, u32 size, const char *fmt, u64 v)
{
	return (i64)kiln_helper_snprintf(
		(uintptr_t)buf, size, (uintptr_t)fmt, (uintptr_t)&v, 8);
}

static void t_snprintf_says_what_it_needs(void **state)
{
	char buf[8];

	(void)state;
	memset(buf, 'x', sizeof(buf));
	assert_int_equal(print_to(buf, 8, "%d.", 12), 4);
	assert_memory_equal(buf, "12.\0xxxx", 8);
	assert_int_equal(print_to(buf, 4, "%d", 123456), 7);
	assert_memory_equal(buf, "123\0xxxx", 8);
	assert_int_equal(print_to(buf, 0, "%d", 123456), 7);
	assert_int_equal(print_to(buf, 8, "%d %d", 1), -22);
	assert_int_equal(print_to(buf, UINT32_MAX, "%d", 1), -22);
	assert_memory_equal(buf, "123\0xxxx", 8);
}

/* ---- dynptrs ------------------------------------------------------------------- */

static void t_dynptr_stays_inside(void **state)
{
	u64 d[2] = {1, 1};
	char mem[16] = "0123456789abcde", out[16] = "";

#define D (uintptr_t) d
	(void)state;
	assert_int_equal((i64)kiln_helper_dynptr_from_mem(
				 (uintptr_t)mem, 1 << 24, 0, D, 0),
		-7);
	assert_int_equal(
		(i64)kiln_helper_dynptr_read((uintptr_t)out, 0, D, 0, 0), -22);
	assert_int_equal(
		(i64)kiln_helper_dynptr_from_mem((uintptr_t)mem, 10, 1, D, 0),
		-22);
	assert_int_equal(kiln_helper_dynptr_data(D, 0, 0, 0, 0), 0);
	assert_int_equal(
		kiln_helper_dynptr_from_mem((uintptr_t)mem, 10, 0, D, 0), 0);
	assert_int_equal(
		kiln_helper_dynptr_read((uintptr_t)out, 3, D, 7, 0), 0);
	assert_memory_equal(out, "789", 4);
	assert_int_equal(
		(i64)kiln_helper_dynptr_read((uintptr_t)out, 3, D, 8, 0), -7);
	assert_int_equal((i64)kiln_helper_dynptr_read(
				 (uintptr_t)out, UINT32_MAX, D, 2, 0),
		-7);
	assert_int_equal(
		kiln_helper_dynptr_write(D, 9, (uintptr_t) "X", 1, 0), 0);
	assert_int_equal(
		(i64)kiln_helper_dynptr_write(D, 10, (uintptr_t) "Y", 1, 0),
		-7);
	assert_string_equal(mem, "012345678Xabcde");
	assert_int_equal(
		kiln_helper_dynptr_data(D, 2, 8, 0, 0), (uintptr_t)mem + 2);
	assert_int_equal(kiln_helper_dynptr_data(D, 2, 9, 0, 0), 0);
#undef D
}

/* ---- locks, pointers ------------------------------------------------------------ */

static void t_spin_lock_holds_the_word(void **state)
{
	u32 word = 0;
	u64 kptr = 5;

	(void)state;
	kiln_helper_spin_lock((uintptr_t)&word, 0, 0, 0, 0);
	assert_int_not_equal(word, 0);
	kiln_helper_spin_unlock((uintptr_t)&word, 0, 0, 0, 0);
	assert_int_equal(word, 0);
	assert_int_equal(
		kiln_helper_kptr_xchg((uintptr_t)&kptr, 6, 0, 0, 0), 5);
	assert_int_equal(kptr, 6);
	assert_int_equal(kiln_helper_per_cpu_ptr(7, 0, 0, 0, 0), 7);
	assert_int_equal(kiln_helper_per_cpu_ptr(7, 1, 0, 0, 0), 0);
}

/* ---- packets -------------------------------------------------------------------- */

/* The one's complement sum over a header whose checksum is right is all ones. */
static bool sums_up(const u8 *ip)
{
	u32 sum = 0;

	for (int i = 0; i < 20; i += 2)
		sum += (u32)ip[i] << 8 | ip[i + 1];
	sum = (sum & 0xffff) + (sum >> 16);
	return sum == 0xffff;
}

static void t_ecn_marks_who_takes_part(void **state)
{
	u8 p[14 + 40] = {[14] = 0x45, [23] = 64};
	struct kiln_sk_buff skb = {.protocol = 8};

	(void)state;
	kiln_sk_buff_init(&skb, p, p, p + sizeof(p), p + sizeof(p));
	for (u32 tos = 0; tos < 256; tos++) {
		u32 sum = 0x4500 + 64 + tos;
		u8 *ip = p + 14;

		ip[1] = (u8)tos;
		ip[10] = (u8)(~sum >> 8);
		ip[11] = (u8)~sum;
		assert_true(sums_up(ip));
		assert_int_equal(
			kiln_helper_skb_ecn_set_ce((uintptr_t)&skb, 0, 0, 0, 0),
			(tos & 3) != 0);
		assert_int_equal(ip[1], tos & 3 ? tos | 3 : tos);
		assert_true(sums_up(ip));
	}
	skb.protocol = 0xdd86;
	p[14] = 0x60;
	p[15] = 0x2a;
	assert_int_equal(
		kiln_helper_skb_ecn_set_ce((uintptr_t)&skb, 0, 0, 0, 0), 1);
	assert_int_equal(p[15], 0x3a);
	p[15] = 0x0f;
	assert_int_equal(
		kiln_helper_skb_ecn_set_ce((uintptr_t)&skb, 0, 0, 0, 0), 0);
	skb.data_end = p + 14 + 39;
	p[15] = 0x2a;
	assert_int_equal(
		kiln_helper_skb_ecn_set_ce((uintptr_t)&skb, 0, 0, 0, 0), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(t_printk_prints_as_the_kernel),
		cmocka_unit_test(t_printk_refuses_before_it_prints),
		cmocka_unit_test(t_printk_counts_what_does_not_fit),
		cmocka_unit_test(t_csum_diff_of_rfc1071),
		cmocka_unit_test(t_ids_and_time),
		cmocka_unit_test(t_strncmp),
		cmocka_unit_test(t_task_helpers),
		cmocka_unit_test(t_vprintk_takes_twelve),
		cmocka_unit_test(t_snprintf_says_what_it_needs),
		cmocka_unit_test(t_dynptr_stays_inside),
		cmocka_unit_test(t_spin_lock_holds_the_word),
		cmocka_unit_test(t_ecn_marks_who_takes_part),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
