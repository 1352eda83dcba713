// Package conformance is the test suite that every [client.Store] passes. An implementation runs it from
// a test of its own:
//
//	func TestConformance(t *testing.T) {
//		conformance.Run(t, func(t *testing.T) conformance.Fixture {
//			store := …
//			return conformance.Fixture{Store: store, CreateUser: …, Parallel: true}
//		})
//	}
//
// What a fixture cannot do is skipped, and the skipped test says why.
//
// [Run] tries the cases that somebody thought of. [Random] finds others: it makes long random sequences of calls on the
// implementation and on a reference, client/memory, and wants the same answers:
//
//	conformance.Random(t, newMemoryFixture, newFixture)
package conformance
