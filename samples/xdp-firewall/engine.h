/*
 * What main.c needs of whoever runs the firewall: kiln's native code linked
 * into the program (engine_kiln.c), or the kernel (engine_kernel.c), so that
 * both can be asked the same questions.
 */
#ifndef ENGINE_H
#define ENGINE_H

#include <stddef.h>
#include <stdint.h>

extern const char engine_name[];

int engine_open(const char *bpf_object); /* the kernel's needs the object */
void engine_close(void);
/* Runs the program; *ns: average time of one of `repeat` runs. */
int engine_run(void *packet, size_t size, unsigned repeat, uint32_t *verdict,
	uint32_t *ns);
int engine_update(const char *map, const void *key, const void *value);
int engine_lookup(const char *map, const void *key, void *value);
int engine_next_key(const char *map, const void *key, void *next);
/* Values in one lookup of a per-CPU map. */
unsigned engine_cpus(void);
uint64_t engine_bytes_seen(void);
uint32_t engine_last_drop(void);

#endif
