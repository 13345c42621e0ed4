#!/bin/sh
# Runs the tests (arguments go to vitest) and ends with the line "N passed, N failed[, N skipped]".
set -u

root=$(CDPATH='' cd "$(dirname "$0")/.." && pwd -P)
cd "$root" || exit 1
PATH=$root/node_modules/.bin:$PATH
export PATH

report=$(mktemp -d)
trap 'rm -rf "$report"' EXIT
trap 'exit 130' INT TERM

code=0
vitest run --reporter=default --reporter=json --outputFile.json="$report/report.json" "$@" || code=$?
node scripts/test-summary.ts "$report/report.json" "$code" || code=1
exit "$code"
