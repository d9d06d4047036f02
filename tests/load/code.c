/* Symbols, placement, protection and the end of loaded code. */
#define _GNU_SOURCE
#include <elf.h>
#include <execinfo.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "host.h"

extern bool mem_far; /* runtime/object.h */

static const char *file;
static char last[512]; /* line of the log */

static void on_log(void *ctx, enum kiln_log_level level, const char *line)
{
	(void)ctx, (void)level;
	snprintf(last, sizeof(last), "%s", line);
}

/* ---- what the application gives ---------------------------------------------- */

__attribute__((visibility("default"))) uint64_t app_inside(uint64_t arg);
uint64_t app_inside(uint64_t arg)
{
	return arg;
}

static uint64_t twice(uint64_t arg)
{
	return 2 * arg;
}

static uint64_t no_time(void)
{
	return 0;
}

static struct kiln_object *with(const struct kiln_symbol *symbols)
{
	const struct kiln_open_opts opts = {
		.sz = sizeof(opts), .symbols = symbols};

	return opened(file, &opts);
}

/* ---- symbols -------------------------------------------------------------------- */

static void symbols_come_from_three_places(void)
{
	static const struct kiln_symbol table[] = {{"app_inside", twice},
		{"app_optional", twice},
		{"kiln_helper_map_update_elem", no_time}, {NULL, NULL}};
	struct kiln_object *o = loaded(file, NULL);

	CHECK(run(o, "call_app", 20) == 21);	  /* exported */
	CHECK(run(o, "call_optional", 20) == 77); /* weak, nobody's */
	CHECK(run(o, "remember", 1) == 0 &&
		run(o, "remember", 1) == (uint64_t)-EEXIST);
	kiln_object_close(o);
	o = with(table); /* before all others */
	CHECK(!kiln_object_load(o));
	CHECK(run(o, "call_app", 20) == 41);
	CHECK(run(o, "call_optional", 20) == 40);
	CHECK(run(o, "remember", 1) == 0 && run(o, "remember", 1) == 0);
	CHECK(kiln_object_load(o) == -EBUSY);
	kiln_object_close(o);
}

/* The file with other bytes for n bytes wherever they are, from memory. */
static struct kiln_object *changed(const char *from, const char *to, size_t n)
{
	static char bytes[1 << 20];
	FILE *f = fopen(file, "rb");
	size_t size = f ? fread(bytes, 1, sizeof(bytes), f) : 0;

	CHECK(f && !fclose(f) && memmem(bytes, size, from, n));
	for (char *at = bytes;
		(at = memmem(at, size - (size_t)(at - bytes), from, n));
		at += n)
		memcpy(at, to, n);
	return kiln_object_open_mem(bytes, size, NULL);
}

static void what_is_unresolved_is_named(void)
{
	struct kiln_object *o = changed("app_inside", "app_nobody", 11);

	CHECK(o && kiln_object_load(o) == -ENOENT);
	CHECK(strstr(last, "symbol app_nobody is not defined"));
	kiln_object_close(o);
}

/* The same program, compiled for the target that does not run here. */
static void the_other_machine_is_refused(const char *other)
{
#if defined(__x86_64__)
	const char wanted[] = "machine 183, this process runs on 62";
#else
	const char wanted[] = "machine 62, this process runs on 183";
#endif

	CHECK(!kiln_object_open_file(other, NULL) && errno == ENOEXEC);
	CHECK(strstr(last, other) && strstr(last, wanted));
}

static void other_abis_are_refused(void)
{
	const char all[] = "kiln\0\0\0\0\1\0\0";
	const char abi[] = "kiln\0\0\0\0\2\0\0";

	CHECK(!changed(all, abi, 12) && errno == ENOEXEC);
	CHECK(strstr(last, "ABI 2, this runtime has 1"));
	CHECK(!changed("\177ELF\2\1\1", "\177ELF\1\1\1", 7));
	CHECK(strstr(last, "not a 64-bit little-endian ELF file"));
	struct kiln_object *o =
		changed("kiln_abi_1", "kiln_abi_7", sizeof("kiln_abi_1"));
	CHECK(o && kiln_object_load(o) == -ENOEXEC);
	CHECK(strstr(last, "wants kiln_abi_7, this runtime has kiln_abi_1"));
	kiln_object_close(o);
}

