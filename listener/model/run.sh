#!/bin/sh
# Checks the models in this folder: that the protocol holds, exhaustively, and that it does not where a part of it is
# left out. See README.md. Exit status: 0 all as expected, 1 not so, 2 cannot run.
set -u

usage() {
	cat <<'END'
usage: run.sh [-j N] [-l] [-t] [NAME...]

Checks all configurations, or those whose name contains one of the NAMEs: run.sh purge, run.sh coherence/NO_LEASE.

  -j N  so many at once; as many as there are processors, up to 4, if not said. Each may need up to 4 GB of memory.
  -l    list the configurations, run nothing
  -t    show the shortest way to the error of each mutant and to each witness, step by step

SPIN and CC name the programs to use, spin and cc if they are not set.
END
}

# model  name  expected  switches
#   holds    no error in any reachable state
#   caught   a mutant: the protocol with a part left out, or an assumption; an assertion has to fail
#   reached  a situation that has to be possible, or the model would prove nothing
configurations() {
	cat <<'END'
coherence failover           holds   -DFAILOVER
purge     four-transactions  holds   -DXIDS=4
barrier   failover           holds   -DFAILOVER
versions  versions           holds
barrier   failover-expel     holds   -DFAILOVER -DEXPEL -DPROMPT
purge     restored           holds   -DRESTORED
purge     crash              holds   -DCRASH
memory    memory             holds
barrier   expel              holds   -DEXPEL -DTWO
coherence two-writers        holds   -DTWO
coherence connection         holds   -DCONNECTION
coherence NO_GENERATION      caught
coherence LATE_GENERATION    caught
coherence LEASE_FROM_ANSWER  caught
coherence LEASE_FIRST        caught
coherence NO_LEASE           caught
coherence GREATEST_XID       caught  -DTWO
coherence LATE_ANSWER        caught
coherence HIT_ORDER          caught
coherence NULL_CURSOR        caught
coherence LISTEN_LEASE       caught  -DCONNECTION
coherence NO_FILL_EPOCH      caught  -DFAILOVER
coherence NO_FLUSH           caught  -DFAILOVER
coherence ENTER_ORDER        caught  -DFAILOVER
coherence REENTER            caught  -DFAILOVER
coherence FENCED_LATE        caught  -DFAILOVER
coherence WITNESS_SUSPENDED  reached
coherence WITNESS_OLD_EPOCH  reached -DFAILOVER
memory    NOTE_LATE          caught
memory    CHECK_EARLY        caught
memory    REMOVE_FIRST       caught
memory    ENTER_ORDER        caught
memory    FLUSH_BACK         caught
memory    FLUSH_UNSEEN       caught
versions  NO_OWN             caught
versions  OWN_EARLY          caught
versions  NO_OPEN            caught
versions  NO_STAMP           caught
versions  NO_USER_STAMP      caught
versions  USER_ORDER         caught
versions  NO_DETACH          caught
versions  NO_USER_AGAIN      caught
versions  NO_OVERTAKEN       caught
versions  GONE_OLDEST        caught
versions  FORGET_FLIGHT      caught
versions  NO_OUTDATE         caught
versions  WITNESS_AGAIN      reached
purge     LOW_IGNORED        caught
purge     RUNNING_IGNORED    caught
purge     LOW_BY_AGE         caught
purge     PURGE_BY_AGE       caught
purge     NO_ATOMIC_PURGE    caught
purge     NULL_NO_FLUSH      caught
purge     GREATEST_XID       caught
purge     START_XMIN         caught  -DCRASH
purge     LOW_RESET          caught  -DRESTORED
purge     WITNESS_LONG       reached
purge     WITNESS_PREPARED   reached -DCRASH
barrier   MEMBERS_EARLY      caught
barrier   NO_WAIT            caught
barrier   ANY_ACK            caught  -DTWO
barrier   ACK_EARLY          caught
barrier   WAIT_T             caught
barrier   JOIN_LATE          caught
barrier   NO_MEMBER          caught
barrier   LEAVE_EARLY        caught
barrier   NO_AGAIN           caught
barrier   JOIN_PASSED        caught
barrier   JOIN_ANY           caught
barrier   LATE_ANSWER        caught
barrier   HIT_ORDER          caught
barrier   EXPEL_EARLY        caught  -DEXPEL
barrier   EXPEL_BLIND        caught  -DEXPEL
barrier   EXPEL_SAME         caught  -DEXPEL
barrier   YOUNG_IGNORED      caught  -DFAILOVER
barrier   YOUNG_NO_F         caught  -DFAILOVER
barrier   WAIT_NO_F          caught  -DFAILOVER
barrier   OLD_CURSOR         caught  -DFAILOVER -DPROMPT
barrier   ASK_ELSEWHERE      caught  -DFAILOVER
barrier   WITNESS_FAST       reached
barrier   WITNESS_EXPELLED   reached -DEXPEL
END
}

