// The way into sleep and back on a machine of files: what is checked, what is armed, what is put back, in which order.

import { expect, test } from "bun:test";
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import type { Run } from "../../../internal/os/spawn.ts";
import { enterByKernel } from "../../../internal/power/sleep/enter-sleep.ts";
import { takeLock } from "../../../internal/os/lock.ts";
import type { Logind } from "../../../internal/power/sleep/logind.ts";
import { explainSuspend, suspendHost } from "../../../internal/power/sleep/suspend.ts";
import type { SuspendRequest, SuspendWorld } from "../../../internal/power/sleep/suspend-request.ts";
import { armAlarm } from "../../../internal/power/sleep/alarm.ts";
import { type PreparedVms, prepareVms, runningVms } from "../../../internal/power/sleep/prepare-vms.ts";
import { Trip, undoTrip } from "../../../internal/power/sleep/trip.ts";
import { findWakeClock, type WakeClock } from "../../../internal/sysfs/wake-alarm.ts";
import { down } from "./down.ts";
import { DONE, err, ok } from "../../../internal/values/result.ts";
import { testNeeding } from "../../helpers/needing.ts";
import { mountMachine } from "../../kernel/machine.ts";
import { error, machine, value } from "../../sysfs/machine.ts";
import { readings } from "../profiles/coupled.ts";
import { changed, snapshot } from "../snapshot.ts";

const CLOCK = 1_795_348_351;
const NOW = Date.UTC(2026, 6, 1, 10);

type Machine = ReturnType<typeof machine>;

const request = (more: Partial<SuspendRequest> = {}): SuspendRequest => ({
  target: "mem",
  wake: { inS: 100 },
  force: false,
  dryRun: false,
  prepare: "none",
  ...more,
});
const world = (at: Machine, more: Partial<SuspendWorld> = {}): SuspendWorld => ({
  roots: at.roots,
  logind: undefined,
  vms: [],
  libvirt: { uri: "test:///default" },
  nowMs: () => NOW,
  enter: down(),
  ...more,
});
const rtc = (at: Machine, file: string) => `${at.tree.sys}/class/rtc/rtc0/${file}`;
const bootId = (at: Machine) => readFileSync(`${at.tree.proc}/sys/kernel/random/boot_id`, "utf8").trim();
const alarm = (at: Machine) => readFileSync(rtc(at, "wakealarm"), "utf8").split("\n", 1)[0];

test("suspendHost() arms the alarm, sleeps, puts clocks back, calls the hooks in order and clears the alarm", async () => {
  const at = machine("intel-server-8cpu");
  writeFileSync(`${at.tree.proc}/uptime`, "1000.00 1.00\n");
  const before = snapshot(at.path(""));
  const order: string[] = [];
  const done = value(
    await suspendHost(
      request(),
      world(at, {
        enter: down(() => {
          order.push(`asleep, alarm ${alarm(at)}`);
          // What firmware and hotplug do to a machine meanwhile.
          at.put("cpufreq/policy3/scaling_governor", "performance");
          at.put("cpufreq/policy3/scaling_max_freq", "800000");
          at.put("cpu4/power/energy_perf_bias", "0");
          writeFileSync(`${at.tree.proc}/uptime`, "1099.50 1.00\n");
          writeFileSync(rtc(at, "since_epoch"), `${CLOCK + 100}\n`);
          writeFileSync(`${at.tree.sys}/power/pm_wakeup_irq`, "8\n");
          writeFileSync(`${at.tree.proc}/interrupts`, "   8:   1   0   IO-APIC   8-edge      rtc0\n");
          return DONE;
        }),
        hooks: {
          before: (untilMs) => void order.push(`before, until ${untilMs}`),
          after: (record) =>
            void order.push(
              `after ${record?.clockS} s, governor ${at.line("cpufreq/policy3/scaling_governor")}`,
            ),
        },
      }),
    ),
  );
  expect(order).toEqual([
    `before, until ${NOW + 100_000}`,
    `asleep, alarm ${CLOCK + 100}`,
    "after 100 s, governor powersave",
  ]);
  expect(done).toMatchObject({ slept: true, via: "kernel", clock: "rtc0", warnings: [], notRestored: [] });
  expect(done.record).toMatchObject({ clockS: 100, wokenBy: "the wake alarm" });
  expect(done.record?.sleptS).toBeCloseTo(99.5, 0);
  expect(alarm(at)).toBe("0");
  expect(changed(before, snapshot(at.path("")))).toEqual([]);
});

