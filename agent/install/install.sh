#!/bin/sh
# Makes this Debian machine a host of a Clawhold workspace. Made to be read before it runs:
#
#   1. it looks at the machine, and refuses with one sentence where it cannot work, before anything is changed;
#   2. it fetches one archive from the edge and holds it against the SHA-256 that the pasted command brought. The edge is
#      believed in nothing: whoever printed the command took both sums from files of their own;
#   3. it unpacks the archive into a directory of its own and starts "clawhold host install" from it, which says each
#      thing that it makes, notes it for an uninstall, and makes it.
#
# It installs no package, compiles nothing, opens no port, and does not touch the gateway. The join file, which holds a secret,
# comes on standard input: never as an argument, never in an address.
#
#   sh install.sh --url <https://edge/install/version> --version <x.y.z> --sha256 <hex> --workspace <id> <join.json
#      --insecure          the edge has an authority of its own, which the join file names: the download is held against
#                          its sum only
#      --label <name>      the name under which people see this host
#      --gateway <url>     ws://127.0.0.1:18789, or none
#      --node <path>       the Node to use
#      --dry-run           say what would be done, and change nothing
#   sh install.sh --uninstall [--yes]
set -eu
umask 022
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
LC_ALL=C
export PATH LC_ALL

# What the agent is written for, and OpenClaw too. Debian's own packages are older.
NODE_MAJOR=22
# Three versions and the state of some years; kilobytes.
ROOM=131072

refuse() {
  printf 'clawhold: %s Nothing was changed.\n' "$1" >&2
  exit 4
}

usage() {
  printf 'clawhold: %s\n' "$1" >&2
  exit 2
}

has() {
  command -v "$1" >/dev/null 2>&1
}

url='' version='' sum='' insecure='' node='' uninstall='' dry='' workspace='' work='' hidden=''

read_options() {
  while [ $# -gt 0 ]; do
    case $1 in
      --insecure) insecure=yes ;;
      --dry-run) dry=yes ;;
      --uninstall) uninstall=yes ;;
      --yes) : ;;
      --url | --version | --sha256 | --workspace | --label | --gateway | --node)
        [ $# -gt 1 ] || usage "$1 needs a value."
        case $1 in
          --url) url=$2 ;;
          --version) version=$2 ;;
          --sha256) sum=$2 ;;
          --workspace) workspace=$2 ;;
          --node) node=$2 ;;
        esac
        shift
        ;;
      --workspace=*) workspace=${1#*=} ;;
      *) usage "There is no option $1; the head of this script says what there is." ;;
    esac
    shift
  done
  [ -z "$uninstall" ] || return 0
  case $url in
    https://*) ;;
    *) usage "--url needs the https address that the pasted command names." ;;
  esac
  [ -n "$version" ] && [ -n "$workspace" ] || usage "--version and --workspace are needed; the pasted command has both."
  case $sum in
    *[!0-9a-f]* | '') usage "--sha256 needs 64 hexadecimal digits." ;;
  esac
  [ ${#sum} -eq 64 ] || usage "--sha256 needs 64 hexadecimal digits."
}

# ---------------------------------------------------------------------------------------------------- the machine

check_system() {
  [ "$(id -u)" = 0 ] || refuse "This needs root: become root (sudo -i, or su -), then paste the command again."
  ID='' VERSION_ID='' PRETTY_NAME=''
  if [ -r /etc/os-release ]; then
    # shellcheck disable=SC1091
    . /etc/os-release
  fi
  case "$ID $VERSION_ID" in
    'debian 12' | 'debian 13') ;;
    'ubuntu 22.04' | 'ubuntu 24.04')
      printf 'clawhold: this is %s, which is not tested; it has what is needed, so this goes on.\n' "$PRETTY_NAME" >&2
      ;;
    *) refuse "This is ${PRETTY_NAME:-an unknown system}. Supported are Debian 12 and 13; Ubuntu 22.04 and 24.04 are tried." ;;
  esac
  if [ ! -d /run/systemd/system ]; then
    if [ -e /.dockerenv ] || [ -e /run/.containerenv ] || grep -qz '^container=' /proc/1/environ 2>/dev/null; then
      refuse "This is a container without systemd. Install on the machine that runs it, or in one that boots systemd."
    fi
    refuse "systemd does not run this machine, and the agent's separation into users depends on it."
  fi
  for tool in systemctl tar gzip sha256sum useradd userdel df stat mktemp head find; do
    has "$tool" || refuse "The program $tool is missing. Type: apt-get install -y systemd tar gzip coreutils passwd findutils"
  done
  has curl || has wget || refuse "Neither curl nor wget is here. Type: apt-get install -y curl"
}

# The nearest directory that exists.
existing() {
  there=$1
  while [ ! -d "$there" ]; do there=$(dirname "$there"); done
  printf '%s\n' "$there"
}

check_disk() {
  for place in /opt /usr/local/bin /etc/systemd/system /var/lib /tmp; do
    at=$(existing "$place")
    [ -w "$at" ] || refuse "$at can only be read. Mount it writable, then paste the command again."
    free=$(df -Pk "$at" | tail -n 1 | tr -s ' ' | cut -d ' ' -f 4)
    [ "$free" -ge "$ROOM" ] || refuse "The disk is too full: $at has $free KB free, and $ROOM are needed."
  done
}