# check runs one configuration in an empty folder and leaves its row in ./row, and why it failed in ./failed.
check() {
	model=$1 name=$2 expected=$3
	shift 3
	optimise=-O2
	[ "$expected" = holds ] || { optimise=-O1; set -- "$@" "-D$name"; }
	search=
	[ -z "$trails" ] || [ "$expected" = holds ] || search=-DBFS

	if ! "$spin" "-P$cc -E -x c" -a "$@" "$models/$model.pml" >spin.out 2>&1 || [ ! -f pan.c ]; then
		fail "spin: $(cat spin.out)"
		return
	fi
	if ! "$cc" $optimise -w -DSAFETY -DMEMLIM=$memory $search -o pan pan.c >cc.out 2>&1; then
		fail "$cc: $(head -n 5 cc.out)"
		return
	fi
	./pan -m$depth >pan.out 2>&1 &
	pan=$!
	wait $pan
	status=$?
	pan=

	states=$(sed -n 's/^ *\([0-9.e+]*\) states, stored.*/\1/p' pan.out)
	seconds=$(sed -n 's/^pan: elapsed time \([0-9.e+-]*\) seconds.*/\1/p' pan.out)
	result=$expected
	found=$(grep '^pan:[0-9]*:' pan.out)  # errors
	if [ $status -gt 128 ]; then
		fail "the search was ended by signal $((status - 128))"
	elif [ "$expected" = holds ] && [ -n "$found" ]; then
		fail "$found"
	elif [ "$expected" != holds ] && grep -q '^pan:[0-9]*: assertion violated' pan.out; then
		:
	elif grep -e 'max search depth too small' -e 'out of memory' -e 'reached -DMEMLIM' -e 'Search not completed' pan.out >incomplete ||
		! grep -q '^Full statespace search' pan.out; then
		fail "not exhaustive: $(cat incomplete)"
	elif [ "$expected" = holds ]; then
		grep -q 'errors: 0$' pan.out || fail "$(tail -n 1 pan.out)"
	elif [ "$expected" = caught ]; then
		fail "the mutant survives $found"
	else
		fail "never reached $found"
	fi
	row
	if [ -n "$search" ] && [ ! -f failed ]; then
		"$spin" "-P$cc -E -x c" -k ./*.trail -p -g -l "$@" "$models/$model.pml" >trail.out 2>&1
		sed "s|$models/||" trail.out
	fi
}

fail() {
	result=FAILS
	printf '%s\n' "$*" >failed
	[ -f pan ] || { states= seconds=; row; }
}

row() {
	printf '%-10s %-18s %-8s %12s states %8s s\n' "$model" "$name" "$result" "${states:-0}" "${seconds:-0}" | tee row
}

# work checks configurations that nobody has taken yet, until none is left.
work() {
	trap '[ -z "$pan" ] || kill "$pan" 2>/dev/null; exit 1' HUP INT TERM
	pan=
	while read -r model name expected switches; do
		mkdir "$folder/$model.$name" 2>/dev/null || continue
		cd "$folder/$model.$name" || exit 1
		# shellcheck disable=SC2086 # the switches are words
		check "$model" "$name" "$expected" $switches
		rm -f pan pan.* ./*.trail
	done <"$folder/chosen"
}

jobs= trails= list=
while getopts hj:lt option; do
	case $option in
	j) jobs=$OPTARG ;;
	l) list=1 ;;
	t) trails=1 ;;
	h) usage; exit 0 ;;
	*) usage >&2; exit 2 ;;
	esac
done
shift $((OPTIND - 1))

spin=${SPIN:-spin} cc=${CC:-cc}
memory=4000  # MB
depth=1000000
models=$(cd "$(dirname "$0")" && pwd) || exit 2

chosen() {
	configurations | while read -r model name rest; do
		[ $# -gt 0 ] || echo "$model $name $rest"
		for wanted; do
			case $model/$name in
			*"$wanted"*) echo "$model $name $rest"; break ;;
			esac
		done
	done
}

if [ -n "$list" ]; then
	chosen "$@" | while read -r model name expected switches; do
		[ "$expected" = holds ] || switches="-D$name $switches"
		printf '%-30s %-8s %s\n' "$model/$name" "$expected" "$switches"
	done
	exit 0
fi
if ! command -v "$spin" >/dev/null; then
	echo "run.sh: $spin is missing. Install Spin 6.5: apt-get install spin, brew install spin, or https://spinroot.com" >&2
	exit 2
fi
if ! command -v "$cc" >/dev/null; then
	echo "run.sh: $cc, a C compiler, is missing. Install one: apt-get install gcc, dnf install gcc, xcode-select --install" >&2
	exit 2
fi
if [ -z "$jobs" ]; then
	jobs=$(getconf _NPROCESSORS_ONLN 2>/dev/null) || jobs=1
	[ "$jobs" -le 4 ] || jobs=4
fi
[ -z "$trails" ] || jobs=1
case $jobs in
'' | 0 | *[!0-9]*) usage >&2; exit 2 ;;
esac

workers=
folder=$(mktemp -d "${TMPDIR:-/tmp}/pgsession-model.XXXXXX") || exit 2
trap 'rm -rf "$folder"' EXIT
trap '[ -z "$workers" ] || kill $workers 2>/dev/null; wait; exit 1' HUP INT TERM

chosen "$@" >"$folder/chosen"
if [ ! -s "$folder/chosen" ]; then
	echo "run.sh: no configuration is named so; -l lists them" >&2
	exit 2
fi
began=$(date +%s)
while [ "$jobs" -gt 0 ]; do
	work &
	workers="$workers $!"
	jobs=$((jobs - 1))
done
# shellcheck disable=SC2086 # a list of numbers
wait $workers
workers=

count() { cat "$folder"/*/row 2>/dev/null | grep -c " $1 " ; }
echo
echo "$(count holds) configurations hold, $(count caught) mutants are caught, $(count reached) situations are reached, in $(($(date +%s) - began)) s"
missing=$(($(wc -l <"$folder/chosen") - $(cat "$folder"/*/row 2>/dev/null | wc -l)))
status=0
for failed in "$folder"/*/failed; do
	[ -f "$failed" ] || continue
	status=1
	echo "FAILS: $(basename "$(dirname "$failed")" | tr . /): $(cat "$failed")" >&2
done
if [ "$missing" -ne 0 ]; then
	status=1
	echo "FAILS: $missing configurations were not checked" >&2
fi
exit $status
