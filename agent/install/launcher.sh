#!/bin/sh
# /usr/local/bin/clawhold on a host that was installed: runs the version in use under the Node that the installer found.
# The state of the host lies in /var/lib/clawhold, whoever types.
# Once, so that a switch to another version in the middle mixes nothing.
here=$(readlink -f /opt/clawhold/current) || exit 1
node=$(cat "$here/node-path") || exit 1
XDG_DATA_HOME=/var/lib
export XDG_DATA_HOME
case "${1-} ${2-}" in
  "host run" | "host link" | "host reader" | "host warden")
    # As agent/cli/up/agent-process.ts, which says why.
    exec "$node" --no-warnings --expose-gc --no-opt --no-maglev --max-semi-space-size=1 "$here/agent.cjs" "$@"
    ;;
esac
exec "$node" --no-warnings "$here/clawhold.cjs" "$@"
