/* memory.pml: one key, the sequence numbers and the locks of memory.go, one atomic operation a step. No time.

   Holds: I2, once an invalidation has returned, be it of the key, by a flush or by entering an epoch, no request that
   begins then hits an entry whose read began before it, nor one of another epoch.

   Abstracted: of the stripes there is the key's; the user's is like it, its lock nested in the key's (versions.pml
   has both). How often the poller and the ears may invalidate is bounded, for the numbers to be. */

#ifndef POLLS
#define POLLS 2		/* how often the poller invalidates, */
#endif
#ifndef NOTES
#define NOTES 1		/* and the ears */
#endif
#define CHANGES 2

/* The server: each change is a version; a failover is one, too, and the demoted server goes on showing what it had. */
byte cur = 0;
byte server = 0;	/* the primary's epoch */
byte old = 0;		/* what the demoted server shows */

/* memory */
byte sequence = 0;
byte flushed = 0;
byte epoch = 0;
bool locked = false;	/* the key's stripe */
byte stamp = 0;
bool present = false;	/* an entry: */
byte version = 0;
byte number = 0;
byte born = 0;		/* the epoch that its row said */

byte returned = 0;	/* the latest change whose invalidation has returned */
byte entered = 0;	/* the epoch whose entering has returned */

inline lock() { atomic { !locked -> locked = true } }
inline unlock() { locked = false }

inline flush(n) {
	atomic { sequence++; n = sequence };
#ifdef FLUSH_BACK	/* of two flushes at once, the one with the lower number may be the last to be noted */
	flushed = n;
#else
	atomic { if :: n > flushed -> flushed = n :: else fi };
#endif
	n = 0
}

inline remove() { present = false; version = 0; number = 0; born = 0 }

inline invalidateKey() {
#ifdef REMOVE_FIRST	/* the entry is removed before the stamp is set, and the lock taken for each */
	atomic { !locked -> remove() };
	atomic { !locked -> sequence++; stamp = sequence }
#else
	atomic { !locked -> sequence++; stamp = sequence; remove() }
#endif
}

proctype Server() {
	do
	:: atomic { cur < CHANGES -> cur++ }
	:: atomic { cur < CHANGES && server == 0 -> old = cur; server = 1; cur++ }
	:: cur == CHANGES -> break
	od
}

/* The poller sees the epoch with what has changed; notifications say only what has changed. */
proctype Invalidate(bool poller; byte times) {
	byte upto; byte e; byte n;
	do
	:: times > 0 ->
		atomic { times--; upto = cur; e = server };
		if
		:: poller && e != epoch ->
#ifdef ENTER_ORDER	/* the flush takes its number before the epoch changes */
			flush(n);
			epoch = e
#else
			epoch = e;
			flush(n)
#endif
		:: !poller || e == epoch -> flush(n)
		:: !poller || e == epoch -> invalidateKey()
		fi;
		atomic {
			if :: (poller || server == 0) && upto > returned -> returned = upto :: else fi;
			if :: poller && e > entered -> entered = e :: else fi;
			upto = 0; e = 0
		}
	:: else -> break
	od
}

proctype Fill() {
	byte v; byte e; byte n; bool held;
	do
	::
#ifdef NOTE_LATE	/* the sequence is noted after the read */
	   atomic { v = cur; e = server };
	   n = sequence;
#else
	   n = sequence;
	   if
	   :: atomic { v = cur; e = server }
	   :: atomic { server == 1 -> v = old; e = 0 }
	   fi;
#endif
#ifdef CHECK_EARLY	/* what has been stamped is looked at before the lock is taken */
	   if :: stamp > n -> goto refused :: else fi;
	   lock(); held = true;
#else
	   lock(); held = true;
	   if :: stamp > n -> goto refused :: else fi;
#endif
	   if :: flushed > n -> goto refused :: else fi;
	   if :: e != epoch -> goto refused :: else fi;
	   atomic { present = true; version = v; number = n; born = e };
refused:   atomic { if :: held -> unlock(); held = false :: else fi; v = 0; e = 0; n = 0 }
	od
}

#ifdef FLUSH_UNSEEN	/* an entry is served though a flush has passed it */
#define UNFLUSHED true
#else
#define UNFLUSHED (number >= flushed)
#endif

/* Looked at between getting the entry and serving it, a later flush would only be seen more often. */
proctype Hit() {
	do
	:: atomic { present && UNFLUSHED -> assert(version >= returned); assert(born >= entered) }
	od
}

/* The sweeper frees what flushes have passed. */
proctype Free() {
	byte n;
	do
	:: n = flushed;
	   atomic { !locked -> if :: present && number < n -> remove() :: else fi; n = 0 }
	od
}

init { atomic { run Server(); run Invalidate(true, POLLS); run Invalidate(false, NOTES); run Fill(); run Hit(); run Free() } }
