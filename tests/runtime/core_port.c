/*
 * libkiln-core in a place of its own: a port of some forty lines, as firmware
 * would write it, here on threads that play the CPUs. Checks what differs
 * from libkiln: run scopes and grace periods of the core, the registers they
 * keep, static storage only, an embedder's own helper, timers.
 */
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "kiln/map_size.h"
#include "kiln/runtime.h"
#include "runtime/rt.h"
#include "scope_regs.h"

enum { CPUS = 3, POISON = 0x7eadbeef };

#define CHECK(what)                                                      \
	do {                                                             \
		if (!(what)) {                                           \
			printf("core_port.c:%d: %s\n", __LINE__, #what); \
			fflush(stdout);                                  \
			_exit(1);                                        \
		}                                                        \
	} while (0)

/* ---- the port --------------------------------------------------------------- */

static _Thread_local u32 this_cpu;
static char logged[128];

uint64_t kiln_port_time_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (u64)t.tv_sec * 1000000000 + (u64)t.tv_nsec;
}

uint32_t kiln_port_random(void)
{
	return 4; /* firmware without a source of randomness */
}

uint32_t kiln_port_cpu(void)
{
	return this_cpu;
}

int kiln_port_lock(uint32_t *word)
{
	u32 none, me = this_cpu + 1;

	if (load32(word, memory_order_relaxed) == me)
		return -RT_EBUSY;
	do {
		none = 0;
		sched_yield();
	} while (!atomic_compare_exchange_strong(ATOMIC32(word), &none, me));
	return 0;
}

void kiln_port_unlock(uint32_t *word)
{
	store32(word, 0, memory_order_release);
}

void kiln_port_relax(void)
{
	sched_yield();
}

void kiln_port_log(const char *text, size_t n)
{
	snprintf(logged, sizeof(logged), "%.*s", (int)n, text);
}

void *kiln_port_pages(size_t size)
{
	(void)size;
	return NULL;
}

uint64_t kiln_port_pid_tgid(void)
{
	return 0;
}

/* Wins over the archive's, though map_lookup_elem comes from there. */
uint64_t kiln_helper_map_delete_elem(
	uint64_t a1, uint64_t a2, uint64_t a3, uint64_t a4, uint64_t a5)
{
	(void)a1, (void)a2, (void)a3, (void)a4, (void)a5;
	return 4711;
}

/* ---- grace periods ------------------------------------------------------------- */

static _Atomic bool stop;
static volatile u32 image[2];
static volatile u32 *_Atomic current = &image[0];

static void *reader(void *arg)
{
	this_cpu = (u32)(uintptr_t)arg;
	while (!stop) {
		kiln_scope_enter();
		kiln_scope_enter(); /* an interrupt */
		kiln_scope_leave();
		CHECK(*atomic_load_explicit(&current, memory_order_acquire) !=
			POISON);
		kiln_scope_leave();
	}
	return NULL;
}

static void check_grace(void)
{
	u64 end = kiln_port_time_ns() + 1000000000;
	pthread_t t[CPUS - 1];

	for (uintptr_t i = 0; i < CPUS - 1; i++)
		pthread_create(&t[i], NULL, reader, (void *)(i + 1));
	while (kiln_port_time_ns() < end) {
		volatile u32 *old = current;
		volatile u32 *new = old == &image[0] ? &image[1] : &image[0];

		*new = 1;
		atomic_store(&current, new);
		CHECK(!kiln_synchronize());
		*old = POISON;
	}
	stop = true;
	for (int i = 0; i < CPUS - 1; i++)
		pthread_join(t[i], NULL);
	kiln_scope_enter();
	CHECK(kiln_synchronize() == -RT_EDEADLK);
	kiln_scope_leave();
	CHECK(!kiln_synchronize());
}

/* A scope that is never left: another CPU's, and one of those that share. */
static void check_timeout(void)
{
	for (u32 cpu = 1; cpu < 200; cpu += 150) {
		this_cpu = cpu;
		kiln_scope_enter();
		this_cpu = 0;
		CHECK(kiln_synchronize() == -RT_ETIMEDOUT);
		this_cpu = cpu;
		kiln_scope_leave();
		this_cpu = 0;
		CHECK(!kiln_synchronize());
	}
}

/* ---- maps ------------------------------------------------------------------------ */

