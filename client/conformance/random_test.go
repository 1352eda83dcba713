package conformance_test

import (
	"testing"

	"github.com/pgsession/pgsession/client/conformance"
)

func TestRandom(t *testing.T) {
	t.Parallel()
	for name, newSubject := range map[string]func(*testing.T) conformance.Fixture{
		"client": newClient,
		"cache":  newCache,
		"memory": newMemory,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			conformance.Random(t, newMemory, newSubject)
		})
	}
	t.Run("cache and client", func(t *testing.T) {
		t.Parallel()
		conformance.Random(t, newClient, newCache)
	})
}
