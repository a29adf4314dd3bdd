// What a host that moves in from DPDK's vm_power_manager brings along, against the compiled powermon: a newer guest, stray bytes, its JSON.

import { afterEach, beforeEach, expect, test } from "bun:test";
import { readFileSync, writeFileSync } from "node:fs";
import { type Machine, makeMachine, startDaemon } from "../helpers/daemon.ts";
import { QemuSocket } from "../helpers/qemu.ts";
import { until } from "../helpers/until.ts";
import { golden } from "../fixtures/packet/golden.ts";

const ACK = 1;
const COMMAND_AT = 12;

let machine: Machine;
let guest: QemuSocket;
beforeEach(() => {
  machine = makeMachine("acpi-cpufreq-4cpu-independent");
  // Turbo as acpi-cpufreq has it: an entry 1 MHz above the highest.
  const dir = (cpu: number) => `${machine.tree.sys}/devices/system/cpu/cpufreq/policy${cpu}`;
  for (const cpu of [0, 1, 2, 3]) {
    const listed = readFileSync(`${dir(cpu)}/scaling_available_frequencies`, "utf8");
    writeFileSync(`${dir(cpu)}/scaling_available_frequencies`, `2601000 ${listed}`);
    for (const file of ["cpuinfo_max_freq", "scaling_max_freq"])
      writeFileSync(`${dir(cpu)}/${file}`, "2601000\n");
    writeFileSync(`${dir(cpu)}/scaling_governor`, "ondemand\n");
  }
  guest = new QemuSocket(`${machine.dir}/vm1.0`);
});
afterEach(() => {
  guest.quit();
  machine.remove();
});

const speed = (cpu: number) => machine.policy(cpu, "scaling_setspeed");
/** Returns a recorded packet for vCPU 0 of any VM, with another command where one is given. */
function packet(title: string, command?: number): Uint8Array {
  const bytes = golden("18.11", title).fill(0, 0, 8).fill(0, 16, 48);
  if (command !== undefined) new DataView(bytes.buffer).setUint32(COMMAND_AT, command, true);
  return bytes;
}
/** Sends a request and returns the command of its answer. */
const ask = async (bytes: Uint8Array) =>
  new DataView((await guest.ask(bytes)).buffer).getUint32(COMMAND_AT, true);

test("a guest of a newer DPDK is answered right behind each command that nobody knows, and after stray bytes", async () => {
  const daemon = await startDaemon(machine, ["--pin", "vm1:0=2"]);
  await guest.hosted();
  guest.send(golden("18.11", "connect-dirty"));
  for (let round = 0; round < 40; round++) {
    for (const command of [5, 6, 11, 200]) {
      guest.send(packet("scale-max", command));
      expect(await ask(packet(round % 2 === 0 ? "scale-max" : "scale-min"))).toBe(ACK);
    }
    expect(speed(2)).toBe(round % 2 === 0 ? "2601000" : "800000");
  }
  for (const stray of [1, 4, 12, 200]) {
    guest.send(new Uint8Array(stray));
    expect(await ask(packet("scale-max"))).toBe(ACK);
    expect(await ask(packet("scale-min"))).toBe(ACK);
  }
  expect(guest.received.length).toBe(0);
  expect(speed(2)).toBe("800000");
  daemon.kill("SIGTERM");
  expect(await daemon.exited).toBe(0);
});

test("a FIFO takes the samples of DPDK's guide as they are, tells what it passes over, and refuses another core's", async () => {
  const fifos = `${machine.tree.root}/fifo`;
  const config = `${machine.tree.root}/powermon.toml`;
  writeFileSync(config, `[fifo]\nenable = true\ndir = "${fifos}"\ncpus = "1-3"\nowner = ""\ngroup = ""\n`);
  const daemon = await startDaemon(machine, ["--config", config]);
  await until("the FIFOs are served", () => daemon.log().includes("FIFOs served"));
  const write = (cpu: number, text: string) => writeFileSync(`${fifos}/fifo${cpu}`, text);
  const governor = (cpu: number) => machine.policy(cpu, "scaling_governor");
  const before = speed(1);

  write(
    3,
    '{"instruction": {\n"name": "ubuntu",\n"command": "power",\n"unit": "SCALE_MAX",\n"resource_id": 3\n}}\n',
  );
  await until("the instruction is done", () => speed(3) === "2601000");
  const every = [...Array(24).keys()].join(", ");
  write(
    2,
    `{"policy": {\n"name": "ubuntu",\n"command": "create",\n"policy_type": "TIME",\n"busy_hours":[ ],\n"quiet_hours":[ ${every} ],\n"core_list":[ 2 ]\n}}\n`,
  );
  await until("the policy holds", () => governor(2) === "userspace" && speed(2) === "800000");
  write(2, '{"policy": {\n"name": "ubuntu",\n"command": "destroy",\n}}\n');
  await until("the policy is gone", () => governor(2) === "ondemand");
  expect(daemon.log()).toContain('Ignored "name": without meaning on the FIFO of CPU 2.');

  write(1, '{"instruction": {"command": "power", "unit": "SCALE_MIN", "resource_id": 3}}\n');
  await until("it is refused", () => daemon.log().includes("write to fifo3, or leave the key out"));
  expect([speed(1), speed(3)]).toEqual([before, "2601000"]);
  daemon.kill("SIGTERM");
  expect(await daemon.exited).toBe(0);
});
