import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { closeSync, constants, existsSync, openSync, statSync, writeSync } from "node:fs";
import { ask, frame, Lab, STATIC } from "../helpers/lab.ts";
import { until } from "../helpers/until.ts";

let lab: Lab;
let dir: string;
beforeEach(() => {
  lab = new Lab();
  dir = `${lab.tree.root}/fifo`;
});
afterEach(() => lab.end());

const says = (fifo: object = {}) => ({
  ...STATIC,
  fifo: { enable: true, dir, cpus: "1-2", group: "", mode: "0600", ...fifo },
});
const write = (core: number, text: string) => {
  const fd = openSync(`${dir}/fifo${core}`, constants.O_WRONLY | constants.O_NONBLOCK);
  writeSync(fd, text);
  closeSync(fd);
};

describe("a FIFO of the configuration", () => {
  test("moves its own CPU only, and is arbitrated with guests", async () => {
    lab.start(says());
    const before = lab.speeds;
    await until("the FIFOs are served", () => lab.log.join().includes("FIFOs served"));
    expect(statSync(`${dir}/fifo2`).mode & 0o777).toBe(0o600);
    expect(existsSync(`${dir}/fifo0`)).toBe(false);
    write(2, '{"instruction": {"command": "power", "unit": "SCALE_MAX"}}');
    await until("CPU 2 follows", () => lab.speed(2) === 2600000);
    expect([lab.speed(0), lab.speed(1), lab.speed(3)]).toEqual([before[0], before[1], before[3]] as number[]);
    const vm1 = await lab.guest("vm1.0");
    await ask(vm1, frame({ step: "min" }));
    expect(lab.speed(2)).toBe(2600000);
    write(2, '{"instruction": {"command": "power", "unit": "scale_min"}}');
    await until("the lower wish counts", () => lab.speed(2) === 800000);
  });

  test("takes policies and their end", async () => {
    lab.start(says());
    const before = lab.speed(1);
    await until("the FIFOs are served", () => lab.log.join().includes("FIFOs served"));
    write(1, '{"policy": {"command": "create", "policy_type": "WORKLOAD", "workload": "MEDIUM"}}');
    await until("CPU 1 follows", () => lab.speed(1) === 1600000);
    write(1, '{"policy": {"command": "destroy"}}');
    await until("the original is back", () => lab.speed(1) === before);
  });

  test("says what is wrong and goes on", async () => {
    lab.start(says());
    await until("the FIFOs are served", () => lab.log.join().includes("FIFOs served"));
    write(
      1,
      '{"instruction": {"command": "power", "unit": "SCALE_MAXX"}}{"instruction": {"command": "power", "unit": "SCALE_MAX"}}',
    );
    await until("the good one is served", () => lab.speed(1) === 2600000);
    expect(lab.log.join()).toContain("it may be SCALE_UP");
  });

  test("goes, with its claims, when the configuration names it no more", async () => {
    lab.start(says());
    const before = lab.speed(1);
    await until("the FIFOs are served", () => lab.log.join().includes("FIFOs served"));
    write(1, '{"instruction": {"command": "power", "unit": "SCALE_MAX"}}');
    await until("CPU 1 follows", () => lab.speed(1) === 2600000);
    const config = lab.load(says({ cpus: "2" }));
    if (!config.ok) throw new Error(JSON.stringify(config.error));
    lab.host.configure(config.value);
    await until("it is gone", () => !existsSync(`${dir}/fifo1`) && existsSync(`${dir}/fifo2`));
    expect(lab.speed(1)).toBe(before);
  });
});
