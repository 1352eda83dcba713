/* purge.pml: the change log, the snapshot cursor and low_water. One key, one process, no time.

   Holds: whenever a poll has been applied, what is cached is no older than what the new cursor sees, however late
   and in whatever order transactions commit, whatever the purge has deleted, and after a crash too, for a transaction
   prepared before it whose log rows it has lost. And a cursor newer than the snapshot that the log was purged by is
   never a reason to flush: a long transaction costs nothing.

   A snapshot is as in PostgreSQL: xmax is the first number not yet decided by then, what is below it and in progress
   is listed. Transactions 0 .. XIDS-1 are begun in this order; each changes the session and logs that. A change by
   transaction x is bit x of the row's content.

   Abstracted: of the ticks there is the one that the next purge goes by. A purge is one step, as it is one transaction
   (NO_ATOMIC_PURGE splits it). Every transaction that is begun logs. */

#ifndef XIDS
#define XIDS 3
#endif
#define BIT(x) (1 << (x))
#define BELOW(x) (BIT(x) - 1)

/* The server. Sets of transactions are bits. */
byte next = 0;		/* the next to begin */
byte latest = 0;	/* one above the greatest decided: a snapshot's xmax */
byte running = 0;
byte prepared = 0;	/* of those */
byte committed = 0;
byte log = 0;		/* whose rows are in the log: of a transaction in progress, nobody sees them yet */
byte epoch = 1;
bool started = true;	/* there is a change_state row: */
byte low = 0;		/* its low_water */
bool crashed = false;	/* or restored from a dump */

/* The tick that the next purge goes by, and the newest that was purged by. */
bool ticked = false;
byte tick = 0;		/* xmin of its snapshot */
byte tickno = 0;
byte lowno = 0;
#ifdef PURGE_BY_AGE	/* rows are deleted that were written before the tick, whatever their transaction */
byte aged = 0;
#define OLD aged
#else
#define OLD BELOW(tick)
#endif

/* The process. */
bool present = false;	/* an entry: */
byte content = 0;	/* what was committed when it was read */
bool dirty = true;
byte cep = 0;
bool null = true;	/* the cursor: none, or */
byte xmax = 0;
byte xip = 0;
byte since = 0;		/* the tick it is newer than */

#define SEEN(xm, xi) (BELOW(xm) & ~(xi))	/* what a snapshot sees as decided */
#define FIRST(s, n) (s & 1 -> 0 : (s & 2 -> 1 : (s & 4 -> 2 : (s & 8 -> 3 : n))))
#define XMIN FIRST(running, latest)

inline decide(x) {
	running = running & ~BIT(x); prepared = prepared & ~BIT(x);
	if :: x >= latest -> latest = x + 1 :: else fi
}

inline invalidate() { dirty = true; present = false; content = 0 }

/* One transaction after the other begins, and ends when it likes. */
proctype Begin() {
end:	do
	:: atomic { next < XIDS -> running = running | BIT(next); log = log | BIT(next); next++ }
	od
}

proctype Transaction(byte x) {
	atomic {
		running & BIT(x) ->
		if
		:: goto decided
		:: prepared = prepared | BIT(x)
		fi
	}
decided:
	atomic {
		if
		:: (running & BIT(x)) -> committed = committed | BIT(x); decide(x)
		:: (running & BIT(x)) -> log = log & ~BIT(x); decide(x)	/* rolled back */
		:: !(running & BIT(x)) -> skip				/* lost in the crash */
		fi
	}
}

/* What is prepared survives a crash. UNLOGGED tables are empty after it. */
proctype Crash() {
end:	atomic {
		epoch == 1 && started ->
		running = running & prepared; latest = next;
		log = 0; started = false; low = 0; lowno = 0; ticked = false; tick = 0; tickno = 0; crashed = true
	}
}

inline start() {
	if
	:: !started -> started = true; epoch++;
#ifdef START_XMIN	/* change_start takes the snapshot's xmin */
		low = XMIN
#else
		low = latest
#endif
	:: else
	fi
}

