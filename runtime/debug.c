/*
 * What others of this process are told about loaded code, so that they see it
 * as they see linked code:
 *
 *   unwinders  .eh_frame by __register_frame(), after a check: libgcc trusts it
 *   gdb        the object with the addresses of its sections, by the interface
 *              of gdb's manual, "JIT Compilation Interface"
 *   perf       names and addresses in /tmp/perf-PID.map (perf's
 *              jit-interface.txt), if the application asks for it
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kiln/bytes.h"
#include "runtime/object.h"

/* ---- interfaces of others ------------------------------------------------- */

/* libgcc's; no header of it has them */
void __register_frame(void *eh_frame);
void __deregister_frame(void *eh_frame);

enum { JIT_NOTHING, JIT_REGISTER, JIT_UNREGISTER };

/* gdb looks for these two names, and others that make code may have them, too:
 * then the application has one of each. */
extern struct jit_descriptor {
	u32 version, action;
	struct debug_entry *relevant, *first;
} __jit_debug_descriptor;
void __jit_debug_register_code(void);

RT_API RT_WEAK struct jit_descriptor __jit_debug_descriptor = {.version = 1};

/* gdb stops here. */
RT_API RT_WEAK __attribute__((noinline)) void __jit_debug_register_code(void)
{
	atomic_signal_fence(memory_order_seq_cst);
}

/* state */
/* gdb's list; and calls of libgcc, whose own lock a fork would copy */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

void debug_lock(void)
{
	pthread_mutex_lock(&lock);
}

void debug_unlock(void)
{
	pthread_mutex_unlock(&lock);
}

/* ---- .eh_frame (LSB, "Exception Frames") ------------------------------------ */

enum { PE_PCREL_SDATA4 = 0x1b };

struct frame {
	const u8 *p, *end;
};

/* Bytes of a LEB128 number. */
static bool skip_leb(struct frame *f)
{
	while (f->p < f->end)
		if (!(*f->p++ & 0x80))
			return true;
	return false;
}

/* The entry at p, without its length field, and what follows it. */
static bool next_entry(struct frame *f, struct frame *entry)
{
	if (f->end - f->p < 8)
		return false;
	u32 n = get_le32(f->p);
	if (n < 4 || n > (u64)(f->end - f->p) - 4)
		return false;
	entry->p = f->p + 4;
	entry->end = f->p = entry->p + n;
	return true;
}

/* As kiln makes it: version 1, "zR", alignments, the return address's register,
 * pointers PC-relative in 32 bits. */
static bool is_cie(struct frame e)
{
	if (e.end - e.p < 8 || get_le32(e.p) || e.p[4] != 1 ||
		memcmp(e.p + 5, "zR", 3))
		return false;
	e.p += 8;
	if (!skip_leb(&e) || !skip_leb(&e) || e.end - e.p < 3)
		return false;
	return e.p[1] == 1 && e.p[2] == PE_PCREL_SDATA4;
}

static bool is_fde(const struct kiln_object *o, const u8 *start, struct frame e)
{
	u64 back = get_le32(e.p);

	if (e.end - e.p < 13 || back > (u64)(e.p - start))
		return false;
	struct frame at = {e.p - back, e.p}, cie;
	const u8 *text = e.p + 4 + (i64)(i32)get_le32(e.p + 4);
	return next_entry(&at, &cie) && is_cie(cie) && !e.p[12] &&
	       obj_is_in(o, SEG_TEXT, text, get_le32(e.p + 8));
}

/* Ends with a length of 0, for which place_sections() left room. */
static bool is_eh_frame(const struct kiln_object *o, const u8 *p, u64 size)
{
	struct frame f = {p, p + size}, e;

	while (f.p < f.end && (f.end - f.p < 4 || get_le32(f.p)))
		if (!next_entry(&f, &e) || !(is_cie(e) || is_fde(o, p, e)))
			return false;
	return true;
}

/* Index of its section, 0: none. */
static u32 find_eh_frame(const struct kiln_object *o)
{
	for (u32 i = 1; i < o->nsec; i++)
		if (o->sec[i].seg == SEG_RODATA &&
			!strcmp(o->shstr + o->sh[i].sh_name, OBJ_EH_FRAME))
			return i;
	return 0;
}

