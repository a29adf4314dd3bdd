// The built executables from outside: what a unit test of their sources can't see.

import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { encodeRequest } from "../../internal/packet/request.ts";
import { version } from "../../package.json";
import { type Machine, makeMachine, runBinary, startDaemon } from "../helpers/daemon.ts";
import { QemuSocket } from "../helpers/qemu.ts";

const max = () =>
  encodeRequest({ kind: "scale", step: "max", vcpu: 0, vmName: "", physical: false }, "18.11");

describe.each(["powermon", "vmpower-guest"] as const)("%s", (name) => {
  test("--version says its name and version", async () => {
    expect(await runBinary(name, ["--version"])).toEqual({ out: `${name} ${version}\n`, err: "", status: 0 });
  });

  test.each([
    [["--help"], 0],
    [[], 2],
    [["toString"], 2],
    [["--verison"], 2],
  ] as const)("%j ends with status %d", async (args, status) => {
    const run = await runBinary(name, args);
    expect(run.status).toBe(status);
    expect((status === 0 ? run.out : run.err).length).toBeGreaterThan(0);
    expect(run.err).not.toContain("    at ");
  });
});

describe("powermon run", () => {
  let machine: Machine;
  let vm1: QemuSocket;
  beforeEach(() => {
    machine = makeMachine("acpi-cpufreq-4cpu-independent");
    vm1 = new QemuSocket(`${machine.dir}/vm1.0`);
  });
  afterEach(() => {
    vm1.quit();
    machine.remove();
  });

  test("stops on SIGTERM, with status 0 and everything as it was", async () => {
    const was = machine.policy(2, "scaling_setspeed");
    const daemon = await startDaemon(machine, ["--pin", "vm1:0=2"]);
    await vm1.hosted();
    await vm1.ask(max());
    expect(machine.policy(2, "scaling_setspeed")).toBe("2600000");
    const early = await runBinary("powermon", ["restore", ...machine.roots]);
    expect([early.status, early.err]).toEqual([1, expect.stringContaining(`process ${daemon.pid} serves`)]);
    const second = await runBinary("powermon", ["run", "--dir", machine.dir, ...machine.roots]);
    expect([second.status, second.err]).toEqual([1, expect.stringContaining("Another powermon")]);
    daemon.kill("SIGTERM");
    expect(await daemon.exited).toBe(0);
    expect(machine.policy(2, "scaling_setspeed")).toBe(was);
    expect((await runBinary("powermon", ["restore", ...machine.roots])).out).toBe("Nothing to restore.\n");
  });

  test("leaves what `powermon restore` needs when it is killed; a restart in between overwrites nothing", async () => {
    const was = machine.policy(2, "scaling_setspeed");
    for (let crash = 0; crash < 2; crash++) {
      const daemon = await startDaemon(machine, ["--pin", "vm1:0=2"]);
      await vm1.hosted();
      await vm1.ask(max());
      daemon.kill("SIGKILL");
      await daemon.exited;
      expect(machine.policy(2, "scaling_setspeed")).toBe("2600000");
      vm1.quit();
      vm1 = new QemuSocket(`${machine.dir}/vm1.0`);
    }
    const restore = await runBinary("powermon", ["restore", ...machine.roots, "--json"]);
    expect(JSON.parse(restore.out)).toEqual({
      restored: [2],
      stale: [],
      failed: [],
      hung: [],
      sleep: [],
      limits: [],
    });
    expect(restore.status).toBe(0);
    expect(machine.policy(2, "scaling_setspeed")).toBe(was);
  });

  test("loads nothing from the folder it is started in", async () => {
    const cwd = mkdtempSync(`${tmpdir()}/hostile-`);
    try {
      const marker = `${cwd}/was-loaded`;
      writeFileSync(`${cwd}/evil.ts`, `require("node:fs").writeFileSync(${JSON.stringify(marker)}, "");`);
      writeFileSync(`${cwd}/bunfig.toml`, 'preload = ["./evil.ts"]\n[run]\npreload = ["./evil.ts"]\n');
      writeFileSync(`${cwd}/.env`, "TZ=Nowhere/Here\n");
      writeFileSync(`${cwd}/package.json`, '{"type":"commonjs"}');
      for (const lib of ["libc.so.6", "libc.so", "libX.so"]) writeFileSync(`${cwd}/${lib}`, "not a library");
      const daemon = await startDaemon(machine, [], cwd);
      await vm1.hosted();
      // Without static pins the answer needs libc's getsockopt: the garbage beside us must not be taken for it.
      await vm1.ask(max());
      daemon.kill("SIGTERM");
      expect(await daemon.exited).toBe(0);
      expect(daemon.log()).toContain(`process ${process.pid} at the other end`);
      // TZ from .env would have been warned of.
      expect(daemon.log()).not.toContain("Nowhere/Here");
      for (const name of ["powermon", "vmpower-guest"] as const) {
        expect((await runBinary(name, ["--version"], cwd)).status).toBe(0);
      }
      expect(existsSync(marker)).toBe(false);
    } finally {
      rmSync(cwd, { recursive: true });
    }
  });
});
