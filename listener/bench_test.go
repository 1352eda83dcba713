package listener_test

import (
	"crypto/sha256"
	"fmt"
	"testing"
	"time"

	"github.com/maypok86/otter/v2"

	"github.com/pgsession/pgsession/client"
	"github.com/pgsession/pgsession/internal/pgtest"
	"github.com/pgsession/pgsession/listener"
)

// benchmark opens a cache and sessions with payloads of 1 KiB.
func benchmark(b *testing.B, sessions int) (*listener.Cache, []client.Token) {
	b.Helper()
	pool := pgtest.New(b).Pool(b)
	cache, err := listener.Open(b.Context(), listener.Config{Pool: pool, MaxEntries: 2 * sessions, MaxBytes: 4 << 30})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := cache.Close(b.Context()); err != nil {
			b.Logf("close: %v", err)
		}
	})
	tokens := make([]client.Token, sessions)
	for i := range tokens {
		token, _, err := cache.SessionOpen(b.Context(), client.OpenOptions{
			Idle: time.Hour, Payload: map[string]string{"x": fmt.Sprintf("%01000d", i)}})
		if err != nil {
			b.Fatal(err)
		}
		if _, found, err := cache.SessionGet(b.Context(), token.Key()); !found || err != nil {
			b.Fatal(found, err)
		}
		tokens[i] = token
	}
	return cache, tokens
}

// BenchmarkHit is a cached hit, token in, session out, beside its parts: the hash of the token, otter's
// own hit, and the time. The ratio of hit to the sum of the parts is what is judged.
func BenchmarkHit(b *testing.B) {
	for _, sessions := range []int{1, 10_000} {
		cache, tokens := benchmark(b, sessions)
		b.Run(fmt.Sprintf("sessions=%d", sessions), func(b *testing.B) {
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				_, found, err := cache.SessionGet(b.Context(), tokens[i*7919%sessions].Key())
				if !found || err != nil {
					b.Fatal(found, err)
				}
			}
		})
		b.Run(fmt.Sprintf("parallel/sessions=%d", sessions), func(b *testing.B) {
			b.ReportAllocs()
			b.RunParallel(func(pb *testing.PB) {
				for i := 0; pb.Next(); i++ {
					if _, found, err := cache.SessionGet(b.Context(), tokens[i*7919%sessions].Key()); !found || err != nil {
						b.Error(found, err)
						return
					}
				}
			})
		})
		b.Run(fmt.Sprintf("part=sha256/sessions=%d", sessions), func(b *testing.B) {
			var in [33]byte
			for b.Loop() {
				in[1] = sha256.Sum256(in[:])[0]
			}
		})
		b.Run(fmt.Sprintf("part=otter/sessions=%d", sessions), func(b *testing.B) {
			plain := otter.Must(&otter.Options[client.Key, *client.Session]{MaximumSize: 2 * sessions})
			keys := make([]client.Key, sessions)
			for i, token := range tokens {
				keys[i] = token.Key()
				plain.Set(keys[i], &client.Session{})
			}
			for i := 0; b.Loop(); i++ {
				if _, found := plain.GetIfPresent(keys[i*7919%sessions]); !found {
					b.Fatal("not found")
				}
			}
		})
		b.Run(fmt.Sprintf("part=time/sessions=%d", sessions), func(b *testing.B) {
			for b.Loop() {
				if time.Now().IsZero() {
					b.Fatal("no time")
				}
			}
		})
	}
}

// BenchmarkMiss is a read of the database through the cache, beside the client alone and the same row
// by a prepared SELECT.
func BenchmarkMiss(b *testing.B) {
	pool := pgtest.New(b).Pool(b)
	cache, err := listener.Open(b.Context(), listener.Config{Pool: pool})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = cache.Close(b.Context()) })
	store := client.New(pool)
	token, _, err := cache.SessionOpen(b.Context(), client.OpenOptions{Idle: time.Hour, Payload: map[string]string{"x": fmt.Sprintf("%01000d", 1)}})
	if err != nil {
		b.Fatal(err)
	}
	key := token.Key()
	b.Run("cache", func(b *testing.B) {
		for b.Loop() {
			cache.Forget(key)
			if _, found, err := cache.SessionGet(b.Context(), key); !found || err != nil {
				b.Fatal(found, err)
			}
		}
	})
	b.Run("client", func(b *testing.B) {
		for b.Loop() {
			if _, found, err := store.SessionGet(b.Context(), key); !found || err != nil {
				b.Fatal(found, err)
			}
		}
	})
	b.Run("select", func(b *testing.B) {
		for b.Loop() {
			var id, version int64
			var payload []byte
			err := pool.QueryRow(b.Context(), "select id, payload, version from pgsession.sessions where key = $1", key[:]).Scan(&id, &payload, &version)
			if err != nil {
				b.Fatal(err)
			}
		}
	})
}
