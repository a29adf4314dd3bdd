// A meter that may take long is asked and not waited for; what never answers is lost, and asked once.

import { afterEach, beforeEach, expect, test } from "bun:test";
import {
  closeSync,
  constants,
  mkdirSync,
  mkdtempSync,
  openSync,
  rmSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { KeptMeter } from "../../internal/budget/kept-meter.ts";
import { until } from "../helpers/until.ts";

let root: string;
let power: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "kept-meter-"));
  const chip = join(root, "class/hwmon/hwmon0");
  mkdirSync(chip, { recursive: true });
  writeFileSync(join(chip, "name"), "power_meter\n");
  power = join(chip, "power1_average");
});
afterEach(() => rmSync(root, { recursive: true }));

const kept = () => new KeptMeter(root, { kind: "hwmon", chip: "power_meter" });
const isPower = (read: ReturnType<KeptMeter["read"]>, watts: number): boolean =>
  read.ok && read.value.kind === "power" && read.value.watts === watts;
const WAITS = { ok: true, value: { kind: "waits" } } as const;

test("read() of momentary power answers with what came since the time before", async () => {
  writeFileSync(power, "93000000\n");
  const meter = kept();
  expect(meter.read(0)).toEqual(WAITS);
  await until("it has answered", () => isPower(meter.read(1000), 93));
  rmSync(power);
  writeFileSync(power, "much\n");
  await until("what is no number is said", () => {
    const now = meter.read(2000);
    return !now.ok && now.error.includes(power);
  });
});

test("read() of a chip that does not answer waits for nothing, is lost after 3 s, and back with its answer", async () => {
  // As a driver that hangs: the reader of a FIFO sleeps until somebody writes.
  expect((await Bun.$`mkfifo ${power}`.quiet()).exitCode).toBe(0);
  const meter = kept();
  expect(meter.read(0)).toEqual(WAITS);
  expect(meter.read(2999)).toEqual(WAITS);
  expect(meter.read(3000)).toEqual({ ok: false, error: "it has not answered for 3 s" });
  // Found anew, it is not asked while the first call hangs.
  for (const at of [6000, 9000]) expect(meter.read(at).ok).toBe(false);
  const fd = openSync(power, constants.O_WRONLY | constants.O_NONBLOCK);
  writeSync(fd, "50000000\n");
  closeSync(fd);
  rmSync(power);
  writeFileSync(power, "51000000\n");
  let at = 12_000;
  await until("it answers", () => isPower(meter.read((at += 1000)), 51), 3000);
});
