// Completion for zsh, one function a command, each an _arguments call.

import { type CommandNode, everyCommand } from "../program-tree.ts";
import type { Values } from "./values.ts";
import { flagsOf, type FlagWord, placesOf, shellQuoted } from "./words.ts";

/** Returns the script for `program`; it goes to a folder of fpath as _NAME. */
export function zshCompletion(program: CommandNode): string {
  const name = program.meta.name;
  const functionOf = ({ words }: CommandNode) => ["", name, ...words].join("_");
  const live = `${functionOf(program)}__live`;
  const leaf = (node: CommandNode) => {
    const places = placesOf(node).map((place, i) => {
      const at = place.repeatable ? "*" : String(i + 1);
      return shellQuoted(`${at}:${place.required ? "" : ":"}${place.name}:${action(live, place.values)}`);
    });
    return [...flagsOf(node).map((flag) => flagSpec(live, flag)), ...places];
  };
  const functions = everyCommand(program).map((node) => {
    if (node.args !== undefined)
      return `${functionOf(node)}() {\n  _arguments \\\n    ${leaf(node).join(" \\\n    ")}\n}`;
    const commands = node.commands.map(({ words, meta }) => shellQuoted(`${words.at(-1)}:${meta.summary}`));
    const calls = node.commands.map((child) => `        ${child.words.at(-1)}) ${functionOf(child)} ;;`);
    return `${functionOf(node)}() {
  local curcontext="$curcontext" state line
  local -a commands
  typeset -A opt_args
  _arguments -C \\
    ${flagsOf(node)
      .map((flag) => flagSpec(live, flag))
      .join(" \\\n    ")} \\
    '1:command:->command' \\
    '*::argument:->argument'
  case $state in
    command)
      commands=(
        ${commands.join("\n        ")}
        'help:show the help of a command'
      )
      _describe command commands
      ;;
    argument)
      case $line[1] in
        help) ${functionOf(node)} ;;
${calls.join("\n")}
      esac
      ;;
  esac
}`;
  });
  const vms = everyCommand(program)
    .filter((node) => placesOf(node)[0]?.values.live === "vm")
    .map(({ words }) => shellQuoted(words.join(" ")));
  return `#compdef ${name}
# Completion of ${name}(1) for zsh. Made from its command table; completes VMs, channels, CPUs and profiles of a running powermon.

# The last argument is the kind; those before it are compadd's.
${live}() {
  local -a found from
  (( \${+opt_args[--socket]} )) && from+=(--socket "\${opt_args[--socket]}")
${
  vms.length > 0
    ? '  # The VM is the first word of every command that names one.\n  [[ $argv[-1] != vm && -n $line[1] ]] && from+=(--vm="$line[1]")\n'
    : ""
}  found=("\${(@f)$(command ${name} __complete $argv[-1] "\${from[@]}" 2>/dev/null)}")
  # Numbers come in lists.
  [[ $argv[-1] != vm ]] && compset -P '*,'
  compadd "\${(@)argv[1,-2]}" -- "\${(@)found:#}"
}

${functions.join("\n\n")}

if [[ $funcstack[1] == ${functionOf(program)} ]]; then
  ${functionOf(program)} "$@"
else
  compdef ${functionOf(program)} ${name}
fi
`;
}

function flagSpec(
  live: string,
  { flag, alias, description, takesValue, repeatable, values }: FlagWord,
): string {
  const said = description.replace(/[[\]\\:]/g, "\\$&");
  const value = takesValue ? `:${flag.slice(2)}:${action(live, values)}` : "";
  const sign = takesValue ? "=" : "";
  const star = repeatable ? "*" : "";
  if (alias === undefined) return shellQuoted(`${star}${flag}${sign}[${said}]${value}`);
  const excluded = star === "" ? shellQuoted(`(-${alias} ${flag})`) : "'*'";
  return `${excluded}{-${alias}${takesValue ? "+" : ""},${flag}${sign}}${shellQuoted(`[${said}]${value}`)}`;
}

function action(live: string, { words, live: kind, files }: Values): string {
  const list = words.map((word) => word.replace(/[\s:()\\]/g, "\\$&")).join(" ");
  if (kind !== undefined && words.length > 0)
    return `_alternative 'w:word:(${list})' 'l:${kind}:${live} ${kind}'`;
  if (kind !== undefined) return `${live} ${kind}`;
  if (files !== undefined) return files === "folders" ? "_files -/" : "_files";
  return words.length > 0 ? `(${list})` : " ";
}