static u64 storage[512];
static struct kiln_map hash = {.type = KILN_MAP_TYPE_PERCPU_HASH,
	.key_size = 4,
	.value_size = 8,
	.max_entries = 4,
	.max_cpus = CPUS,
	.values = 0,
	.values_size = sizeof(storage),
	.ops = 0};

static void check_maps(void)
{
	u32 key = 3;
	u64 v = 5, all[CPUS];

	hash.ops = (uintptr_t)&kiln_map_ops_percpu_hash;
	CHECK(kiln_map_lookup(&hash, &key, all) == -RT_ENOMEM);
	hash.values = (uintptr_t)storage;
	this_cpu = 2;
	CHECK(!kiln_helper_map_update_elem(
		(uintptr_t)&hash, (uintptr_t)&key, (uintptr_t)&v, 0, 0));
	CHECK(!kiln_map_lookup(&hash, &key, all));
	CHECK(all[0] == 0 && all[1] == 0 && all[2] == 5);
	this_cpu = CPUS; /* a port that lies is not written past the end */
	CHECK(!kiln_helper_map_lookup_elem(
		(uintptr_t)&hash, (uintptr_t)&key, 0, 0, 0));
	this_cpu = 0;
	CHECK(kiln_helper_map_delete_elem(0, 0, 0, 0, 0) == 4711);
}

/* ---- timers: the embedder runs them ------------------------------------------------ */

static const struct kiln_map_field timer_field = {8, 16, KILN_FIELD_TIMER};
static u64 timer_values[3 * 600];
static struct kiln_map timed = {.type = KILN_MAP_TYPE_ARRAY,
	.key_size = 4,
	.value_size = 24,
	.max_entries = 600,
	.max_cpus = CPUS,
	.values_size = sizeof(timer_values),
	.nfields = 1};
static u64 woken, calls, order[4];

void kiln_timers_wake(uint64_t deadline_ns)
{
	woken = deadline_ns;
}

static u64 on_timer(u64 map, u64 key, u64 value, u64 none, u64 none2)
{
	(void)none, (void)none2;
	CHECK(map == (uintptr_t)&timed && rt_in_scope());
	CHECK(value == (uintptr_t)&timer_values[3 * *PTR(u32, key)]);
	order[calls++ % 4] = *PTR(u32, key);
	return 0;
}

static u64 arm(u32 i, u64 ns)
{
	u64 t = (uintptr_t)&timer_values[3 * i + 1];
	u64 err = kiln_helper_timer_init(t, (uintptr_t)&timed, 1, 0, 0);

	if (err)
		return err;
	CHECK(!kiln_helper_timer_set_callback(t, (uintptr_t)on_timer, 0, 0, 0));
	return kiln_helper_timer_start(t, ns, 1, 0, 0);
}

static void check_timers(void)
{
	u32 key = 1;
	u64 value[3] = {0};

	timed.ops = (uintptr_t)&kiln_map_ops_array;
	timed.values = (uintptr_t)timer_values;
	timed.fields = (uintptr_t)&timer_field;
	CHECK(kiln_timers_run(0) == UINT64_MAX);
	CHECK(!arm(0, 300) && woken == 300);
	CHECK(!arm(1, 100) && woken == 100);
	CHECK(!arm(2, 200) && woken == 100);
	CHECK(kiln_timers_run(99) == 100 && calls == 0);
	CHECK(kiln_timers_run(250) == 300 && calls == 2);
	CHECK(order[0] == 1 && order[1] == 2);
	CHECK(kiln_timers_run(300) == UINT64_MAX && calls == 3);
	/* 256 without memory from the port; a replaced value gives back */
	for (u32 i = 3; i < 256; i++)
		CHECK(!arm(i, 1000 + i * 7919 % 256));
	CHECK(arm(256, 1000) == FAILED(ENOMEM));
	CHECK(!kiln_map_update(&timed, &key, value, 0));
	CHECK(!arm(256, 1000) && calls == 3);
	CHECK(kiln_timers_run(2000) == UINT64_MAX && calls == 3 + 254);
}

int main(void)
{
	static const char fmt[] = "%s %d\n";

	CHECK(scope_regs_lost(kiln_scope_enter) == 0);
	CHECK(scope_regs_lost(kiln_scope_leave) == 0);
	check_maps();
	check_timers();
	CHECK(kiln_helper_trace_printk((uintptr_t)fmt, sizeof(fmt),
		      (uintptr_t) "core", 1, 0) == 7);
	CHECK(!strcmp(logged, "core 1"));
	check_grace();
	check_timeout();
	puts("the core works with its port");
	return 0;
}
