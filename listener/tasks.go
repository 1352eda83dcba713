package listener

import "sync"

// tasks runs functions in goroutines of their own and waits for them. Unlike a sync.WaitGroup it may
// be given more while somebody waits: otter submits maintenance whenever it is used.
type tasks struct {
	mu   sync.Mutex
	n    int
	idle *sync.Cond
}

func newTasks() *tasks {
	t := &tasks{}
	t.idle = sync.NewCond(&t.mu)
	return t
}

func (t *tasks) run(f func()) {
	t.mu.Lock()
	t.n++
	t.mu.Unlock()
	go func() {
		defer func() {
			t.mu.Lock()
			t.n--
			if t.n == 0 {
				t.idle.Broadcast()
			}
			t.mu.Unlock()
		}()
		f()
	}()
}

// wait returns once no task is running.
func (t *tasks) wait() {
	t.mu.Lock()
	defer t.mu.Unlock()
	for t.n > 0 {
		t.idle.Wait()
	}
}