testNeeding(
  ["root and FUSE"],
  "suspendHost() puts turbo, EPP and limits back in an order that the kernel takes",
  async () => {
    const at = await mountMachine("amd-pstate-epp-powersave-6.12");
    at.write("cpufreq/policy1/boost", 0);
    at.write("cpufreq/policy0/energy_performance_preference", "balance_power");
    at.setRawEpp(1, 64);
    const before = readings(at);
    const enter = down(() => {
      // Firmware and hotplug turned turbo off, and drivers began anew.
      at.write("cpufreq/boost", 0);
      for (const id of [0, 1]) at.write(`cpufreq/policy${id}/scaling_governor`, "performance");
      at.write("cpufreq/policy0/scaling_max_freq", 2_000_000);
      return DONE;
    });
    const { roots } = at;
    const done = await suspendHost(request({ target: "freeze", wake: "none", force: true }), {
      ...world({ roots } as Machine),
      enter,
    });
    expect(value(done)).toMatchObject({ slept: true, notRestored: [] });
    // What the firmware had set can't be written; its word of now stands there.
    expect(changed(before, readings(at))).toEqual([
      "cpufreq/policy1/energy_performance_preference: EINVAL > performance",
    ]);
  },
);

test("suspendHost() puts everything back and calls after() when the kernel refuses", async () => {
  const at = machine("intel-server-8cpu");
  const after: unknown[] = [];
  const refusal = error(
    await suspendHost(
      request(),
      world(at, {
        enter: down(() => {
          at.put("cpufreq/policy0/scaling_governor", "performance");
          writeFileSync(`${at.tree.sys}/power/suspend_stats/fail`, "1\n");
          writeFileSync(`${at.tree.sys}/power/suspend_stats/last_failed_dev`, "nvme0\n");
          return err("Cannot write state: EBUSY");
        }),
        hooks: { after: (record) => void after.push(record?.failure?.device) },
      }),
    ),
  );
  expect(explainSuspend(refusal)).toEqual(["Cannot write state: EBUSY"]);
  expect(refusal).toMatchObject({ kind: "failed", record: { failure: { device: "nvme0" } } });
  expect(after).toEqual(["nvme0"]);
  expect(at.line("cpufreq/policy0/scaling_governor")).toBe("powersave");
  expect(alarm(at)).toBe("0");
  expect(existsSync(`${at.roots.stateDir}/suspend.lock`)).toBe(false);
});

test("suspendHost() names the device when the kernel counted a failure though the write came back", async () => {
  const at = machine("intel-server-8cpu");
  const refusal = error(
    await suspendHost(
      request(),
      world(at, {
        enter: down(() => {
          writeFileSync(`${at.tree.sys}/power/suspend_stats/fail`, "1\n");
          writeFileSync(`${at.tree.sys}/power/suspend_stats/last_failed_dev`, "nvme0\n");
          writeFileSync(`${at.tree.sys}/power/suspend_stats/last_failed_step`, "suspend\n");
          return DONE;
        }),
      }),
    ),
  );
  expect(explainSuspend(refusal)[0]).toBe("the kernel gave up at step suspend, device nvme0 (0)");
});

