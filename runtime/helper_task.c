/*
 * Helpers that ask the operating system: libkiln only. Firmware that has an
 * answer defines the helper itself.
 */
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>

#include "runtime/host.h"

HELPER_FN(ktime_get_boot_ns)
{
	struct timespec t;

	clock_gettime(CLOCK_BOOTTIME, &t);
	return (u64)t.tv_sec * 1000000000 + (u64)t.tv_nsec;
}

HELPER_FN(ktime_get_coarse_ns)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC_COARSE, &t);
	return (u64)t.tv_sec * 1000000000 + (u64)t.tv_nsec;
}

HELPER_FN(ktime_get_tai_ns)
{
	struct timespec t;

	clock_gettime(CLOCK_TAI, &t);
	return (u64)t.tv_sec * 1000000000 + (u64)t.tv_nsec;
}

/* gid << 32 | uid */
HELPER_FN(get_current_uid_gid)
{
	u64 uid = (u32)rt_syscall(SYS_getuid, 0, 0, 0, 0);
	u64 gid = (u32)rt_syscall(SYS_getgid, 0, 0, 0, 0);

	return gid << 32 | uid;
}

/* bpf_get_current_comm(buf, size): the thread's name, always with its NUL and
 * zeros up to size. */
HELPER_FN(get_current_comm)
{
	char name[16] = ""; /* TASK_COMM_LEN */
	u32 size = (u32)a2, n;

	if (!size)
		return (u64)-RT_EINVAL;
	rt_syscall(SYS_prctl, PR_GET_NAME, (long)name, 0, 0);
	n = (u32)strnlen(name, sizeof(name) - 1);
	n = n < size ? n : size - 1;
	memset(PTR(char, a1), 0, size);
	memcpy(PTR(char, a1), name, n);
	return 0;
}
