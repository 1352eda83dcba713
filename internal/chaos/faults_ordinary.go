//go:build unix

package chaos

import "time"

// ordinaryFaults are none: all is well, in each notify mode, and once with the protocol switched off. In full, as many
// processes and writes as the promise for the ordinary case is made for.
func ordinaryFaults(short bool) []Fault {
	var list []Fault
	for _, mode := range []string{"inline", "doorbell", "none"} {
		f := Fault{Name: "ordinary case, notify " + mode, Short: mode == "inline", Notify: mode, Hold: 1}
		if !short {
			f.Processes, f.Sessions, f.Writes, f.Reads, f.Hold = 10, 200, 1200, 2000, 10
		}
		list = append(list, f)
	}
	return append(list,
		Fault{
			Name: "control: no lease, and neither polls nor notifications arrive", Control: true, Links: true, Hold: 3,
			Env: []string{"PGSESSION_FAULT=no-lease"}, Inject: cutInvalidations, Heal: restoreInvalidations,
		},
		Fault{
			Name: "control: no invalidation and no lease", Short: true, Control: true, Hold: 2,
			Env: []string{"PGSESSION_FAULT=no-invalidation,no-lease"},
		},
		// The triggers are what writes the log. Without them the cap on an entry's age is all that is left.
		Fault{
			Name: "triggers disabled (bound: an entry's age)", OwnServer: true, Bound: 5*time.Minute + time.Second,
			Writes: 10, Processes: 2, Hold: 1,
			Inject: disableTriggers, Heal: outliveAge,
		})
}