test.each([
  ["an earlier one, which stays", 50, "50", CLOCK + 50, /wakes then/],
  ["a later one, which is set again", 500, "100", CLOCK + 500, undefined],
])("suspendHost() meets somebody else's alarm: %s", async (_, theirs, asleep, left, warning) => {
  const at = machine("intel-server-8cpu");
  writeFileSync(rtc(at, "wakealarm"), `${CLOCK + theirs}\n`);
  let seen = "";
  const enter = down(() => {
    seen = alarm(at) ?? "";
    return DONE;
  });
  const dry = value(await suspendHost(request({ dryRun: true }), world(at)));
  const done = value(await suspendHost(request(), world(at, { enter })));
  for (const told of [dry, done])
    expect(told.wakeAt).toBe(new Date(NOW + Number(asleep) * 1000).toISOString());
  expect(dry.warnings).toEqual(done.warnings);
  expect(seen).toBe(`${CLOCK + Number(asleep)}`);
  expect(alarm(at)).toBe(`${left}`);
  if (warning) expect(done.warnings.join()).toMatch(warning);
  else expect(done.warnings).toEqual([]);
});

test("suspendHost() until a time arms the seconds that are left, rounded up", async () => {
  const at = machine("intel-server-8cpu");
  let seen = "";
  const enter = down(() => {
    seen = alarm(at) ?? "";
    return DONE;
  });
  value(await suspendHost(request({ wake: { atMs: NOW + 90_200 } }), world(at, { enter })));
  expect(seen).toBe(`${CLOCK + 91}`);
});

test.each([
  [4.9, "too-short", []],
  [5, undefined, [/5 s is short/]],
  [59, undefined, [/59 s is short/]],
  [60, undefined, []],
])("suspendHost() for %p s: refused %p", async (inS, refused, warnings) => {
  const done = await suspendHost(request({ wake: { inS } }), world(machine("intel-server-8cpu")));
  expect(done.ok ? undefined : done.error.kind).toBe(refused as never);
  if (!done.ok)
    expect(explainSuspend(done.error)[0]).toMatch(/^4 s is too short to sleep; the least is 5 s$/);
  expect(done.ok ? done.value.warnings.length : 0).toBe(warnings.length);
  for (const [i, pattern] of warnings.entries()) expect(done.ok && done.value.warnings[i]).toMatch(pattern);
});

const logindWith = (more: Partial<Logind>): Logind => ({
  can: { mem: "yes", disk: "yes", hybrid: "yes" },
  inhibitors: [],
  ...more,
});
const backup = { who: "backup", why: "nightly run", mode: "block", pid: 812 };

// each row: what, tree, request, world, kind of refusal, sentence
const REFUSED: [
  string,
  string,
  Partial<SuspendRequest>,
  (at: Machine) => Partial<SuspendWorld>,
  string,
  RegExp,
][] = [
  [
    "a kernel without the state",
    "amd-server-4cpu",
    { target: "disk", wake: "none" },
    () => ({}),
    "unsupported",
    /offers no "disk"/,
  ],
  ["no wake clock", "amd-server-4cpu", {}, () => ({}), "unsupported", /no real-time clock .* --wake none/],
  ["no swap", "acpi-cpufreq-4cpu-boost", { target: "disk" }, () => ({}), "unsupported", /no free swap/],
  [
    "hybrid without its method",
    "intel-server-8cpu",
    { target: "hybrid" },
    (at) => (writeFileSync(`${at.tree.sys}/power/disk`, "[platform] shutdown\n"), {}),
    "unsupported",
    /offers no "suspend"/,
  ],
  [
    "hibernation turned off",
    "intel-server-8cpu",
    { target: "disk" },
    (at) => (writeFileSync(`${at.tree.sys}/power/disk`, "[disabled]\n"), {}),
    "unsupported",
    /turned off/,
  ],
  ["a running VM", "intel-server-8cpu", {}, () => ({ vms: ["web"] }), "blocked", /^VM web runs$/],
  [
    "a running VM with claims",
    "intel-server-8cpu",
    {},
    () => ({ vms: ["web"], hooks: { claims: () => new Map([["web", 2]]) } }),
    "blocked",
    /^VM web runs and has 2 claims$/,
  ],
  [
    "an inhibitor",
    "intel-server-8cpu",
    {},
    () => ({ logind: logindWith({ inhibitors: [backup] }) }),
    "blocked",
    /^backup \(process 812\) inhibits sleep: nightly run$/,
  ],
  [
    "logind's policy",
    "intel-server-8cpu",
    {},
    () => ({ logind: logindWith({ can: { mem: "no" } }) }),
    "blocked",
    /policy says no/,
  ],
];

