// Package chaos proves the coherence promises over real processes and a real PostgreSQL server: it breaks things, in
// every way that it knows, while processes with caches serve, change and end sessions, and then holds every answer
// that was given against everything that had been acknowledged.
//
// A [Fault] is a name, what to break and how to mend it. A scene is the world in which it happens: a database of its
// own, processes (this program, started again as a worker) that hold a listener.Cache each, and the ledger of all that
// they did. Times come from the one monotonic clock of the machine, so that histories of several processes compare.
//
// Two checkers look at each history. The linear one relies on versions being ordered: an answer that was asked for at t
// has to reflect every change acknowledged before t − T, or t − T − F where a fault moves to another server. The second
// is porcupine, a linearizability checker, on a sample, with reads moved back by as much.
//
// Run the suite with [Suite.Run]; controls, in which invalidation or the lease are switched off, show that the checkers
// see what is there to be seen.
//
// # What is approximated
//
//   - A full notification queue: it holds gigabytes. A listener is stuck, and the server's measure of the queue, which the
//     functions go by, is replaced in that database.
//   - A wall clock that is stepped: of processes one by one, in their own memory, and on Linux on amd64 only. Nobody's
//     machine is set. The server's own clock is not stepped.
//   - Disabled triggers (assumption A3 broken): the bound is the cap on an entry's age, five minutes, so that row takes as
//     long; it goes on beside the others.
//   - Reads for porcupine are moved back by T whether they came from memory or not, because a miss may join another's
//     read. The linear checker is stricter.
//   - Where commits are lost or taken back, porcupine is not asked: what is true then depends on the epoch.
package chaos
