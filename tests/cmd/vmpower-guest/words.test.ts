import { expect, test } from "bun:test";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { VMPOWER_GUEST } from "../../../cmd/vmpower-guest/commands.ts";
import type { Command, Commands, Leaf } from "../../../internal/cli/command.ts";
import { version } from "../../../package.json";
import { MAIN, run } from "./run.ts";

const NO_PORT = (n: number): string =>
  `This VM has no poweragent port "/nowhere/virtio.serial.port.poweragent.${n}"; add a virtio-serial channel of that name to the VM, one for each vCPU.`;
const FLAGS =
  "--vcpu, --port, --port-dir, --vm-name, --timeout-ms, --json, --env, --agent, --sysfs-root, --proc-root, --state-dir, --help";

test.each([
  [["--version"], 0, `vmpower-guest ${version}`, ""],
  [
    ["toString"],
    2,
    "",
    'vmpower-guest: unknown command "toString"; the commands are scale, release, freq, caps, energy, policy, probe, agent, shell.',
  ],
  [
    ["__proto__"],
    2,
    "",
    'vmpower-guest: unknown command "__proto__"; the commands are scale, release, freq, caps, energy, policy, probe, agent, shell.',
  ],
  [["frq"], 2, "", 'vmpower-guest: unknown command "frq"; did you mean freq?'],
  [
    ["scale", "--vcpu", "0"],
    2,
    "",
    "vmpower-guest: STEP is missing; it needs up|down|max|min|turbo-on|turbo-off.",
  ],
  [
    ["scale", "tubro-on", "--vcpu", "0"],
    2,
    "",
    'vmpower-guest: STEP must be one of up, down, max, min, turbo-on, turbo-off, not "tubro-on"; did you mean turbo-on?',
  ],
  [["scale", "up"], 2, "", "vmpower-guest: --vcpu is missing; it needs LIST."],
  [["scale", "up", "--vcpu"], 2, "", "vmpower-guest: --vcpu needs a value, such as --vcpu=LIST."],
  [["scale", "up", "--vcpu", ""], 2, "", "vmpower-guest: --vcpu has an empty value; it needs LIST."],
  [
    ["scale", "up", "--vcpu", "all"],
    2,
    "",
    'vmpower-guest: --vcpu must be a list of CPU numbers from 0 to 8191 such as 1,3,5-7, not "all".',
  ],
  [
    ["scale", "up", "down", "--vcpu", "0"],
    2,
    "",
    'vmpower-guest: stray word "down"; only STEP is wanted here.',
  ],
  [["freq", "--vcpus", "0"], 2, "", 'vmpower-guest: unknown flag "--vcpus"; did you mean --vcpu?'],
  [["freq", "--constructor"], 2, "", `vmpower-guest: unknown flag "--constructor"; the flags are ${FLAGS}.`],
  [["freq", "0"], 2, "", 'vmpower-guest: stray word "0"; no words are wanted here.'],
  [
    ["freq", "--timeout-ms", "60001"],
    2,
    "",
    'vmpower-guest: --timeout-ms must be a whole number from 1 to 60000, not "60001".',
  ],
  [["freq", "--port", "unix:"], 2, "", 'vmpower-guest: --port must be a path, or unix:PATH, not "unix:".'],
  [
    ["caps", "--vm-name", "n".repeat(32)],
    2,
    "",
    `vmpower-guest: --vm-name must be a name of at most 31 bytes, not "${"n".repeat(32)}".`,
  ],
  [["probe", "--json=yes"], 2, "", "vmpower-guest: --json takes no value; write --json alone."],
  [["freq", "--port-dir", "/nowhere"], 5, "", NO_PORT(0)],
  [["caps", "--port-dir", "/nowhere", "--vcpu", "2"], 5, "", NO_PORT(2)],
  [
    ["scale", "up", "--port-dir", "/nowhere", "--vcpu", "0-1"],
    5,
    "",
    `vCPU 0: ${NO_PORT(0)}\nvCPU 1: ${NO_PORT(1)}`,
  ],
] as const)("vmpower-guest %p ends with %p", async (words, status, out, err) => {
  expect(await run(...words)).toEqual({ status, out, err });
});

test("vmpower-guest without a command says on standard error what commands there are", async () => {
  const { status, out, err } = await run();
  expect({ status, out }).toEqual({ status: 2, out: "" });
  expect(err).toContain("USAGE vmpower-guest");
});

test("vmpower-guest leaves no stack when its reader goes away", async () => {
  const child = Bun.spawn(["sh", "-c", `"$0" "$1" scale --help | true`, process.execPath, MAIN], {
    stderr: "pipe",
  });
  expect(await child.stderr.text()).toBe("");
});

/** Every command by its words, those inside a group too; what only completions call is left out. */
async function leaves(
  commands: Commands,
  path: readonly string[] = [],
): Promise<(readonly [string, Leaf])[]> {
  const found: (readonly [string, Leaf])[] = [];
  for (const [name, load] of Object.entries(commands)) {
    if (name.startsWith("__")) continue;
    const command = (await load()).default;
    expect(command.meta.name).toBe(name);
    if ("commands" in command) found.push(...(await leaves(command.commands, [...path, name])));
    else found.push([[...path, name].join(" "), command]);
  }
  return found;
}
const named = await leaves(VMPOWER_GUEST.commands);

test("every command file is in the table, and help lists it", async () => {
  const files = readdirSync(join(MAIN, "../vmpower-guest")).filter((file) => file.endsWith(".ts"));
  const text = await Bun.file(join(MAIN, "../vmpower-guest/commands.ts")).text();
  for (const file of files) {
    const module: { readonly default?: Command } = await import(join(MAIN, "../vmpower-guest", file));
    if (module.default !== undefined) expect(text).toContain(`import("./${file}")`);
  }
  const { out } = await run("--help");
  for (const [words, { meta }] of named) if (!words.includes(" ")) expect(out).toContain(meta.summary);
});

test.each(named)(
  "the help of %s has its summary, its JSON, an example and every flag's description",
  async (words, command) => {
    const { status, out } = await run("help", ...words.split(" "));
    expect(status).toBe(0);
    expect(out).toStartWith(`vmpower-guest ${words}: ${command.meta.summary}\n`);
    if ("json" in command.args) expect(out).toContain("JSON: {");
    expect(out).toContain(`EXAMPLES\n\n  vmpower-guest ${words}`);
    for (const def of Object.values(command.args)) {
      expect(def.description.length).toBeGreaterThan(5);
      expect(out).toContain(def.description);
    }
  },
);