/* ---- placement --------------------------------------------------------------------- */

static void far_code_reaches_the_runtime(void)
{
	mem_far = true;
	struct kiln_object *o = loaded(file, NULL);
	mem_far = false;
	struct kiln_program *p = kiln_object_find_program(o, "call_app");
	uint64_t d = (uint64_t)kiln_program_entry(p) - (uint64_t)&run;

	CHECK(d + (1ull << 33) > 1ull << 34);
	CHECK(run(o, "call_app", 20) == 21 && run(o, "remember", 5) == 0);
	CHECK(run(o, "call_optional", 1) == 77 && run(o, "count", 1) == 0);
	CHECK(run(o, "add_percpu", 1) == 1);
	kiln_object_close(o);
}

/* ---- W^X ------------------------------------------------------------------------------ */

static bool is_writable_and_executable(void)
{
	FILE *f = fopen("/proc/self/maps", "re");
	char line[512];
	bool found = false;

	CHECK(f);
	while (fgets(line, sizeof(line), f)) {
		char *mode = strchr(line, ' ');

		found |= mode && mode[2] == 'w' && mode[3] == 'x';
	}
	fclose(f);
	return found;
}

static atomic_bool stop, seen;

static void *watch(void *arg)
{
	while (!stop)
		if (is_writable_and_executable())
			seen = true;
	return arg;
}

static void no_mapping_is_writable_and_executable(void)
{
	pthread_t t;

	CHECK(!is_writable_and_executable());
	CHECK(!pthread_create(&t, NULL, watch, NULL));
	for (int i = 0; i < 50; i++) {
		struct kiln_object *o = loaded(file, NULL);

		run(o, "count", 1);
		kiln_object_close(o);
	}
	stop = true;
	CHECK(!pthread_join(t, NULL) && !seen);
	struct kiln_object *o = loaded(file, NULL);
	struct kiln_program *p = kiln_object_find_program(o, "count");
	uint64_t page = (uint64_t)kiln_program_entry(p) & ~0xfffull;
	CHECK(mprotect((void *)page, 1, PROT_READ | PROT_WRITE | PROT_EXEC));
	CHECK(!is_writable_and_executable());
	kiln_object_close(o);
}

/* memfd_create gives -EPERM from now on. */
static bool deny_memfd(void)
{
	struct sock_filter code[] = {BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_memfd_create, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)};
	struct sock_fprog prog = {4, code};

	return !prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) &&
	       !prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog);
}

static int load_without_memfd(void)
{
	struct kiln_object *o = opened(file, NULL);

	if (!deny_memfd())
		return 77; /* qemu-user */
	CHECK(kiln_object_load(o) == -EPERM);
	CHECK(strstr(last, "this system denies executable memory"));
	kiln_object_close(o);
	return 0;
}

/* ---- the end ----------------------------------------------------------------------- */

static sem_t inside, leave;
static atomic_bool left;

static uint64_t sit(uint64_t arg)
{
	sem_post(&inside);
	sem_wait(&leave);
	left = true;
	return arg;
}

static void *run_it(void *o)
{
	CHECK(run(o, "call_app", 7) == 8);
	return NULL;
}

static void *let_it_go(void *arg)
{
	usleep(50000);
	sem_post(&leave);
	return arg;
}

static void close_waits_for_who_is_inside(void)
{
	static const struct kiln_symbol table[] = {
		{"app_inside", sit}, {NULL, NULL}};
	struct kiln_object *o = with(table);
	pthread_t a, b;

	CHECK(!kiln_object_load(o));
	sem_init(&inside, 0, 0), sem_init(&leave, 0, 0);
	CHECK(!pthread_create(&a, NULL, run_it, o) && !sem_wait(&inside));
	CHECK(!pthread_create(&b, NULL, let_it_go, NULL));
	kiln_object_close(o);
	CHECK(left);
	CHECK(!pthread_join(a, NULL) && !pthread_join(b, NULL));
}

