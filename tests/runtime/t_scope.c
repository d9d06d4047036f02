/* Run scopes, CPU slots, grace periods and locks of the hosted runtime. */
#include <pthread.h>
#include <semaphore.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "rt_test.h"
#include "runtime/host.h"
#include "scope_regs.h"

static void *in_thread(void *(*fn)(void *), void *arg)
{
	pthread_t t;
	void *ret;

	assert_int_equal(pthread_create(&t, NULL, fn, arg), 0);
	assert_int_equal(pthread_join(t, &ret), 0);
	return ret;
}

static void *enter_checked(void *arg)
{
	int *lost = arg;

	/* the slow way of a new thread, then the short way */
	for (int i = 0; i < 3; i++) {
		lost[0] += scope_regs_lost(kiln_scope_enter);
		lost[1] += scope_regs_lost(kiln_scope_leave);
	}
	return NULL;
}

static void t_scope_keeps_registers(void **state)
{
	int lost[2] = {0};

	(void)state;
	in_thread(enter_checked, lost);
	assert_int_equal(lost[0], 0);
	assert_int_equal(lost[1], 0);
}

static void t_scope_nests_in_one_slot(void **state)
{
	u32 cpu;

	(void)state;
	kiln_scope_enter();
	cpu = kiln_port_cpu();
	for (int i = 0; i < 100; i++)
		kiln_scope_enter();
	assert_int_equal(kiln_port_cpu(), cpu);
	for (int i = 0; i < 100; i++)
		kiln_scope_leave();
	assert_int_equal(kiln_synchronize(), -RT_EDEADLK);
	kiln_scope_leave();
	assert_int_equal(kiln_synchronize(), 0);
}

static sem_t inside, leave;

static void *sit_in_scope(void *arg)
{
	kiln_scope_enter();
	*(u32 *)arg = kiln_port_cpu();
	sem_post(&inside);
	sem_wait(&leave);
	kiln_scope_leave();
	return NULL;
}

static void t_scope_slots_of_threads_differ(void **state)
{
	pthread_t t[8];
	u32 cpu[8], seen = 0;

	(void)state;
	for (int i = 0; i < 8; i++) {
		pthread_create(&t[i], NULL, sit_in_scope, &cpu[i]);
		sem_wait(&inside);
		assert_true(cpu[i] < 32);
		assert_false(seen & 1u << cpu[i]);
		seen |= 1u << cpu[i];
	}
	for (int i = 0; i < 8; i++)
		sem_post(&leave);
	for (int i = 0; i < 8; i++)
		pthread_join(t[i], NULL);
}

static char logged[256];

static void keep(void *ctx, enum kiln_log_level level, const char *line)
{
	(void)ctx, (void)level;
	snprintf(logged, sizeof(logged), "%s", line);
}

static void t_synchronize_gives_up_after_a_second(void **state)
{
	pthread_t t;
	u32 cpu;

	(void)state;
	pthread_create(&t, NULL, sit_in_scope, &cpu);
	sem_wait(&inside);
	kiln_set_log(keep, NULL);
	assert_int_equal(kiln_synchronize(), -RT_ETIMEDOUT);
	kiln_set_log(NULL, NULL);
	assert_non_null(strstr(logged, "run scope"));
	sem_post(&leave);
	pthread_join(t, NULL);
	assert_int_equal(kiln_synchronize(), 0);
}

static void *die_in_scope(void *arg)
{
	kiln_scope_enter();
	return arg;
}

static void t_synchronize_does_not_wait_for_the_dead(void **state)
{
	(void)state;
	in_thread(die_in_scope, NULL);
	assert_int_equal(kiln_synchronize(), 0);
}

static void *leak_and_reset(void *arg)
{
	kiln_scope_enter();
	kiln_thread_reset();
	*(int *)arg = kiln_synchronize();
	return NULL;
}

static void t_thread_reset_closes_scopes(void **state)
{
	int err = 1;

	(void)state;
	in_thread(leak_and_reset, &err);
	assert_int_equal(err, 0);
}

static void *just_enter(void *arg)
{
	kiln_scope_enter();
	assert_true(kiln_port_cpu() < 64);
	kiln_scope_leave();
	return arg;
}

