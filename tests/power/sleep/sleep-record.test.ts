// What a sleep is said to have been, from counters; and when it is to end, from words.

import { expect, test } from "bun:test";
import { mkdirSync, writeFileSync } from "node:fs";
import { prepareVms, runningVms } from "../../../internal/power/sleep/prepare-vms.ts";
import { momentNow, recordOf } from "../../../internal/power/sleep/sleep-record.ts";
import { parseUntil } from "../../../internal/power/sleep/until.ts";
import { testNeeding } from "../../helpers/needing.ts";
import { error, machine, value } from "../../sysfs/machine.ts";

test("recordOf() names the interrupt and the sources that counted an event when no alarm rang", () => {
  const { tree } = machine("intel-server-8cpu");
  const roots = { sysfsRoot: tree.sys, procRoot: tree.proc };
  const source = (n: number, name: string, count: number) => {
    mkdirSync(`${tree.sys}/class/wakeup/wakeup${n}`, { recursive: true });
    writeFileSync(`${tree.sys}/class/wakeup/wakeup${n}/name`, `${name}\n`);
    writeFileSync(`${tree.sys}/class/wakeup/wakeup${n}/event_count`, `${count}\n`);
  };
  source(0, "PNP0C0C:00", 1);
  source(1, "eth0", 3);
  const before = momentNow(roots, undefined);
  source(0, "PNP0C0C:00", 2);
  writeFileSync(`${tree.sys}/power/pm_wakeup_irq`, "9\n");
  writeFileSync(
    `${tree.proc}/interrupts`,
    "            CPU0       CPU1\n   1:   9   0   IO-APIC   1-edge      i8042\n   9:   5   0   IO-APIC   9-fasteoi   acpi\n",
  );
  expect(recordOf(roots, before, momentNow(roots, undefined), undefined)).toEqual({
    sleptS: undefined,
    clockS: undefined,
    wokenBy: "interrupt 9 (acpi), PNP0C0C:00 (wakeup0)",
    wakeIrq: 9,
    sources: ["PNP0C0C:00 (wakeup0)"],
    failure: undefined,
  });
});

test("recordOf() is no failure when a later try of the same sleep worked", () => {
  const { tree } = machine("intel-server-8cpu");
  const roots = { sysfsRoot: tree.sys, procRoot: tree.proc };
  const before = momentNow(roots, undefined);
  writeFileSync(`${tree.sys}/power/suspend_stats/fail`, "1\n");
  expect(recordOf(roots, before, momentNow(roots, undefined), undefined).failure).toBeDefined();
  writeFileSync(`${tree.sys}/power/suspend_stats/success`, "1\n");
  expect(recordOf(roots, before, momentNow(roots, undefined), undefined).failure).toBeUndefined();
});

const NOON = new Date(2026, 5, 15, 12, 0, 0).getTime();

test.each([
  ["12:30", new Date(2026, 5, 15, 12, 30).getTime()],
  ["12:00:05", new Date(2026, 5, 15, 12, 0, 5).getTime()],
  ["12:00", new Date(2026, 5, 16, 12, 0).getTime()],
  ["06:00", new Date(2026, 5, 16, 6, 0).getTime()],
  ["2026-12-01T05:00", new Date(2026, 11, 1, 5, 0).getTime()],
  ["2026-12-01T05:00:30Z", Date.UTC(2026, 11, 1, 5, 0, 30)],
  ["2026-12-01T05:00+02:00", Date.UTC(2026, 11, 1, 3, 0)],
  ["24:00", undefined],
  ["6:00", undefined],
  ["2026-13-01T05:00", undefined],
  ["tomorrow", undefined],
  ["", undefined],
])("parseUntil() of %p", (text, at) => {
  expect(parseUntil(text, NOON)).toBe(at as never);
});

testNeeding(["virsh"], "prepareVms() pauses and resumes with a real virsh", async () => {
  const libvirt = { uri: "test:///default" };
  expect(value(await runningVms(libvirt))).toEqual(["test"]);
  const prepared = value(await prepareVms("pause", libvirt));
  expect(prepared.vms).toEqual(["test"]);
  // The driver "test" lives in one virsh process: in the next one the VM was never paused.
  expect((await prepared.undo()).join()).toMatch(/^virsh resume test: /);
  expect(error(await runningVms({ uri: "test:///nowhere" }))).toEqual({
    why: expect.stringMatching(/^virsh list/),
    isAbsent: true,
  });
});