static struct kiln_object *own;

static uint64_t close_own(uint64_t arg)
{
	kiln_object_close(own);
	return arg;
}

static void code_stays_if_a_program_closes_its_object(void)
{
	static const struct kiln_symbol table[] = {
		{"app_inside", close_own}, {NULL, NULL}};

	own = with(table);
	CHECK(!kiln_object_load(own) && run(own, "call_app", 7) == 8);
	CHECK(strstr(last, "its code stays"));
}

/* ---- what others see ------------------------------------------------------------- */

static int depth;

static uint64_t look(uint64_t arg)
{
	void *pc[32];
	int n = backtrace(pc, 32);

	depth = 0;
	for (int i = 0; i < n; i++)
		if ((uint64_t)pc[i] - (uint64_t)__builtin_return_address(0) < 1)
			depth = n - i;
	return arg;
}

static void backtraces_go_through_it(void)
{
	static const struct kiln_symbol table[] = {
		{"app_inside", look}, {NULL, NULL}};
	struct kiln_object *o = with(table);

	CHECK(!kiln_object_load(o) && run(o, "call_app", 7) == 8);
	/* inner, call_app, kiln_program_run, run or main, and libc's */
	CHECK(depth >= 4);
	kiln_object_close(o);
}

static void perf_gets_names(void)
{
	const struct kiln_open_opts opts = {
		.sz = sizeof(opts), .flags = KILN_OPEN_PERF_MAP};
	struct kiln_object *o = loaded(file, &opts);
	char name[64], line[256], want[64];
	bool found = false;

	snprintf(name, sizeof(name), "/tmp/perf-%d.map", (int)getpid());
	snprintf(want, sizeof(want), "%llx ",
		(unsigned long long)(uint64_t)kiln_program_entry(
			kiln_object_find_program(o, "count")));
	FILE *f = fopen(name, "re");
	CHECK(f);
	while (fgets(line, sizeof(line), f))
		found |= !strncmp(line, want, strlen(want)) &&
			 strstr(line, " count\n");
	fclose(f);
	unlink(name);
	CHECK(found);
	kiln_object_close(o);
}

/* ---- fork -------------------------------------------------------------------------- */

static int in_child(struct kiln_object *o)
{
	struct kiln_object *mine;

	CHECK(run(o, "count", 3) == 5); /* the copy that the fork made */
	mine = loaded(file, NULL);
	CHECK(run(mine, "count", 3) == 0);
	kiln_object_close(mine);
	kiln_object_close(o);
	return 0;
}

static int child(int (*fn)(struct kiln_object *), struct kiln_object *o)
{
	int status;
	pid_t pid = fork();

	if (!pid)
		_exit(fn(o));
	CHECK(pid > 0 && waitpid(pid, &status, 0) == pid && WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void a_child_has_its_own(void)
{
	struct kiln_object *o = loaded(file, NULL);

	CHECK(run(o, "count", 3) == 0 && !child(in_child, o));
	CHECK(run(o, "count", 3) == 5);
	kiln_object_close(o);
}

static int denied(struct kiln_object *none)
{
	(void)none;
	return load_without_memfd();
}

int main(int argc, char **argv)
{
	CHECK(argc == 3);
	file = argv[1];
	kiln_set_log(on_log, NULL);
	symbols_come_from_three_places();
	what_is_unresolved_is_named();
	the_other_machine_is_refused(argv[2]);
	other_abis_are_refused();
	far_code_reaches_the_runtime();
	no_mapping_is_writable_and_executable();
	int err = child(denied, NULL);
	CHECK(!err || err == 77);
	close_waits_for_who_is_inside();
	code_stays_if_a_program_closes_its_object();
	backtraces_go_through_it();
	perf_gets_names();
	a_child_has_its_own();
	return 0;
}
