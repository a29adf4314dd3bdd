// What a sleep is said to have been, from counters; and when it is to end, from words.

import { expect, test } from "bun:test";
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { bringBack, prepareVms, runningVms } from "../../../internal/power/sleep/prepare-vms.ts";
import { momentNow, recordOf } from "../../../internal/power/sleep/sleep-record.ts";
import { parseUntil } from "../../../internal/power/sleep/until.ts";
import { findWakeClock, type WakeClock } from "../../../internal/sysfs/wake-alarm.ts";
import { DONE } from "../../../internal/values/result.ts";
import { testNeeding } from "../../helpers/needing.ts";
import { error, machine, value } from "../../sysfs/machine.ts";

const NO_ALARM = { slept: true, clock: undefined, alarmS: undefined };

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
  expect(recordOf(roots, before, momentNow(roots, undefined), NO_ALARM)).toEqual({
    sleptS: undefined,
    clockS: undefined,
    lateS: undefined,
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
  expect(recordOf(roots, before, momentNow(roots, undefined), NO_ALARM).failure).toBeDefined();
  writeFileSync(`${tree.sys}/power/suspend_stats/success`, "1\n");
  expect(recordOf(roots, before, momentNow(roots, undefined), NO_ALARM).failure).toBeUndefined();
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

/** A machine with a clock, whose sleep the test plays: `sources` count an event, `irq` ended it, `passS` went by on all clocks. */
function slept(played: { sources?: string[]; irq?: [number, string]; passS?: number; stops?: boolean }) {
  const { tree } = machine("intel-server-8cpu");
  const roots = { sysfsRoot: tree.sys, procRoot: tree.proc };
  const put = (path: string, text: string) => writeFileSync(`${tree.sys}/${path}`, `${text}\n`);
  mkdirSync(`${tree.sys}/devices/pnp0/00:04`, { recursive: true });
  symlinkSync(`${tree.sys}/devices/pnp0/00:04`, `${tree.sys}/class/rtc/rtc0/device`);
  for (const [n, name] of ["00:04", "LNXPWRBN:00"].entries()) {
    mkdirSync(`${tree.sys}/class/wakeup/wakeup${n}`, { recursive: true });
    put(`class/wakeup/wakeup${n}/name`, name);
    put(`class/wakeup/wakeup${n}/event_count`, "0");
  }
  symlinkSync(`${tree.sys}/devices/pnp0/00:04`, `${tree.sys}/class/wakeup/wakeup0/device`);
  const clock = value(findWakeClock(tree.sys));
  const startS = value((clock as WakeClock).now());
  writeFileSync(`${tree.proc}/uptime`, "1000.00 1.00\n");
  const before = momentNow(roots, clock);
  for (const [n, name] of ["00:04", "LNXPWRBN:00"].entries())
    if (played.sources?.includes(name)) put(`class/wakeup/wakeup${n}/event_count`, "1");
  if (played.irq) {
    put("power/pm_wakeup_irq", `${played.irq[0]}`);
    writeFileSync(`${tree.proc}/interrupts`, `  ${played.irq[0]}:   1   0   IO-APIC   ${played.irq[1]}\n`);
  }
  const passS = played.passS ?? 38;
  put("class/rtc/rtc0/since_epoch", `${startS + passS}`);
  if (played.stops !== false) writeFileSync(`${tree.proc}/uptime`, `${1000 + passS}.00 1.00\n`);
  return recordOf(roots, before, momentNow(roots, clock), { slept: true, clock, alarmS: startS + 15 });
}

// each row: what is played, who woke it
test.each([
  [{ sources: ["00:04"], passS: 15 }, "the wake alarm"],
  [{ sources: ["00:04"], irq: [9, "9-fasteoi   acpi"], passS: 15 }, "the wake alarm"],
  [{ irq: [8, "8-edge      rtc0"], passS: 15 }, "the wake alarm"],
  [{ sources: ["00:04"], passS: 12 }, "the real-time clock"],
  [{ sources: ["LNXPWRBN:00"], irq: [9, "9-fasteoi   acpi"] }, "interrupt 9 (acpi), LNXPWRBN:00 (wakeup1)"],
  [{ sources: ["00:04", "LNXPWRBN:00"] }, "00:04 (wakeup0), LNXPWRBN:00 (wakeup1)"],
  [{}, "unknown, 23 s after the alarm"],
  [{ passS: 12 }, "unknown"],
] as const)("recordOf() of %j says %p", (played, by) => {
  expect(slept(played as Parameters<typeof slept>[0]).wokenBy).toBe(by);
});

test("recordOf() goes by the real-time clock when the kernel's clocks ran on, as in freeze", () => {
  expect(slept({ stops: false })).toMatchObject({ sleptS: 38, clockS: 38, lateS: 23 });
  expect(slept({ passS: 12 }).lateS).toBeUndefined();
});

testNeeding(["virsh"], "prepareVms() asks a real virsh by UUID", async () => {
  const libvirt = { uri: "test:///default" };
  const vms = value(await runningVms(libvirt));
  expect(vms).toEqual([{ uuid: "6695eb01-f6a4-8304-79aa-97f2502e193f", name: "test" }]);
  const noted: unknown[] = [];
  value(await prepareVms("pause", vms, libvirt, (prepared) => (noted.push(prepared.vms), DONE)));
  expect(noted).toEqual([vms]);
  // The driver "test" lives in one virsh process: in the next one the VM was never paused, and is left alone.
  expect(await bringBack({ how: "pause", vms, ...libvirt })).toEqual({ failed: [], left: [] });
  expect(error(await runningVms({ uri: "test:///nowhere" }))).toEqual({
    why: expect.stringMatching(/^virsh list: /),
    isAbsent: true,
  });
});
