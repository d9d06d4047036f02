/*
 * Programs with several contexts (contexts.bpf.c), offered to prog_arrays: those
 * whose context is another one are refused by name.
 *	contexts             linked, by libkiln; with -DCORE by libkiln-core
 *	contexts FILE...     loaded: typed, own1, own2, own3
 */
#include <elf.h>
#include <errno.h>
#include <kiln/runtime.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHECK(x)                                                               \
	do {                                                                   \
		if (!(x)) {                                                    \
			printf("line %d: %s; said: %s\n", __LINE__, #x, said); \
			exit(EXIT_FAILURE);                                    \
		}                                                              \
	} while (0)

static char said[400];

#ifdef CORE
/* ---- libkiln-core and its port ------------------------------------------- */

#include <kiln/port.h>

static const void *self(const int32_t *field)
{
	return (const char *)field + *field;
}

static const void *find_program(const char *name)
{
	for (const struct kiln_prog_row *r = __start_kiln_progs;
		r < __stop_kiln_progs; r++)
		if (!strcmp(self(&r->name), name))
			return r;
	return NULL;
}

static struct kiln_map *find_map(const char *name)
{
	for (const struct kiln_map_row *r = __start_kiln_maps;
		r < __stop_kiln_maps; r++)
		if (!strcmp(self(&r->name), name))
			return (void *)(uintptr_t)self(&r->map);
	return NULL;
}

static void begin(char **file)
{
	(void)file;
}

static void more(void)
{
}

void kiln_port_log(const char *text, size_t n)
{
	snprintf(said, sizeof(said), "%.*s", (int)n, text);
}

uint64_t kiln_port_time_ns(void)
{
	return 1;
}
uint32_t kiln_port_random(void)
{
	return 4;
}
uint32_t kiln_port_cpu(void)
{
	return 0;
}
int kiln_port_lock(uint32_t *word)
{
	return *word ? -EBUSY : !(*word = 1);
}
void kiln_port_unlock(uint32_t *word)
{
	*word = 0;
}
void kiln_port_relax(void)
{
}
void kiln_port_core_sync(void)
{
}
void *kiln_port_pages(size_t size)
{
	return size ? NULL : NULL;
}
uint64_t kiln_port_pid_tgid(void)
{
	return 0;
}
#else
/* ---- libkiln ------------------------------------------------------------- */

enum { OBJECTS = 4, PROG_ARRAY = 3 };

static struct kiln_object *object[OBJECTS];
static char **files;

static const void *find_program(const char *name)
{
	const void *p = NULL;

	for (int k = 0; !p && k < OBJECTS && object[k]; k++)
		p = kiln_object_find_program(object[k], name);
	return p;
}

static struct kiln_map *find_map(const char *name)
{
	struct kiln_map *m = NULL;

	for (int k = 0; !m && k < OBJECTS && object[k]; k++)
		m = kiln_object_find_map(object[k], name);
	return m;
}

static void listen(void *ctx, enum kiln_log_level level, const char *line)
{
	(void)ctx, (void)level;
	snprintf(said, sizeof(said), "%s", line);
}

static void begin(char **file)
{
	files = file;
	kiln_set_log(listen, NULL);
	if (!file[0])
		object[0] = kiln_object_self();
	for (int k = 0; k < OBJECTS && file[k]; k++) {
		object[k] = kiln_object_open_file(file[k], NULL);
		CHECK(object[k] && !kiln_object_load(object[k]));
	}
	CHECK(object[0]);
}

static int update(struct kiln_map *m, uint32_t key, const char *program);

/* A map of the host's: the first program decides, for ever. */
static void check_first(void)
{
	struct kiln_map *m = kiln_map_create(PROG_ARRAY, "m", 4, 4, 4, NULL);
	uint32_t one = 1;

	CHECK(m && !update(m, 1, "connect4") && !update(m, 2, "connect4"));
	CHECK(update(m, 3, "connect6") == -EINVAL);
	CHECK(!strcmp(said, "map m: the context of connect6 is "
			    "cgroup_sock_addr/cgroup_inet6_connect, wanted "
			    "cgroup_sock_addr/cgroup_inet4_connect"));
	CHECK(!kiln_map_delete(m, &one) && !kiln_map_delete(m, &(uint32_t){2}));
	CHECK(update(m, 3, "connect6") == -EINVAL);
	CHECK(strstr(said, "wanted that of programs that had it before"));
	CHECK(!update(m, 3, "connect4"));
	kiln_map_free(m);
}

/* An object that takes a map in place of its own decides, too, and comes too
 * late where another context is in it. */
static void check_shared(void)
{
	struct kiln_map *m = kiln_map_create(PROG_ARRAY, "m", 4, 4, 4, NULL);
	struct kiln_object *o = kiln_object_open_file(files[1], NULL);
	struct kiln_object *late = kiln_object_open_file(files[1], NULL);
	struct kiln_map *of = kiln_object_find_map(o, "conns1");
	struct kiln_map *of_late = kiln_object_find_map(late, "conns1");

	CHECK(m && of && of_late);
	CHECK(kiln_map_reuse(of, find_map("xdps")) == -EINVAL);
	CHECK(!kiln_map_reuse(of, find_map("conns2")));
	CHECK(!kiln_map_reuse(of, m) && !kiln_object_load(o));
	CHECK(update(m, 1, "packet1") == -EINVAL);
	CHECK(update(m, 1, "p_xdp") == -EINVAL && !update(m, 1, "conn2"));
	kiln_object_close(o);
	CHECK(update(m, 1, "p_xdp") == -EINVAL && !update(m, 1, "conn2"));

	struct kiln_map *other =
		kiln_map_create(PROG_ARRAY, "m2", 4, 4, 4, NULL);
	CHECK(!kiln_map_reuse(of_late, other) && !update(other, 1, "p_tc"));
	CHECK(kiln_object_load(late) == -EINVAL);
	CHECK(strstr(said, " is struct conn ") &&
		strstr(said, "wanted sched_cls"));
	kiln_object_close(late);
	kiln_map_free(other);
	kiln_map_free(m);
}

/* An object that says of its programs what its maps do not. */
static void check_damaged(void)
{
	static char bytes[1 << 20];
	FILE *f = fopen(files[0], "rb");
	size_t n = f ? fread(bytes, 1, sizeof(bytes), f) : 0;
	const Elf64_Ehdr *e = (const void *)bytes;
	const Elf64_Shdr *s = (const void *)(bytes + e->e_shoff);

	CHECK(n && n < sizeof(bytes) && !fclose(f));
	for (int k = 0; k < e->e_shnum; k++) {
		const char *name = bytes + s[e->e_shstrndx].sh_offset +
				   s[s[k].sh_info].sh_name;
		Elf64_Rela *r = (void *)(bytes + s[k].sh_offset);

		if (s[k].sh_type != SHT_RELA || strcmp(name, "kiln_progs"))
			continue;
		for (size_t i = 0; i < s[k].sh_size / sizeof(*r); i++)
			if (r[i].r_offset ==
				offsetof(struct kiln_prog_row, context))
				r[i].r_addend++; /* "dp" */
	}
	struct kiln_object *o = kiln_object_open_mem(bytes, n, NULL);
	CHECK(o && kiln_object_load(o) == -EINVAL);
	CHECK(!strcmp(said, "object: map begun: value 1: the context of "
			    "program p_too is dp, wanted xdp"));
	kiln_object_close(o);
}

/* Fewer entries than the source has would lose values and known indices. */
static void check_entries(void)
{
	const struct kiln_map_entries one[] = {{"begun", 1}, {NULL, 0}};
	const struct kiln_open_opts opts = {
		.sz = sizeof(opts), .map_entries = one};
	struct kiln_object *o = kiln_object_open_file(files[0], NULL);
	struct kiln_map *m = kiln_object_find_map(o, "begun");

	CHECK(o && m && kiln_map_set_max_entries(m, 1) == -E2BIG);
	CHECK(!strcmp(said, "map begun: 1 entries, wanted at least the 4 of "
			    "its tail calls and values"));
	CHECK(!kiln_map_set_max_entries(m, 9) && !kiln_object_load(o));
	CHECK(!kiln_map_lookup(m, &(uint32_t){1}, &(void *){NULL}));
	kiln_object_close(o);
	said[0] = 0;
	CHECK(!kiln_object_open_file(files[0], &opts) && errno == E2BIG);
	CHECK(strstr(said, "map begun: 1 entries, wanted"));
}

/* conn1 to conn2, which is in its slot by now. */
static void check_run(void)
{
	struct {
		unsigned from, to;
		void *next;
		char bytes[8];
	} conn = {.from = 1, .to = 40};

	CHECK(kiln_program_run(find_program("conn1"), &conn) == 42);
}

static void more(void)
{
	check_run();
	check_first();
	if (!files[0])
		return;
	check_shared();
	check_damaged();
	check_entries();
}
#endif

/* ---- both ---------------------------------------------------------------- */

static int update(struct kiln_map *m, uint32_t key, const char *program)
{
	const void *p = find_program(program);

	said[0] = 0;
	CHECK(p);
	return kiln_map_update(m, &key, &p, 0);
}

/* What the map refuses begins so, NULL: it takes the program. */
static const struct {
	const char *map, *program, *is, *wanted;
} offers[] = {
	{"xdps", "p_xdp", NULL, NULL},
	{"xdps", "p_too", NULL, NULL},
	{"xdps", "devmap", "xdp/xdp_devmap", "xdp"},
	{"xdps", "frags", "xdp with fragments", "xdp"},
	{"xdps", "p_tc", "sched_cls", "xdp"},
	{"xdps", "conn1", "struct conn (", "xdp"},
	{"conns1", "conn1", NULL, NULL},
	{"conns1", "conn2", NULL, NULL},
	{"conns1", "conn3", "struct conn (24 bytes, ",
		"struct conn (24 bytes, "},
	{"conns1", "packet1", "struct packet (8 bytes, ", "struct conn ("},
	{"conns1", "plain1", "plain memory", "struct conn ("},
	{"conns1", "p_xdp", "xdp", "struct conn ("},
	{"conns3", "conn3", NULL, NULL},
	{"conns3", "conn2", "struct conn (", "struct conn ("},
};

int main(int argc, char **argv)
{
	(void)argc;
	begin(argv + 1);
	for (size_t k = 0; k < sizeof(offers) / sizeof(offers[0]); k++) {
		struct kiln_map *m = find_map(offers[k].map);
		int err = m ? update(m, 1, offers[k].program) : -ENOENT;
		char is[200], wanted[200];

		snprintf(is, sizeof(is), "map %s: the context of %s is %s",
			offers[k].map, offers[k].program, offers[k].is);
		snprintf(wanted, sizeof(wanted), ", wanted %s",
			offers[k].wanted);
		if (!offers[k].is ? !err
				  : err == -EINVAL &&
					    !strncmp(said, is, strlen(is)) &&
					    strstr(said, wanted))
			continue;
		printf("%s into %s: %d, %s\n", offers[k].program, offers[k].map,
			err, said);
		return EXIT_FAILURE;
	}
	more();
	return EXIT_SUCCESS;
}
