/* What the programs of stress.bpf.c and stress.c share. */
#ifndef STRESS_H
#define STRESS_H

enum { MAX_LINKS = 12, AT_ENTRY = 0, AT_EXIT = 1 };

/* A call of work(), and the programs that it ran. */
struct call {
	unsigned long n[2]; /* AT_ENTRY, AT_EXIT */
	unsigned long cookie[2][MAX_LINKS + 4];
	unsigned long begun; /* cookies given when the body began */
	void *env;	     /* where the body jumps to, or NULL */
	long depth;
	long blocks;
};

#endif
