/*
 * The protocol of runtime/poke.c: READERS threads make tail calls, one updates
 * the slot. Run by model.sh. Reader 0 makes RUNS tail calls, others one.
 *
 * Programs are numbered by the update that puts them in; each is freed once the
 * next update is done and a grace period is over. A jump J has two halves, which
 * are written, and fetched, one after the other; a core may have fetched it any
 * time before it executes it. A thread's store to its scope word waits in a
 * store buffer until its core drains it or the updater's barrier does; only the
 * updater looks, so it is there that the model chooses. A signal
 * handler on reader 0 makes a run, too, once and at any point: inside the scope
 * that it interrupted, or in one of its own.
 *
 * A step is one access to what threads share and what is private around it.
 *
 *   V=0  as it is, two threads
 *   V=8  one thread, more updates
 *   V=9  one thread and its signal handler
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
#if V == 8
#define READERS 1
#define UPDATES 4
#elif V == 9
#define READERS 1
#define UPDATES 2
#define HANDLER
#else
#define READERS 2
#define UPDATES 2
#endif
#define RUNS  2
#define CORES (READERS + 1) /* what the handler has fetched is its own */

byte slot;		  /* program, 0: none */
bit gate;
byte lo, hi;		  /* J */
bit alive[UPDATES + 2];
byte done;		  /* the last update that returned */
byte newest[READERS];	  /* program that the thread has run */
byte phase = 1;		  /* 1 or 3: what a first scope stores */
byte word[READERS];	  /* scope words as the updater sees them */
bit buffered[READERS];	  /* a store waits ... */
byte value[READERS];	  /* ... of this */
bit fetched[CORES];	  /* J is in the pipeline, or about to be */
byte flo[CORES], fhi[CORES];
#ifdef HANDLER
bit handling;		  /* reader 0, process 1, waits for its handler */
#define OF_THREAD provided (!handling || _pid != 1)
#else
#define OF_THREAD
#endif

inline drain(t)
{
	if
	:: buffered[t] -> word[t] = value[t]; buffered[t] = 0; value[t] = 0
	:: else
	fi
}

inline put_word(v) /* one entry: an older store goes first */
{
	drain(me);
	value[me] = v;
	buffered[me] = 1
}

inline begin() /* a change that was over counts, and what the thread saw */
{
	n++;
	from = (done > newest[me] -> done : newest[me])
}

inline forget(c)
{
	fetched[c] = 0;
	flo[c] = 0;
	fhi[c] = 0
}

inline take(c)
{
	assert(flo[c] == fhi[c]);
	p = flo[c];
	g = 0;
	forget(c)
}

inline tail_call(c) /* on core c */
{
	if /* fetched before it is known that it will run */
	:: atomic { fetched[c] = 1; flo[c] = lo }
	   fhi[c] = hi
	:: skip
	fi;
	if
	:: g = gate /* G1 */
	:: g = 0    /* an index that only the run knows */
	fi;
	if
	:: atomic { !g -> p = slot; g = 0; forget(c) }
	:: atomic { g && !fetched[c] -> flo[c] = lo }
	   atomic { fhi[c] = hi; take(c) }
	:: atomic { g && fetched[c] -> take(c) }
	fi;
	if
	:: atomic {
		p ->
		assert(p >= from && alive[p]);
		newest[me] = (p > newest[me] -> p : newest[me])
	   }
	:: else
	fi
}

inline end() /* it was there all the time */
{
	assert(!p || alive[p]);
	p = 0;
	from = 0
}

proctype Reader(byte me) OF_THREAD
{
	byte n, p, ph, from;
	bit g;

	do
	:: n == (me -> 1 : RUNS) -> break
	:: else ->
		atomic { begin(); ph = phase }
		atomic { put_word(ph); ph = 0 }
		tail_call(me);
		atomic { end(); put_word(0) }
	od
}

#ifdef HANDLER
proctype Handler()
{
	byte n, p, ph, from, me; /* of reader 0 */
	bit g, nested;

	atomic {
		handling = 1;
		nested = (buffered[0] -> value[0] : word[0]);
		begin();
		ph = phase
	}
	if
	:: nested
	:: atomic { else -> put_word(ph) }
	fi;
	tail_call(READERS);
	atomic {
		end();
		if
		:: nested
		:: else -> put_word(0)
		fi;
		handling = 0
	}
}
#endif

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

inline wait_for(t) /* what is in a buffer may have drained by now, or not */
{
	if
	:: atomic { word[t] == 0 || word[t] == phase }
	:: atomic { buffered[t] && (value[t] == 0 || value[t] == phase) ->
		drain(t)
	}
	fi
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
#if V == 5
		atomic { k++; alive[k] = 1; slot = k } /* U2 */
		gate = 0;			/* U1 */
#elif V == 1
		atomic { k++; alive[k] = 1; slot = k } /* U2 */
#else
		atomic { k++; alive[k] = 1; gate = 0 } /* U1 */
		slot = k;			/* U2 */
#endif
#if V == 1
		if
		:: gate -> done = k; goto updated /* nothing to open */
		:: else
		fi;
#endif
#if V == 4
		alive[k - 1] = 0;
#endif
#if V != 2
		synchronize();			/* U3 */
#endif
		lo = k;
		hi = k;				/* U4 */
#if V != 3
		atomic { /* U5 */
			fetched[0] = 0;
#if READERS > 1
			fetched[1] = 0;
#endif
#ifdef HANDLER
			fetched[READERS] = 0
#endif
		}
#endif
		atomic { gate = 1; done = k }	/* U6 */
updated:
		synchronize();
		alive[k - 1] = 0
	od
}

init
{
	atomic {
		alive[0] = 1;
		run Reader(0);
#if READERS > 1
		run Reader(1);
#endif
#ifdef HANDLER
		run Handler();
#endif
		run Updater()
	}
}
