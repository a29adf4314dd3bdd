// Whose a channel is: a domain must not become another by a name that only looks the same.

import { afterEach, beforeEach, expect, test } from "bun:test";
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import type { VmReport } from "../../internal/api/vms.ts";
import { type Daemon, type Machine, makeMachine, runBinary, startDaemon } from "../helpers/daemon.ts";
import { QemuSocket } from "../helpers/qemu.ts";
import { until } from "../helpers/until.ts";

/** Stands for virsh: its domains are the files of a folder, named by UUID and, where the table shows it, by a list of names. */
const virsh = (dir: string) => `#!/bin/bash
shift 3
case $1 in
  list)
    for xml in ${dir}/*.xml; do
      uuid=$(basename "$xml" .xml)
      if [[ $* == *--name* ]]; then printf '%-36s %-30s\\n' "$uuid" "$(cat "${dir}/$uuid.name")"; else echo "$uuid"; fi
    done
    echo ;;
  vcpupin) echo "$*" >> ${dir}/pinned ;;
  *event*) exec sleep 1000 ;;
  *)
    IFS=';' read -ra all <<< "$1"
    for one in "\${all[@]}"; do
      read -r verb word <<< "$one"
      case $verb in
        dumpxml) cat "${dir}/$word.xml" ;;
        vcpupin) cat "${dir}/$word.pins" ;;
        domstate) echo running ;;
        *) echo "$word" ;;
      esac
    done ;;
esac
`;

let machine: Machine;
let daemon: Daemon;
let dir = "";
const sockets: QemuSocket[] = [];

beforeEach(() => {
  machine = makeMachine("acpi-cpufreq-4cpu-independent");
  dir = `${machine.tree.root}/libvirt`;
  mkdirSync(dir);
  writeFileSync(`${dir}/virsh`, virsh(dir));
  chmodSync(`${dir}/virsh`, 0o755);
});
afterEach(async () => {
  daemon.kill("SIGTERM");
  await daemon.exited;
  for (const socket of sockets.splice(0)) socket.quit();
  machine.remove();
});

/** Makes a running domain with one vCPU on pCPU `n`, and its channel. Returns its UUID. */
function domain(n: number, name: string): string {
  const uuid = `6695eb01-f6a4-8304-79aa-97f2502e19${String(n).padStart(2, "0")}`;
  const path = `${dir}/socket${n}`;
  sockets.push(new QemuSocket(path));
  writeFileSync(`${dir}/${uuid}.name`, name);
  writeFileSync(`${dir}/${uuid}.pins`, ` 0      ${n % 4}\n`);
  writeFileSync(
    `${dir}/${uuid}.xml`,
    `<domain><name>${name}</name><devices><channel type='unix'><source mode='bind' path='${path}'/><target type='virtio' name='virtio.serial.port.poweragent.0'/></channel></devices></domain>\n`,
  );
  return uuid;
}

async function start(): Promise<void> {
  const config = `${machine.tree.root}/powermon.toml`;
  writeFileSync(config, '[pinning]\nsources = ["libvirt"]\n');
  daemon = await startDaemon(machine, ["--config", config], "/", { PATH: `${dir}:/usr/bin:/bin` });
}

const ask = (...words: string[]) =>
  runBinary("powermon", [...words, "--socket", `${machine.stateDir}/control.sock`]);

test("libvirt's domains vm1, 'vm1 ' and ' vm1' are three VMs, and a pin goes to the one that was named", async () => {
  const uuid = domain(1, "vm1");
  domain(2, "vm1 ");
  domain(3, " vm1");
  await start();
  const vms = async () => JSON.parse((await ask("vm", "list", "--json")).out) as VmReport[];
  await until("all of them are known", async () => (await vms()).length === 3);
  const places = (await vms()).map(({ vm, vcpus }) => [vm, vcpus[0]?.pcpus]);
  expect(Object.fromEntries(places)).toEqual({ vm1: [1], "vm1 ": [2], " vm1": [3] });
  await ask("vm", "pin", "vm1", "0", "0");
  expect(readFileSync(`${dir}/pinned`, "utf8")).toContain(`--domain=${uuid} --vcpu=0 --cpulist=0`);
});

test("a domain whose name is none, or another's too, is not served and told of once", async () => {
  domain(0, "good");
  const bad = ["..", "a/b", "a\tb", "twin", "twin"];
  for (const [i, name] of bad.entries()) domain(i + 1, name);
  // A socket in a folder is held to the same names.
  for (const file of ["...0", "a\tb.0"]) sockets.push(new QemuSocket(`${machine.dir}/${file}`));
  await start();
  await until("the good one is served", () => sockets[0]?.connected === true);
  expect((JSON.parse((await ask("vm", "list", "--json")).out) as VmReport[]).map(({ vm }) => vm)).toEqual([
    "good",
  ]);
  expect(sockets.map(({ connected }) => connected)).toEqual([
    true,
    ...Array.from(sockets.slice(1), () => false),
  ]);
  for (const name of new Set(bad)) {
    const told = daemon
      .log()
      .split("\n")
      .filter((line) => line.includes(`is not served: ${JSON.stringify(name)}`));
    expect(told).toHaveLength(bad.filter((one) => one === name).length);
  }
});
