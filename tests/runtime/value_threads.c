/*
 * Threads on one value with a struct bpf_spin_lock: with BPF_F_LOCK what the host
 * writes and reads is whole, and so is what a program sees under the lock.
 *
 *   usage: value_threads SECONDS
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "kiln/runtime.h"
#include "runtime/rt.h"

enum { WORDS = 30, LOCK = 4 };

struct value {
	u32 lock, reserved;
	u64 word[WORDS]; /* all the same */
};

static const struct kiln_map_field field = {0, 4, KILN_FIELD_LOCK};
static struct value value;
static struct kiln_map map = {.type = 2,
	.key_size = 4,
	.value_size = sizeof(struct value),
	.max_entries = 1,
	.max_cpus = 1,
	.values_size = sizeof(value),
	.nfields = 1};
static _Atomic bool stop;

static void check(const struct value *v, const char *who)
{
	for (int i = 1; i < WORDS; i++)
		if (v->word[i] != v->word[0]) {
			printf("violated: %s sees half of a value\n", who);
			fflush(stdout);
			_exit(1);
		}
}

static void *host(void *arg)
{
	struct value v = {0};
	u32 key = 0;

	for (u64 n = (uintptr_t)arg; !stop; n += 2) {
		for (int i = 0; i < WORDS; i++)
			v.word[i] = n;
		if (kiln_map_update(&map, &key, &v, LOCK) ||
			kiln_map_lookup_flags(&map, &key, &v, LOCK))
			abort();
		check(&v, "the host");
	}
	return NULL;
}

static void *program(void *arg)
{
	(void)arg;
	while (!stop) {
		kiln_helper_spin_lock((uintptr_t)&value.lock, 0, 0, 0, 0);
		check(&value, "a program");
		for (int i = 0; i < WORDS; i++)
			value.word[i]++;
		kiln_helper_spin_unlock((uintptr_t)&value.lock, 0, 0, 0, 0);
	}
	return NULL;
}

int main(int argc, char **argv)
{
	pthread_t t[3];

	map.ops = (uintptr_t)&kiln_map_ops_array;
	map.values = (uintptr_t)&value;
	map.fields = (uintptr_t)&field;
	pthread_create(&t[0], NULL, host, (void *)1);
	pthread_create(&t[1], NULL, host, (void *)2);
	pthread_create(&t[2], NULL, program, NULL);
	sleep((unsigned)(argc > 1 ? atoi(argv[1]) : 1));
	stop = true;
	for (int i = 0; i < 3; i++)
		pthread_join(t[i], NULL);
	puts("values are whole");
	return 0;
}
