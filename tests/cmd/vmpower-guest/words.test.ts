import { expect, test } from "bun:test";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import type { Command } from "../../../internal/cli/command.ts";
import { version } from "../../../package.json";
import { MAIN, run } from "./run.ts";

const NO_PORT = (n: number): string =>
  `This VM has no poweragent port "/nowhere/virtio.serial.port.poweragent.${n}"; add a virtio-serial channel of that name to the VM, one for each vCPU.`;
const FLAGS = "--vcpu, --port, --port-dir, --vm-name, --timeout-ms, --json, --help";

test.each([
  [["--version"], 0, `vmpower-guest ${version}`, ""],
  [
    ["toString"],
    2,
    "",
    'vmpower-guest: unknown command "toString"; the commands are scale, freq, caps, probe.',
  ],
  [
    ["__proto__"],
    2,
    "",
    'vmpower-guest: unknown command "__proto__"; the commands are scale, freq, caps, probe.',
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

const commands = await Promise.all(
  readdirSync(join(MAIN, "../vmpower-guest")).map(async (file) => {
    const module: { readonly default?: Command } = await import(join(MAIN, "../vmpower-guest", file));
    return [file, module.default] as const;
  }),
);
const named = commands.flatMap(([file, command]) =>
  command === undefined ? [] : [[file, command] as const],
);

test("help lists every command file", async () => {
  expect(named.map(([file]) => file).sort()).toEqual(["caps.ts", "freq.ts", "probe.ts", "scale.ts"]);
  const { out } = await run("--help");
  for (const [, { meta }] of named) expect(out).toContain(`${meta.name}    ${meta.summary}`);
});

test.each(named)(
  "the help of %s has its summary, its status or JSON, an example and every flag's description",
  async (file, command) => {
    if (!("args" in command)) throw new Error(`${file} is a group`);
    expect(file).toBe(`${command.meta.name}.ts`);
    const { status, out } = await run("help", command.meta.name);
    expect(status).toBe(0);
    expect(out).toStartWith(`${command.meta.summary} (vmpower-guest ${command.meta.name} v${version})`);
    expect(out).toContain("JSON: {");
    expect(out).toContain(`EXAMPLES\n\n  vmpower-guest ${command.meta.name}`);
    for (const def of Object.values(command.args)) {
      expect(def.description.length).toBeGreaterThan(5);
      expect(out).toContain(def.description);
    }
  },
);
