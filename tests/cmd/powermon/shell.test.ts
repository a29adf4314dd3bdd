import { afterAll, beforeEach, expect, test } from "bun:test";
import { no } from "../../../internal/values/answer.ts";
import { DONE, ok } from "../../../internal/values/result.ts";
import { serve } from "../../control/serve.ts";
import { until } from "../../helpers/until.ts";
import { MAIN, runWith } from "./run.ts";

/** A host with vm1; other VMs can be added, and vCPUs pinned, without being there. */
const fresh = () =>
  serve({
    guests: ["vm1.0", "vm1.1", "vm2.0"],
    rows: ({ vms, addVm }) => ({
      pinVcpu: ({ vcpu }) => {
        const found = vms().value[0]?.vcpus.find((one) => one.vcpu === vcpu);
        return found === undefined ? no("refused", `VM "vm1" has no vCPU ${vcpu}.`) : ok(found);
      },
      addVm: (asked) => (asked.vm === "vm1" ? addVm(asked) : DONE),
    }),
  });
let it = await fresh();
beforeEach(async () => {
  it[Symbol.dispose]();
  it = await fresh();
});
afterAll(() => it[Symbol.dispose]());

const script = (text: string) => runWith(text, "shell", "--socket", it.socket);

test("powermon shell runs a DPDK script by the commands it stands for", async () => {
  const { status, err } = await script(`# bring vm1 up
add_vm vm1

add_channels vm1 0,1   # two of them
add_channels vm1 all
set_channel_status vm1 0,1 disabled
set_channel_status vm1 all enabled
show_vm vm1
set_pcpu vm1 1 3
set_query vm1 enable
set_query vm1 disable
show_cpu_freq 2
set_cpu_freq 2 up
set_cpu_freq 2 disable_turbo
rm_vm vm1
quit
this is never read
`);
  expect({ status, err }).toEqual({ status: 0, err: "" });
  expect(it.calls).toEqual([
    ["addVm", { vm: "vm1" }],
    ["addChannels", { vm: "vm1", channels: [0, 1] }],
    ["addChannels", { vm: "vm1", channels: "all" }],
    ["enableChannels", { vm: "vm1", channels: [0, 1], enabled: false }],
    ["enableChannels", { vm: "vm1", channels: "all", enabled: true }],
    ["pinVcpu", { vm: "vm1", vcpu: 1, pcpus: [3] }],
    ["changeVm", { vm: "vm1", queries: true, save: false, dryRun: false }],
    ["changeVm", { vm: "vm1", queries: false, save: false, dryRun: false }],
    ["setFreq", { cpus: [2], target: "up" }],
    ["setFreq", { cpus: [2], target: "turbo-off" }],
    ["removeVm", { vm: "vm1" }],
  ]);
});

test("powermon shell takes DPDK's masks, and ? for help", async () => {
  const text = "set_pcpu_mask vm1 1 0x8\nshow_cpu_freq_mask 12\nset_cpu_freq_mask 0xC up\n?\n";
  const { status, out, err } = await script(text);
  expect({ status, err }).toEqual({ status: 0, err: "" });
  expect(out).toContain("set_cpu_freq_mask");
  expect(it.calls).toEqual([
    ["pinVcpu", { vm: "vm1", vcpu: 1, pcpus: [3] }],
    ["setFreq", { cpus: [2, 3], target: "up" }],
  ]);
});

test.each(["0", "x", "-1", "0x10000000000000000", "0x", "2-4"])(
  "powermon shell refuses the mask %p",
  async (mask) => {
    const { status, err } = await script(`set_cpu_freq_mask ${mask} up\n`);
    expect(status).toBe(1);
    expect(err).toMatch(/MASK must be CPUs as bits, such as 0x1c|unknown flag/);
    expect(it.calls).toEqual([]);
  },
);

test("powermon shell goes on after lines that failed when it is told to, and says so at the end", async () => {
  const text = "set_pcpu vm1 9 1\nnonsense\nadd_vm vm2\n";
  const { status, err } = await runWith(text, "shell", "--keep-going", "--socket", it.socket);
  expect(status).toBe(1);
  expect(err).toMatch(/Line 1 failed with status 3: [^]*Line 2 failed with status 2: nonsense/);
  expect(it.calls.at(-1)).toEqual(["addVm", { vm: "vm2" }]);
});

test("powermon shell runs our commands too, quoted names included, and needs no last newline", async () => {
  const { status, out } = await script("vm add 'my vm'\nvm add \"b c\" --json\nfreq set 0 max");
  expect(status).toBe(0);
  expect(out).toStartWith('my vm: added\n{\n  "done": true\n}\nCPU');
  expect(it.calls).toEqual([
    ["addVm", { vm: "my vm" }],
    ["addVm", { vm: "b c" }],
    ["setFreq", { cpus: [0], target: "max" }],
  ]);
});

