// The help of every command, drawn from its definition.

import { type ArgDef as CittyArg, renderUsage } from "citty";
import { type ArgDef, type Command, isHidden } from "./command.ts";
import { kebab } from "./words.ts";

/**
 * Returns the help text of `command`, called as `path` (program and command words), without a last newline. A program's begins
 * with the sentence that its name and summary make.
 */
export async function help(command: Command, path: string, version: string): Promise<string> {
  const { meta } = command;
  const isProgram = !path.includes(" ");
  const usage = await renderUsage({
    meta: { name: path, description: meta.summary },
    args: { ...cittyArgs("commands" in command ? {} : command.args), ...(isProgram && VERSION) },
    ...("commands" in command && { subCommands: await summaries(command) }),
  });
  const first = isProgram ? `${path} ${version} ${meta.summary}.` : `${path}: ${meta.summary}`;
  const drawn = Bun.stripANSI(usage).trim().replace(/ +$/gm, "");
  const parts = [drawn.replace(/^.*/, () => first)];
  if (meta.details !== undefined) parts.push(meta.details);
  if (meta.examples !== undefined)
    parts.push(`EXAMPLES\n\n${meta.examples.map((line) => `  ${line}`).join("\n")}`);
  return parts.join("\n\n");
}

const VERSION: Record<string, CittyArg> = { version: { type: "boolean", description: "show the version" } };

async function summaries(group: Extract<Command, { commands: unknown }>) {
  const loaded = await Promise.all(
    Object.entries(group.commands)
      .filter(([name]) => !isHidden(name))
      .map(async ([name, load]) => [name, (await load()).default.meta.summary] as const),
  );
  return Object.fromEntries(loaded.map(([name, description]) => [name, { meta: { description } }]));
}

function cittyArgs(defs: Readonly<Record<string, ArgDef>>): Record<string, CittyArg> {
  const args: Record<string, CittyArg> = {};
  for (const [key, def] of Object.entries(defs)) {
    const name = kebab(key) + (def.type === "positional" && def.repeatable ? "..." : "");
    const { options, repeatable, ...rest } = { options: undefined, repeatable: undefined, ...def };
    const notes = [
      ...(def.type === "positional" && options !== undefined ? [`one of ${options.join(", ")}`] : []),
      ...(def.type !== "positional" && repeatable ? ["may be repeated"] : []),
    ];
    const description = def.description + notes.map((note) => ` (${note})`).join("");
    args[name] = {
      ...rest,
      ...(options !== undefined && { options: [...options] }),
      description,
    } as CittyArg;
  }
  args["help"] = { type: "boolean", alias: "h", description: "show this help" };
  return args;
}
