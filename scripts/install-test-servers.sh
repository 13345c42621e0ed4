#!/bin/sh
# Installs the Debian packages that the tests start servers from, where they are missing. No service is left running:
# the tests start their own, on free ports, with their own data.
set -eu

# The Meraki client needs an older Node, and one SCIM server brings more packages than all else: they live apart.
interop=$(CDPATH='' cd "$(dirname "$0")/.." && pwd -P)/test/interop
for apart in "$interop/meraki/client" "$interop/scim/jackson"; do
  if [ ! -f "$apart/node_modules/.package-lock.json" ]; then
    npm ci --prefix "$apart" --ignore-scripts --loglevel=error --no-fund --no-audit >&2
  fi
done

missing=''
need() { # package, file that it brings
  if [ -x "$2" ] || command -v "$2" >/dev/null 2>&1; then return 0; fi
  missing="$missing $1"
}
PATH=$PATH:/usr/sbin:/sbin
need slapd slapd
need ldap-utils ldapsearch
need openssl openssl
need chromium chromium
set -- /usr/lib/postgresql/*/bin/postgres
[ -x "$1" ] || missing="$missing postgresql"

if [ -z "$missing" ]; then exit 0; fi

command="apt-get install --no-install-recommends$missing"
if ! command -v apt-get >/dev/null 2>&1; then
  echo "test servers: missing:$missing. Install them with this system's package manager." >&2
  exit 1
fi
if [ "$(id -u)" -ne 0 ]; then
  echo "test servers: missing:$missing. Install them as root:" >&2
  echo "  $command" >&2
  exit 1
fi

# policy-rc.d is what Debian's maintainer scripts ask before they start a service (101: do not).
policy=/usr/sbin/policy-rc.d
kept=''
restore() {
  if [ -n "$kept" ]; then
    mv -f "$kept" "$policy"
  else
    rm -f "$policy"
  fi
}
if [ -e "$policy" ] || [ -h "$policy" ]; then
  kept=$policy.lockstep-kept
  mv -f "$policy" "$kept"
fi
trap restore EXIT
trap 'exit 130' INT TERM
printf '#!/bin/sh\nexit 101\n' >"$policy"
chmod 755 "$policy"

log=$(mktemp)
echo "test servers: installing$missing" >&2
install_them() {
  # shellcheck disable=SC2086 # a list of packages
  DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends $missing >>"$log" 2>&1
}
# The package lists of an image may be absent or old: try what is there, then with fresh lists.
if ! install_them; then
  if ! { apt-get update -q >>"$log" 2>&1 && install_them; }; then
    tail -n 40 "$log" >&2
    echo "test servers: '$command' failed; the whole output is in $log" >&2
    exit 1
  fi
fi
rm -f "$log"
