/*
 * The protocol of runtime/poke.c: READERS threads make tail calls, one updates
 * the slot. Run by model.sh, with one reader: they share nothing that they write.
 *
 * Programs are numbered by the update that puts them in; each is freed once the
 * next update is done and a grace period is over. A jump J has two halves, which
 * are written, and fetched, one after the other; a core may have fetched it any
 * time before it executes it. A thread's store to its scope word waits in a
 * store buffer until its core drains it or the updater's barrier does.
 *
 *   V=0  as it is
 *   V=1  without U1: the gate stays open          runs an old program
 *   V=2  without U3: no grace period              a torn jump
 *   V=3  without U5: cores do not serialise       an old jump, fetched early
 *   V=4  a program is freed without waiting       runs what is freed
 *   V=5  U2 before U1                             an old program after the new
 *   V=6  a grace period of one flip               as V=2 or V=4
 *   V=7  readers' stores are not drained          as V=2 or V=4
 */
#ifndef V
#define V 0
#endif
#ifndef READERS
#define READERS 1
#endif
#define RUNS	2
#define UPDATES 3

byte slot;		  /* program, 0: none */
bit gate;
byte lo, hi;		  /* J */
bit alive[UPDATES + 2];
byte done;		  /* the last update that returned */
byte phase = 1;		  /* 1 or 3: what a first scope stores */
byte word[READERS];	  /* scope words as the updater sees them */
bit buffered[READERS];	  /* a store waits ... */
byte value[READERS];	  /* ... of this */
bit fetched[READERS];	  /* J is in the pipeline, or about to be */
byte flo[READERS], fhi[READERS];

inline drain(t)
{
	if
	:: buffered[t] -> word[t] = value[t]; buffered[t] = 0
	:: else
	fi
}

inline put_word(v) /* one entry: an older store goes first */
{
	atomic { drain(me); value[me] = v; buffered[me] = 1 }
}

inline execute(p)
{
	assert(p >= oldest);	/* a change that was over counts */
	assert(alive[p]);
	oldest = p;
	assert(alive[p])	/* and while it runs */
}

proctype Reader(byte me)
{
	byte n, p, ph, oldest;
	bit g;

	do
	:: n == RUNS -> break
	:: n < RUNS ->
		n++;
		atomic { oldest = (done > oldest -> done : oldest) }
		ph = phase;
		put_word(ph);
		if /* fetched before it is known that it will run */
		:: fetched[me] = 1; flo[me] = lo; fhi[me] = hi
		:: skip
		fi;
		if
		:: g = gate /* G1 */
		:: g = 0    /* an index that only the run knows */
		fi;
		if
		:: !g -> p = slot;
			if
			:: p -> execute(p)
			:: else
			fi
		:: else ->
			if
			:: !fetched[me] -> flo[me] = lo; fhi[me] = hi
			:: else
			fi;
			assert(flo[me] == fhi[me]);
			p = flo[me];
			execute(p)
		fi;
		fetched[me] = 0;
		put_word(0)
	od;
	atomic { drain(me) }
}

inline barrier() /* membarrier: all stores before it are seen */
{
#if V != 7
	atomic {
		drain(0);
#if READERS > 1
		drain(1)
#endif
	}
#else
	skip
#endif
}

inline wait_for(t)
{
	(word[t] == 0 || word[t] == phase)
}

inline flip()
{
	phase = 4 - phase;
	barrier();
	wait_for(0);
#if READERS > 1
	wait_for(1)
#endif
}

inline synchronize()
{
	barrier();
	flip();
#if V != 6
	flip();
#endif
	barrier()
}

proctype Updater()
{
	byte k;

	do
	:: k == UPDATES -> break
	:: k < UPDATES ->
		k++;
		alive[k] = 1;
#if V == 5
		slot = k;			/* U2 */
		gate = 0;			/* U1 */
#elif V == 1
		slot = k;
#else
		gate = 0;			/* U1 */
		slot = k;			/* U2 */
#endif
#if V == 1
		if
		:: gate -> goto updated		/* nothing to open */
		:: else
		fi;
#endif
#if V == 4
		alive[k - 1] = 0;
#endif
#if V != 2
		synchronize();			/* U3 */
#endif
		lo = k; hi = k;			/* U4 */
#if V != 3
		atomic { /* U5 */
			fetched[0] = 0;
#if READERS > 1
			fetched[1] = 0
#endif
		}
#endif
		gate = 1;			/* U6 */
updated:	done = k;
		synchronize();
		alive[k - 1] = 0
	od
}

/* A core drains its buffer when it likes. */
proctype Drain(byte t)
{
	do
	:: atomic { buffered[t] -> drain(t) }
	:: timeout -> break
	od
}

init
{
	atomic {
		alive[0] = 1;
		run Reader(0);
		run Drain(0);
#if READERS > 1
		run Reader(1);
		run Drain(1);
#endif
		run Updater()
	}
}
