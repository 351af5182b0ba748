import { Argument, type Command } from 'commander';
import type { Cli } from '../backend.js';

const EXAMPLES = `
The scripts ask jackstay itself, saved sites included. The words typed so far go through a pipe, so a
password in a URL does not show in the list of processes.

Examples:
  source <(jackstay completion bash)
  jackstay completion zsh > ~/.zfunc/_jackstay
  jackstay completion fish > ~/.config/fish/completions/jackstay.fish
`;

// Readline breaks words at ":" and "=": what stands before the last of them is there already and must not be repeated.
const BASH = `_jackstay() {
  local line="\${COMP_LINE:0:COMP_POINT}" cur candidate
  local -a words
  read -ra words <<< "$line"
  [[ $line == *[[:space:]] ]] && words+=('')
  cur="\${words[\${#words[@]}-1]}"
  local prefix=''
  [[ $cur == *[:=]* ]] && prefix="\${cur%"\${cur##*[:=]}"}"
  COMPREPLY=()
  while IFS=$'\\t' read -r candidate _; do
    if [[ $candidate == :files ]]; then
      compopt -o filenames 2>/dev/null
      while IFS= read -r candidate; do COMPREPLY+=("\${candidate#"$prefix"}"); done < <(compgen -f -- "$cur")
    elif [[ -n $candidate ]]; then
      [[ $candidate == *: ]] && compopt -o nospace 2>/dev/null
      COMPREPLY+=("\${candidate#"$prefix"}")
    fi
  done < <(printf '%s\\n' "\${words[@]}" | jackstay __complete 2>/dev/null)
}
complete -F _jackstay jackstay
`;

const ZSH = `#compdef jackstay
_jackstay() {
  local line value
  local -a plain plain_text open open_text
  local files=0
  while IFS= read -r line; do
    value="\${line%%$'\\t'*}"
    if [[ $line == :files ]]; then files=1
    elif [[ $value == *: ]]; then open+=("$value"); open_text+=("$value  \${line#*$'\\t'}")
    elif [[ -n $value ]]; then plain+=("$value"); plain_text+=("$value  \${line#*$'\\t'}")
    fi
  done < <(printf '%s\\n' "\${(@)words[1,CURRENT]}" | jackstay __complete 2>/dev/null)
  (( \${#plain} )) && compadd -l -d plain_text -a plain
  (( \${#open} )) && compadd -S '' -l -d open_text -a open
  (( files )) && _files
}
if [[ $funcstack[1] == _jackstay ]]; then _jackstay "$@"; else compdef _jackstay jackstay; fi
`;

const FISH = `function __jackstay_candidates
  set -l current (commandline -ct)
  for line in (printf '%s\\n' (commandline -opc) "$current" | jackstay __complete 2>/dev/null)
    if test "$line" = ':files'
      __fish_complete_path "$current"
    else
      echo $line
    end
  end
end
complete -c jackstay -f -a '(__jackstay_candidates)'
`;

const SCRIPTS: Record<string, string> = { bash: BASH, zsh: ZSH, fish: FISH };

/** jackstay completion SHELL */
export function build(command: Command, { io }: Cli): void {
  command
    .addArgument(new Argument('<shell>', 'your shell').choices(Object.keys(SCRIPTS)))
    .addHelpText('after', EXAMPLES)
    .action((shell: string) => void io.stdout.write(SCRIPTS[shell] ?? ''));
}
