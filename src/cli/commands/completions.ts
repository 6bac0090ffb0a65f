/** `nerve completions SHELL`: a script that asks `nerve __complete WORD...` for each completion (app.ts). */
import { type CliIo, exit } from "../io.ts";
import type { Shell } from "../routes/log.ts";

export function completions(io: CliIo, _flags: Record<string, never>, shell: Shell): number {
  io.stdout.write(scripts[shell]);
  return exit.ok;
}

/** Each line of `nerve __complete` is a proposal, a tab, and what it is. */
const scripts: Readonly<Record<Shell, string>> = {
  bash: `# nerve completions for bash: source <(nerve completions bash)
_nerve() {
  local IFS=$'\\n' line
  COMPREPLY=()
  for line in $(nerve __complete "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null); do
    COMPREPLY+=("\${line%%$'\\t'*}")
  done
}
complete -o default -F _nerve nerve
`,
  zsh: `#compdef nerve
# nerve completions for zsh: source <(nerve completions zsh), or save it as _nerve in a folder of your fpath
_nerve() {
  local line
  local -a proposals
  for line in \${(f)"$(nerve __complete "\${(@)words[2,CURRENT]}" 2>/dev/null)"}; do
    proposals+=("\${\${line%%$'\\t'*}//:/\\\\:}:\${line#*$'\\t'}")
  done
  _describe nerve proposals
}
if [ "$funcstack[1]" = "_nerve" ]; then _nerve "$@"; else compdef _nerve nerve; fi
`,
  fish: `# nerve completions for fish: nerve completions fish > ~/.config/fish/completions/nerve.fish
complete -c nerve -f -a "(nerve __complete (commandline -opc)[2..] (commandline -ct) 2>/dev/null)"
`,
};
