// A stock DPDK guest's hours on a day whose clocks change, with a clock that the test turns.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Lab, STATIC } from "../helpers/lab.ts";
import { TestClock } from "../rules/policy-world.ts";
import { compileForeignGuest, ForeignGuest } from "./foreign-guest.ts";
import { scenario } from "./scenario.ts";

const needs = { programs: ["gcc", "pkg-config", "socat"], dpdk: true, root: true } as const;

const HOUR = 3_600_000;
const [MAX, MIN] = [2600000, 800000];

scenario("a stock DPDK guest's hours", needs, () => {
  const zone = process.env["TZ"];
  /** 00:30 in Berlin; at 02:00 the clocks there are put forward to 03:00. */
  const clock = new TestClock("2026-03-28T23:30:00Z");
  let dir: string;
  let lab: Lab;
  let guest: ForeignGuest;

  beforeAll(async () => {
    process.env["TZ"] = "Europe/Berlin";
    dir = await mkdtemp(join(tmpdir(), "powermon-e2e-"));
    await compileForeignGuest(join(dir, "dpdk-guest"));
    lab = new Lab();
    lab.start(STATIC, clock);
    guest = new ForeignGuest(join(dir, "dpdk-guest"), "vm1", 1, lab.dir);
    expect(await guest.do("init 0")).toBe("0");
  });

  afterAll(async () => {
    process.env["TZ"] = zone ?? "UTC";
    await guest?.end();
    lab?.end();
    await rm(dir, { recursive: true });
  });

  test("are the host's local ones, from one boundary to the next", async () => {
    const before = lab.speed(2);
    expect(await guest.do("policy 0 time quiet=1,4 busy=2,3,23 vcpus=0")).toBe("0");
    expect(await guest.do("read 0 packet")).toBe("command 1 unit 0 vcpu 0");
    // The zeros after 4 and 23 are no hours.
    expect(lab.speed(2)).toBe(before);
    const seen: number[] = [];
    for (let minutes = 0; minutes < 180; minutes += 30) {
      clock.pass(HOUR / 2);
      seen.push(lab.speed(2));
    }
    // 01:00, 01:30, 03:00, 03:30, 04:00, 04:30
    expect(seen).toEqual([MIN, MIN, MAX, MAX, MIN, MIN]);
  });

  test("end a millisecond before the next one begins", async () => {
    expect(await guest.do("policy 0 time busy=5 quiet=4 vcpus=0")).toBe("0");
    expect(await guest.do("read 0 packet")).toBe("command 1 unit 0 vcpu 0");
    clock.pass(HOUR / 2 - 1);
    expect(lab.speed(2)).toBe(MIN);
    clock.pass(1);
    expect(lab.speed(2)).toBe(MAX);
  });
});
