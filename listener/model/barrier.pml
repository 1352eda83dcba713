/* barrier.pml: the revocation barrier, with acknowledgements and by waiting. One session, one revoker, one or more
   processes, whose clocks may go slow by one tick in T + 1; or, with FAILOVER, a promotion and a demoted server that
   goes on answering reads and polls.

   Holds: I4, once revoke-and-wait has returned, no request that begins then is answered with the session, by any
   process. Nor is one that began before by a process that the revoker relied on, and after a full wait by none.

   Abstracted: the revocation is one transaction; a cursor sees it or does not. The purge and the order of commits
   are in purge.pml. Everything is a process that may take no step for as long as it likes: an instance that is dead,
   stopped or cut off, a poll's answer that is late or lost. A count of polls is a mark, whether there was one since
   it was looked at. */

#ifdef TWO		/* a second process, which holds nothing, and applies and reports at once when it polls */
#define INSTANCES 2
#else
#define INSTANCES 1
#endif
#ifndef T
#define T 2		/* the lease */
#endif
#ifdef WAIT_T		/* the drift of clocks is not allowed for */
#define W T
#else
#define W (T + 1)	/* T(1 + drift) */
#endif
#ifdef FAILOVER
#define SERVERS 2
#ifndef F
#define F 1		/* how long a demoted server goes on answering */
#endif
#define ANSWERS(e) (e == epoch || answering > 0)
#else
#define SERVERS 1
#define F 0
#define ANSWERS(e) true
#endif
#define UNKNOWN 9

/* The servers: 0, and 1, which is promoted. Each has an epoch of its own. */
byte epoch = 0;			/* the primary */
byte answering = 0;		/* how long the demoted one may go on answering, and this tick */
bool revoked[SERVERS];		/* the transaction is visible */
bool started[SERVERS];		/* change_start has run */
byte young = 0;			/* how long the new epoch is young */

/* Instances, registered. What they have reported: */
#define NOTHING 0
#define BEFORE 1		/* a cursor that does not see the revocation */
#define AFTER 2
#define ROW(i, e) ((i) * SERVERS + (e))
bool registered[INSTANCES * SERVERS];
byte reported[INSTANCES * SERVERS];

/* Processes. */
bool present[INSTANCES];	/* an entry, of the session as it was before the revocation */
bool dirty[INSTANCES];		/* stamped since the load under way noted its number */
bool passed[INSTANCES];		/* ... and the process has reported since then: the load's answer may not be given */
bool joined[INSTANCES];		/* a request that began after the barrier has returned waits for the load under way */
byte cep[INSTANCES];		/* the cache's epoch */
bool cursor[INSTANCES];		/* it sees the revocation */
byte lease[INSTANCES];
byte polling[INSTANCES];	/* how long a lease would last that counts from when the poll under way was sent */
byte loading[INSTANCES];	/* how long the load under way may still be answered with */
byte hitting[INSTANCES];	/* how long the lease lasts that the request under way has seen */
byte steady[INSTANCES];		/* how long until the clock may go slow again */

/* The revoker. */
bool asking = false;
byte at = 0;			/* where it has committed */
byte waiting = 0;		/* how long the full wait lasts */
bool returned = false;
bool relied[INSTANCES];		/* nothing of the session may be answered any more, whenever the request began */
bool known[INSTANCES];		/* MEMBERS_EARLY: was registered before the commit */

/* Who expels the dead. */
byte watched = UNKNOWN;
byte where = 0;
byte watching = 0;
mtype = { still, polled, rejoined };
mtype mark = polled;

#ifdef LATE_ANSWER	/* a miss is answered however late the database's answer came */
#define INTIME(i) true
#else
#define INTIME(i) (loading[i] > 0)
#endif

#ifdef NO_AGAIN		/* a load is answered with though its invalidation has been reported */
#define AGAIN(i) false
#else
#define AGAIN(i) passed[i]
#endif

