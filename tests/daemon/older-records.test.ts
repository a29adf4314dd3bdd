// What an older powermon saved under /var/lib/powermon: in a mount namespace, where that folder and /run are a test's own.

import { expect, test } from "bun:test";
import { cpSync, mkdirSync, readdirSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { takeUpRecords } from "../../internal/daemon/older-records.ts";
import { khz } from "../../internal/values/units.ts";
import { testNeeding } from "../helpers/needing.ts";
import { changed, snapshot } from "../power/snapshot.ts";
import { domain, machine, value } from "../sysfs/machine.ts";
import { runPowermon } from "../cmd/powermon/power-main.ts";

const MAIN = join(import.meta.dir, "../../cmd/powermon.ts");

/** A machine as an older powermon left it when it was killed, with its state in the folder `older`. */
async function left() {
  const at = machine("acpi-cpufreq-4cpu-boost");
  const before = snapshot(at.path(""));
  const roots = ["--sysfs-root", at.tree.sys, "--proc-root", at.tree.proc];
  expect(
    (await runPowermon(["profile", "apply", "powersave", ...roots, "--state-dir", at.roots.stateDir])).status,
  ).toBe(0);
  const cpufreq = at.open();
  value(domain(cpufreq, 2).set(khz(800_000)));
  cpufreq.close();
  const older = `${at.tree.root}/older`;
  cpSync(at.roots.stateDir, older, { recursive: true });
  writeFileSync(`${older}/profile.lock`, "4194999");
  mkdirSync(`${older}/powermon.d`);
  /** Runs `script` with an empty /run and the older folder at /var/lib/powermon. */
  const run = async (script: string) => {
    const mounts = `mount -t tmpfs none /run && mount -t tmpfs none /var/lib && cp -a ${older} /var/lib/powermon`;
    const powermon = `powermon() { ${process.execPath} ${MAIN} "$@" ${roots.join(" ")}; }`;
    const words = ["unshare", "-m", "sh", "-c", `${mounts} && ${powermon}; ${script}`];
    const child = Bun.spawn(words, { stdout: "pipe", stderr: "pipe" });
    const [out, err] = [await child.stdout.text(), await child.stderr.text()];
    return { status: await child.exited, out, err };
  };
  return { at, before, run };
}

testNeeding(
  ["root and namespaces"],
  "takeUpRecords() lets restore put back what an older powermon had saved in this boot",
  async () => {
    const { at, before, run } = await left();
    expect(changed(before, snapshot(at.path(""))).length).toBeGreaterThan(1);
    const ran = await run("powermon restore; ls -A /var/lib/powermon /var/lib/powermon/originals");
    expect(ran).toMatchObject({ status: 0, err: "" });
    expect(ran.out).toBe(
      "policy2: restored\nprofile powersave: off\n/var/lib/powermon:\noriginals\npowermon.d\n\n/var/lib/powermon/originals:\n",
    );
    expect(changed(before, snapshot(at.path("")))).toEqual([]);
  },
);

testNeeding(
  ["root and namespaces"],
  "takeUpRecords() lets profile off find an older one's profile",
  async () => {
    const { at, run } = await left();
    // A claim that a crash left is restore's to take back first.
    const ran = await run(
      "rm -r /var/lib/powermon/originals; powermon profile off; find /var/lib/powermon /run -type f",
    );
    expect(ran.out).toMatch(
      /^Profile powersave is off; \d+ of the kernel's settings are as they were before it\n$/,
    );
    expect(at.line("cpufreq/boost")).toBe("1");
  },
);

testNeeding(
  ["root and namespaces"],
  "takeUpRecords() keeps the record that is in the run folder already, and stops where one can't be moved",
  async () => {
    const { at, before, run } = await left();
    const saved = "/run/powermon/originals/policy2.json";
    const ran = await run(
      `mkdir -p /run/powermon/originals; cp /var/lib/powermon/originals/policy2.json ${saved}; sed -i s/[0-9]/9/g /var/lib/powermon/originals/policy2.json; powermon restore`,
    );
    expect(ran).toMatchObject({ status: 0, err: "" });
    expect(changed(before, snapshot(at.path("")))).toEqual([]);
    const broken = await (
      await left()
    ).run("rm /var/lib/powermon/profile.json; mkfifo /var/lib/powermon/profile.json; powermon restore");
    expect(broken.status).toBe(1);
    expect(broken.err).toContain('Cannot parse "/var/lib/powermon/profile.json" (value "no file"): EINVAL');
  },
);

test("takeUpRecords() removes what killed processes left half made, and nothing else", () => {
  const { stateDir } = machine("acpi-cpufreq-4cpu-boost").roots;
  mkdirSync(`${stateDir}/originals`, { recursive: true });
  mkdirSync(`${stateDir}/warm-up-Xa1b2c/sys`, { recursive: true });
  const left = [
    "profile.json.tmp",
    "profile.lock.4711.new",
    "originals/policy0.json.tmp",
    "originals/policy1.json.back",
  ];
  for (const name of [...left, "originals/policy0.json", "control.sock"])
    writeFileSync(`${stateDir}/${name}`, "");
  for (const name of left) utimesSync(`${stateDir}/${name}`, 1, 1);
  expect(takeUpRecords(stateDir)).toEqual([]);
  expect(readdirSync(stateDir, { recursive: true }).sort()).toEqual([
    "control.sock",
    "originals",
    "originals/policy0.json",
  ]);
  expect(takeUpRecords(`${stateDir}/absent`)).toEqual([]);
});
