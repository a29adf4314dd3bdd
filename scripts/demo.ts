// The main job without hardware or root: a fixture machine, the real executables, and a stand-in for QEMU between them.

import { mkdirSync, readFileSync } from "node:fs";
import { standIn } from "../tests/helpers/stand-in.ts";
import { makeTree } from "../tests/helpers/tree.ts";

const dist = new URL("../dist/", import.meta.url).pathname;
const tree = makeTree("acpi-cpufreq-4cpu-independent");
const channels = `${tree.root}/channels`;
mkdirSync(channels);

/** Two vCPUs of one VM on pCPUs 2 and 3. */
const PINS = "vm1:0=2,1=3";
const STEPS: readonly (readonly string[])[] = [
  ["scale", "max", "--vcpu", "0"],
  ["scale", "min", "--vcpu", "1"],
  ["scale", "up", "--vcpu", "1"],
  ["freq", "--vcpu", "0"],
  ["scale", "max", "--vcpu", "0", "--vm-name", "vm2"],
];

const settings = (): readonly string[] =>
  [0, 1, 2, 3].map((cpu) => {
    const line = (file: string) =>
      readFileSync(`${tree.sys}/devices/system/cpu/cpufreq/policy${cpu}/${file}`, "utf8").split("\n")[0];
    return `${line("scaling_governor")} ${line("scaling_setspeed")}`;
  });

const ports = [0, 1].map((n) => standIn(`${channels}/vm1.${n}`, `${tree.root}/port.${n}`));
console.log(`A machine with 4 CPUs (acpi-cpufreq) stands in ${tree.root}; VM vm1 is pinned: ${PINS}.\n`);
const before = settings();
const powermon = Bun.spawn(
  [
    ...[`${dist}powermon`, "run", "--dir", channels, "--pin", PINS, "--allow-query", "vm1"],
    ...["--sysfs-root", tree.sys, "--proc-root", tree.proc, "--state-dir", `${tree.root}/state`],
    ...["--log-level", "debug"],
  ],
  { stdout: "inherit", stderr: "pipe" },
);
const log = pipeLog(powermon.stderr);
let failed = 0;
try {
  await Promise.race([
    Promise.all(ports.map((port) => port.hosted)),
    powermon.exited.then((status) => Promise.reject(new Error(`powermon ended with status ${status}`))),
  ]);
  for (const step of STEPS) {
    const vcpu = step[step.indexOf("--vcpu") + 1] ?? "0";
    console.log(`\nguest$ vmpower-guest ${step.join(" ")}`);
    const guest = Bun.spawn([`${dist}vmpower-guest`, ...step, "--port", `unix:${tree.root}/port.${vcpu}`], {
      stdout: "inherit",
      stderr: "inherit",
      timeout: 10_000,
    });
    const status = await guest.exited;
    console.log(`       exit status ${status}`);
    // The last one claims to be another VM: refusing it is right.
    if (status !== (step.includes("vm2") ? 3 : 0)) failed++;
  }
  const during = settings();
  powermon.kill("SIGTERM");
  const stopped = await powermon.exited;
  if (stopped !== 0) failed++;
  await log;
  const after = settings();
  console.log("\npCPU  before               with powermon        after SIGTERM");
  before.forEach((was, cpu) => {
    console.log(`${cpu}     ${was.padEnd(20)} ${(during[cpu] ?? "").padEnd(20)} ${after[cpu]}`);
    if (after[cpu] !== was) failed++;
    if (cpu >= 2 === (during[cpu] === was)) failed++;
  });
} finally {
  powermon.kill();
  await powermon.exited;
  for (const port of ports) port.close();
  tree.remove();
}
console.log(
  failed === 0 ? "\nThe demo did what it should." : `\n${failed} things were not as they should be.`,
);
process.exitCode = failed === 0 ? 0 : 1;

/** Prints the daemon's log as it comes. */
async function pipeLog(stream: ReadableStream<Uint8Array>): Promise<void> {
  const decoder = new TextDecoder();
  for await (const bytes of stream) {
    const text = decoder.decode(bytes, { stream: true });
    for (const line of text.trimEnd().split("\n")) console.log(`  host | ${line}`);
  }
}
