/* coherence.pml: one key, one process. Fills, hits, lease, poll, notifications, epochs, failover.

   Holds, for ever: I1, at the instant an answer is given, from memory or from the database, it reflects every
   change acknowledged T ago (T + F ago, if after a failover); I3, no hit crosses epochs. I2 is what the check
   before storing is there for: without it I1 breaks.

   Abstracted: a content stands for a version of the row. A cursor is the set of transactions it sees (purge.pml
   has xmin, xmax and what is in progress). One bit stands for the sequence numbers: whether the key, its user or
   the cache was stamped since the load under way noted its number (versions.pml has several loads). All changes
   concern the one key, so an invalidation of the key, of its user and a flush are the same, but for their order
   with the epoch. Instants are kept as the time left until they no longer matter, so time has no end. Nothing
   has to happen: a poll or a notification that never comes, a connection that is lost, a process or a server
   that stands still are all a process of the model that takes no step while the clock goes on. */

#ifndef T
#define T 2	/* the lease */
#endif
#ifndef F
#define F 1	/* how long a demoted server goes on answering */
#endif
#define LIVE 99

/* The server. Content 0 is there at first, 1 and 2 are written by transactions 1 and 2 (bits), 3 after the
   failover, 4 by a transaction that the demoted server still takes. */
byte cur = 0;		/* what the primary shows */
byte committed = 0;	/* the transactions that a snapshot sees */
byte allowed[5];	/* how long a content may still be served; LIVE: no acknowledged change has superseded it */
byte epoch = 0;
#ifdef FAILOVER
byte prevc = 0;		/* before the last commit */
byte oldcur = 0;	/* what the demoted server shows */
byte oldcommitted = 0;
byte answering = 0;	/* how long the demoted server may go on answering, and this tick */
byte crossing = 0;	/* how long entries of the old epoch may be served */
#endif

/* The process. */
bool present = false;	/* an entry: */
byte cv = 0;		/* its content */
byte ce = 0;		/* the epoch that its row said */
bool dirty = true;	/* stamped since the load under way noted its number */
byte cep = 0;		/* the cache's epoch */
byte lease = 0;		/* how long it lasts */
byte cursor = 0;
bool seen = false;	/* a poll of the new epoch has been applied */
byte filling = 0;	/* how long the load under way may still be answered with */
byte polling = 0;	/* how long a lease would last that counts from when the poll under way was sent */
byte hitting = 0;	/* how long the lease lasts that the request under way has seen */

#define FRESH(c) (allowed[c] > 0)

/* --- what may be switched off, to see that the model notices --- */

#ifdef NO_GENERATION	/* a fill is stored whatever was invalidated meanwhile */
#define STOREOK (e == cep)
#else
#ifdef NO_FILL_EPOCH	/* a fill is stored whatever epoch its row is of */
#define STOREOK (!dirty)
#else
#define STOREOK (!dirty && e == cep)
#endif
#endif

#ifdef NO_LEASE		/* hits whether the lease is held or not */
#define HELD(l) true
#else
#define HELD(l) (l > 0)
#endif

#ifdef LATE_ANSWER	/* a miss is answered however late the database's answer came */
#define INTIME true
#else
#define INTIME (filling > 0)
#endif

#ifdef REENTER		/* a poll's answer is applied also if it is of an epoch that was left */
#define LEFT false
#else
#define LEFT (e < cep)
#endif

#ifdef FENCED_LATE	/* assumption A1 does not hold: the demoted server goes on for longer */
#define ANSWERS (F + 2)
#else
#define ANSWERS (F + 1)	/* this tick, too */
#endif

#ifdef WITNESS_SUSPENDED
bool lapsed = false;	/* the lease has run out since the entry was stored */
#define ANOTHER lapsed = false
#else
#define ANOTHER skip
#endif

inline invalidate() { dirty = true; present = false; cv = 0; ce = 0; ANOTHER }

inline tick(x) { if :: x > 0 -> x-- :: else fi }

inline fade(c) { if :: allowed[c] != LIVE && allowed[c] > 0 -> allowed[c]-- :: else fi }

proctype Clock() {
	do
	:: d_step {
		tick(lease); tick(filling); tick(polling); tick(hitting);
		fade(0); fade(1); fade(2); fade(3); fade(4);
#ifdef FAILOVER
		tick(answering); tick(crossing)
#endif
	   }
	od
}

proctype Writer(byte bitv; byte content) {
	byte old;
	atomic {
		epoch == 0 -> old = cur; cur = content; committed = committed | bitv;
#ifdef FAILOVER
		prevc = old
#endif
	}
	atomic { if :: epoch == 0 && allowed[old] == LIVE -> allowed[old] = T :: else fi; old = 0 }	/* acknowledged */
}

/* A load: notes the sequence and sends, the server answers, the answer lands. */
proctype Fill() {
	byte v; byte e;
	do
	::
#ifdef LATE_GENERATION	/* the sequence is noted after the load */
		filling = T;
		atomic { v = cur; e = epoch };
		dirty = false;
#else
		atomic { dirty = false; filling = T };
		if
		:: atomic { v = cur; e = epoch }
#ifdef FAILOVER
		:: atomic { answering > 0 -> v = oldcur; e = 0 }
#endif
		fi;
#endif
		atomic {
			if :: INTIME -> assert(FRESH(v)) /* answered */ :: else /* read again */ fi;
			if
			:: STOREOK -> present = true; cv = v; ce = e; ANOTHER
			:: else -> if :: e != cep -> lease = 0 :: else fi
			fi;
			v = 0; e = 0; filling = 0; dirty = true
		}
	od
}

