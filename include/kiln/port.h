/*
 * What libkiln-core asks of the place it runs in. libkiln defines these on a
 * hosted system; firmware defines its own (tests/link/firmware.sh shows one).
 * Besides them the core needs memcpy, memmove, memset and memcmp, and nothing
 * else.
 * Freestanding.
 */
#ifndef KILN_PORT_H
#define KILN_PORT_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

uint64_t kiln_port_time_ns(void); /* monotonic, nanoseconds */
uint32_t kiln_port_random(void);
/* CPU slot of this context, below the --max-cpus of every linked object;
 * stable between kiln_scope_enter and _leave. Called by kiln_scope_enter,
 * which saves the general registers only: it must not use vector registers. */
uint32_t kiln_port_cpu(void);
/* Mutual exclusion on one word that is 0 when free; interrupt-safe. lock
 * returns -EBUSY (-16) if this context, or one that it interrupted, holds the
 * word, or holds another one and could wait for ever; else 0. */
int kiln_port_lock(uint32_t *word);
void kiln_port_unlock(uint32_t *word);
void kiln_port_relax(void);
/* Every core executes a context-synchronising instruction before it returns. */
void kiln_port_core_sync(void);
/* Writes n bytes of code at dst (its executable address). 0 or -errno. */
int kiln_port_text_write(void *dst, const void *src, size_t n);
/* A line of text without newline (trace_printk, runtime messages). */
void kiln_port_log(const char *text, size_t n);
/* Zeroed memory for maps with dynamic storage, or NULL; never freed before
 * the map is. Firmware with static storage only may return NULL always. */
void *kiln_port_pages(size_t size);
/* Ids of the caller: tgid << 32 | pid, as bpf_get_current_pid_tgid. */
uint64_t kiln_port_pid_tgid(void);

#ifdef __cplusplus
}
#endif
#endif
