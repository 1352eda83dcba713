//go:build unix

package chaos

import "slices"

// faults is everything that is known to go wrong. short scales down what takes long.
func faults(short bool) []Fault {
	return slices.Concat(
		ordinaryFaults(short),
		connectionFaults(),
		serverFaults(),
		linkFaults(),
		notificationFaults(),
		transactionFaults(),
		sessionFaults(short),
		poolerFaults(),
		restoreFaults(),
		failoverFaults(),
		clockFaults(),
	)
}

// inModes has the faults that want it happen in every notify mode, unless time is short.
func inModes(list []Fault, short bool) []Fault {
	var all []Fault
	for _, f := range list {
		all = append(all, f)
		if !f.Modes || short {
			continue
		}
		for _, mode := range []string{"doorbell", "none"} {
			other := f
			other.Name, other.Notify = f.Name+", notify "+mode, mode
			all = append(all, other)
		}
	}
	return all
}