# True when nobody but root can put something else in its place. Root runs it for ever after.
is_roots() {
  at=$(readlink -f "$1") || return 1
  while :; do
    [ -n "$(find "$at" -maxdepth 0 -user root ! -perm /022 2>/dev/null)" ] || return 1
    [ "$at" != / ] || return 0
    at=$(dirname "$at")
  done
}

is_new_enough() {
  major=$("$1" --version 2>/dev/null </dev/null | sed -n 's/^v\([0-9]\{1,3\}\)\..*/\1/p')
  [ -n "$major" ] && [ "$major" -ge "$NODE_MAJOR" ]
}

# Sets node. Where a package manager put it first; what belongs to another user is named, and not run.
find_node() {
  why=''
  if [ -n "$node" ]; then set -- "$node"; else
    set -- "$(command -v node || :)" "$(command -v nodejs || :)" /usr/local/bin/node /usr/bin/node /usr/bin/nodejs \
      /opt/node/bin/node /root/.nvm/versions/node/*/bin/node /home/*/.nvm/versions/node/*/bin/node \
      /var/lib/*/.nvm/versions/node/*/bin/node
  fi
  for candidate; do
    [ -n "$candidate" ] && [ -x "$candidate" ] && [ ! -d "$candidate" ] || continue
    if ! is_roots "$candidate"; then
      why=" ($candidate is there, but another user than root could replace it, so root must not run it.)"
    elif is_new_enough "$candidate"; then
      node=$(readlink -f "$candidate")
      return 0
    else
      why=" ($candidate is $("$candidate" --version 2>/dev/null </dev/null || echo broken).)"
    fi
  done
  refuse "No Node $NODE_MAJOR or newer was found that belongs to root.$why Type: $(node_advice)$(busy_advice)"
}

node_advice() {
  key=/usr/share/keyrings/nodesource.gpg
  echo "apt-get update && apt-get install -y ca-certificates curl gnupg &&" \
    "curl -fsS https://deb.nodesource.com/gpgkey/nodesource-repo.gpg.key | gpg --dearmor -o $key &&" \
    "echo 'deb [signed-by=$key] https://deb.nodesource.com/node_24.x nodistro main' >/etc/apt/sources.list.d/nodesource.list &&" \
    "apt-get update && apt-get install -y nodejs"
}

# The only case in which a package is needed, so the only one in which the lock matters.
busy_advice() {
  for lock in /var/lib/dpkg/lock-frontend /var/lib/dpkg/lock /var/lib/apt/lists/lock; do
    [ -e "$lock" ] || continue
    if grep -q ":$(stat -c %i "$lock") " /proc/locks 2>/dev/null; then
      echo ' (The package manager is busy just now: wait until it has finished.)'
      return 0
    fi
  done
}

# ---------------------------------------------------------------------------------------------------- the archive

fetch() {
  if has curl; then
    curl -fsSg ${insecure:+-k} --proto =https --max-time 120 "$1"
  else
    wget -qO- ${insecure:+--no-check-certificate} --timeout=120 --tries=1 "$1"
  fi </dev/null
}

# 32 MB: a server that never ends must not fill the disk.
get_bundle() {
  bundle=$work/clawhold.tar.gz
  fetch "$url/clawhold.tar.gz" | head -c 33554432 >"$bundle" || :
  [ -s "$bundle" ] || refuse "$url/clawhold.tar.gz could not be fetched. Look whether this machine reaches the edge there."
  echo "$sum  $bundle" | sha256sum -c --status ||
    refuse "What the edge sent is not what the pasted command names (SHA-256), so it was not unpacked. Make a new command; if it happens again, somebody changes what you download."
  mkdir "$work/release"
  tar -xzf "$bundle" -C "$work/release" --no-same-owner --no-same-permissions
  [ "$(cat "$work/release/version")" = "$version" ] || refuse "The archive is not version $version, which the command names."
}

clean_up() {
  [ -z "$hidden" ] || stty echo
  [ -z "$work" ] || rm -rf "$work"
}

main() {
  read_options "$@"
  if [ -n "$uninstall" ]; then
    [ "$(id -u)" = 0 ] || refuse "This needs root: become root (sudo -i, or su -), then type it again."
    [ -x /usr/local/bin/clawhold ] || refuse "Clawhold is not installed here."
    shift
    exec /usr/local/bin/clawhold host uninstall "$@"
  fi
  check_system
  check_disk
  find_node
  trap clean_up EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM HUP
  work=$(umask 077 && mktemp -d /tmp/clawhold-install.XXXXXXXX)
  get_bundle
  if [ -t 0 ] && [ -z "$dry" ]; then
    printf 'Paste the join file (one line), then press Enter; it is not shown: ' >&2
    hidden=yes
    stty -echo
    read -r line || :
    stty echo
    hidden=''
    printf '\n' >&2
    printf '%s\n' "$line" | "$node" --no-warnings "$work/release/clawhold.cjs" host install --from "$work/release" "$@" --node "$node"
  else
    "$node" --no-warnings "$work/release/clawhold.cjs" host install --from "$work/release" "$@" --node "$node"
  fi
}

main "$@"
