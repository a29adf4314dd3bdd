// powermon suspend: words in, statuses and files out, on machines of files.

import { expect, test } from "bun:test";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import type { Handlers } from "../../../internal/api/table.ts";
import { no } from "../../../internal/values/answer.ts";
import { ok } from "../../../internal/values/result.ts";
import { serve } from "../../control/serve.ts";
import { machine } from "../../sysfs/machine.ts";
import { runPowermon } from "./power-main.ts";

const world = (name: string) => {
  const at = machine(name);
  const flags = ["--sysfs-root", at.tree.sys, "--proc-root", at.tree.proc, "--state-dir", at.roots.stateDir];
  return { at, run: (...words: string[]) => runPowermon(["suspend", ...words, ...flags]) };
};

test("suspend mem writes mem, warns of a short time and tells how it went", async () => {
  const { at, run } = world("intel-server-8cpu");
  const ran = await run("mem", "--duration", "30", "--json");
  expect(ran.status).toBe(0);
  expect(ran.err).toMatch(/30 s is short/);
  expect(JSON.parse(ran.out)).toMatchObject({
    target: "mem",
    via: "kernel",
    slept: true,
    clock: "rtc0",
    notRestored: [],
  });
  expect(readFileSync(`${at.tree.sys}/power/state`, "utf8")).toStartWith("mem\n");
});

test("suspend --dry-run tells the plan and writes nothing", async () => {
  const { at, run } = world("intel-server-8cpu");
  const ran = await run("hybrid", "--duration", "90", "--dry-run");
  expect(ran).toMatchObject({ status: 0, err: "" });
  expect(ran.out).toMatch(/^Would sleep: hybrid by kernel, until \S+Z \(rtc0\)$/);
  expect(readFileSync(`${at.tree.sys}/power/state`, "utf8")).toBe("freeze mem disk\n");
});

test("suspend is refused with status 3 while a VM runs, and --force passes", async () => {
  const { at, run } = world("intel-server-8cpu");
  mkdirSync(`${at.tree.proc}/40`);
  writeFileSync(`${at.tree.proc}/40/comm`, "qemu-system-x86\n");
  writeFileSync(`${at.tree.proc}/40/cmdline`, "qemu-system-x86_64\0-name\0guest=web\0");
  const refused = await run("mem", "--duration", "90");
  expect(refused).toMatchObject({ status: 3, out: "" });
  expect(refused.err).toBe("powermon: VM web runs\npowermon: --force sleeps in spite of it");
  expect((await run("mem", "--duration", "90", "--force")).out).toMatch(/Speaks against it: VM web runs$/);
});

/** Nobody sleeps here: how it would go. */
const suspend: Handlers["suspend"] = ({ target, force, dryRun }) =>
  target === "freeze" && !force
    ? no("refused", "VM vm1 runs and has 1 claim.")
    : ok({
        target,
        via: "kernel",
        slept: !dryRun,
        clock: "rtc0",
        blockers: [],
        warnings: ["30 s is short"],
        prepared: [],
        record: dryRun ? undefined : { sleptS: 29.5, clockS: 30, wokenBy: "the wake alarm" },
        notRestored: [],
      });

test("suspend is done by a running powermon, in its words and with its statuses", async () => {
  const { run } = world("intel-server-8cpu");
  using control = await serve({ rows: () => ({ suspend }) });
  const at = ["--socket", control.socket];
  const ran = await run("mem", "--duration", "90", "--prepare", "pause", "--no-logind", ...at);
  expect(ran).toEqual({
    status: 0,
    out: "Slept 29.5 s (mem by kernel), woken by the wake alarm",
    err: "powermon: 30 s is short",
  });
  const until = await run("disk", "--until", "2096-12-01T05:00Z", "--dry-run", "--json", ...at);
  expect(JSON.parse(until.out)).toMatchObject({ target: "disk", slept: false });
  expect(await run("freeze", "--wake", "none", ...at)).toEqual({
    status: 3,
    out: "",
    err: "VM vm1 runs and has 1 claim.",
  });
  const rest = { force: false, dryRun: false, prepare: "none", logind: true };
  expect(JSON.parse(JSON.stringify(control.calls))).toEqual([
    ["suspend", { ...rest, target: "mem", wake: { inS: 90 }, prepare: "pause", logind: false }],
    ["suspend", { ...rest, target: "disk", wake: { at: "2096-12-01T05:00:00.000Z" }, dryRun: true }],
    ["suspend", { ...rest, target: "freeze", wake: "none" }],
  ]);
  expect((await run("mem", "--duration", "90", "--libvirt-uri", "x:///y", ...at)).status).toBe(2);
});

test("suspend ends with status 5 and one reason where the host can't", async () => {
  const { run } = world("amd-server-4cpu");
  expect(await run("disk", "--wake", "none")).toEqual({
    status: 5,
    out: "",
    err: 'powermon: the kernel offers no "disk": its power/state says freeze mem',
  });
});

test.each([
  [["mem"], /--duration or --until is missing/],
  [["mem", "--duration", "4"], /--duration must be seconds from 5 to 31536000, not "4"/],
  [["mem", "--duration", "60", "--until", "06:00"], /say the same thing/],
  [["mem", "--until", "soon"], /--until must be HH:MM/],
  [["mem", "--wake", "none", "--duration", "60"], /--wake none has no end/],
  [["freeze", "--duration", "60", "--variant", "deep"], /--variant goes with mem and disk/],
  [["men", "--duration", "60"], /did you mean mem/],
] as const)("suspend %p is a usage error", async (words, why) => {
  const { run } = world("intel-server-8cpu");
  const ran = await run(...words);
  expect(ran.status).toBe(2);
  expect(ran.err).toMatch(why);
});