test.each(REFUSED)(
  "suspendHost() refuses %s, and nothing was written",
  async (_, tree, asked, more, kind, why) => {
    const at = machine(tree);
    const given = world(at, { ...more(at), enter: () => Promise.reject(new Error("must not sleep")) });
    const before = snapshot(at.tree.root);
    const refusal = error(await suspendHost(request(asked), given));
    expect(refusal.kind).toBe(kind as never);
    expect(explainSuspend(refusal).join("\n")).toMatch(why);
    expect(changed(before, snapshot(at.tree.root))).toEqual([]);
  },
);

test.each(REFUSED.filter(([, , , , kind]) => kind === "blocked"))(
  "suspendHost() with force passes %s",
  async (_, tree, asked, more) => {
    const at = machine(tree);
    let slept = false;
    const enter = down(() => ((slept = true), DONE));
    const done = value(
      await suspendHost(request({ ...asked, force: true }), world(at, { ...more(at), enter })),
    );
    expect([slept, done.via, done.blockers.length]).toEqual([true, "kernel", 1]);
  },
);

test("suspendHost() with a dry run tells blockers and the time, and writes nothing", async () => {
  const at = machine("intel-server-8cpu");
  const before = snapshot(at.tree.root);
  const done = value(await suspendHost(request({ dryRun: true }), world(at, { vms: ["web"] })));
  expect(done).toMatchObject({
    slept: false,
    wakeAt: "2026-07-01T10:01:40.000Z",
    blockers: [{ kind: "vm" }],
  });
  expect(changed(before, snapshot(at.tree.root))).toEqual([]);
});

test("suspendHost() refuses while another one sleeps, and takes over a dead one's lock", async () => {
  const at = machine("intel-server-8cpu");
  const holder = Bun.spawn(["sleep", "60"]);
  value(takeLock(`${at.roots.stateDir}/suspend.lock`, holder.pid));
  expect(error(await suspendHost(request(), world(at)))).toEqual({ kind: "busy", pid: holder.pid });
  holder.kill();
  await holder.exited;
  expect((await suspendHost(request(), world(at))).ok).toBe(true);
});

const UUID = (n: number) => `00000000-0000-4000-8000-00000000000${n}`;

/** virsh as far as it is used here: VMs by UUID, each with a name and a state. */
class Virsh {
  readonly asked: string[] = [];
  readonly states = new Map<string, string>();
  readonly #names: readonly string[];
  /** Such as "suspend db": what libvirt can't do. */
  broken = "";
  /** Called after each order that was taken. */
  onAsked: (order: string) => void = () => {};

  constructor(...names: string[]) {
    this.#names = names;
    for (const name of names) this.states.set(name, "running");
  }

  readonly run: Run = async (argv) => {
    const [verb = "", uuid = ""] = argv.slice(4);
    const told = (stdout: string) => ok({ status: 0, stdout, stderr: "" });
    if (verb === "list") {
      const up = this.#names.flatMap((name, n) => (this.states.get(name) === "running" ? [[n, name]] : []));
      return told(up.map(([n, name]) => `${UUID(Number(n))} ${name}\n`).join(""));
    }
    const name = this.#names.find((_, n) => UUID(n) === uuid) ?? `no UUID: ${uuid}`;
    if (verb === "domstate") return told(`${this.states.get(name)}\n\n`);
    const order = `${verb} ${name}`;
    this.asked.push(order);
    if (order === this.broken)
      return ok({ status: 1, stdout: "", stderr: "error: Failed\nerror: it is stuck\n" });
    this.states.set(name, { suspend: "paused", shutdown: "shut off" }[verb] ?? "running");
    this.onAsked(order);
    return told("");
  };
}

