/*
 * The protocol of trampolines: threads call a hooked function while programs
 * are attached and detached. Run by ../tail/model.sh.
 *
 * A thread makes a call, of which it may never come back; from V=20 on a handler
 * interrupts it anywhere and makes one, too. An updater attaches and detaches in
 * any order, and a reclaimer frees what the updates retired. An attachment is a program that runs at entry and one at
 * exit, known by its id; an image is a set of them. The sled (its gate, and the
 * stub behind it) is text: a core may have fetched either before the call, until
 * it serialises. Stores to scope words wait in store buffers.
 *
 *   V=0  as it is
 *   V=1  a grace period of one flip             runs what is freed
 *   V=2  readers' stores are not drained        runs what is freed
 *   V=3  at exit the image of the entry         runs what is freed
 *   V=4  at exit all of the image               a program that came later
 *   V=5  retired memory goes without waiting    runs what is freed
 *   V=6  ... after a grace period begun earlier runs what is freed
 *   V=7  the gate opens before the stub is done enters what is not there
 *   V=8  cores do not serialise in between      the same, fetched early
 *   V=9  cores do not serialise behind the gate a call past a program
 *   V=10 the scope is held across the body      waits for a body that never ends
 *   V=20 as it is, with the handler
 *   V=21 scopes do not nest                     runs what is freed
 */
#ifndef V
#define V 0
#endif
#if V == 0
#define UPDATES 3
#define ROUNDS	2
#define IDS	2
#elif V < 20
#define UPDATES 2
#define ROUNDS	2
#define IDS	2
#else /* one is attached when it begins, and detached; text is fetched anew */
#define NESTED
#define UPDATES 1
#define ROUNDS	1
#define IDS	1
#endif
#define NEST	3		   /* of a scope word; the rest is the phase */
#define BIT(id) (1 << ((id) - 1))

byte image;			   /* the hook's; number of its update */
byte progs[UPDATES + 1];	   /* of an image: BIT(id) */
byte newest[UPDATES + 1];	   /* ... the newest id when it was made */
byte images_alive = 1, progs_alive;
byte images_retired, progs_retired;
bit gate, stub;

byte phase = 5;			   /* 5 or 9: what an outermost scope stores */
byte word;			   /* the scope word as the reclaimer sees it */
bit buffered;			   /* a store waits ... */
byte value;			   /* ... of this */
bit irq;			   /* the handler runs */
bit gate_fetched[2], stub_fetched[2], gate_was[2], stub_was[2];

/* For the assertions; call 0 is the thread's, 1 the handler's. */
byte attached;			   /* those whose attaching has returned */
byte through[2];		   /* ... before the call, not detached since */
byte given;			   /* the newest id that is in an image */

/* ---- scopes --------------------------------------------------------------- */

inline drain()
{
	if
	:: buffered -> word = value; buffered = 0
	:: else
	fi
}

inline put_word(v) /* one entry: an older store goes first */
{
	drain(); value = v; buffered = 1
}

inline enter()
{
	atomic {
		word_was = (buffered -> value : word);
		if
#if V != 21
		:: word_was & NEST -> word_was++
#endif
		:: else -> word_was = phase
		fi
	}
	atomic { put_word(word_was); word_was = 0 }
}

inline leave()
{
	atomic {
		word_was = (buffered -> value : word);
		word_was = ((word_was & NEST) > 1 -> word_was - 1 : 0);
		put_word(word_was);
		word_was = 0
	}
}

inline barrier() /* membarrier: all stores before it are seen */
{
#if V != 2
	atomic { drain() }
#else
	skip
#endif
}

inline wait()
{
	do
	:: atomic { buffered -> drain() } /* when its core likes */
	:: !(word & NEST) || (word & ~NEST) == (phase & ~NEST) -> break
	od
}

inline flip()
{
	phase = 14 - phase;
	barrier();
	wait()
}

inline synchronize()
{
	barrier();
	flip();
#if V != 1
	flip();
#endif
	barrier()
}

/* ---- calls ---------------------------------------------------------------- */

inline fetch(c)
{
#ifndef NESTED
	if
	:: atomic { gate_was[c] = gate; gate_fetched[c] = 1 }
	:: atomic { stub_was[c] = stub; stub_fetched[c] = 1 }
	:: skip
	fi
#else
	skip
#endif
}

/* Program p, if image im has it and it is not newer than `last`. */
inline run_one(p, ran, last)
{
	if
	:: atomic { p <= last && (progs[im] & BIT(p)) ->
		assert(images_alive & (1 << im));
		assert(progs_alive & BIT(p)) }
	   atomic {
		assert(progs_alive & BIT(p)); /* while it runs */
		assert(!(ran & BIT(p)));
		ran = ran | BIT(p) }
	:: else
	fi
}

