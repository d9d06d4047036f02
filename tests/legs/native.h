/* Running native objects, here or in a process for another target. */
#ifndef TESTS_LEGS_NATIVE_H
#define TESTS_LEGS_NATIVE_H

#include "leg.h"

/* Loads the object and runs its first program: a raw one on run->mem, or a
 * classifier on run->skb. */
enum leg_status native_run(struct leg_run *run, const void *bytes, size_t size);

/* The same in a process that runs arm64 code; it is started when needed and
 * serves until this process ends. */
enum leg_status remote_run(struct leg_run *run, const void *bytes, size_t size);

#endif
