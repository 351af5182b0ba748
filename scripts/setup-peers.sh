#!/usr/bin/env bash
# Fetches the real FTP servers and clients that the tests and benchmarks talk to.
#
# The FTP server packages of Debian conflict with each other, so they are not installed: each is downloaded
# and unpacked into its own folder under the cache, and only the shared libraries it needs are installed.
# Nothing here is started, and no service or user is added to the system.
#
#   JACKSTAY_PEERS   where the servers are unpacked (default: $XDG_CACHE_HOME/jackstay/peers)
#   CI=true          a missing peer is an error (exit 1); otherwise it is only reported
set -euo pipefail

PEERS="${JACKSTAY_PEERS:-${XDG_CACHE_HOME:-$HOME/.cache}/jackstay/peers}"
TOOLS=(openssl python3 python3-pyftpdlib python3-openssl libnss-wrapper)
# One row per client or scanner: its program, the package that has it.
CLIENTS=(
  "curl      curl"
  "lftp      lftp"
  "ncftp     ncftp"
  "tnftp     tnftp"
  "wget      wget"
  "rclone    rclone"
  "filezilla filezilla"
  "Xvfb      xvfb"
  "xdotool   xdotool"
  "nmap      nmap"
  "testssl   testssl.sh"
  "globus-url-copy globus-gass-copy-progs"
)
# One row per server: folder, program inside it, packages unpacked into it.
SERVERS=(
  "proftpd   usr/sbin/proftpd                proftpd-core proftpd-mod-crypto"
  "pureftpd  usr/sbin/pure-ftpd              pure-ftpd"
  "vsftpd    usr/sbin/vsftpd                 vsftpd"
  "inetutils usr/sbin/ftpd                   inetutils-ftpd"
  "gridftp   usr/sbin/globus-gridftp-server  globus-gridftp-server-progs"
)
UPDATED=no

say() { printf '%s\n' "$*"; }

apt_get() { DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=300 "$@"; }

update_once() {
  [ "$UPDATED" = yes ] && return 0
  apt_get update && UPDATED=yes
}

is_installed() { [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]; }

# Installs the named packages that are not there yet; quiet and quick when all are.
install_missing() {
  local package missing=()
  for package in "$@"; do is_installed "$package" || missing+=("$package"); done
  [ ${#missing[@]} -eq 0 ] && return 0
  update_once && apt_get install -y --no-install-recommends "${missing[@]}" >/dev/null
}

# Downloads the packages and unpacks them into the folder; the libraries they want are listed in .libraries.
unpack() {
  local folder=$1 work deb
  shift
  work=$(mktemp -d "$PEERS/.unpack.XXXXXX")
  update_once
  # A download by the unprivileged _apt user needs a folder that it may write to.
  (cd "$work" && apt_get -o APT::Sandbox::User=root download "$@" >/dev/null)
  mkdir "$work/root"
  for deb in "$work"/*.deb; do
    dpkg -x "$deb" "$work/root"
    dpkg-deb -f "$deb" Depends | tr ',' '\n' | sed -E 's/^ *//; s/[ :|(].*//' | { grep '^lib' || true; } >>"$work/root/.libraries"
  done
  rm -rf "${PEERS:?}/$folder"
  mv "$work/root" "$PEERS/$folder"
  chmod 755 "$PEERS/$folder"
  rm -rf "$work"
}

# True when the program is there and the loader finds all its libraries.
is_ready() {
  [ -x "$1" ] || return 1
  case "$(ldd "$1" 2>&1)" in *'not found'*) return 1 ;; esac
}

setup_server() {
  local folder=$1 program="$PEERS/$1/$2" libraries
  shift 2
  is_ready "$program" && return 0
  [ -x "$program" ] || unpack "$folder" "$@"
  mapfile -t libraries <"$PEERS/$folder/.libraries"
  install_missing "${libraries[@]}"
  is_ready "$program"
}

# The reason why this machine cannot have the peers, or nothing.
obstacle() {
  if ! command -v apt-get >/dev/null || ! command -v dpkg-deb >/dev/null; then say 'needs Debian or a relative of it (apt-get)'; return; fi
  [ "$(id -u)" -eq 0 ] || say 'needs root to install packages'
}

setup_all() {
  local row
  mkdir -p "$PEERS"
  exec 9>"$PEERS/.lock"
  flock 9 # two set-ups at once would unpack over each other
  rm -rf "$PEERS"/.unpack.*
  install_missing "${TOOLS[@]}" "${CLIENTS[@]##* }" || say 'warning: some tools could not be installed'
  for row in "${SERVERS[@]}"; do
    # shellcheck disable=SC2086  # a row is a list of words
    setup_server $row || say "warning: could not set up ${row%% *}"
  done
  # The servers drop their rights before they look into their own folders.
  chmod 755 "$PEERS"
}

# Prints one line per peer; returns 1 when any is missing.
summary() {
  local row folder program tool missing=0
  local tools=(openssl "${CLIENTS[@]%% *}")
  say "peers in $PEERS"
  for row in "${SERVERS[@]}"; do
    read -r folder program _ <<<"$row"
    if is_ready "$PEERS/$folder/$program"; then say "  ok       $folder"; else say "  missing  $folder"; missing=1; fi
  done
  for tool in "${tools[@]}"; do
    if command -v "$tool" >/dev/null; then say "  ok       $tool"; else say "  missing  $tool"; missing=1; fi
  done
  if /usr/bin/python3 -c 'import pyftpdlib, OpenSSL' 2>/dev/null; then say '  ok       pyftpdlib'; else say '  missing  pyftpdlib'; missing=1; fi
  return $missing
}

why=$(obstacle)
if [ -z "$why" ]; then setup_all; else say "cannot fetch: $why"; fi
summary && exit 0
[ "${CI:-}" = true ] && exit 1
say 'tests of the missing peers are skipped'