inline run_all(ran, last)
{
	run_one(1, ran, last);
	run_one(2, ran, last)
}

/* From the call to the body: `in` is what ran, `seen` the newest id. */
inline enters(c)
{
	fetch(c);
	through[c] = attached; /* the call begins */
	atomic {
		if
		:: !gate_fetched[c] -> gate_was[c] = gate
		:: else
		fi
	}
	if
	:: !gate_was[c]
	:: else ->
		atomic {
			if
			:: !stub_fetched[c] -> stub_was[c] = stub
			:: else
			fi;
			assert(stub_was[c])
		}
		enter();
		im = image;
		run_all(in, IDS);
		atomic {
			assert(images_alive & (1 << im));
			seen = newest[im]
		}
#if V != 10
		leave()
#endif
	fi;
	atomic {
		gate_was[c] = 0; stub_was[c] = 0;
		gate_fetched[c] = 0; stub_fetched[c] = 0;
		assert(!(through[c] & ~in));
		begun = given
	}
}

/* From the body to the caller. */
inline exits(c)
{
	if
	:: !in /* the stub has jumped */
	:: else ->
#if V != 10
		enter();
#endif
#if V != 3
		im = image;
#endif
#if V == 4
		run_all(out, IDS);
#else
		run_all(out, seen);
#endif
		assert(!(out >> begun));
		leave()
	fi;
	atomic { assert(!(through[c] & ~out)); through[c] = 0 }
}

#ifdef NESTED
proctype Thread() provided (!irq)
#else
proctype Thread()
#endif
{
	byte im, in, out, seen, begun, word_was;

	enters(0);
	if
	:: skip
	:: atomic { through[0] = 0; im = 0; in = 0; seen = 0; begun = 0 }
end:		false
	fi;
	exits(0)
}

#ifdef NESTED
proctype Handler()
{
	byte im, in, out, seen, begun, word_was;

	irq = 1;
	enters(1);
	exits(1);
	irq = 0
}
#endif

/* ---- updates -------------------------------------------------------------- */

inline serialise()
{
	atomic {
		gate_fetched[0] = 0; gate_fetched[1] = 0;
		stub_fetched[0] = 0; stub_fetched[1] = 0
	}
}

inline publish(set)
{
	atomic {
		k++;
		progs[k] = set;
		newest[k] = given;
		images_alive = images_alive | (1 << k);
		was = image;
		image = k
	}
}

inline retire(p)
{
	atomic {
		images_retired = images_retired | (1 << was);
		progs_retired = progs_retired | p;
		was = 0
	}
}

inline make_stub()
{
	if
	:: stub
	:: else ->
		stub = 1;
#if V != 8
		serialise()
#endif
	fi
}

inline attach()
{
#if V != 7
	make_stub();
#endif
	atomic {
		given++;
		progs_alive = progs_alive | BIT(given);
		publish(progs[image] | BIT(given))
	}
	retire(0);
	if
	:: gate
	:: else ->
		gate = 1;
#if V != 9
		serialise()
#endif
	fi;
#if V == 7
	make_stub();
#endif
	attached = attached | BIT(given)
}

inline detach(id)
{
	atomic {
		attached = attached & ~BIT(id);
		through[0] = through[0] & ~BIT(id);
		through[1] = through[1] & ~BIT(id)
	}
	publish(progs[image] & ~BIT(id));
	retire(BIT(id));
	if
	:: progs[image]
	:: else -> gate = 0
	fi
}

proctype Updater()
{
	byte k, was;

	do
	:: k == UPDATES -> break
	:: k < UPDATES && given < IDS -> attach()
	:: k < UPDATES && (attached & BIT(1)) -> detach(1)
	:: k < UPDATES && (attached & BIT(2)) -> detach(2)
	:: k < UPDATES && given == IDS && !attached -> break
	od
}

inline take()
{
	atomic {
		images = images_retired; images_retired = 0;
		gone = progs_retired; progs_retired = 0
	}
}

proctype Reclaimer()
{
	byte n, images, gone;

	do
	:: n == ROUNDS -> break
	:: n < ROUNDS ->
		n++;
#if V != 6
		take();
#endif
#if V != 5
		synchronize();
#endif
#if V == 6
		take();
#endif
		atomic {
			images_alive = images_alive & ~images; images = 0;
			progs_alive = progs_alive & ~gone; gone = 0
		}
	od
}

init
{
	atomic {
#ifdef NESTED
		stub = 1; gate = 1; given = 1; attached = 1;
		progs_alive = 1; progs[0] = 1; newest[0] = 1;
#endif
		run Thread();
#ifdef NESTED
		run Handler();
#endif
		run Updater();
		run Reclaimer()
	}
}
