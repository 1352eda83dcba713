#!/bin/sh
# Runs a command that runs tests, and prints afterwards which tests were skipped for want of something, and of what:
# go test itself says nothing of them. Exits with the command's status.
set -u
PGSESSION_SKIPPED=$(mktemp) || exit 1
export PGSESSION_SKIPPED
trap 'rm -f "$PGSESSION_SKIPPED"' EXIT
trap 'exit 130' INT TERM
"$@"
status=$?
if [ -s "$PGSESSION_SKIPPED" ]; then
	echo "$(sort -u "$PGSESSION_SKIPPED" | wc -l | tr -d ' ') tests were SKIPPED:"
	sort -u "$PGSESSION_SKIPPED" | sed 's/^/  /'
fi
exit "$status"