test.each([
  ["pause", ["suspend web", "suspend db", "asleep", "resume web", "resume db"]],
  ["shutdown", ["shutdown web", "shutdown db", "asleep", "start web", "start db"]],
] as const)("suspendHost() with %s prepares libvirt's VMs and undoes it after", async (prepare, order) => {
  const at = machine("intel-server-8cpu");
  const virsh = new Virsh("web", "db");
  const libvirt = { uri: "test:///default", run: virsh.run, everyMs: 1 };
  const enter = down(() => (virsh.asked.push("asleep"), DONE));
  const done = value(await suspendHost(request({ prepare }), world(at, { vms: ["web"], libvirt, enter })));
  expect(virsh.asked).toEqual([...order]);
  expect(existsSync(`${at.roots.stateDir}/suspend.json`)).toBe(false);
  expect(done).toMatchObject({ prepared: ["web", "db"], blockers: [] });
});

test("suspendHost() with pause still stops at a VM that libvirt does not know", async () => {
  const at = machine("intel-server-8cpu");
  const libvirt = { uri: "test:///default", run: new Virsh("web").run };
  const refusal = error(
    await suspendHost(request({ prepare: "pause" }), world(at, { vms: ["web", "bare"], libvirt })),
  );
  expect(explainSuspend(refusal)).toEqual(["VM bare runs"]);
});

test.each([
  ["is not installed", async () => err({ code: "ENOENT", says: "there is no virsh" }), "unsupported"],
  [
    "does not run",
    async () => ok({ status: 1, stdout: "", stderr: "error: failed to connect to the hypervisor\n" }),
    "unsupported",
  ],
  ["is stuck", async () => err({ code: "ETIMEDOUT", says: "virsh took longer than 15000 ms" }), "failed"],
] as const)("suspendHost() says before it sleeps that libvirt %s", async (_, run, kind) => {
  const at = machine("intel-server-8cpu");
  const libvirt = { uri: "qemu:///system", run: run as Run };
  for (const dryRun of [true, false]) {
    const refusal = error(await suspendHost(request({ prepare: "pause", dryRun }), world(at, { libvirt })));
    expect(refusal.kind).toBe(kind);
    expect(explainSuspend(refusal)[0]).toContain("virsh");
  }
});

test("suspendHost() does not sleep and undoes the others when a VM can't be prepared", async () => {
  const at = machine("intel-server-8cpu");
  const virsh = new Virsh("web", "db");
  virsh.broken = "suspend db";
  const libvirt = { uri: "test:///default", run: virsh.run };
  const enter = () => Promise.reject(new Error("must not sleep"));
  const refusal = error(await suspendHost(request({ prepare: "pause" }), world(at, { libvirt, enter })));
  expect(explainSuspend(refusal)).toEqual(["VM db: virsh suspend: Failed; it is stuck"]);
  expect(virsh.asked).toEqual(["suspend web", "suspend db", "resume web"]);
  expect(existsSync(`${at.roots.stateDir}/suspend.lock`)).toBe(false);
});

test("suspendHost() does not sleep when a guest does not shut down in time, and says what may become of it", async () => {
  const at = machine("intel-server-8cpu");
  const virsh = new Virsh("web");
  virsh.onAsked = () => virsh.states.set("web", "running");
  const libvirt = { uri: "test:///default", run: virsh.run, limitMs: 5, everyMs: 1 };
  const refusal = error(await suspendHost(request({ prepare: "shutdown" }), world(at, { libvirt })));
  expect(explainSuspend(refusal)).toEqual([
    "web did not shut down within 0.005 s",
    "not put back: VM web was asked to shut down and runs on; should it go off, start it",
  ]);
});

// each row: when it is aborted, what libvirt was asked
test.each([
  ["while VMs are paused", "suspend web", ["suspend web", "resume web"]],
  ["before the last step", "suspend db", ["suspend web", "suspend db", "resume web", "resume db"]],
])("suspendHost() does not sleep when it is interrupted %s, and all is undone", async (_, when, order) => {
  const at = machine("intel-server-8cpu");
  const before = snapshot(at.tree.root);
  const virsh = new Virsh("web", "db");
  const ended = new AbortController();
  virsh.onAsked = (asked) => asked === when && ended.abort();
  const libvirt = { uri: "test:///default", run: virsh.run };
  const enter = () => Promise.reject(new Error("must not sleep"));
  const given = world(at, { libvirt, enter, signal: ended.signal });
  const refusal = error(await suspendHost(request({ prepare: "pause" }), given));
  expect(explainSuspend(refusal)).toEqual(["it was interrupted before the host slept"]);
  expect(virsh.asked).toEqual(order);
  expect(changed(before, snapshot(at.tree.root))).toEqual([]);
});

