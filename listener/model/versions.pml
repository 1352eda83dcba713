/* versions.pml: one key, one process, several loads at once, in the steps of flight.go and memory.go. No time.

   Holds: I5, what is answered for a key, from memory or by a load that lands, never goes back; and read your
   writes: a request that begins after an own write has returned is not answered with anything older, whether it
   hits, loads or joins a load under way.

   Abstracted: versions are numbered by the order of their commits, and any of them may be "no session" (closed,
   and opened again under the same key). Of the sequence numbers only the comparisons are kept: what was stamped,
   and whether a load landed, since a load noted its number. Leases do not matter here: any request may find the
   entry and hit, or not be allowed to and load. All sessions are of one user. */

#ifndef LOADS
#define LOADS 2
#endif
#ifndef VERSIONS
#define VERSIONS 3	/* changes of the session */
#endif
#define NONE 9

/* The server. */
byte cur = 0;
bool gone[VERSIONS + 1];
byte lastgone = 0;	/* the latest version that is no session */

/* The process: the entry, always of a session that was found. */
bool present = false;
byte cv = 0;
bool found = false;	/* it is the one that the user's invalidation under way has found */

/* Loads under way. */
mtype = { idle, waiting, sent, read };
mtype state[LOADS];
byte val[LOADS];
bool stamped[LOADS];		/* the key or the cache was invalidated since it noted its number */
bool userstamped[LOADS];	/* its user was */
bool landed[LOADS];		/* another has landed since it noted how many had */
bool joined[LOADS];
byte need[LOADS];		/* what its latest waiter may expect */
byte open = NONE;		/* the load that may be joined */
byte newest = 0;		/* what the last to land has brought */

/* What has been promised. */
byte served = 0;	/* the latest version answered */
byte returned = 0;	/* the latest own write that has returned */

byte k;	/* a loop variable, 0 between the steps */

/* No session is no session, whichever of them. */
#define NOTBEFORE(v, bound) (v >= bound || (gone[v] && lastgone >= bound))

#ifdef GONE_OLDEST	/* a load that found the session is not held against one that found none */
#define MAYPRECEDE(a, b) (!gone[a] && !gone[b] && a < b)
#else
#define MAYPRECEDE(a, b) ((gone[a] || gone[b]) && gone[a] != gone[b] || !gone[a] && !gone[b] && a < b)
#endif

#ifdef NO_OVERTAKEN	/* a load that lands late is answered with, whatever was answered meanwhile */
#define OVERTAKEN(i) false
#else
#define OVERTAKEN(i) (landed[i] && MAYPRECEDE(val[i], newest))
#endif

#ifdef NO_USER_AGAIN	/* who joined after the user was invalidated is answered all the same */
#define USERAGAIN(i) false
#else
#define USERAGAIN(i) (joined[i] && userstamped[i])
#endif

#ifdef NO_STAMP		/* what a load brought is stored whatever was invalidated meanwhile */
#define STOREOK(i) (!gone[val[i]])
#else
#ifdef NO_USER_STAMP	/* ... or unless the key was */
#define STOREOK(i) (!gone[val[i]] && !stamped[i])
#else
#define STOREOK(i) (!gone[val[i]] && !stamped[i] && !userstamped[i])
#endif
#endif

inline remove() { present = false; cv = 0; found = false }

inline close() { cur++; gone[cur] = true; lastgone = cur }

inline change() {
	if :: cur++ :: close() fi
}

inline invalidateKey() {
	for (k : 0 .. LOADS - 1) { stamped[k] = (state[k] == sent || state[k] == read) }
	k = 0;
	remove();
#ifndef NO_DETACH	/* a load that an invalidation has passed may still be joined */
	open = NONE
#endif
}

inline stampUser() {
	for (k : 0 .. LOADS - 1) { userstamped[k] = (state[k] == sent || state[k] == read) }
	k = 0
}

inline answer(v) {
	assert(NOTBEFORE(v, served));
	if :: v > served -> served = v :: else fi
}

proctype Writer() { end: do :: atomic { cur < VERSIONS -> change() } od }

/* A write of this process: it commits, invalidates, and returns. By key it opens, changes or closes the session; by
   user it closes it. */
