/*
 * Runs a native object in this process, with canaries around the buffer, and
 * with the registers watched that a C function must preserve. A crash or an
 * endless loop comes back as a failure.
 */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/time.h>

#include "kiln/context.h"
#include "kiln/runtime.h"
#include "native.h"
#include "native_call.h"

enum {
	CANARY = 256,
	CANARY_BYTE = 0xc7,
	SECONDS = 5,
	SIGNAL_STACK = 1 << 16,
};

/* State of this file: where a signal goes back to, and which one it was. */
static sigjmp_buf back;
static volatile sig_atomic_t caught;

/* ---- crashes ------------------------------------------------------------- */

static void on_signal(int sig)
{
	caught = sig;
	siglongjmp(back, 1);
}

static const int signals[] = {
	SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGVTALRM};

static void set_timer(int seconds)
{
	struct itimerval t = {.it_value.tv_sec = seconds};

	setitimer(ITIMER_VIRTUAL, &t, NULL);
}

struct native {
	uint64_t (*entry)(uint64_t, uint64_t);
	u64 r1, r2, r0;
	const char *broken; /* what native_call() found, or NULL */
};

/* 0, or the signal that ended it. */
static int call_guarded(struct native *n)
{
	static u8 stack[SIGNAL_STACK];
	struct sigaction act = {
		.sa_handler = on_signal, .sa_flags = SA_ONSTACK};
	struct sigaction old[countof(signals)];
	stack_t alt = {.ss_sp = stack, .ss_size = sizeof(stack)};

	sigaltstack(&alt, NULL);
	for (size_t k = 0; k < countof(signals); k++)
		sigaction(signals[k], &act, &old[k]);
	caught = 0;
	set_timer(SECONDS);
	if (!sigsetjmp(back, 1))
		n->broken = native_call(n->entry, n->r1, n->r2, &n->r0);
	set_timer(0);
	for (size_t k = 0; k < countof(signals); k++)
		sigaction(signals[k], &old[k], NULL);
	return caught;
}

/* ---- load, run ------------------------------------------------------------ */

static enum leg_status broken(
	struct leg_run *run, const char *what, const char *detail)
{
	snprintf(run->text, sizeof(run->text), "%s: %s", what, detail);
	return LEG_FAILED;
}

static bool canaries_stand(const u8 *room, u32 size)
{
	for (u32 k = 0; k < CANARY; k++)
		if (room[k] != CANARY_BYTE ||
			room[CANARY + size + k] != CANARY_BYTE)
			return false;
	return true;
}

/* The context of a packet whose buffer has been copied to head. */
static struct kiln_sk_buff skb_of(const struct interp_skb *skb, u8 *head)
{
	struct kiln_sk_buff out = {0};
	u8 *end = head + skb->size;

	kiln_sk_buff_init(&out, head, head + skb->data, end, end);
	out.mac_header = head + skb->mac;
	out.network_header = head + skb->net;
	return out;
}

static enum leg_status run_packet(
	struct leg_run *run, const struct kiln_program *p)
{
	static _Alignas(16) u8 room[LEG_MEM_MAX];
	u8 *head = room + sizeof(room) - run->skb->size;
	struct kiln_sk_buff skb = skb_of(run->skb, head);
	struct native n = {
		.entry = (uint64_t(*)(uint64_t, uint64_t))(
			void (*)(void))kiln_program_entry(p),
		.r1 = (u64)(uintptr_t)&skb,
	};

	memcpy(head, run->skb->head, run->skb->size);
	if (call_guarded(&n))
		return broken(run, "native code", strsignal(caught));
	if (n.broken)
		return broken(run, "native code", n.broken);
	run->r0 = n.r0;
	return LEG_OK;
}

static enum leg_status run_program(
	struct leg_run *run, const struct kiln_program *p)
{
	static _Alignas(16) u8 room[LEG_MEM_MAX + 2 * CANARY];
	struct native n = {
		/* raw programs take r1 and r2 (runtime.h, KILN_PROG_RAW) */
		.entry = (uint64_t(*)(uint64_t, uint64_t))(
			void (*)(void))kiln_program_entry(p),
		.r1 = run->mem_size ? (u64)(uintptr_t)(room + CANARY) : 0,
		.r2 = run->mem_size,
	};

	memset(room, CANARY_BYTE, run->mem_size + 2 * CANARY);
	memcpy(room + CANARY, run->mem, run->mem_size);
	if (call_guarded(&n))
		return broken(run, "native code", strsignal(caught));
	if (n.broken)
		return broken(run, "native code", n.broken);
	if (!canaries_stand(room, run->mem_size))
		return broken(run, "native code", "wrote beside the buffer");
	memcpy(run->mem, room + CANARY, run->mem_size);
	run->r0 = n.r0;
	return LEG_OK;
}

enum leg_status native_run(struct leg_run *run, const void *bytes, size_t size)
{
	const struct kiln_open_opts opts = {
		.sz = sizeof(opts), .name = "program"};
	struct kiln_object *obj = kiln_object_open_mem(bytes, size, &opts);
	enum leg_status status;
	struct kiln_program *p;
	int err;

	if (!obj)
		return broken(run, "open", strerror(errno));
	err = kiln_object_load(obj);
	p = err ? NULL : kiln_object_next_program(obj, NULL);
	if (p)
		status = run->skb ? run_packet(run, p) : run_program(run, p);
	else
		status = broken(
			run, "load", err ? strerror(-err) : "no program");
	kiln_object_close(obj);
	return status;
}