static void *my_id(void *arg)
{
	*(u32 *)arg = scope_me()->id;
	return NULL;
}

/* The dead do not keep their records for ever. */
static void t_scope_records_are_used_again(void **state)
{
	u32 id, first = scope_me()->id;

	(void)state;
	for (int i = 0; i < 500; i++) {
		in_thread(just_enter, NULL);
		in_thread(my_id, &id);
		assert_true(id - first < 50 || first - id < 50);
	}
	assert_false(rt_scope_is_gone(scope_me()->id));
	/* an emulated thread is joined before its host's thread has ended */
	for (int i = 0; i < 1000 && !rt_scope_is_gone(id); i++)
		usleep(1000);
	assert_true(rt_scope_is_gone(id));
}

/* qemu-user 7.2 says yes to MADV_WIPEONFORK, and does not wipe. */
static bool forks_wipe(void)
{
	const size_t size = (size_t)sysconf(_SC_PAGESIZE);
	int status = -1;
	char *p = mmap(NULL, size, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	assert_ptr_not_equal(p, MAP_FAILED);
	*p = 1;
	madvise(p, size, MADV_WIPEONFORK);
	pid_t pid = fork();
	if (!pid)
		_exit(*p);
	waitpid(pid, &status, 0);
	munmap(p, size);
	return !status;
}

static int child(struct kiln_map *m)
{
	u32 k = 1;
	u64 v = 5, pid;

	kiln_scope_enter();
	if (prog_update(m, &k, &v, 0))
		return 1;
	kiln_scope_leave();
	pid = kiln_port_pid_tgid();
	if (pid >> 32 != (u64)getpid() || (u32)pid != (u32)getpid())
		return 2;
	if (kiln_synchronize())
		return 3;
	in_thread(just_enter, NULL);
	return kiln_map_lookup(m, &k, &v) || v != 5 ? 4 : 0;
}

static void t_fork_starts_anew(void **state)
{
	struct kiln_map *m = test_map((struct shape){1, 4, 8, 4, 4});
	pthread_t t;
	int status;
	u32 cpu;

	(void)state;
	if (!forks_wipe()) {
		printf("skipped: forks do not wipe memory here\n");
		test_map_free(m);
		skip();
	}
	/* a thread that the child will not have */
	pthread_create(&t, NULL, sit_in_scope, &cpu);
	sem_wait(&inside);
	kiln_scope_enter();
	kiln_scope_leave();
	pid_t pid = fork();

	if (!pid)
		_exit(child(m));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	sem_post(&leave);
	pthread_join(t, NULL);
	test_map_free(m);
}

static void t_lock_detects_reentry(void **state)
{
	u32 word = 0;

	(void)state;
	assert_int_equal(kiln_port_lock(&word), 0);
	assert_int_equal(kiln_port_lock(&word), -RT_EBUSY);
	kiln_port_unlock(&word);
	assert_int_equal(word, 0);
	assert_int_equal(kiln_port_lock(&word), 0);
	kiln_port_unlock(&word);
}

static void *die_with_lock(void *arg)
{
	return kiln_port_lock(arg) ? arg : NULL;
}

static void t_lock_of_the_dead_is_busy(void **state)
{
	u32 word = 0;

	(void)state;
	assert_null(in_thread(die_with_lock, &word));
	assert_int_equal(kiln_port_lock(&word), -RT_EBUSY);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(t_scope_keeps_registers),
		cmocka_unit_test(t_scope_nests_in_one_slot),
		cmocka_unit_test(t_scope_slots_of_threads_differ),
		cmocka_unit_test(t_synchronize_gives_up_after_a_second),
		cmocka_unit_test(t_synchronize_does_not_wait_for_the_dead),
		cmocka_unit_test(t_thread_reset_closes_scopes),
		cmocka_unit_test(t_scope_records_are_used_again),
		cmocka_unit_test(t_fork_starts_anew),
		cmocka_unit_test(t_lock_detects_reentry),
		cmocka_unit_test(t_lock_of_the_dead_is_busy),
	};

	sem_init(&inside, 0, 0);
	sem_init(&leave, 0, 0);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