proctype Own() {
	byte w; bool byuser;
end:	do
	::
#ifdef OWN_EARLY	/* an own write invalidates before its commit */
	   atomic { cur < VERSIONS -> invalidateKey() };
#endif
	   if
	   :: atomic { cur < VERSIONS -> change(); w = cur }
	   :: atomic { cur < VERSIONS -> close(); w = cur; byuser = true }
	   fi;
#if !defined(OWN_EARLY) && !defined(NO_OWN)	/* an own write leaves it to the poll */
	   if
	   :: !byuser ->
		atomic {
#ifdef NO_OPEN	/* opening under a given key invalidates nothing */
			if :: gone[w - 1] && !gone[w] :: else -> invalidateKey() fi
#else
			invalidateKey()
#endif
		}
	   :: else ->
#ifdef USER_ORDER	/* the user's entries are removed first, and then the stamp is set */
		atomic { found = present };
		atomic { if :: found -> remove() :: else fi };
		atomic { stampUser() }
#else
		atomic { stampUser(); found = present };
		atomic { if :: found -> remove() :: else fi }
#endif
	   fi;
#endif
	   atomic { if :: w > returned -> returned = w :: else fi; w = 0; byuser = false }
	od
}

/* Notifications and polls, at any time; a flush does to the key what its own invalidation does. And eviction. */
proctype Ears() {
	do
	:: atomic { invalidateKey() }
	:: atomic { stampUser(); if :: !found -> remove() :: else fi }
	:: atomic { present -> remove() }
	od
}

/* Requests. Who brings a version floor joins nothing. */
proctype Requests() {
	byte i;
	do
	:: atomic { present -> assert(NOTBEFORE(cv, returned)); answer(cv) }
	:: atomic { open != NONE -> joined[open] = true; need[open] = returned }
	:: atomic {
		i = 0;
		do :: i < LOADS && state[i] != idle -> i++ :: else -> break od;
		if :: i < LOADS -> state[i] = waiting; need[i] = returned; open = i :: else fi;
		i = 0
	   }
	od
}

/* What no longer matters is 0. */
inline unsent(i, next) {
	state[i] = next; val[i] = 0; stamped[i] = false; userstamped[i] = false; landed[i] = false;
	if :: open == i -> open = NONE :: else fi;
	for (k : 0 .. LOADS - 1) { if :: landed[k] -> break :: else fi }
	if :: k == LOADS -> newest = 0 :: else fi;
	k = 0
}

inline finish(i) { joined[i] = false; need[i] = 0; unsent(i, idle) }

/* The slot of one load. */
proctype Load(byte i) {
	do
	:: atomic {	/* a connection is at hand */
		state[i] == waiting ->
		state[i] = sent
	   }
	:: atomic { state[i] == sent -> state[i] = read; val[i] = cur }
	:: atomic {	/* it lands */
		state[i] == read ->
		if
		:: OVERTAKEN(i) || (!gone[val[i]] && USERAGAIN(i)) ->
			unsent(i, waiting)
		:: else ->
			for (k : 0 .. LOADS - 1) { if :: k != i && (state[k] == sent || state[k] == read) -> landed[k] = true :: else fi }
			k = 0;
			newest = val[i];
#ifndef NO_OUTDATE	/* an answer that may not be stored leaves the older entry */
			if :: present && MAYPRECEDE(cv, val[i]) -> remove() :: else fi;
#endif
			if :: STOREOK(i) -> present = true; cv = val[i]; found = false :: else fi;
			assert(NOTBEFORE(val[i], need[i]));
			answer(val[i]);
#ifdef FORGET_FLIGHT	/* what has landed is forgotten with the load that was open */
			if :: open == i -> for (k : 0 .. LOADS - 1) { landed[k] = false } k = 0 :: else fi;
#endif
			finish(i)
		fi
	   }
	:: atomic {	/* it fails, or all who waited have given up */
		state[i] != idle -> finish(i)
	   }
	od
}

/* --- what must be reachable, or the model proves nothing --- */

#ifdef WITNESS_AGAIN	/* a load that was sent again after another had landed is stored */
proctype Witness() {
	atomic { state[0] == read && OVERTAKEN(0) && !gone[newest] && !gone[val[0]] };
	atomic { state[0] == waiting };
	atomic { state[0] == idle && present && cv == VERSIONS -> assert(false) }
}
#endif

init {
	atomic {
		byte j;
		for (j : 0 .. LOADS - 1) { state[j] = idle; run Load(j) }
		run Writer(); run Own(); run Ears(); run Requests();
#ifdef WITNESS_AGAIN
		run Witness();
#endif
	}
}
