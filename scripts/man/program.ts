// The commands of a program as a chapter of its manual, from the definitions that --help is drawn from.

import type { ArgDef } from "../../internal/cli/command.ts";
import { kebab } from "../../internal/cli/words.ts";
import { type CommandNode, everyCommand } from "../program-tree.ts";
import { bold, example, italic, literal, macro } from "./roff.ts";

/** Returns the NAME and SYNOPSIS sections of `program`. */
export function programHead(program: CommandNode): string {
  const name = program.meta.name;
  return [
    macro("SH", "NAME"),
    `${literal(name)} \\- ${literal(program.meta.summary)}`,
    macro("SH", "SYNOPSIS"),
    `${bold(name)} ${italic("COMMAND")} [${italic("ARGUMENT")}]...`,
    ".br",
    `${bold(name)} [${italic("COMMAND")}] ${bold("--help")}`,
    ".br",
    `${bold(name)} ${bold("--version")}`,
  ].join("\n");
}

/** Returns one subsection for each command of `program` that runs. */
export function commandSections(program: CommandNode): string {
  return everyCommand(program)
    .filter((node) => node.args !== undefined)
    .map((node) => section(program.meta.name, node))
    .join("\n");
}

function section(program: string, { words, meta, args = {} }: CommandNode): string {
  const defs = Object.entries(args);
  const positionals = defs.filter(([, def]) => def.type === "positional");
  const flags = defs.filter(([, def]) => def.type !== "positional");
  const usage = [
    bold([program, ...words].join(" ")),
    ...(flags.length > 0 ? [`[${italic("OPTION")}]...`] : []),
    ...positionals.map(([key, def]) => usageOf(key, def)),
  ];
  return [
    macro("SS", literal(words.join(" "))),
    usage.join(" "),
    ".PP",
    sentence(meta.summary),
    ...(meta.details === undefined ? [] : [".PP", paragraphs(meta.details)]),
    ...[...positionals, ...flags].flatMap(([key, def]) => [".TP", termOf(key, def), explained(def)]),
    ...(meta.examples === undefined ? [] : [example(meta.examples)]),
  ].join("\n");
}

function usageOf(key: string, def: ArgDef): string {
  const name = italic(kebab(key).toUpperCase()) + ("repeatable" in def && def.repeatable ? "..." : "");
  const sure = def.type !== "boolean" && (def.required ?? def.default === undefined);
  return sure ? name : `[${name}]`;
}

function termOf(key: string, def: ArgDef): string {
  if (def.type === "positional") return italic(kebab(key).toUpperCase());
  const alias = def.alias === undefined ? "" : `${bold(`-${def.alias}`)}, `;
  const flag = bold(`--${kebab(key)}`);
  if (def.type === "boolean")
    return alias + flag + (def.default === true ? `, ${bold(`--no-${kebab(key)}`)}` : "");
  const value = def.options === undefined ? italic(def.valueHint ?? kebab(key)) : bold(def.options.join("|"));
  return `${alias}${flag}=${value}`;
}

function explained(def: ArgDef): string {
  const notes = [
    ...(def.type === "positional" && def.options !== undefined ? [`one of ${def.options.join(", ")}`] : []),
    ...(def.type !== "boolean" && def.repeatable && def.type !== "positional" ? ["may be repeated"] : []),
    ...(def.type !== "boolean" && def.default !== undefined ? [`default: ${def.default}`] : []),
  ];
  const first = /^\w+/.exec(def.description)?.[0] ?? "";
  const isValue = def.type !== "boolean" && def.options?.includes(first) === true;
  return sentence([def.description, ...notes.map((note) => `(${note})`)].join(" "), isValue);
}

/** A first word that has capitals of its own, such as vCPU, or is a value, such as mem, stays as it is. */
function sentence(text: string, isValue = false): string {
  const keeps = isValue || /^\w[A-Z]/.test(text);
  const full = keeps ? text : text.charAt(0).toUpperCase() + text.slice(1);
  return literal(full.endsWith(".") ? full : `${full}.`);
}

function paragraphs(text: string): string {
  return text
    .split(/\n\n+/)
    .map((paragraph) => paragraph.split("\n").map(literal).join("\n.br\n"))
    .join("\n.PP\n");
}