#ifdef JOIN_ANY		/* a load may be joined by a process that holds no lease */
#define JOINABLE(i) (!dirty[i])
#else
#ifdef JOIN_PASSED	/* a load may be joined that an invalidation has passed */
#define JOINABLE(i) (lease[i] > 0)
#else
#define JOINABLE(i) (!dirty[i] && lease[i] > 0)
#endif
#endif

#ifdef YOUNG_IGNORED	/* acknowledgements are relied on in a young epoch */
#define YOUNG false
#else
#define YOUNG (young > 0)
#endif

#ifdef YOUNG_NO_F	/* an epoch counts as old before the demoted server is silent */
#define YOUNG_F 0
#else
#define YOUNG_F F
#endif

#ifdef WAIT_NO_F	/* the full wait does not last until the demoted server is silent */
#define WAIT_F 0
#else
#define WAIT_F F
#endif

#ifdef EXPEL_EARLY	/* after T, with no allowance for the drift of clocks */
#define EXPEL_AFTER T
#else
#define EXPEL_AFTER W
#endif

#ifdef EXPEL_BLIND	/* whoever was seen then is expelled, also if it has polled since */
#define EXPELLABLE true
#else
#ifdef EXPEL_SAME	/* one that registers again counts from 0, under its old name */
#define EXPELLABLE (mark != polled)
#else
#define EXPELLABLE (mark == still)
#endif
#endif

inline tick(x) { if :: x > 0 -> x-- :: else fi }

inline invalidate(i) { dirty[i] = true; present[i] = false }

inline look(i, e, m) { if :: watched == i && where == e && mark == still -> mark = m :: else fi }

byte k;	/* a loop variable, 0 between the steps */

proctype Clock() {
	do
	:: atomic {
		tick(waiting); tick(watching); tick(young); tick(answering);
		for (k : 0 .. 0) {
			if
			:: steady[k] == 0 -> steady[k] = T	/* slow: this tick does not count for it */
			:: tick(lease[k]); tick(polling[k]); tick(loading[k]); tick(hitting[k]); tick(steady[k])
			fi
		}
		k = 0
	   }
	od
}

/* Registers, polls, applies, reports: poller.ask, once, apply. */
proctype Poll(byte i) {
	byte e; bool sees;
	do
	:: /* send: what is reported is what is applied by now */
	   atomic { if :: loading[i] != 0 && dirty[i] -> passed[i] = true :: else fi; polling[i] = T };
	   /* change_poll */
	   atomic {
		if :: e = epoch :: ANSWERS(0) -> e = 0 fi;
#ifdef FAILOVER
		if :: !started[e] -> started[e] = true; young = W + YOUNG_F :: else fi;
#endif
		if
		:: registered[ROW(i, e)] ->
			look(i, e, polled);
			reported[ROW(i, e)] =
#ifdef ACK_EARLY	/* what a poll is told is taken for applied */
				(revoked[e] -> AFTER : BEFORE);
#else
#ifdef OLD_CURSOR	/* the cursor of another epoch is reported: its numbers mean nothing there, and may look newer */
				(cep[i] == UNKNOWN -> NOTHING : (cep[i] != e || cursor[i] -> AFTER : BEFORE));
#else
				(cep[i] != e -> NOTHING : (cursor[i] -> AFTER : BEFORE));
#endif
#endif
			sees = revoked[e]
		:: else ->
#ifdef JOIN_LATE	/* the first poll counts, and then the process registers */
			sees = revoked[e]
#else
			goto join
#endif
		fi
	   };
	   if
	   :: atomic { goto again }	/* the answer is lost */
	   :: atomic {			/* apply */
		if
		:: cep[i] != e -> cep[i] = e; invalidate(i)
		:: else -> if :: sees && !cursor[i] -> invalidate(i) :: else fi
		fi;
		cursor[i] = sees; sees = false
	      }
	   fi;
	   atomic { lease[i] = polling[i]; polling[i] = 0 };
#ifdef JOIN_LATE
	   atomic { registered[ROW(i, e)] = true };
#endif
	   if
	   :: atomic { goto again }
	   :: atomic { if :: loading[i] != 0 && dirty[i] -> passed[i] = true :: else fi }
	      /* change_ack */
	      atomic {
		if
		:: registered[ROW(i, e)] && ANSWERS(e) -> reported[ROW(i, e)] = (cursor[i] -> AFTER : BEFORE)
		:: else
		fi
	      }
	      goto again
	   fi;
join:	   atomic {	/* change_join, committed before the next poll is sent */
		if
		:: ANSWERS(e) ->
			look(i, e, rejoined);
			registered[ROW(i, e)] = true; reported[ROW(i, e)] = NOTHING
		:: else
		fi
	   }
#ifdef NO_MEMBER	/* who is no member takes the lease all the same */
	   atomic { lease[i] = polling[i] };
#endif
again:	   atomic { polling[i] = 0; sees = false; e = 0 }
	:: /* Close, and Open of another instance */
#ifdef LEAVE_EARLY	/* it leaves while it may still serve */
	   atomic { e = epoch; registered[ROW(i, e)] = false; reported[ROW(i, e)] = NOTHING };
	   atomic { lease[i] = 0 };
#else
	   atomic { lease[i] = 0 };
	   atomic { e = epoch; look(i, e, rejoined); registered[ROW(i, e)] = false; reported[ROW(i, e)] = NOTHING };
#endif
	   atomic { e = 0; invalidate(i); cep[i] = UNKNOWN; cursor[i] = false; if :: loading[i] != 0 -> passed[i] = true :: else fi }
	od
}

