// Package listener keeps sessions in memory, coherent with the database and with every other process.
//
// [Open] gives a [Cache], which has the same session methods as a *client.Client and answers SessionGet
// from memory when it may. It holds a lease: the right to answer from memory, renewed by every poll of
// the database's change log and lasting T (3 seconds) from the moment the poll was sent. Notifications
// make invalidations fast; safety never rests on them. What is promised, at the instant an answer is
// given:
//
//   - bounded staleness: the answer reflects every change that was acknowledged more than T ago,
//     whatever has failed (T + F around a failover, where F is how long a demoted server goes on answering);
//   - no stale fill: nothing is stored whose read began before an invalidation of it that has been
//     applied since;
//   - no hit crosses epochs: what was read before a crash, a failover or a restore is forgotten;
//   - a revocation barrier: once SessionCloseWait returns, no process serves the session;
//   - within a process and an epoch, the version served never goes back.
//
// A cache takes two connections of its own, dialled and not from the pool: one polls, one listens.
// Neither may go through a transaction pooler.
package listener