proctype Purge() {
end:	do
	:: atomic { started && tickno < 2 ->
		tickno++; ticked = true;
#ifdef PURGE_BY_AGE
		aged = log;
#endif
#ifdef LOW_BY_AGE	/* low_water is where the log was when it was young */
		tick = latest
#else
		tick = XMIN
#endif
	   }
	:: atomic { started && ticked && (tick > low || (log & OLD & ~running) != 0) ->
		log = log & ~(OLD & ~running);	/* of those in progress it sees no rows */
#ifdef NO_ATOMIC_PURGE	/* rows are deleted in a transaction, and low_water moves in another */
	   }
	   atomic {
#endif
		if :: started && tick > low -> low = tick; lowno = tickno :: else fi
	   }
#ifdef RESTORED
#ifdef LOW_RESET	/* a low_water of another server begins at nothing again */
	:: atomic { low > latest -> low = 0 }
#else
	:: atomic { low > latest -> low = latest }
#endif
	:: atomic { tick > latest -> tick = 0; ticked = false }
#endif
	od
}

proctype Fill() {
	byte v; byte e;
	do
	:: atomic { dirty = false };
	   atomic { v = committed; e = (started -> epoch : 0) };
	   atomic {
		if :: !dirty && e == cep && e != 0 -> present = true; content = v :: else fi;
		v = 0; e = 0; dirty = true
	   }
	od
}

proctype Poll() {
	byte sxmax; byte sxip; byte rows; byte lw; byte e; byte no; byte lno; bool flush;
	do
	::
	   atomic { if :: !started -> start(); null = true; xmax = 0; xip = 0; since = 0 :: else fi };
	   atomic {
		if :: !started -> goto again :: else fi;
		sxmax = latest; sxip = running & BELOW(latest); lw = low; e = epoch; no = tickno; lno = lowno;
#ifdef GREATEST_XID	/* the cursor is the greatest transaction seen */
		rows = log & committed & ~BELOW(xmax)
#else
		rows = log & committed & ~SEEN(xmax, xip)
#endif
		if :: null -> rows = 0 :: else fi
	   }
	   atomic {
		if
		:: e != cep -> cep = e; flush = true
		:: e == cep && null ->
#ifndef NULL_NO_FLUSH	/* a first poll is taken for one that found nothing */
			flush = true
#endif
		:: else ->
#ifndef LOW_IGNORED	/* low_water is not looked at */
			if
			:: xmax < lw -> flush = true
#ifndef RUNNING_IGNORED	/* ... but for the cursor's xmax */
			:: xmax >= lw && (xip & BELOW(lw) & SEEN(sxmax, sxip)) -> flush = true
#endif
			:: else
			fi;
			assert(!flush || since < lno || crashed)
#endif
		fi;
		if :: flush || rows != 0 -> invalidate() :: else fi;
		null = false; xmax = sxmax; xip = sxip; since = no;
		/* Of what the cursor sees, the entry shows everything. */
		assert(!present || (committed & SEEN(xmax, xip) & ~content) == 0)
	   }
again:	   atomic { sxmax = 0; sxip = 0; rows = 0; lw = 0; e = 0; no = 0; lno = 0; flush = false }
	od
}

/* The connection is lost, and the process begins again without a cursor. */
proctype Lost() { do :: atomic { !null -> null = true; xmax = 0; xip = 0; since = 0 } od }

/* --- what must be reachable, or the model proves nothing --- */

#ifdef WITNESS_PREPARED	/* a transaction prepared before the crash is committed after a poll of the new epoch */
proctype Witness() { atomic { cep == 2 && (prepared & 1) && present && (xip & 1) }; atomic { (committed & 1) && present -> assert(false) } }
#endif
#ifdef WITNESS_LONG	/* an entry outlives a purge though a transaction older than it is in progress */
proctype Witness() { atomic { !crashed && low == 1 && (running & 2) && present && (xip & 2) && xmax == 3 -> assert(false) } }
#endif

init {
	atomic {
		byte j;
#ifdef RESTORED		/* a dump of another server: its low_water and its tick mean nothing here */
		low = XIDS + 1; ticked = true; crashed = true;
		if :: tick = 1 :: tick = 2 :: tick = XIDS :: tick = XIDS + 1 fi;
#endif
		for (j : 0 .. XIDS - 1) { run Transaction(j) }
		run Begin(); run Purge(); run Fill(); run Poll(); run Lost();
#ifdef CRASH
		run Crash();
#endif
#if defined(WITNESS_PREPARED) || defined(WITNESS_LONG)
		run Witness();
#endif
	}
}