#ifdef TWO
proctype Other() {
	do
	:: atomic { registered[ROW(1, epoch)] = true; reported[ROW(1, epoch)] = (revoked[epoch] -> AFTER : BEFORE) }
	:: atomic { registered[ROW(1, epoch)] = false; reported[ROW(1, epoch)] = NOTHING }
	od
}
#endif

/* A load. What an answer is worth is judged when it lands. */
proctype Fill(byte i) {
	byte e; bool live;
	do
	:: atomic {
		dirty[i] = false; loading[i] = T; joined[i] = returned;
#ifndef PROMPT		/* loads take no time */
	   }
	   atomic {
#endif
		if :: e = epoch :: ANSWERS(0) -> e = 0 fi;
		live = !revoked[e];
#ifndef PROMPT
	   }
	   atomic {
#endif
		if
		:: live && AGAIN(i)	/* read again */
		:: live && !AGAIN(i) ->
			assert(!(INTIME(i) && joined[i]));
			assert(!(INTIME(i) && relied[i]));
			if :: !dirty[i] && e == cep[i] && started[e] -> present[i] = true :: else fi
		:: !live
		fi;
		e = 0; live = false; dirty[i] = true; passed[i] = false; joined[i] = false; loading[i] = 0
	   }
	od
}

/* A request that begins after the barrier has returned. */
proctype Request(byte i) {
	do
	:: atomic { returned && loading[i] > 0 && JOINABLE(i) && !joined[i] -> joined[i] = true }
#ifdef HIT_ORDER	/* the lease is looked at after the entry: it may have been renewed meanwhile */
	:: atomic { returned && present[i] };
	   atomic { assert(lease[i] == 0) }
#else
	:: atomic { returned && lease[i] > 0 -> hitting[i] = lease[i] };
	   if :: present[i] :: atomic { hitting[i] = 0; goto miss } fi;
	   atomic { assert(hitting[i] == 0) };
miss:	   skip
#endif
	od
}

#define APPLIED(i) (!registered[ROW(i, at)] || reported[ROW(i, at)] == AFTER)

