#include "host.h"

#include <string.h>
#include <time.h>

enum { ABS = 1, MONOTONIC = 1, LONG = 1000000000 };

struct value {
	uint64_t runs;
	uint64_t t[2], second[2];
	uint32_t again, erase;
};

static volatile uint64_t *n_ran, *a_key, *a_self, *n_second;
static volatile uint32_t *a_kind;
static const char *kind;

static void *global(const char *name);

static int64_t ask(const char *prog, uint32_t a, uint32_t b)
{
	uint32_t ctx[2] = {a, b};

	return (int64_t)run(prog, ctx);
}

static int64_t start(uint64_t key, uint64_t ns, uint64_t flags)
{
	uint64_t ctx[3] = {key, ns, flags};

	return (int64_t)run("start", ctx);
}

static void set(uint32_t key, struct value v)
{
	CHECK(!kiln_map_update(map(kind), &key, &v, 0));
}

static uint64_t runs_of(uint32_t key)
{
	struct value v;

	CHECK(!kiln_map_lookup(map(kind), &key, &v));
	CHECK(!v.t[0] && !v.t[1]); /* the host sees no timer */
	return v.runs;
}

static void nap(uint64_t ms)
{
	nanosleep(&(struct timespec){0, (long)ms * 1000000}, NULL);
}

/* Within 4 s. */
static void wait_for(volatile uint64_t *what, uint64_t number)
{
	for (int i = 0; i < 4000 && *what < number; i++)
		nap(1);
	CHECK(*what == number);
}

static void refused(void)
{
	CHECK(start(1, 0, 0) == -EINVAL && ask("cancel", 1, 0) == -EINVAL);
	CHECK(ask("callback", 1, 0) == -EINVAL);
	CHECK(ask("init", 1, 2) == -EINVAL && ask("init", 1, 16) == -EINVAL);
	CHECK(ask("init", 1, MONOTONIC) == 0);
	CHECK(start(1, 0, 0) == -EINVAL);
	CHECK(ask("init", 1, MONOTONIC) == -EBUSY);
	CHECK(ask("callback", 1, 0) == 0);
	CHECK(start(1, 0, 4) == -EINVAL);
	CHECK(ask("cancel", 1, 0) == 0);
	CHECK(start(1, 0, 0) == -EINVAL); /* cancel took the callback, too */
}

static void arm(uint32_t key, uint64_t ns)
{
	int64_t err = ask("init", key, MONOTONIC);

	CHECK(err == 0 || err == -EBUSY);
	CHECK(ask("callback", key, 0) == 0 && start(key, ns, 0) == 0);
}

static void runs(void)
{
	uint64_t before = *n_ran, now;

	set(2, (struct value){.again = 3});
	arm(2, 0);
	wait_for(n_ran, before + 4);
	CHECK(runs_of(2) == 4 && *a_key == 2);
	CHECK((int64_t)*a_self == -EDEADLK);
	/* in order of time, absolute and relative */
	now = run("now", NULL);
	CHECK(start(2, now + 5000000, ABS) == 0);
	CHECK(*n_ran == before + 4);
	wait_for(n_ran, before + 5);
	CHECK(run("now", NULL) >= now + 5000000);
	CHECK(start(2, 0, ABS) == 0); /* is over: now */
	wait_for(n_ran, before + 6);
	/* started and cancelled */
	CHECK(start(2, LONG * 3600ull, 0) == 0);
	CHECK(ask("cancel", 2, 0) == 1 && ask("cancel", 2, 0) == 0);
}

/* Of an element that was replaced or deleted no callback begins. */
static void ends(void)
{
	uint64_t before = *n_ran;
	uint32_t key = 3;

	set(3, (struct value){0});
	arm(3, 20000000);
	set(3, (struct value){0});
	CHECK(start(3, 0, 0) == -EINVAL); /* none in the new value */
	nap(40);
	CHECK(*n_ran == before);
	if (kind[0] == 'a')
		return;
	arm(3, 20000000);
	CHECK(!kiln_map_delete(map(kind), &key));
	set(3, (struct value){0});
	CHECK(ask("init", 3, MONOTONIC) == 0);
	nap(40);
	CHECK(*n_ran == before);
	/* by itself */
	set(3, (struct value){.erase = 1});
	arm(3, 0);
	wait_for(n_ran, before + 1);
	CHECK(kiln_map_lookup(map(kind), &key, &(struct value){0}) == -ENOENT);
}

/* Many lives do not use the pool up. */
static void lives(void)
{
	for (int i = 0; i < 70000; i++) {
		uint32_t ctx[2] = {1, MONOTONIC};

		set(1, (struct value){0});
		CHECK(run("init", ctx) == 0);
	}
}

int main(int argc, char **argv)
{
	static const char *const kinds[] = {"array", "hash", "lru"};

	host_init(argc, argv);
	n_ran = global("ran");
	a_key = global("last_key");
	a_self = global("self_cancel");
	n_second = global("second_ran");
	a_kind = global("which");
	for (uint32_t k = 0; k < 3; k++) {
		kind = kinds[k];
		*a_kind = k;
		set(1, (struct value){0});
		refused();
		runs();
		ends();
	}
	CHECK(ask("second", 2, 0) == 0);
	wait_for(n_second, 1);
	lives();
	/* closing with timers that are started */
	arm(2, 1000000);
	if (argc > 1) {
		kiln_object_close(obj);
		nap(5);
	}
	return 0;
}

/* Globals are symbols of a linked object. */
static void *global(const char *name)
{
	extern uint64_t t_ran __asm__("ran") __attribute__((weak));
	extern uint64_t t_last __asm__("last_key") __attribute__((weak));
	extern uint64_t t_self __asm__("self_cancel") __attribute__((weak));
	extern uint64_t t_second __asm__("second_ran") __attribute__((weak));
	extern uint32_t t_which __asm__("which") __attribute__((weak));
	static const struct {
		const char *name;
		void *at;
	} linked[] = {{"ran", &t_ran}, {"last_key", &t_last},
		{"self_cancel", &t_self}, {"second_ran", &t_second},
		{"which", &t_which}};

	for (int i = 0; i < 5; i++)
		if (!strcmp(linked[i].name, name) && linked[i].at)
			return linked[i].at;
	return kiln_object_find_global(obj, name, NULL);
}
