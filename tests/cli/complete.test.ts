import { expect, test } from "bun:test";
import { type Command, type Commands, defineCommand } from "../../internal/cli/command.ts";
import { complete } from "../../internal/cli/complete.ts";

const leaf = (command: Command) => async () => ({ default: command });
const show = defineCommand({
  meta: { name: "show", summary: "Show" },
  args: {
    vm: { type: "positional", description: "The VM" },
    state: { type: "positional", options: ["on", "off"], description: "State" },
    format: { type: "enum", options: ["text", "json"], description: "Format" },
    dryRun: { type: "boolean", description: "Dry" },
  },
  run: () => 0,
});
const COMMANDS: Commands = {
  status: leaf(defineCommand({ meta: { name: "status", summary: "S" }, args: {}, run: () => 0 })),
  start: leaf(defineCommand({ meta: { name: "start", summary: "S" }, args: {}, run: () => 0 })),
  vm: leaf(defineCommand({ meta: { name: "vm", summary: "VMs" }, commands: { show: leaf(show) } })),
  of: leaf(
    defineCommand({
      meta: { name: "of", summary: "Of" },
      commands: { show: leaf(show), set: leaf(show) },
      otherwise: "show",
    }),
  ),
  __hidden: leaf(show),
};
const names = async (key: string) => (key === "vm" ? ["vm1", "vm2"] : []);

test.each([
  ["", ["status ", "start ", "vm ", "of "], ""],
  ["st", ["status ", "start "], "st"],
  ["  stat", ["status "], "stat"],
  ["x", [], "x"],
  ["toString ", [], ""],
  ["vm ", ["show "], ""],
  ["vm show ", ["vm1 ", "vm2 "], ""],
  ["vm show vm2", ["vm2 "], "vm2"],
  ["vm show vm1 ", ["on ", "off "], ""],
  ["vm show vm1 --dry-run o", ["on ", "off "], "o"],
  ["vm show vm1 on ", [], ""],
  ["vm show vm1 --", ["--format ", "--dry-run "], "--"],
  ["vm show vm1 --format j", ["json "], "j"],
  ["of ", ["show ", "set ", "vm1 ", "vm2 "], ""],
  ["of vm2 ", ["on ", "off "], ""],
  ["of vm2 --f", ["--format "], "--f"],
  ["of set ", ["vm1 ", "vm2 "], ""],
  ["status ", [], ""],
] as const)("complete() offers for %j", async (line, words, last) => {
  expect(await complete(COMMANDS, line, names)).toEqual([[...words], last]);
});
