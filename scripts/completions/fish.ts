// Completion for fish: one line a flag and place, each on the condition that its command's words stand before.

import { type CommandNode, everyCommand } from "../program-tree.ts";
import { flagsOf, placesOf } from "./words.ts";
import type { Values } from "./values.ts";

/** Returns the script for `program`. */
export function fishCompletion(program: CommandNode): string {
  const name = program.meta.name;
  const fn = `__${name.replaceAll("-", "_")}`;
  const nodes = everyCommand(program);
  const specs = nodes.map((node) => {
    const valued = flagsOf(node)
      .filter(({ takesValue }) => takesValue)
      .flatMap(({ flag, alias }) => (alias === undefined ? [flag] : [flag, `-${alias}`]));
    const commands = node.commands.map(({ words }) => words.at(-1));
    return `    case ${quoted(node.words.join(" "))}
      set -g ${fn}_valued ${valued.join(" ")}
      set -g ${fn}_commands ${[...commands, ...(commands.length > 0 ? ["help"] : [])].join(" ")}`;
  });
  const vms = nodes
    .filter((node) => placesOf(node)[0]?.values.live === "vm")
    .map((node) => quoted(node.words.join(" ")));
  const lines = nodes.flatMap((node) => linesOf(node, name, fn));
  return `# Completion of ${name}(1) for fish. Made from its command table; completes VMs, channels, CPUs and profiles of a running powermon.

function ${fn}_spec
  switch "$argv[1]"
${specs.join("\n")}
  end
end

# Reads the command line up to the cursor: the command's words, its other words, the socket.
function ${fn}_read
  set -g ${fn}_path
  set -g ${fn}_places
  set -g ${fn}_socket
  ${fn}_spec ''
  set -l flag
  set -l rest
  for word in (commandline -opc)[2..-1]
    if test -n "$flag"
      test "$flag" = --socket; and set -g ${fn}_socket --socket $word
      set flag
    else if test -n "$rest"; or not string match -q -- '-*' $word
      if test -z "$rest"; and set -q ${fn}_commands[1]
        test "$word" = help; and continue
        set -g -a ${fn}_path $word
        set -g ${fn}_valued
        set -g ${fn}_commands
        ${fn}_spec "$${fn}_path"
      else
        set -g -a ${fn}_places $word
      end
    else if test "$word" = --
      set rest yes
    else if string match -q -- '--socket=*' $word
      set -g ${fn}_socket $word
    else if contains -- $word $${fn}_valued
      set flag $word
    end
  end
end

# True when the command's words are $argv[1] and, with $argv[2], that many others stand before the cursor ("*" for any number).
function ${fn}_at
  ${fn}_read
  test "$${fn}_path" = "$argv[1]"; or return 1
  set -q argv[2]; or return 0
  test "$argv[2]" = '*'; or test (count $${fn}_places) -eq $argv[2]
end

function ${fn}_live
  ${fn}_read
  set -l vm
${
  vms.length > 0
    ? `  # The VM is the first word of every command that names one.
  contains -- "$${fn}_path" ${vms.join(" ")}; and set -q ${fn}_places[1]; and set vm --vm=$${fn}_places[1]
`
    : ""
}  set -l list
  # Numbers come in lists.
  test $argv[1] != vm; and set list (string match -r -- '^(?:--[^=]*=)?(.*,)' (commandline -ct))[2]
  command ${name} __complete $argv[1] $vm $${fn}_socket 2>/dev/null | while read -l word
    echo -- "$list$word"
  end
end

complete -c ${name} -f
${lines.join("\n")}
`;
}

function linesOf(node: CommandNode, name: string, fn: string): readonly string[] {
  const path = quoted(node.words.join(" ")).replaceAll("'", '"');
  const at = (count?: string) =>
    `complete -c ${name} -n '${fn}_at ${path}${count === undefined ? "" : ` ${count}`}'`;
  return [
    ...node.commands.map(
      ({ words, meta }) => `${at("0")} -a ${quoted(words.at(-1) ?? "")} -d ${quoted(meta.summary)}`,
    ),
    ...(node.commands.length > 0 ? [`${at("0")} -a help -d 'show the help of a command'`] : []),
    ...flagsOf(node).map(({ flag, alias, description, takesValue, values }) => {
      const short = alias === undefined ? "" : ` -s ${alias}`;
      const value = takesValue ? ` ${values.files === "any" ? "-r -F" : "-x"}${wordsOf(values, fn)}` : "";
      return `${at()} -l ${flag.slice(2)}${short}${value} -d ${quoted(description)}`;
    }),
    ...placesOf(node).flatMap(({ description, repeatable, values }, i) => {
      const words = wordsOf(values, fn) + (values.files === "any" ? " -F" : "");
      return words === "" ? [] : [`${at(repeatable ? '"*"' : String(i))}${words} -d ${quoted(description)}`];
    }),
  ];
}

function wordsOf({ words, live, files }: Values, fn: string): string {
  const all = [
    ...words,
    ...(live === undefined ? [] : [`(${fn}_live ${live})`]),
    ...(files === "folders" ? ["(__fish_complete_directories (commandline -ct))"] : []),
  ];
  return all.length === 0 ? "" : ` -a ${quoted(all.join(" "))}`;
}

/** Returns `text` as one word of fish. */
function quoted(text: string): string {
  return `'${text.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`;
}
