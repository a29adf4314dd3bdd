// The unit and its companions, judged by systemd's own tools.

import { expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { STATUS } from "../../internal/cli/status.ts";
import { DEFAULTS } from "../../internal/config/defaults.ts";
import { testNeeding } from "../helpers/needing.ts";

const PACKAGING = join(import.meta.dir, "../../packaging");
const UNIT = join(PACKAGING, "powermon.service");
const unit = readFileSync(UNIT, "utf8");

/** Largest exposure that is accepted, of 10. */
const MAX_EXPOSURE = 3.0;

function inFolder<T>(work: (dir: string) => T): T {
  const dir = mkdtempSync(join(tmpdir(), "powermon-units-"));
  try {
    return work(dir);
  } finally {
    rmSync(dir, { recursive: true });
  }
}

function run(...command: string[]) {
  const done = Bun.spawnSync(command, { timeout: 9000, env: { ...process.env, LC_ALL: "C" } });
  return { status: done.exitCode, text: `${done.stdout}${done.stderr}` };
}

/** Returns what the unit sets `key` to, each time. */
function settings(key: string, text = unit): string[] {
  return [...text.matchAll(new RegExp(`^${key}=(.*)$`, "gm"))].map((match) => match[1] ?? "");
}

testNeeding(
  ["systemd-analyze"],
  `powermon.service is exposed to ${MAX_EXPOSURE} or less by systemd-analyze security`,
  () => {
    const { text } = run("systemd-analyze", "security", "--offline=true", "--no-pager", UNIT);
    const exposure = Number(/Overall exposure level for powermon\.service: ([\d.]+)/.exec(text)?.[1] ?? NaN);
    expect(exposure).toBeGreaterThan(0);
    expect(exposure).toBeLessThanOrEqual(MAX_EXPOSURE);
  },
);

testNeeding(["systemd-analyze"], "powermon.service has no key or value that systemd does not know", () =>
  inFolder((dir) => {
    // The program and its manual are not installed here.
    const tried = join(dir, "powermon.service");
    const here = unit.replaceAll(/\/usr\/(bin\/powermon|lib\/powermon\/cpu-check)/g, "/bin/true");
    writeFileSync(tried, here);
    expect(run("systemd-analyze", "verify", "--man=no", tried)).toEqual({ status: 0, text: "" });
    writeFileSync(tried, here.replace("ProtectSystem", "ProtectSistem"));
    expect(run("systemd-analyze", "verify", "--man=no", tried).text).toContain("ProtectSistem");
  }),
);

testNeeding(
  ["systemd-analyze"],
  "fleet.conf opens the network to the addresses that it names, and to no others",
  () =>
    inFolder((dir) => {
      const conf = readFileSync(join(PACKAGING, "examples/fleet.conf"), "utf8");
      const tried = join(dir, "powermon.service");
      const here = unit.replaceAll(/\/usr\/(bin\/powermon|lib\/powermon\/cpu-check)/g, "/bin/true");
      // systemd reads drop-ins beside a unit that it is given by path only once it is loaded: one file stands for both.
      const both = (more: string) => writeFileSync(tried, `${here}\n${more}`);
      both(conf);
      expect(run("systemd-analyze", "verify", "--man=no", tried)).toEqual({ status: 0, text: "" });
      both(conf.replace("IPAddressAllow", "IPAddressAlow"));
      expect(run("systemd-analyze", "verify", "--man=no", tried).text).toContain("IPAddressAlow");
      expect(settings("IPAddressDeny")).toEqual(["any"]);
      expect(settings("IPAddressAllow", conf)[0]?.split(" ")).toHaveLength(3);
      expect(settings("RestrictAddressFamilies", conf)).toEqual(["AF_INET AF_INET6"]);
    }),
);

test("powermon.service says why for each thing that it leaves open", () => {
  const lines = unit.split("\n");
  const open = lines.flatMap((line, i) => (/^[A-Z]\w+=(no|default|all|0)$/.test(line) ? [i] : []));
  expect(open.length).toBeGreaterThan(5);
  for (const i of open) {
    const before = lines
      .slice(0, i)
      .findLast((line) => line.startsWith("#") || line === "" || !/=(default|all)$/.test(line));
    expect(`${before} / ${lines[i]}`).toStartWith("# ");
  }
  for (const capability of settings("CapabilityBoundingSet").join(" ").split(" ")) {
    expect(unit).toContain(`# - ${capability} `);
  }
});

test("powermon.service agrees with the program's defaults and keeps the runtime's own variables out", () => {
  expect(settings("StateDirectory")).toEqual([DEFAULTS.state_dir.replace("/var/lib/", "")]);
  expect(DEFAULTS.control.socket).toStartWith(`/run/${settings("RuntimeDirectory")[0]}/`);
  expect(settings("RuntimeDirectoryPreserve")).toEqual(["yes"]);
  expect(settings("WorkingDirectory")).toEqual(["/"]);
  expect(settings("UnsetEnvironment")[0]?.split(" ")).toEqual(
    expect.arrayContaining(["BUN_OPTIONS", "BUN_BE_BUN", "BUN_INSPECT", "LD_PRELOAD"]),
  );
});

test("the units start nothing again that would end the same way, and are not called crashed by the runtime", () => {
  const guest = readFileSync(join(PACKAGING, "vmpower-guest-agent.service"), "utf8");
  expect(settings("RestartPreventExitStatus")).toEqual([`${STATUS.usage}`]);
  expect(settings("RestartPreventExitStatus", guest)).toEqual([`${STATUS.usage} ${STATUS.unsupported}`]);
  for (const text of [unit, guest]) {
    expect(settings("WatchdogSignal", text)).toEqual(["SIGKILL"]);
    // More starts than RestartSec= allows in that time would never be counted.
    const [interval, burst, pause] = ["StartLimitIntervalSec", "StartLimitBurst", "RestartSec"].map((key) =>
      Number(settings(key, text)[0]),
    );
    expect(interval).toBeGreaterThan(2 * (burst ?? NaN) * (pause ?? NaN));
  }
});

testNeeding(
  ["systemd-tmpfiles", "root"],
  "tmpfiles.d makes the folders that the program watches, for root alone to write",
  () =>
    inFolder((root) => {
      mkdirSync(join(root, "etc"));
      writeFileSync(join(root, "etc/passwd"), "root:x:0:0::/root:/bin/sh\n");
      writeFileSync(join(root, "etc/group"), "root:x:0:\n");
      const made = run(
        "systemd-tmpfiles",
        `--root=${root}`,
        "--create",
        join(PACKAGING, "tmpfiles.d/powermon.conf"),
      );
      expect(made).toEqual({ status: 0, text: "" });
      const { mode, uid } = statSync(join(root, DEFAULTS.channels.dirs[0] ?? ""));
      expect([mode & 0o7777, uid]).toEqual([0o755, 0]);
    }),
);

testNeeding(["systemd-sysusers"], "sysusers.d makes the group of the control socket", () =>
  inFolder((root) => {
    const planned = run(
      "systemd-sysusers",
      `--root=${root}`,
      "--dry-run",
      join(PACKAGING, "sysusers.d/powermon.conf"),
    );
    expect(planned.status).toBe(0);
    expect(planned.text).toContain(`group '${DEFAULTS.control.group}'`);
  }),
);
