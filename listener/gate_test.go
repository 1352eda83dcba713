package listener_test

import (
	"context"
	"strings"
	"sync"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// gate holds back session_get, before it is sent or after the database has answered, and counts it.
type gate struct {
	mu         sync.Mutex
	asked      int
	hold       bool // answers
	holdBefore bool // questions

	arrived chan chan struct{} // something is being held; close what comes to let it go
}

func newGate() *gate { return &gate{arrived: make(chan chan struct{}, 100)} }

// tracing has the pool's session_get pass the gate.
func (g *gate) tracing(config *pgxpool.Config) { config.ConnConfig.Tracer = g }

// shut has answers from now on be held, or pass.
func (g *gate) shut(hold bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.hold = hold
}

// shutBefore has questions from now on be held, or pass.
func (g *gate) shutBefore(hold bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.holdBefore = hold
}

// pass holds up whoever comes if it is to be held.
func (g *gate) pass(hold bool) {
	if !hold {
		return
	}
	release := make(chan struct{})
	g.arrived <- release
	<-release
}

// reads returns how many session_get were sent.
func (g *gate) reads() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.asked
}

type gatedKey struct{}

// TraceQueryStart marks session_get.
func (g *gate) TraceQueryStart(ctx context.Context, _ *pgx.Conn, data pgx.TraceQueryStartData) context.Context {
	if !strings.Contains(data.SQL, "session_get") {
		return ctx
	}
	g.mu.Lock()
	g.asked++
	hold := g.holdBefore
	g.mu.Unlock()
	g.pass(hold)
	return context.WithValue(ctx, gatedKey{}, true)
}

// TraceQueryEnd is called when the answer has been read, before the caller has it.
func (g *gate) TraceQueryEnd(ctx context.Context, _ *pgx.Conn, _ pgx.TraceQueryEndData) {
	g.mu.Lock()
	hold := g.hold && ctx.Value(gatedKey{}) != nil
	g.mu.Unlock()
	g.pass(hold)
}
