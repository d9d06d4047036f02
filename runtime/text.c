/*
 * Code that is written at run time: of loaded objects, of stubs, and those pages
 * of an image where functions can be hooked.
 *
 * No mapping is ever writable and executable: text is written through a shared
 * memfd mapping, which is sealed against further writable ones before the
 * executable view of the same pages is made (that order also keeps mprotect
 * from ever making the view writable).
 *
 * What a forked process has, too, is not written by either: fork.c marks all
 * text as shared, and the next writer gets pages of its own first.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/membarrier.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "runtime/object.h"

#ifndef MFD_EXEC
#define MFD_EXEC 0x10
#endif
#ifndef F_SEAL_FUTURE_WRITE
#define F_SEAL_FUTURE_WRITE 0x10
#endif

static int open_memfd(void)
{
	unsigned flags = MFD_CLOEXEC | MFD_ALLOW_SEALING;
	int fd = memfd_create("kiln-text", flags | MFD_EXEC);

	/* EINVAL: a kernel before 6.3 does not know the flag */
	return fd < 0 && errno == EINVAL ? memfd_create("kiln-text", flags)
					 : fd;
}

/* Applications close descriptors that they do not know (daemons), and get the
 * same number again for a file of theirs: nothing is kept in one. But emulators
 * want another mapping after each change. */
static void forget_fd(struct text *t)
{
	if (poke_alias_is_stale())
		return;
	close(t->fd);
	t->fd = -1;
}

static void drop(u8 *rw, u64 size, int fd)
{
	if (rw)
		munmap(rw, size);
	if (fd >= 0)
		close(fd);
}

int text_open(struct text *t)
{
	t->rw = NULL;
	t->fd = open_memfd();
	if (t->fd < 0)
		return -errno;
	if (ftruncate(t->fd, (off_t)t->size))
		return -errno;
	void *p = mmap(
		NULL, t->size, PROT_READ | PROT_WRITE, MAP_SHARED, t->fd, 0);
	if (p == MAP_FAILED)
		return -errno;
	/* a child must not have what the parent runs later */
	if (madvise(p, t->size, MADV_DONTFORK)) {
		munmap(p, t->size);
		return -errno;
	}
	t->rw = p;
	return 0;
}

/* By a system call: ThreadSanitizer's mmap() writes what it knows of the pages,
 * and for an executable's that is read-only. MAP_FAILED with errno. */
static void *map_code(const struct text *t)
{
	/* all words are read whole */
	return (void *)syscall(SYS_mmap, t->addr, t->size,
		(long)(PROT_READ | PROT_EXEC), (long)(MAP_SHARED | MAP_FIXED),
		(long)t->fd, 0L);
}

int text_run(struct text *t, bool keep)
{
	if (fcntl(t->fd, F_ADD_SEALS,
		    F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_FUTURE_WRITE))
		return -errno;
	if (map_code(t) == MAP_FAILED)
		return -errno;
	if (!keep)
		text_close(t);
	else if (madvise(t->rw, t->size, MADV_DOFORK))
		return -errno;
	else
		forget_fd(t);
	__builtin___clear_cache((char *)t->addr, (char *)t->addr + t->size);
	return 0;
}

int text_copy(struct text *t)
{
	int err = text_open(t);

	/* threads may run in it meanwhile: both hold the same bytes */
	if (!err)
		memcpy(t->rw, t->addr, t->size);
	return err;
}

void text_close(struct text *t)
{
	drop(t->rw, t->size, t->fd);
	t->rw = NULL;
	t->fd = -1;
}

static int unshare(struct text *t)
{
	u8 *rw = t->rw;
	int fd = t->fd, err = text_copy(t);

	if (!err)
		err = text_run(t, true);
	if (!err) {
		drop(rw, t->size, fd);
		t->shared = false;
		return 0;
	}
	drop(t->rw, t->size, t->fd);
	t->rw = rw;
	t->fd = fd;
	return err;
}

int text_edit(struct text *t)
{
	int err = kiln_port_lock(&t->lock);

	if (!err && t->shared && (err = unshare(t)))
		kiln_port_unlock(&t->lock);
	return err;
}

u8 *text_rw(const struct text *t, const void *at)
{
	return t->rw + ((const u8 *)at - t->addr);
}

void text_done(struct text *t, void *at, u64 n)
{
	if (poke_alias_is_stale())
		map_code(t);
	__builtin___clear_cache((char *)at, (char *)at + n);
	kiln_port_unlock(&t->lock);
}

int text_sync(void)
{
	/* registering again is a no-op */
	rt_syscall(SYS_membarrier,
		MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_SYNC_CORE, 0, 0, 0);
	return (int)rt_syscall(SYS_membarrier,
		MEMBARRIER_CMD_PRIVATE_EXPEDITED_SYNC_CORE, 0, 0, 0);
}
