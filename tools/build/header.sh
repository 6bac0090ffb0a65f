#!/bin/sh
# nerve @VERSION@ for @TARGET@, portable form: this header, then a compressed archive of the deno executable and nerve.
# The first use unpacks the archive into the user's cache, in a folder named by its hash; later uses start that copy.
# Needs sh, tail, tar, gzip, mkdir, mktemp, chmod, mv and rm. Older versions stay in the cache and may be removed.
# In braces, so that a file that was cut off in the header is a syntax error, not half a program that succeeds.
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

# Accepts a folder only if it is ours, since another user's could contain anything, if no cleaner removed files, and if
# none was written to since it was unpacked: a damaged copy would crash without a word.
ours() {
  [ -d "$1" ] && [ -O "$1" ] && [ -O "$1/$hash" ] && [ -f "$1/$hash/.complete" ] || return 1
  for file in deno @ENTRIES@; do
    [ -s "$1/$hash/$file" ] || return 1
    if [ "$1/$hash/$file" -nt "$1/$hash/.complete" ]; then return 1; fi
  done
}

# Replaces this shell with nerve, which then receives signals and owns the terminal and the exit code.
start() {
  DENO_DIR=${DENO_DIR:-$1/deno} DENO_NO_UPDATE_CHECK=1 NERVE_EXECUTABLE=$me
  export DENO_DIR DENO_NO_UPDATE_CHECK NERVE_EXECUTABLE
  root=$1/$hash
  shift
  # Enough memory for all that a short command allocates: V8 starts with little and would collect garbage while loading,
  # which takes 5 of 60 ms.
  exec "$root/deno" run -A --quiet --no-prompt @FLAGS@ --v8-flags=--min-semi-space-size=16 \
    "$root/app/src/bundle/main.js" "$@"
}

# Unpacks to a temporary folder, tries the executable, then renames. In a subshell, so that umask and traps end with it.
unpack() (
  umask 077
  mkdir -p "$1" && [ ! -L "$1" ] && [ -O "$1" ] && chmod 700 "$1" || exit 1
  # Removes what killed first uses have left, if it is at least a day old.
  find "$1" -name '.unpack.*' -prune -mtime +0 -exec rm -rf {} + 2>/dev/null
  work=$(mktemp -d "$1/.unpack.XXXXXX") || exit 1
  trap 'rm -rf "$work"' EXIT
  trap 'exit 129' HUP
  trap 'exit 130' INT
  trap 'exit 143' TERM
  tail -c "+$offset" "$me" | tar -xzf - -C "$work" || exit 1
  # Detects a wrong machine, a folder without exec permission or a damaged file now, not at the next start.
  "$work/deno" --version >/dev/null || exit 1
  : >"$work/.complete" || exit 1
  # A damaged copy makes way. Programs that run from it keep what they have open.
  if [ -e "$1/$hash" ] && ! ours "$1"; then
    mv "$1/$hash" "$work.damaged" && rm -rf "$work.damaged"
  fi
  # If another first use was faster, mv fails or moves our folder into theirs.
  mv "$work" "$1/$hash" 2>/dev/null
  rm -rf "$1/$hash/${work##*/}"
  ours "$1"
)

# Fails when another folder would not help either.
fail_if_hopeless() {
  for tool in tail tar gzip mkdir mktemp chmod mv rm; do
    command -v "$tool" >/dev/null || fail "the first use unpacks $me, and needs $tool" "install $tool"
  done
  tail -c "+$offset" "$me" | gzip -t 2>/dev/null || fail "$me is damaged or incomplete" 'download it again, and verify its checksum'
}

# Unpacks and starts, or sets `reason` to the first line of the error output: tar prints one line for each file.
try() {
  reason=$(unpack "$1" 2>&1) && start "$@"
  fail_if_hopeless
  reason=${reason#"$newline"}
  reason=${reason%%"$newline"*}
  reason=${reason:-its content is not ours, or is incomplete}
}
newline='
'

cache=${XDG_CACHE_HOME:-}
# A relative path depends on the current folder; the XDG Base Directory Specification says to ignore it.
case $cache in /*) ;; *) cache=${HOME:+$HOME/.cache} ;; esac
cache=${cache:+$cache/nerve}
[ -n "$cache" ] && ours "$cache" && start "$cache" "$@"
temporary=${TMPDIR:-/tmp}/nerve-cache-$(id -u)
[ ! -L "$temporary" ] && ours "$temporary" && start "$temporary" "$@"

[ -r "$me" ] || fail "$me cannot be read" "it must be readable to unpack itself: chmod +r $me"
if [ -n "$cache" ] && [ -e "$cache/$hash" ]; then
  printf 'nerve: the copy in %s is damaged or incomplete, unpacking it again\n' "$cache/$hash" >&2
elif [ -t 2 ]; then
  printf 'nerve: first use of this version, unpacking\n' >&2
fi
if [ -n "$cache" ]; then
  try "$cache" "$@"
  printf 'nerve: cannot unpack into %s (%s), using %s instead\n' "$cache" "$reason" "$temporary" >&2
fi
try "$temporary" "$@"
fail "cannot unpack into $temporary: $reason" "set XDG_CACHE_HOME or TMPDIR to a folder with 150 MB free, where programs may run"
}
