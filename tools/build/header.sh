#!/bin/sh
# nerve @VERSION@ for @TARGET@, portable form: this header, then a compressed archive of the deno executable and nerve.
# The first use unpacks the archive into the user's cache, under the hash of its content; later ones start what is there.
# Needs sh, tail, tar, gzip, mkdir, mktemp, chmod, mv and rm. Older versions stay in the cache: remove them as you like.
# In braces, so that a file which was cut off in here is a syntax error, not half a program that ends in peace.
{
set -u
hash=@HASH@
offset=@OFFSET@
me=$0
case $me in */*) ;; *) me=$(command -v -- "$me") ;; esac
case $me in /*) ;; *) me=$PWD/$me ;; esac

fail() {
  printf '❌ %s\n   %s\n' "$1" "$2" >&2
  exit 1
}

# A folder counts only when it is ours, for another user's could hold anything, and has not lost what a cleaner took.
ours() {
  [ -d "$1" ] && [ -O "$1" ] && [ -O "$1/$hash" ] || return 1
  for file in deno @ENTRIES@; do [ -s "$1/$hash/$file" ] || return 1; done
}

# Replaces this shell, so that signals, the terminal and the exit code are nerve's own.
start() {
  DENO_DIR=${DENO_DIR:-$1/deno} DENO_NO_UPDATE_CHECK=1 NERVE_EXECUTABLE=$me
  export DENO_DIR DENO_NO_UPDATE_CHECK NERVE_EXECUTABLE
  root=$1/$hash
  shift
  # Room for all that a command makes until it ends: V8 would begin with little, and collect while it loads, 5 ms of 60.
  exec "$root/deno" run -A --quiet --no-prompt @FLAGS@ --v8-flags=--min-semi-space-size=16 \
    "$root/app/src/bundle/main.js" "$@"
}

# In a subshell: its umask and its traps end with it. Unpacks aside, tries the executable, then renames.
unpack() (
  umask 077
  mkdir -p "$1" && [ ! -L "$1" ] && [ -O "$1" ] && chmod 700 "$1" || exit 1
  # What first uses that were killed have left, a day old or more.
  find "$1" -name '.unpack.*' -prune -mtime +0 -exec rm -rf {} + 2>/dev/null
  aside=$(mktemp -d "$1/.unpack.XXXXXX") || exit 1
  trap 'rm -rf "$aside"' EXIT
  trap 'exit 129' HUP
  trap 'exit 130' INT
  trap 'exit 143' TERM
  tail -c "+$offset" "$me" | tar -xzf - -C "$aside" || exit 1
  # A wrong machine, a folder without exec permission or a damaged file shows here, not at the next start.
  "$aside/deno" --version >/dev/null || exit 1
  # Another first use may come first: then mv fails, or moves ours into theirs.
  mv "$aside" "$1/$hash" 2>/dev/null
  rm -rf "$1/$hash/${aside##*/}"
  ours "$1"
)

# Ends it when no other folder would do better either.
hopeless() {
  for tool in tail tar gzip mkdir mktemp chmod mv rm; do
    command -v "$tool" >/dev/null || fail "the first use unpacks $me, and needs $tool" "install $tool"
  done
  tail -c "+$offset" "$me" | gzip -t 2>/dev/null || fail "$me is damaged or not all there" 'download it again, and check its sum'
}

# Unpacks and starts, or leaves in `reason` the first line of what was said: tar goes on with one for each file.
try() {
  reason=$(unpack "$1" 2>&1) && start "$@"
  hopeless
  reason=${reason#"$newline"}
  reason=${reason%%"$newline"*}
  reason=${reason:-what is there is not ours, or not whole}
}
newline='
'

cache=${XDG_CACHE_HOME:-}
# A relative one would be another folder wherever one stands; it is to be ignored (XDG Base Directory Specification).
case $cache in /*) ;; *) cache=${HOME:+$HOME/.cache} ;; esac
cache=${cache:+$cache/nerve}
[ -n "$cache" ] && ours "$cache" && start "$cache" "$@"
temporary=${TMPDIR:-/tmp}/nerve-cache-$(id -u)
[ ! -L "$temporary" ] && ours "$temporary" && start "$temporary" "$@"

[ -r "$me" ] || fail "$me cannot be read" "it has to be, to be unpacked: chmod +r $me"
[ -t 2 ] && printf 'nerve: first use of this version, unpacking\n' >&2
if [ -n "$cache" ]; then
  try "$cache" "$@"
  printf 'nerve: cannot unpack into %s (%s), so it goes to %s\n' "$cache" "$reason" "$temporary" >&2
fi
try "$temporary" "$@"
fail "cannot unpack into $temporary: $reason" "set XDG_CACHE_HOME or TMPDIR to a folder with 150 MB free, where programs may run"
}
