#!/bin/sh
# Looks for what the tests and the demo need, and installs what is missing with the system's package manager if it may;
# otherwise it says the one command to run and exits with status 1. With everything there it does, and prints, nothing.
# An argument names what else is wanted: "model" is Spin, "chaos" is pgbouncer, which the fault suite can do without.
set -eu
cd "$(dirname "$0")/.."

say() { printf 'deps: %s\n' "$*" >&2; }
have() { command -v "$1" >/dev/null 2>&1; }

# Go is not installed here: a distribution's is mostly too old, and where to put another is its user's choice.
check_go() {
	wanted=$(sed -n 's/^go //p' go.mod)
	if ! have go; then
		say "Go $wanted or newer is needed, and there is none in PATH: https://go.dev/dl/ (macOS: brew install go)"
		exit 1
	fi
	# Reads go.mod, and so refuses, or replaces by itself, a Go that is too old; fetches what the build needs.
	if ! go build -buildvcs=false -o /dev/null ./internal/pgserver/findpg; then
		say "that build failed. Go $wanted or newer is needed: https://go.dev/dl/"
		exit 1
	fi
}

# The race detector needs a C compiler.
have_cc() { have "$(go env CC | cut -d' ' -f1)"; }

# Tests and demo find PostgreSQL by the same code. What it says when there is none is for people.
find_pg() { go run ./internal/pgserver/findpg >/dev/null; }

# as_root runs its arguments as root. $command is what somebody who is asked to do it should type.
as_root() {
	if [ "$(id -u)" = 0 ]; then
		say "$command"
		"$@"
	elif have sudo && sudo -n true 2>/dev/null; then
		say "sudo $command"
		sudo -n "$@"
	else
		say "missing: $missing. Installing takes root; run this, then try again:"
		say "    sudo $command"
		exit 1
	fi
}

# Only the programs are wanted. Without its setting Debian would also make a server, and start it with the machine.
apt_script='
conf=/etc/postgresql-common/createcluster.d/pgsession-deps.conf
mkdir -p "${conf%/*}"
echo "create_main_cluster = false" >"$conf"
trap "rm -f $conf" EXIT
export DEBIAN_FRONTEND=noninteractive
apt-get update
'

install() { # $1: the package manager; the rest: packages
	case $1 in
	apt-get)
		shift
		command="apt-get install -y --no-install-recommends $*"
		as_root sh -ec "$apt_script $command"
		;;
	dnf)
		shift
		command="dnf install -y $*"
		as_root $command
		;;
	brew)
		shift
		brew install "$@"
		;;
	esac
}

case ${1:-} in
model)
	have "${SPIN:-spin}" && have "${CC:-cc}" && exit 0
	missing="Spin and a C compiler"
	if have apt-get; then
		install apt-get spin gcc libc6-dev
	elif have brew; then
		install brew spin
	else
		say "missing: $missing. Spin is at https://spinroot.com; its program has to be in PATH."
		exit 1
	fi
	exit 0
	;;
chaos)
	missing=pgbouncer
	have pgbouncer || [ -x /usr/sbin/pgbouncer ] || ! have apt-get || (install apt-get pgbouncer) || say "goes on without pgbouncer: its rows are skipped"
	;;
esac

check_go
need_cc= need_pg= missing=
have_cc || need_cc=yes missing="a C compiler"
find_pg 2>/dev/null || need_pg=yes missing="${missing:+$missing and }PostgreSQL's server programs"
[ -n "$missing" ] || exit 0

if [ -n "$need_pg" ] && [ -n "${PGSESSION_PG_BIN:-}" ]; then
	find_pg # a choice that is wrong is not mended by installing another
elif have apt-get; then
	install apt-get ${need_pg:+postgresql} ${need_cc:+gcc libc6-dev}
elif have dnf; then
	install dnf ${need_pg:+postgresql-server postgresql-contrib} ${need_cc:+gcc glibc-devel}
elif have brew && [ -z "$need_cc" ]; then
	install brew postgresql@17
else
	say "missing: $missing, and there is no apt-get, dnf or brew to install it with."
	[ -z "$need_cc" ] || say "The C compiler is the one that go env CC names (macOS: xcode-select --install)."
fi

have_cc || { say "there is no C compiler"; exit 1; }
find_pg