test("undoTrip() undoes what a killed suspend left: VMs, alarm, meaning of mem", async () => {
  const at = machine("intel-server-8cpu");
  const before = snapshot(at.tree.root);
  const virsh = new Virsh("web", "db");
  const trip = new Trip(at.roots);
  const steps = {
    soon: async () => {},
    arm: () => {
      const armed = armAlarm(value(findWakeClock(at.tree.sys)) as WakeClock, 100, trip);
      return armed.ok ? DONE : armed;
    },
  };
  const vms = value(await runningVms({ uri: "test:///default", run: virsh.run }));
  const note = (prepared: PreparedVms) => (value(trip.note({ vms: prepared })), DONE);
  value(await prepareVms("pause", vms, { uri: "test:///default", run: virsh.run }, note));
  // The process ends in the kernel's hands.
  const state = readFileSync(`${at.tree.sys}/power/state`);
  value(await enterByKernel(at.tree.sys, "mem", trip, "s2idle")(steps));
  writeFileSync(`${at.tree.sys}/power/state`, state);
  expect([alarm(at), virsh.states.get("db")]).toEqual([`${CLOCK + 100}`, "paused"]);
  virsh.broken = "resume db";
  const first = await undoTrip(at.roots, { run: virsh.run });
  expect(first.undone).toEqual([
    "VM web brought back",
    "the wake alarm of rtc0 cleared",
    "power/mem_sleep says deep again",
  ]);
  expect(first.failed).toEqual(["VM db: virsh resume: Failed; it is stuck"]);
  virsh.broken = "";
  expect(await undoTrip(at.roots, { run: virsh.run })).toEqual({
    undone: ["VM db brought back"],
    failed: [],
  });
  expect([...virsh.states.values()]).toEqual(["running", "running"]);
  expect(await undoTrip(at.roots, { run: virsh.run })).toEqual({ undone: [], failed: [] });
  expect(changed(before, snapshot(at.tree.root))).toEqual([
    // What these say with 0 and without brackets is what they said before.
    "sys/class/rtc/rtc0/wakealarm:  > 0",
    "sys/power/mem_sleep: s2idle [deep] > deep",
  ]);
});

test("undoTrip() leaves alone what somebody has changed since, and a record that can't be understood", async () => {
  const at = machine("intel-server-8cpu");
  const trip = new Trip(at.roots);
  value(
    trip.note({
      alarm: { clock: "rtc0", at: CLOCK + 100 },
      choice: { file: "mem_sleep", was: "deep", set: "s2idle" },
    }),
  );
  writeFileSync(rtc(at, "wakealarm"), `${CLOCK + 777}\n`);
  expect((await undoTrip(at.roots)).failed).toEqual([]);
  expect(alarm(at)).toBe(`${CLOCK + 777}`);
  writeFileSync(`${at.roots.stateDir}/suspend.json`, `{"bootId":"${bootId(at)}","alarm":{"clock":7}}\n`);
  expect((await undoTrip(at.roots)).failed.join()).toContain("suspend.json");
});

test("undoTrip() does nothing while the sleep that left it is under way", async () => {
  const at = machine("intel-server-8cpu");
  value(new Trip(at.roots).note({ alarm: { clock: "rtc0", at: CLOCK + 100 } }));
  const lock = value(takeLock(`${at.roots.stateDir}/suspend.lock`));
  expect(await undoTrip(at.roots)).toEqual({ undone: [], failed: [] });
  expect(existsSync(`${at.roots.stateDir}/suspend.json`)).toBe(true);
  lock();
});

