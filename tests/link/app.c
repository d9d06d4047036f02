/*
 * Links two.bpf.c's object. KEEP: which of its programs it names, 1 | 2.
 * Runs those, and prints what tables it has. Exits 1 if a row is wrong.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <kiln/context.h>
#include <kiln/runtime.h>

extern uint64_t p1(void *ctx), p2(void *ctx);

#define SELF(row, f) ((const char *)&(row)->f + (row)->f)

static int bad;

static void check(int ok, const char *what)
{
	if (!ok)
		printf("wrong: %s\n", what);
	bad |= !ok;
}

/* In place of the library's: anybody may replace any helper. */
#ifdef OWN_HELPER
#include <execinfo.h>

uint64_t kiln_helper_ktime_get_ns(
	uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e);
uint64_t kiln_helper_ktime_get_ns(
	uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e)
{
	void *frame[8];
	int n = backtrace(frame, 8);

	/* helper, stamp, p2.body, p2, main, ... */
	if (n >= 5)
		backtrace_symbols_fd(frame, 5, 1);
	return 1000;
}
#endif

static void run(void)
{
	static uint8_t packet[60];
	struct kiln_xdp_md ctx = {.ingress_ifindex = 5};

	memset(packet, 0, sizeof(packet));
	ctx.data = packet;
	ctx.data_end = packet + sizeof(packet);
#if KEEP & 1
	check(p1(&ctx) == 63 && p1(&ctx) == 66, "result of p1");
#endif
#if KEEP & 2
	uint64_t first = p2(&ctx);
	check(first != 5 && p2(&ctx) != first, "result of p2");
#endif
	(void)ctx;
}

static void print_tables(void)
{
	const char *last = NULL;

	for (const struct kiln_prog_row *p = __start_kiln_progs;
		p < __stop_kiln_progs; p++) {
		check(SELF(p, entry) > last, "order of kiln_progs");
		last = SELF(p, entry);
		printf("%s ", SELF(p, name));
#if KEEP & 1
		check(strcmp(SELF(p, name), "p1") ||
				SELF(p, entry) == (char *)p1,
			"entry of p1");
#endif
#if KEEP & 2
		check(strcmp(SELF(p, name), "p2") ||
				SELF(p, entry) == (char *)p2,
			"entry of p2");
#endif
	}
	last = NULL;
	for (const struct kiln_map_row *m = __start_kiln_maps;
		m < __stop_kiln_maps; m++) {
		const struct kiln_map *map = (const void *)SELF(m, map);

		check(SELF(m, map) > last, "order of kiln_maps");
		check(map->type == m->type, "definition of a map");
		last = SELF(m, map);
		printf("%s ", SELF(m, name));
	}
	puts("");
}

/* The code at start, of so many bytes, has one load that may fault. */
static void check_fault_in(const char *start, uint32_t size)
{
	int n = 0;

	for (const struct kiln_ex_row *e = __start___ex_table;
		e < __stop___ex_table; e++) {
		const char *insn = SELF(e, insn), *fixup = SELF(e, fixup);

		if (insn < start || insn >= start + size)
			continue;
		n++;
		check(fixup > insn && fixup <= insn + 8, "fixup");
		check(e->type == KILN_EX_ZERO, "type of a fault row");
	}
	check(n == 1, "fault rows of a function");
}

/* p1, p2 and their subprograms have one load each that may fault. */
static void check_faults(void)
{
	const struct kiln_frame_row *f = __start_kiln_frames;
	const char *last = NULL;
	long n = 0;

	for (const struct kiln_ex_row *e = __start___ex_table;
		e < __stop___ex_table; e++, n++) {
		check(SELF(e, insn) > last, "order of __ex_table");
		last = SELF(e, insn);
	}
	for (const struct kiln_prog_row *p = __start_kiln_progs;
		p < __stop_kiln_progs; p++) {
		if (strcmp(SELF(p, name), "p1") && strcmp(SELF(p, name), "p2"))
			continue;
		check_fault_in(SELF(p, entry), p->code);
		n -= 2;
	}
	check(n == 0, "number of fault rows");
	for (last = NULL; f < __stop_kiln_frames; f++, n++) {
		check(SELF(f, func) > last, "order of kiln_frames");
		last = SELF(f, func);
		check_fault_in(SELF(f, func), f->code);
		check(f->prog != 0, "the only program above a subprogram");
	}
	check(2 * n == __stop___ex_table - __start___ex_table,
		"number of rows in kiln_frames");
}

static void use_api(void)
{
	struct kiln_object *o = kiln_object_self();
	uint32_t key = 1;
	uint64_t value = 0;
	struct kiln_map *m = o ? kiln_object_find_map(o, "counts") : NULL;

	check(o != NULL, "kiln_object_self()");
#if KEEP & 1
	check(m && !kiln_map_lookup(m, &key, &value) && value == 6,
		"value of a map");
#endif
	(void)m, (void)key, (void)value;
}

int main(void)
{
	run();
	print_tables();
	check_faults();
	use_api();
	return bad;
}