static u8 *eh_frame(const struct kiln_object *o)
{
	u32 i = find_eh_frame(o);

	return i ? o->seg[SEG_RODATA].addr + o->sec[i].off : NULL;
}

static int check_eh_frame(const struct kiln_object *o)
{
	u32 i = find_eh_frame(o);

	if (!i || is_eh_frame(o, eh_frame(o), o->sec[i].size))
		return 0;
	return obj_refuse(o, "section " OBJ_EH_FRAME ": damaged");
}

/* ---- gdb --------------------------------------------------------------------- */

/* A copy, because only in a copy headers can overlap what was checked. */
static struct debug_entry *make_entry(const struct kiln_object *o)
{
	struct debug_entry *d = malloc(sizeof(*d) + o->size);

	if (!d)
		return NULL;
	u8 *file = memcpy(d + 1, o->bytes, o->size);
	Elf64_Shdr *sh =
		(Elf64_Shdr *)(void *)(file + ((const u8 *)o->sh - o->bytes));
	for (u32 i = 1; i < o->nsec; i++)
		if (o->sec[i].seg != SEG_NONE)
			sh[i].sh_addr =
				(u64)(uintptr_t)o->seg[o->sec[i].seg].addr +
				o->sec[i].off;
	*d = (struct debug_entry){.file = file, .size = o->size};
	return d;
}

static void tell_gdb(struct debug_entry *d, u32 action)
{
	__jit_debug_descriptor.relevant = d;
	__jit_debug_descriptor.action = action;
	__jit_debug_register_code();
	__jit_debug_descriptor.action = JIT_NOTHING;
	__jit_debug_descriptor.relevant = NULL;
}

void debug_enter(struct debug_entry *d)
{
	d->next = __jit_debug_descriptor.first;
	if (d->next)
		d->next->prev = d;
	__jit_debug_descriptor.first = d;
	tell_gdb(d, JIT_REGISTER);
}

void debug_leave(struct debug_entry *d)
{
	if (d->next)
		d->next->prev = d->prev;
	if (d->prev)
		d->prev->next = d->next;
	else
		__jit_debug_descriptor.first = d->next;
	tell_gdb(d, JIT_UNREGISTER);
}

/* ---- perf -------------------------------------------------------------------- */

/* The file is in a folder that all may write to: it must be ours. */
static int open_perf_map(void)
{
	char name[64];
	struct stat st;

	snprintf(name, sizeof(name), "/tmp/perf-%d.map", (int)getpid());
	int fd = open(name,
		O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) || !S_ISREG(st.st_mode) || st.st_uid != geteuid()) {
		close(fd);
		return -EPERM;
	}
	return fd;
}

static void put_perf_lines(const struct kiln_object *o, int fd)
{
	for (u32 i = 1; i < o->nsym; i++) {
		const Elf64_Sym *s = &o->sym[i];

		if (ELF64_ST_TYPE(s->st_info) == STT_FUNC &&
			s->st_shndx < o->nsec &&
			o->sec[s->st_shndx].seg == SEG_TEXT)
			dprintf(fd, "%llx %llx %s\n",
				(unsigned long long)o->symval[i],
				(unsigned long long)s->st_size,
				obj_sym_name(o, i));
	}
}

static int tell_perf(const struct kiln_object *o)
{
	if (!(o->opts.flags & KILN_OPEN_PERF_MAP))
		return 0;
	int fd = open_perf_map();
	if (fd < 0) {
		obj_error(o, "/tmp/perf-%d.map: %s", (int)getpid(),
			strerror(-fd));
		return fd;
	}
	put_perf_lines(o, fd);
	close(fd);
	return 0;
}

/* ---- both ---------------------------------------------------------------------- */

int debug_add(struct kiln_object *o)
{
	int err = check_eh_frame(o);

	if (!err)
		err = tell_perf(o);
	if (err)
		return err;
	o->debug = make_entry(o);
	if (!o->debug)
		return -ENOMEM;
	debug_lock();
	if (eh_frame(o))
		__register_frame(eh_frame(o));
	debug_enter(o->debug);
	debug_unlock();
	return 0;
}

void debug_remove(struct kiln_object *o)
{
	if (!o->debug)
		return;
	debug_lock();
	debug_leave(o->debug);
	if (eh_frame(o))
		__deregister_frame(eh_frame(o));
	debug_unlock();
	free(o->debug);
}
