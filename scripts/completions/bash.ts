// Completion for bash, without bash-completion's own functions, since minimal hosts have none.

import { type CommandNode, everyCommand } from "../program-tree.ts";
import type { Values } from "./values.ts";
import { flagsOf, placesOf, shellQuoted } from "./words.ts";

/** Returns the script for `program`; a shell sources it. */
export function bashCompletion(program: CommandNode): string {
  const name = program.meta.name;
  const fn = `_${name.replaceAll("-", "_")}`;
  const nodes = everyCommand(program);
  const pathOf = (node: CommandNode) => shellQuoted(node.words.join(" "));
  const specs = nodes.map((node) => {
    const flags = flagsOf(node).flatMap(({ flag, alias }) =>
      alias === undefined ? [flag] : [flag, `-${alias}`],
    );
    const valued = flagsOf(node)
      .filter(({ takesValue }) => takesValue)
      .flatMap(({ flag, alias }) => (alias === undefined ? [flag] : [flag, `-${alias}`]));
    const commands = node.commands.map(({ words }) => words.at(-1));
    return `    ${pathOf(node)}) commands=(${[...commands, ...(commands.length > 0 ? ["help"] : [])].join(" ")}) flags=(${flags.join(" ")}) valued=(${valued.join(" ")}) ;;`;
  });
  const values = nodes.flatMap((node) => [
    ...flagsOf(node).flatMap(({ flag, alias, values }) =>
      [flag, ...(alias === undefined ? [] : [`-${alias}`])].flatMap((word) => valueLine(node, word, values)),
    ),
    ...placesOf(node).flatMap(({ repeatable, values }, i) =>
      valueLine(node, repeatable ? "*" : String(i), values),
    ),
  ]);
  const vms = nodes
    .map((node) => [node, placesOf(node).findIndex(({ values }) => values.live === "vm")] as const)
    .filter(([, at]) => at >= 0)
    .map(([node, at]) => `    ${pathOf(node)}) vm=\${places[${at}]-} ;;`);
  return `# Completion of ${name}(1) for bash. Made from its command table; completes VMs, channels, CPUs and profiles of a running powermon.

${fn}_spec() {
  case $1 in
${specs.join("\n")}
  esac
}

${fn}_values() {
  case $1 in
${values.join("\n")}
    *) return 1 ;;
  esac
}

${fn}_vm() {
  case $1 in
${[...vms, "    *) ;;"].join("\n")}
  esac
}

${fn}() {
  # Bash cuts words at = and : as well; what the line has no blank between is one word.
  local -a words=() commands=() flags=() valued=() places=() found=()
  local line=$COMP_LINE piece i
  for ((i = 0; i <= COMP_CWORD; i++)); do
    piece=\${COMP_WORDS[i]}
    if ((i > 0)) && [[ -n $piece && $line == "$piece"* ]]; then words[\${#words[@]}-1]+=$piece; else words+=("$piece"); fi
    line=\${line#*"$piece"}
  done
  local cur=\${words[\${#words[@]}-1]} last=\${COMP_WORDS[COMP_CWORD]} path='' flag='' vm='' live='' files='' word rest=''
  [[ $last == [=:] ]] && last=''
  local kept=\${cur%"$last"}

  ${fn}_spec ''
  local -a socket=()
  for word in "\${words[@]:1:\${#words[@]}-2}"; do
    if [[ -n $flag ]]; then
      [[ $flag == --socket ]] && socket=(--socket "$word")
      flag=''
    elif [[ -n $rest || $word != -* ]]; then
      if [[ -z $rest && \${#commands[@]} -gt 0 ]]; then
        [[ $word == help ]] && continue
        path+=\${path:+ }$word commands=() flags=() valued=()
        ${fn}_spec "$path"
      else
        places+=("$word")
      fi
    elif [[ $word == -- ]]; then
      rest=yes
    elif [[ $word == --socket=* ]]; then
      socket=(--socket "\${word#*=}")
    elif [[ " \${valued[*]} " == *" $word "* ]]; then
      flag=$word
    fi
  done

  local value=$cur
  if [[ -z $flag && -z $rest && $cur == --*=* && " \${valued[*]} " == *" \${cur%%=*} "* ]]; then
    flag=\${cur%%=*}
    value=\${cur#*=}
  fi
  if [[ -n $flag ]]; then
    ${fn}_values "$path:$flag"
  elif [[ -z $rest && $cur == -* ]]; then
    found=("\${flags[@]}")
  elif ((\${#commands[@]} > 0)); then
    found=("\${commands[@]}")
  else
    ${fn}_values "$path:\${#places[@]}" || ${fn}_values "$path:*"
  fi
  if [[ -n $live ]]; then
    ${fn}_vm "$path"
    while IFS= read -r word; do found+=("$word"); done < <(
      command ${name} __complete "$live" \${vm:+--vm="$vm"} "\${socket[@]}" 2>/dev/null
    )
    # Numbers come in lists.
    if [[ $live != vm && $value == *,* ]]; then found=("\${found[@]/#/\${value%,*},}"); fi
  fi
  COMPREPLY=()
  if [[ $files == any ]]; then
    compopt -o filenames
    mapfile -t COMPREPLY < <(compgen -f -- "$value")
  elif [[ $files == folders ]]; then
    compopt -o filenames
    mapfile -t COMPREPLY < <(compgen -d -- "$value")
  fi
  # A VM's name may hold anything but slashes and control characters: it is quoted, never looked into.
  local quote='' shown
  if [[ $value == [\\'\\"]* ]]; then
    quote=\${value:0:1}
    value=\${value:1}
  fi
  for word in "\${found[@]}"; do
    shown=$word
    if [[ -z $quote && $word == *[!A-Za-z0-9_.,:=+@/-]* ]]; then printf -v shown %q "$word"; fi
    if [[ $word == "$value"* || $shown == "$value"* ]]; then
      # What stays on the line before the piece that bash replaces.
      [[ $flag == "\${cur%%=*}" && $cur == --*=* ]] && shown=$flag=$shown
      COMPREPLY+=("\${shown#"$kept"}")
    fi
  done
}

complete -F ${fn} ${name}
`;
}

function valueLine(node: CommandNode, place: string, { words, live, files }: Values): readonly string[] {
  const sets = [
    ...(words.length > 0 ? [`found=(${words.map(shellQuoted).join(" ")})`] : []),
    ...(live === undefined ? [] : [`live=${live}`]),
    ...(files === undefined ? [] : [`files=${files}`]),
  ];
  if (sets.length === 0) return [];
  return [`    ${shellQuoted(`${node.words.join(" ")}:${place}`)}) ${sets.join(" ")} ;;`];
}
