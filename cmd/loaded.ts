// Commands that stand in the file of their group, which is loaded with them.

import type { Command, Commands } from "../internal/cli/command.ts";

/** Returns `commands` by their names, as a table of commands wants them. */
export function loaded(...commands: readonly Command[]): Commands {
  return Object.fromEntries(commands.map((one) => [one.meta.name, async () => ({ default: one })]));
}
