/*
 * Threads that open, load, run, fault, share maps, fork and close, all at once,
 * for some seconds: under ASan and TSan nothing may be found, every program
 * must give what its instance's knob says, and every fault is counted once.
 *
 *   usage: stress OBJECT SECONDS [nofork]
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "host.h"

/* The allocators of ASan and TSan are not made for fork in a process with
 * threads: their locks are copied shut. Children load in plain builds. */
#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define CHILD_MAY_ALLOCATE 0
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define CHILD_MAY_ALLOCATE 0
#endif
#ifndef CHILD_MAY_ALLOCATE
#define CHILD_MAY_ALLOCATE 1
#endif

enum { THREADS = 8 };

__attribute__((visibility("default"))) uint64_t app_inside(uint64_t arg);
uint64_t app_inside(uint64_t arg)
{
	return arg;
}

static const char *file;
static bool forks;
static double seconds;
static struct kiln_object *common; /* its map is in all others */
static atomic_ulong rounds;

/* NULL, a page that nothing is mapped at, by whichever thread, one without
 * access, and the second of a file of one (SIGBUS) */
enum { NULL_PAGE, NO_PAGE, CLOSED_PAGE, END_PAGE, PAGES };
static void *gone[PAGES];
enum { FAULTS = 3 * PAGES }; /* of follow_all() */

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void make_pages(void)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	int fd = memfd_create("short", MFD_CLOEXEC);
	char *p;

	CHECK(fd >= 0 && !ftruncate(fd, (off_t)page));
	p = mmap(NULL, 2 * page, PROT_READ, MAP_SHARED, fd, 0);
	CHECK(p != MAP_FAILED && !close(fd));
	gone[END_PAGE] = p + page;
	p = mmap(NULL, page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(p != MAP_FAILED);
	gone[CLOSED_PAGE] = p;
	/* below what mmap gives, above what it may not */
	gone[NO_PAGE] = (void *)(UINT64_C(1) << 20);
}

/* Nodes that are not there, and one that is. */
static void follow_all(struct kiln_object *o)
{
	struct {
		uint64_t value;
		void *next;
	} node = {.value = 4, .next = &node};

	for (int k = 0; k < PAGES; k++) {
		CHECK(run(o, "follow", (uintptr_t)gone[k]) == 7);
		CHECK(run(o, "follow", (uintptr_t)&node) == 5 * 4 + 4 + 7);
	}
}

static uint64_t faults_of(struct kiln_object *o)
{
	uint64_t n = kiln_program_faults(kiln_object_find_program(o, "follow"));

	CHECK(n == kiln_object_faults(o));
	return n;
}

static void in_child(struct kiln_object *o, uint32_t key)
{
	struct kiln_object *mine;

	alarm(20); /* a lock that nobody opens */
	CHECK(run(o, "call_app", key) >= key);
	follow_all(o);
	CHECK(faults_of(o) == 2 * FAULTS); /* the copy that the fork made */
	if (!CHILD_MAY_ALLOCATE)
		_exit(0);
	mine = loaded(file, NULL);
	CHECK(run(mine, "count", 1) == 0 && run(mine, "count", 1) == 5);
	follow_all(mine);
	CHECK(faults_of(mine) == FAULTS);
	kiln_object_close(mine);
	_exit(0);
}

static void fork_one(struct kiln_object *o, uint32_t key)
{
	int status;
	pid_t pid = fork();

	if (!pid)
		in_child(o, key);
	CHECK(pid > 0 && waitpid(pid, &status, 0) == pid);
	CHECK(WIFEXITED(status) && !WEXITSTATUS(status));
}

static void round_of(uint32_t thread, uint32_t n)
{
	struct kiln_object *o = opened(file, NULL);
	int knob = (int)(thread * 1000 + n % 1000 + 1);
	bool shares = n % 3 == 0;

	CHECK(!kiln_object_set_global(o, "knob", &knob, sizeof(knob)));
	if (shares)
		CHECK(!kiln_map_reuse(map(o, "seen"), map(common, "seen")));
	else
		CHECK(!kiln_map_set_max_entries(map(o, "counts"), 50 + n % 50));
	CHECK(!kiln_object_load(o));
	CHECK(run(o, "count", 3) == 0);
	CHECK(run(o, "count", 3) == (uint64_t)knob);
	run(o, "remember", n % 1000);
	run(common, "count", thread % 4);
	CHECK(run(o, "call_app", 7) == 7 + 1 + 2);
	follow_all(o);
	follow_all(common);
	CHECK(faults_of(o) == FAULTS);
	if (forks && n % 16 == thread)
		fork_one(o, thread);
	kiln_object_close(o);
}

static void *work(void *arg)
{
	uint32_t thread = (uint32_t)(uintptr_t)arg;
	double end = now() + seconds;

	for (uint32_t n = 0; now() < end; n++) {
		round_of(thread, n);
		rounds++;
	}
	return NULL;
}

int main(int argc, char **argv)
{
	pthread_t t[THREADS];

	CHECK(argc >= 3);
	file = argv[1];
	seconds = atof(argv[2]);
	forks = argc < 4;
	make_pages();
	common = loaded(file, NULL);
	for (uintptr_t i = 0; i < THREADS; i++)
		CHECK(!pthread_create(&t[i], NULL, work, (void *)i));
	for (int i = 0; i < THREADS; i++)
		CHECK(!pthread_join(t[i], NULL));
	CHECK(faults_of(common) == rounds * FAULTS);
	kiln_object_close(common);
	printf("%lu rounds\n", (unsigned long)rounds);
	return rounds ? 0 : 1;
}