proctype Revoker() {
	bool all;
#ifdef MEMBERS_EARLY	/* the membership is read before the commit */
	atomic { for (k : 0 .. INSTANCES - 1) { known[k] = registered[ROW(k, epoch)] } k = 0; at = epoch };
	atomic { if :: at == epoch :: else -> goto done fi };
#endif
	atomic { at = epoch; revoked[at] = true; waiting = W + WAIT_F; asking = true };
end:	do
	:: atomic {	/* the full wait */
		waiting == 0 ->
		for (k : 0 .. INSTANCES - 1) { relied[k] = true } k = 0;
		break
	   }
	:: atomic {	/* change_applied, where the transaction has committed */
		ANSWERS(at) && started[at] && !(at == 1 && YOUNG) -> all = true;
		for (k : 0 .. INSTANCES - 1) {
			if
#ifdef MEMBERS_EARLY
			:: !known[k] -> skip
			:: known[k] && !APPLIED(k) -> all = false
#else
			:: !APPLIED(k) -> all = false
#endif
			:: else
			fi
		}
#ifdef ANY_ACK		/* one that has applied it is enough */
		for (k : 0 .. INSTANCES - 1) { if :: registered[ROW(k, at)] && reported[ROW(k, at)] == AFTER -> all = true :: else fi }
#endif
#ifdef NO_WAIT		/* those that do not answer are not waited for */
		all = true;
#endif
		k = 0;
		if
		:: all -> for (k : 0 .. INSTANCES - 1) { relied[k] = registered[ROW(k, at)] && reported[ROW(k, at)] == AFTER } k = 0; break
		:: else
		fi
	   }
#ifdef ASK_ELSEWHERE	/* asked is whoever answers: on the demoted server the transaction's number means another */
	:: atomic {
		at == 1 && answering > 0 -> all = true;
		for (k : 0 .. INSTANCES - 1) { if :: registered[ROW(k, 0)] && reported[ROW(k, 0)] == NOTHING -> all = false :: else fi }
		k = 0;
		if :: all -> break :: else fi
	   }
#endif
	od;
	atomic { returned = true; asking = false; waiting = 0; all = false };
done:	skip
}

/* Ends the registration of who has not polled for longer than it can hold a lease. */
proctype Expel() {
	byte i; byte e;
	do
	:: atomic {
		if :: e = epoch :: ANSWERS(0) -> e = 0 fi;
		if
		:: registered[ROW(i, e)] -> watched = i; where = e; mark = still; watching = EXPEL_AFTER
		:: else -> i = 0; e = 0; goto next
		fi
	   }
	   atomic {
		watching == 0 ->
		if
		:: ANSWERS(e) && (EXPELLABLE) -> registered[ROW(i, e)] = false; reported[ROW(i, e)] = NOTHING
		:: else
		fi;
		i = 0; e = 0; watched = UNKNOWN; where = 0; mark = polled
	   }
next:	   skip
	od
}

#ifdef FAILOVER
/* The promoted server's membership is empty; the revocation, if committed, has survived. */
proctype Failover() {
	atomic { epoch = 1; answering = F + 1; revoked[1] = revoked[0] };
	atomic { if :: !started[1] -> started[1] = true; young = W + YOUNG_F :: else fi }	/* by somebody else */
}
#endif

/* --- what must be reachable, or the model proves nothing --- */

#ifdef WITNESS_FAST	/* the barrier returns by acknowledgement, of a process that still holds a lease */
proctype Witness() { atomic { returned && relied[0] && registered[0] && lease[0] == T && cursor[0] -> assert(false) } }
#endif
#ifdef WITNESS_EXPELLED	/* by the expulsion of a process that has an entry */
proctype Witness() { atomic { present[0] && registered[0] && asking && watched == 0 }; atomic { present[0] && !registered[0] && returned && !relied[0] -> assert(false) } }
#endif

init {
	atomic {
		byte j;
		started[0] = true;
		for (j : 0 .. INSTANCES - 1) { dirty[j] = true; cep[j] = UNKNOWN }
		j = 0;
		run Clock(); run Poll(0); run Fill(0); run Request(0); run Revoker();
#ifdef TWO
		run Other();
#endif
#ifdef EXPEL
		run Expel();
#endif
#ifdef FAILOVER
		run Failover();
#endif
#if defined(WITNESS_FAST) || defined(WITNESS_EXPELLED)
		run Witness();
#endif
	}
}
