/** `nerve completions SHELL`: prints a script that calls `nerve __complete WORD...` for each completion (app.ts). */
import { type CliIo, exit } from "../io.ts";
import type { Shell } from "../shells.ts";

export function completions(io: CliIo, _flags: object, shell: Shell): number {
  io.stdout.write(scripts[shell]);
  return exit.ok;
}

/**
 * Each line of `nerve __complete` is a proposal, a tab and its description. Without proposals, the shell proposes
 * files.
 */
const scripts: Readonly<Record<Shell, string>> = {
  bash: `# nerve completions for bash: source <(nerve completions bash)
_nerve() {
  local line
  COMPREPLY=()
  while IFS= read -r line; do
    COMPREPLY+=("\${line%%$'\\t'*}")
  done < <(nerve __complete "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
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
  if (( $#proposals )); then _describe nerve proposals; else _files; fi
}
if [ "$funcstack[1]" = "_nerve" ]; then
  _nerve "$@"
else
  (( $+functions[compdef] )) || { autoload -Uz compinit && compinit; }
  compdef _nerve nerve
fi
`,
  fish: `# nerve completions for fish: nerve completions fish > ~/.config/fish/completions/nerve.fish
function __nerve_complete
  set -l proposals (nerve __complete (commandline -opc)[2..] (commandline -ct) 2>/dev/null)
  if set -q proposals[1]
    printf '%s\\n' $proposals
  else
    __fish_complete_path (commandline -ct)
  end
end
complete -c nerve -f -a "(__nerve_complete)"
`,
};
