//go:build faultseam

package listener

import (
	"math/rand/v2"
	"os"
	"strings"
	"time"
)

// arm switches faults on, beside those of the environment, and has steps of a cache held up now and
// then. The time, which is the bubble's, decides for how long.
func arm(faults []string) {
	if faults == nil {
		ask(nil, nil)
		return
	}
	ask(append(strings.Split(os.Getenv("PGSESSION_FAULT"), ","), faults...), func() {
		r := rand.New(rand.NewPCG(uint64(time.Now().UnixNano()), 0))
		if r.IntN(5) == 0 {
			time.Sleep(time.Duration(r.Float64() * r.Float64() * float64(300*time.Millisecond)))
		}
	})
}