test.each([
  [
    "a refusal",
    "# one\n\nadd_vm vm1\nset_pcpu vm1 9 1\nadd_vm vm2\n",
    'VM "vm1" has no vCPU 9.\nLine 4 failed with status 3: set_pcpu vm1 9 1',
  ],
  [
    "turbo that is not there",
    "add_vm vm1\nset_cpu_freq 0 enable_turbo\n",
    "CPU 0 has no turbo frequencies.\nLine 2 failed with status 5: set_cpu_freq 0 enable_turbo",
  ],
  [
    "an unknown VM",
    "add_vm vm1\nshow_vm vm9",
    'There is no VM "vm9"; there are vm1, vm2.\nLine 2 failed with status 2: show_vm vm9',
  ],
  [
    "an open quote",
    "add_vm vm1\nadd_vm 'vm",
    "The quote ' is left open.\nLine 2 failed with status 2: add_vm 'vm",
  ],
  [
    "a missing word",
    "add_vm vm1\nset_query vm1\n",
    "powermon: STATUS is missing; it needs enable|disable.\nLine 2 failed with status 2: set_query vm1",
  ],
  [
    "a wrong word",
    "add_vm vm1\nset_cpu_freq 0 fast\n",
    'powermon: STEP must be one of up, down, min, max, enable_turbo, disable_turbo, not "fast".\nLine 2 failed with status 2: set_cpu_freq 0 fast',
  ],
] as const)("powermon shell stops at %s, naming its line", async (_what, text, err) => {
  const done = await script(text);
  expect({ status: done.status, err: done.err }).toEqual({ status: 1, err });
  expect(it.calls[0]).toEqual(["addVm", { vm: "vm1" }]);
  expect(it.calls.filter(([name]) => name === "addVm")).toHaveLength(1);
});

test.each(["toString", "__proto__", "run", "shell", "nonsense"])(
  "powermon shell does not know %s",
  async (word) => {
    const { status, err } = await script(`${word}\n`);
    expect(status).toBe(1);
    expect(err).toStartWith(`powermon: unknown command ${JSON.stringify(word)}; `);
  },
);

/** A person at a terminal: keys are sent, what the screen got is read. */
function person() {
  let screen = "";
  const decoder = new TextDecoder();
  const child = Bun.spawn([process.execPath, MAIN, "shell", "--socket", it.socket], {
    terminal: {
      cols: 200,
      rows: 50,
      data: (_terminal, bytes) => void (screen += decoder.decode(bytes, { stream: true })),
    },
  });
  return {
    child,
    async type(keys: string, wanted: string) {
      const from = screen.length;
      child.terminal?.write(keys);
      await until(
        `the screen shows ${JSON.stringify(wanted)} after ${JSON.stringify(screen.slice(-200))}`,
        () => screen.slice(from).includes(wanted),
        1000,
      );
    },
    shown: (text: string) => until(`the screen shows ${JSON.stringify(text)}`, () => screen.includes(text)),
    screen: () => screen,
  };
}

test("powermon shell at a terminal has a prompt, history, completion and an end", async () => {
  const { child, type, shown } = person();
  await shown("powermon> ");
  await type("show_vm nobody\r", 'There is no VM "nobody"; there are vm1, vm2.');
  await type("set_q", "set_q");
  await type("\t", "uery ");
  await type("\t", "vm");
  await type("1 en", "1 en");
  await type("\t", "able ");
  await type("\r", "vm1: queries on");
  await type("\x1b[A\x1b[A", "show_vm nobody");
  await type("\r", 'There is no VM "nobody"; there are vm1, vm2.');
  await type("events --follow\r", "\n");
  await until("it listens", () => it.listeners.size === 1);
  const happen = () => it.lab.host.events.emit("vm-changed", { vm: "tick" });
  happen();
  await shown("Z vm-changed vm=tick");
  await type("\x03", "powermon> ");
  happen();
  await until("nobody listens", () => it.listeners.size === 0);
  await type("vm add vm7\r", "vm7: added");
  child.terminal?.write("quit\r");
  expect(await child.exited).toBe(0);
  expect(it.calls).toEqual([
    ["changeVm", { vm: "vm1", queries: true, save: false, dryRun: false }],
    ["addVm", { vm: "vm7" }],
  ]);
});

test("powermon shell ends at the end of input", async () => {
  const { child, shown } = person();
  await shown("powermon> ");
  child.terminal?.write("\x04");
  expect(await child.exited).toBe(0);
});
