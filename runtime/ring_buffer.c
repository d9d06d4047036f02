/*
 * Consumers of rings that wait: an eventfd per ring, written by the producer
 * that commits what the consumer waits for, and an epoll instance around those
 * of one buffer.
 *
 * An eventfd is its ring's, not the buffer's: a producer may be about to write
 * to it whenever a buffer goes. It is closed with the object that the map is
 * from, when no program can run any more; of a linked object never.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "runtime/host.h"
#include "runtime/ring.h"

/* ---- eventfds ----------------------------------------------------------------- */

static void wake(struct ring *r)
{
	static const u64 one = 1;

	/* full means that a wake-up stands already */
	rt_syscall(SYS_write, (long)load32(&r->fd, memory_order_acquire) - 1,
		(long)&one, sizeof(one), 0);
}

/* The ring's eventfd, made if it has none; or negative errno. */
static int ring_fd(struct ring *r)
{
	u32 fd = load32(&r->fd, memory_order_acquire);
	u32 none = 0;

	if (!fd) {
		int new = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);

		if (new < 0)
			return -errno;
		fd = (u32) new + 1;
		if (!atomic_compare_exchange_strong(
			    ATOMIC32(&r->fd), &none, fd)) {
			close(new);
			fd = none;
		}
	}
	store64(&r->wake, (uintptr_t)wake, memory_order_release);
	atomic_thread_fence(
		memory_order_seq_cst); /* partner: ring_commit()'s */
	return (int)fd - 1;
}

/* A record that is committed behind this look at it is so by who sees
 * ring_fd()'s store to wake: its fence is the later one. */
static void wake_if_any(struct ring *r)
{
	if (load64(&r->consumer, memory_order_relaxed) !=
		load64(&r->producer, memory_order_acquire))
		wake(r);
}

static void quiet(const struct ring *r)
{
	u64 n;

	rt_syscall(SYS_read, (long)load32(&r->fd, memory_order_relaxed) - 1,
		(long)&n, sizeof(n), 0);
}

/* The ring at r is part of a set that epfd watches; it may hold records. */
static int watch(int epfd, struct ring *r)
{
	struct epoll_event ev = {.events = EPOLLIN};
	int fd = ring_fd(r);

	if (fd < 0)
		return fd;
	if (epoll_ctl(epfd, EPOLL_CTL_ADD, fd, &ev))
		return -errno;
	wake_if_any(r);
	return 0;
}

static void close_ring(struct ring *r)
{
	if (r && r->fd)
		close((int)r->fd - 1);
}

void rt_ring_close(struct kiln_map *m)
{
	struct ring *r;

	if (m->state != MAP_READY)
		return;
	close_ring(ringbuf_of(m));
	for (u32 c = 0; (r = perf_ring_of(m, c)); c++)
		close_ring(r);
}

static int wait_for(int epfd, int timeout_ms)
{
	struct epoll_event ev;
	int n = epoll_wait(epfd, &ev, 1, timeout_ms);

	return n < 0 ? -errno : n;
}

/* ---- ringbuf -------------------------------------------------------------------- */

struct kiln_ring_buffer {
	int epfd;
	u32 n;
	struct watched {
		struct ring *ring;
		kiln_ring_fn fn;
		void *ctx;
	} * v;
};

RT_API int kiln_ring_buffer_add(struct kiln_ring_buffer *rb,
	struct kiln_map *map, kiln_ring_fn fn, void *ctx)
{
	struct ring *r = ringbuf_of(map);
	struct watched *v;
	int err;

	if (!rb || !r || !fn)
		return -EINVAL;
	v = realloc(rb->v, (rb->n + 1) * sizeof(*v));
	if (!v)
		return -ENOMEM;
	rb->v = v;
	err = watch(rb->epfd, r);
	if (!err)
		v[rb->n++] = (struct watched){r, fn, ctx};
	return err;
}