// each row: target, variant, what power/state, mem_sleep and disk must say after
test.each([
  ["mem", undefined, "mem", "s2idle [deep]", undefined],
  ["mem", "s2idle", "mem", "deep", undefined],
  ["disk", "shutdown", "disk", undefined, "platform"],
  ["hybrid", undefined, "disk", undefined, "platform"],
  ["freeze", undefined, "freeze", "s2idle [deep]", undefined],
] as const)(
  "enterByKernel() of %s with variant %p writes %s and puts the choice back",
  async (target, variant, state, mem, disk) => {
    const { tree, roots } = machine("intel-server-8cpu");
    const trip = new Trip(roots);
    const told: string[] = [];
    const steps = {
      soon: async () => void told.push("soon"),
      arm: () => (told.push(`arm, state ${line("state")}`), DONE),
    };
    const line = (file: string) => readFileSync(`${tree.sys}/power/${file}`, "utf8").split("\n", 1)[0];
    const before = line("state");
    value(await enterByKernel(tree.sys, target, trip, variant)(steps));
    expect(told).toEqual(["soon", `arm, state ${before}`]);
    expect(trip.undoMachine()).toEqual([]);
    expect(line("state")).toBe(state);
    if (mem !== undefined) expect(line("mem_sleep")).toBe(mem);
    if (disk !== undefined) expect(line("disk")).toBe(disk);
  },
);

test("enterByKernel() tells the kernel's no", async () => {
  const { tree, roots } = machine("intel-server-8cpu");
  rmSync(`${tree.sys}/power/mem_sleep`);
  mkdirSync(`${tree.sys}/power/mem_sleep`);
  const steps = { soon: async () => {}, arm: () => DONE };
  expect(error(await enterByKernel(tree.sys, "mem", new Trip(roots))(steps))).toContain('mem_sleep": EISDIR');
});

test("enterByKernel() does not sleep when a wake-up event came in since, as an alarm that rang", async () => {
  const { tree, roots } = machine("intel-server-8cpu");
  const file = `${tree.sys}/power/wakeup_count`;
  writeFileSync(file, "7\n");
  const before = readFileSync(`${tree.sys}/power/state`, "utf8");
  const steps = {
    soon: async () => {},
    arm: () => {
      // The kernel takes no count that is not its own.
      rmSync(file);
      mkdirSync(file);
      return DONE;
    },
  };
  const why = error(await enterByKernel(tree.sys, "mem", new Trip(roots))(steps));
  expect(why).toMatch(/^a wake-up event came in just now .*wakeup_count/);
  expect(readFileSync(`${tree.sys}/power/state`, "utf8")).toBe(before);
});

test("enterByKernel() does not sleep while the kernel can't tell its count of wake-up events", async () => {
  const { tree, roots } = machine("intel-server-8cpu");
  const steps = { soon: async () => {}, arm: () => err("not reached") };
  const hangs: Run = async () => err({ code: "ETIMEDOUT", says: "cat took longer than 2000 ms" });
  const why = error(await enterByKernel(tree.sys, "freeze", new Trip(roots), undefined, hangs)(steps));
  expect(why).toBe("a wake-up event is being handled; try again when it is over");
});

test.each([
  [
    "disk",
    60,
    undefined,
    /the alarm may ring before the memory's image is written.* 60 s, and 101 s is the least/,
  ],
  ["hybrid", 60, undefined, /may ring before/],
  ["disk", 101, undefined, undefined],
  ["mem", 60, undefined, undefined],
  ["mem", 60, "none core [devices] freezer", /only tests sleep now: power\/pm_test says devices/],
] as const)("suspendHost() to %s for %p s with pm_test %p: %p", async (target, inS, test, why) => {
  const at = machine("intel-server-8cpu");
  writeFileSync(`${at.tree.proc}/meminfo`, "MemTotal: 8000000 kB\nMemAvailable: 5000000 kB\n");
  writeFileSync(`${at.tree.sys}/power/image_size`, `${2_000_000 * 1024}\n`);
  if (test !== undefined) writeFileSync(`${at.tree.sys}/power/pm_test`, `${test}\n`);
  const done = await suspendHost(request({ target, wake: { inS } }), world(at));
  if (why === undefined) expect(done).toMatchObject({ ok: true });
  else expect(done.ok ? "" : explainSuspend(done.error).join()).toMatch(why);
});
