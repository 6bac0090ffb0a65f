#!/bin/sh
# nerve @VERSION@ for @TARGET@, portable form: this header, then a compressed archive of the deno executable and nerve.
# The first use unpacks the archive into the user's cache, under the hash of its content; later ones start what is there.
# Needs sh, tail, tar, gzip, find, mkdir, mktemp, mv, rm and id. Older versions stay in the cache: remove them as you like.
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

# A folder counts only when it is ours: another user's could hold anything.
ours() { [ -d "$1" ] && [ -O "$1" ] && [ -O "$1/$hash" ] && [ -s "$1/$hash/deno" ]; }

# Replaces this shell, so that signals, the terminal and the exit code are nerve's own.
start() {
  DENO_DIR=${DENO_DIR:-$1/deno} DENO_NO_UPDATE_CHECK=1 NERVE_EXECUTABLE=$me
  export DENO_DIR DENO_NO_UPDATE_CHECK NERVE_EXECUTABLE
  root=$1/$hash
  shift
  exec "$root/deno" run -A --quiet --no-prompt --cached-only --no-remote --no-lock \
    -c "$root/app/deno.json" "$root/app/src/main.ts" "$@"
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

cache=${XDG_CACHE_HOME:-${HOME:+$HOME/.cache}}
cache=${cache:+$cache/nerve}
[ -n "$cache" ] && ours "$cache" && start "$cache" "$@"
temporary=${TMPDIR:-/tmp}/nerve-cache-$(id -u)
[ ! -L "$temporary" ] && ours "$temporary" && start "$temporary" "$@"

[ -r "$me" ] || fail "$me cannot be read" "it has to be, to be unpacked: chmod +r $me"
[ -t 2 ] && printf 'nerve: first use of this version, unpacking\n' >&2
if [ -n "$cache" ]; then
  reason=$(unpack "$cache" 2>&1) && start "$cache" "$@"
  reason=${reason##*
}
  printf 'nerve: cannot unpack into %s (%s), so it goes to %s\n' "$cache" "${reason:-it is not ours}" "$temporary" >&2
fi
reason=$(unpack "$temporary" 2>&1) && start "$temporary" "$@"
fail "cannot unpack into $temporary: ${reason:-it is not ours}" "set XDG_CACHE_HOME or TMPDIR to a folder with 150 MB free"
