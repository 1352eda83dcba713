//go:build unix

package chaos

import (
	"context"
	"errors"
)

// linkFaults spoil the network of each link in turn.
func linkFaults() []Fault {
	toxics := []struct {
		name  string
		toxic toxic
	}{
		{"latency", toxic{Type: "latency", Attributes: map[string]any{"latency": 300, "jitter": 100}, both: true}},
		{"blackhole", toxic{Type: "timeout", Attributes: map[string]any{"timeout": 0}, both: true}},
		{"half-open", toxic{Type: "timeout", Attributes: map[string]any{"timeout": 0}}},
		{"reset", toxic{Type: "reset_peer", Attributes: map[string]any{"timeout": 50}}},
		{"bandwidth", toxic{Type: "bandwidth", Attributes: map[string]any{"rate": 1}, both: true}},
	}
	var list []Fault
	for _, t := range toxics {
		for _, name := range []string{linkPoll, linkListen, linkPool} {
			worst := t.name == "blackhole" && name == linkPoll
			list = append(list, Fault{
				Name: t.name + " on the link of " + name, Short: worst, Modes: worst, Links: true, Hold: 3,
				Inject: func(_ context.Context, s *scene) error { return s.links[name].spoil(t.toxic) },
				Heal:   func(ctx context.Context, s *scene) error { s.links[name].clear(ctx); return nil },
			})
		}
	}
	return list
}

// cutInvalidations has neither polls nor notifications arrive, while misses and writes go on.
func cutInvalidations(_ context.Context, s *scene) error {
	nothing := toxic{Type: "timeout", Attributes: map[string]any{"timeout": 0}, both: true}
	return errors.Join(s.links[linkPoll].spoil(nothing), s.links[linkListen].spoil(nothing))
}

func restoreInvalidations(ctx context.Context, s *scene) error {
	s.links[linkPoll].clear(ctx)
	s.links[linkListen].clear(ctx)
	return nil
}