RT_API struct kiln_ring_buffer *kiln_ring_buffer_new(
	struct kiln_map *map, kiln_ring_fn fn, void *ctx)
{
	struct kiln_ring_buffer *rb = calloc(1, sizeof(*rb));
	int err;

	if (!rb)
		return NULL;
	rb->epfd = epoll_create1(EPOLL_CLOEXEC);
	err = rb->epfd < 0 ? -errno : kiln_ring_buffer_add(rb, map, fn, ctx);
	if (err) {
		kiln_ring_buffer_free(rb);
		errno = -err;
		return NULL;
	}
	return rb;
}

RT_API int kiln_ring_buffer_consume(struct kiln_ring_buffer *rb)
{
	int sum = 0;

	for (u32 k = 0; k < rb->n; k++) {
		const struct watched *w = &rb->v[k];
		int n;

		quiet(w->ring);
		n = ring_consume(w->ring, w->fn, w->ctx);
		if (n < 0) {
			wake_if_any(w->ring);
			return n;
		}
		sum += n;
	}
	return sum;
}

RT_API int kiln_ring_buffer_poll(struct kiln_ring_buffer *rb, int timeout_ms)
{
	int n = wait_for(rb->epfd, timeout_ms);

	return n <= 0 ? n : kiln_ring_buffer_consume(rb);
}

RT_API int kiln_ring_buffer_epoll_fd(const struct kiln_ring_buffer *rb)
{
	return rb->epfd;
}

RT_API void kiln_ring_buffer_free(struct kiln_ring_buffer *rb)
{
	if (!rb)
		return;
	if (rb->epfd >= 0)
		close(rb->epfd);
	free(rb->v);
	free(rb);
}

/* ---- perf_event_array -------------------------------------------------------------- */

struct kiln_perf_buffer {
	int epfd;
	struct kiln_map *map;
	kiln_perf_sample_fn sample;
	kiln_perf_lost_fn lost;
	void *ctx;
};

static int watch_slots(struct kiln_perf_buffer *pb)
{
	struct ring *r;
	int err;

	for (u32 c = 0; (r = perf_ring_of(pb->map, c)); c++) {
		err = watch(pb->epfd, r);
		if (err)
			return err;
		store32(&r->open, 1, memory_order_release);
	}
	return 0;
}

RT_API struct kiln_perf_buffer *kiln_perf_buffer_new(struct kiln_map *map,
	kiln_perf_sample_fn sample, kiln_perf_lost_fn lost, void *ctx)
{
	struct kiln_perf_buffer *pb;
	int err;

	if (!sample || !perf_ring_of(map, 0)) {
		errno = EINVAL;
		return NULL;
	}
	pb = calloc(1, sizeof(*pb));
	if (!pb)
		return NULL;
	*pb = (struct kiln_perf_buffer){
		epoll_create1(EPOLL_CLOEXEC), map, sample, lost, ctx};
	err = pb->epfd < 0 ? -errno : watch_slots(pb);
	if (err) {
		kiln_perf_buffer_free(pb);
		errno = -err;
		return NULL;
	}
	return pb;
}

RT_API int kiln_perf_buffer_consume(struct kiln_perf_buffer *pb)
{
	struct ring *r;

	for (u32 c = 0; (r = perf_ring_of(pb->map, c)); c++)
		quiet(r);
	return kiln_perf_consume(pb->map, pb->sample, pb->lost, pb->ctx);
}

RT_API int kiln_perf_buffer_poll(struct kiln_perf_buffer *pb, int timeout_ms)
{
	int n = wait_for(pb->epfd, timeout_ms);

	return n <= 0 ? n : kiln_perf_buffer_consume(pb);
}

RT_API int kiln_perf_buffer_epoll_fd(const struct kiln_perf_buffer *pb)
{
	return pb->epfd;
}

RT_API void kiln_perf_buffer_free(struct kiln_perf_buffer *pb)
{
	if (!pb)
		return;
	if (pb->epfd >= 0)
		close(pb->epfd);
	free(pb);
}
