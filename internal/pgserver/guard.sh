# The guard of a throwaway PostgreSQL. Arguments: its base directory, then any other directory that is to go with it.
# Standard input is a pipe that only the owner of the server holds open: when it ends, so did the owner, or it is done.
base=$1
data=$base/data

trap '' HUP INT QUIT TERM
while read -r line; do :; done

# Line 1 of the lock file is the postmaster's pid, line 7 the key and the id of its shared memory.
read_lock() {
	pid=$(sed -n 1p "$data/postmaster.pid" 2>/dev/null)
	shm=$(sed -n '7s/^ *[0-9][0-9]*  *\([0-9][0-9]*\).*/\1/p' "$data/postmaster.pid" 2>/dev/null)
}

# A pid alone proves nothing, it may long be another's. A process that has ended, but that nobody has waited for, has no
# command line any more.
alive() {
	case $pid in '' | *[!0-9]*) return 1 ;; esac
	if [ -r /proc/self/cmdline ]; then
		tr '\0' ' ' <"/proc/$pid/cmdline" 2>/dev/null
	else
		ps -ww -o args= -p "$pid" 2>/dev/null
	fi | grep -F -q -e "$data"
}

# QUIT is the immediate shutdown; the postmaster itself kills what has not gone after five seconds.
read_lock
tick=0
while alive; do
	case $tick in
	0) kill -QUIT "$pid" ;;
	100) kill -KILL "$pid" ;;
	150) break ;;
	esac
	tick=$((tick + 1))
	sleep 0.1 2>/dev/null || sleep 1
done

# The lock file outlives only a postmaster that was killed, and then the segment that guards the data directory does too.
read_lock
if [ -n "$shm" ] && ! alive; then
	ipcrm -m "$shm"
fi

# Backends that have lost their postmaster may still be writing while they leave.
tick=0
until rm -rf "$@"; do
	tick=$((tick + 1))
	[ "$tick" -lt 100 ] || exit 1
	sleep 0.1 2>/dev/null || sleep 1
done