inline served(v, e, s) {
	assert(FRESH(v));
#ifdef FAILOVER
	assert(!(s && e == 0));					/* I3: once its poll has seen it, */
	assert(epoch == 0 || e == 1 || crossing > 0)	/* nor later than T + F after the switch */
#endif
}

/* A request that finds an entry. Its steps may lie far apart: a process may be stopped between any two. */
proctype Hit() {
	byte v; byte e; bool s;
	do
#ifdef HIT_ORDER	/* the lease is looked at after the entry: it may have been renewed meanwhile */
	:: atomic { present -> v = cv; e = ce; s = seen };
	   if
	   :: atomic { HELD(lease) -> hitting = lease }
	   :: atomic { !HELD(lease) -> v = 0; e = 0; s = false; goto miss }
	   fi;
#else
	:: atomic { HELD(lease) -> hitting = lease };
	   if
	   :: atomic { present -> v = cv; e = ce; s = seen }
	   :: atomic { hitting = 0; goto miss }
	   fi;
#endif
	   atomic { if :: HELD(hitting) -> served(v, e, s) :: else fi; hitting = 0; v = 0; e = 0; s = false };
miss:	   skip
	od
}

proctype Poll() {
	byte s; byte e; bool d;
	do
	:: atomic {
		polling = T;
#ifdef NULL_CURSOR	/* the cursor is forgotten with the connection, and nothing is flushed */
		if :: cursor = committed :: skip fi
#endif
	   }
#ifdef GREATEST_XID	/* the cursor is the greatest transaction seen */
	   atomic { s = (committed >= 2 -> 2 : committed); d = s > cursor };
#else
	   if
	   :: atomic { s = committed; e = epoch; d = (s & ~cursor) != 0 }
#ifdef FAILOVER
	   :: atomic { answering > 0 -> s = oldcommitted; e = 0; d = (s & ~cursor) != 0 }
#endif
	   fi;
#endif
	   atomic {
		if :: LEFT -> goto done :: else fi;
#ifdef LEASE_FIRST	/* the lease is renewed before the answer is applied */
		lease = polling;
#endif
#ifdef FAILOVER
#ifdef ENTER_ORDER	/* the flush takes its number before the epoch changes */
		if :: e != cep -> invalidate() :: else fi
#else
		if
		:: e != cep -> cep = e;
#ifndef NO_FLUSH	/* nothing is forgotten in a new epoch */
			d = true
#endif
		:: else
		fi
#endif
#endif
		skip
	   }
	   atomic {
		if :: d -> invalidate() :: else fi;
		cursor = s; cep = e; s = 0; d = false
	   }
	   atomic {
#ifdef LEASE_FROM_ANSWER	/* the lease counts from the poll's answer */
		lease = T;
#else
		lease = polling;
#endif
		if :: e == 1 -> seen = true :: else fi
	   }
done:	   atomic { polling = 0; s = 0; e = 0; d = false }
	od
}

/* Anybody may notify, at any time, so an invalidation may come at any time, or never. With CONNECTION, only what was
   notified, late or never: what has not arrived when the connection is lost never does. Connected again, the process
   polls, which it may at any time. */
#ifdef CONNECTION
bool listening = true;
byte pending = 0;
#endif
proctype Listener() {
#ifdef CONNECTION
	byte notified;
	do
	:: atomic { committed != notified -> pending = pending + listening; notified = committed }
	:: atomic { pending > 0 -> pending--; invalidate() }
#ifdef LISTEN_LEASE	/* what is heard, of whatever session, is taken for a sign that all is well */
	:: atomic { listening -> lease = T }
#endif
	:: atomic { listening -> listening = false; pending = 0 }
	:: atomic { !listening -> listening = true }
	od
#else
	do
	:: atomic { present || !dirty -> invalidate() }
	od
#endif
}

#ifdef FAILOVER
/* An asynchronous standby is promoted: the newest commit may be lost, the log is empty, transaction numbers
   come again. Then a change is acknowledged on the new primary. */
proctype Failover() {
	byte old;
	atomic {
		oldcur = cur; oldcommitted = committed; epoch = 1; answering = ANSWERS; crossing = T + F;
		if
		:: committed != 0 -> allowed[cur] = T + F; allowed[prevc] = LIVE; cur = prevc
		:: true
		fi;
		committed = 0; prevc = 0
	}
	atomic { old = cur; cur = 3; committed = 1 }
	atomic { if :: allowed[old] == LIVE -> allowed[old] = T + F :: else fi; old = 0 }
}

/* A change that the demoted server still takes, and that is lost. */
proctype Lost() { atomic { answering > 0 -> oldcur = 4; oldcommitted = oldcommitted | 4; allowed[4] = crossing } }
#endif

/* --- what must be reachable, or the model proves nothing --- */

#ifdef WITNESS_SUSPENDED	/* an entry outlives a lapse of the lease and is served again */
proctype Witness() {
	do
	:: atomic { present && lease == 0 && !lapsed -> lapsed = true }
	:: atomic { lapsed && lease > 0 && hitting > 0 -> assert(false) }
	od
}
#endif
#ifdef WITNESS_OLD_EPOCH	/* the demoted server's content is still served after the switch */
proctype Witness() { atomic { epoch == 1 && crossing == 1 && present && ce == 0 && lease > 0 -> assert(false) } }
#endif

init {
	atomic {
		allowed[0] = LIVE; allowed[1] = LIVE; allowed[2] = LIVE; allowed[3] = LIVE; allowed[4] = LIVE;
		run Clock(); run Writer(1, 1);
#ifdef TWO
		run Writer(2, 2);
#endif
		run Fill(); run Hit(); run Poll(); run Listener();
#ifdef FAILOVER
		run Failover(); run Lost();
#endif
#if defined(WITNESS_SUSPENDED) || defined(WITNESS_OLD_EPOCH)
		run Witness();
#endif
	}
}
