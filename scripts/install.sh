#!/bin/sh
# Installs the dependencies when they are missing or older than the lock file; otherwise returns at once.
# Runs under whatever npm is there: the packages bring the pinned Node along.
set -eu

root=$(CDPATH='' cd "$(dirname "$0")/.." && pwd -P)
cd "$root"
stamp=node_modules/.package-lock.json

is_current() {
  [ -f "$stamp" ] && [ -z "$(find package-lock.json -newer "$stamp")" ]
}

if is_current; then exit 0; fi

if ! command -v npm >/dev/null 2>&1; then
  echo "install: npm is not installed (Debian: apt-get install npm)" >&2
  exit 1
fi

# One installation at a time; the kernel lets go of the lock whatever becomes of this process.
if command -v flock >/dev/null 2>&1; then
  exec 9>.install-lock
  if ! flock -n 9; then
    echo "install: waiting for another installation in $root" >&2
    flock 9
  fi
  if is_current; then exit 0; fi
fi

echo "install: installing the dependencies (about half a minute)" >&2
log=$(mktemp)
trap 'rm -f "$log"' EXIT
# --include: NODE_ENV=production or an omit setting of the user would leave out the tools, or Node itself.
if ! npm ci --include=optional --include=dev --loglevel=error --no-fund --no-audit >"$log" 2>&1; then
  cat "$log" >&2
  echo "install: npm ci failed, see above" >&2
  exit 1
fi
touch "$stamp"
if [ ! -x node_modules/.bin/node ]; then
  echo "install: there is no Node package for this system ($(uname -s) $(uname -m)); node on PATH must be 24 or newer" >&2
fi
