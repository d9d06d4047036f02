/* What count.c and count_plugin.c agree on. */
#ifndef BENCH_COUNT_H
#define BENCH_COUNT_H

/* No system call of Linux: argument 1 is a string that stays, or NULL. */
enum { COUNT_MARK = 0x6b696c6e };

#endif
