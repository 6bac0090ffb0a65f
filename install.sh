#!/bin/sh
# Installs nerve for this user: sh install.sh FILE-OR-URL [--sha256 SUM] [--to FOLDER]
# Verifies the checksum (given, or in FILE.sha256 beside the file), copies the file to ~/.local/bin/nerve, adds shell
# completions, and says what it did. Asks nothing, and changes nothing outside the user's home.
# In braces, so that a script cut off in a pipe is a syntax error, not half an installation.
{
set -u

fail() {
  printf '❌ %s\n   %s\n' "$1" "$2" >&2
  exit 1
}

usage='usage: sh install.sh FILE-OR-URL [--sha256 SUM] [--to FOLDER]'
from='' sum='' to=${HOME:+$HOME/.local/bin}
while [ $# -gt 0 ]; do
  case $1 in
    --sha256 | --to)
      [ $# -ge 2 ] || fail "$1 needs a value" "$usage"
      if [ "$1" = --to ]; then to=$2; else sum=$2; fi
      shift
      ;;
    -h | --help)
      printf '%s\n' "$usage"
      exit 0
      ;;
    -*) fail "there is no option $1" "$usage" ;;
    *) [ -z "$from" ] && from=$1 || fail "only one file can be installed: $from or $1" "$usage" ;;
  esac
  shift
done
[ -n "$from" ] || fail 'no file was given' "$usage"
[ -n "$to" ] || fail 'HOME is not set' "$usage"

fetch() {
  if command -v curl >/dev/null; then curl -fsSL -o "$2" "$1"
  elif command -v wget >/dev/null; then wget -q -O "$2" "$1"
  else fail 'neither curl nor wget is installed' "download $1 yourself, then: sh install.sh FILE"
  fi
}

sum_of() {
  if command -v sha256sum >/dev/null; then sha256sum <"$1"
  elif command -v shasum >/dev/null; then shasum -a 256 <"$1"
  else openssl dgst -sha256 -r <"$1" 2>/dev/null
  fi | cut -c 1-64
}

mkdir -p "$to" || fail "$to cannot be created" 'name another folder: --to FOLDER'
to=$(CDPATH='' cd -- "$to" && pwd) || fail "$to cannot be entered" 'name another folder: --to FOLDER'
[ ! -d "$to/nerve" ] || fail "$to/nerve is a folder" 'name another folder: --to FOLDER'
# In the same folder, so that a rename completes the installation.
work=$(mktemp -d "$to/.nerve-install.XXXXXX") || fail "$to cannot be written to" 'name another folder: --to FOLDER'
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT
trap 'exit 143' HUP TERM

case $from in
  http://* | https://*)
    fetch "$from" "$work/nerve" || fail "$from cannot be downloaded" 'nothing was changed'
    [ -n "$sum" ] || fetch "$from.sha256" "$work/sum" || fail "$from.sha256 cannot be downloaded" 'give the checksum: --sha256 SUM'
    ;;
  *)
    [ -r "$from" ] && [ ! -d "$from" ] || fail "$from cannot be read" "$usage"
    cp "$from" "$work/nerve" || fail "$from cannot be copied to $to" 'nothing was changed'
    [ -n "$sum" ] || cp "$from.sha256" "$work/sum" 2>/dev/null || fail "there is no $from.sha256" 'give the checksum: --sha256 SUM'
    ;;
esac
[ -n "$sum" ] || sum=$(cut -c 1-64 "$work/sum")
found=$(sum_of "$work/nerve")
[ ${#found} -eq 64 ] || fail 'no program here computes SHA-256 checksums' 'install one of sha256sum, shasum and openssl'
[ "$found" = "$(printf %s "$sum" | tr 'A-F' 'a-f')" ] ||
  fail "$from has the checksum $found, not $sum" 'nothing was changed; download it again'

chmod 755 "$work/nerve"
version=$("$work/nerve" version) || fail "$from does not run on this machine" 'nothing was changed'
mv -f "$work/nerve" "$to/nerve" || fail "$to/nerve cannot be replaced" 'nothing was changed'
printf '✅ %s\n   in %s, checksum verified\n' "$version" "$to/nerve"

# Does not fail for a nerve without completions, or for a folder that is not ours.
complete() {
  mkdir -p "${2%/*}" 2>/dev/null && "$to/nerve" completions "$1" >"$work/completions" 2>/dev/null &&
    mv -f "$work/completions" "$2" 2>/dev/null && printf '   completions for %s in %s\n' "$1" "$2"
}
data=${XDG_DATA_HOME:-${HOME:+$HOME/.local/share}}
if [ -n "$data" ]; then
  command -v bash >/dev/null && complete bash "$data/bash-completion/completions/nerve"
  command -v zsh >/dev/null && complete zsh "$data/zsh/site-functions/_nerve"
  command -v fish >/dev/null && complete fish "${XDG_CONFIG_HOME:-$HOME/.config}/fish/completions/nerve.fish"
fi

case :$PATH: in
  *:"$to":*) printf '👉 nerve init watch && cd watch && nerve run\n' ;;
  *) printf '👉 %s is not in your PATH: add  export PATH="%s:$PATH"  to your shell'"'"'s profile\n' "$to" "$to" ;;
esac
}
