// What the built executables do to the pipe they are given, when its reader leaves, and when nothing can be written.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { closeSync, fstatSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { encodeRequest } from "../../internal/packet/request.ts";
import { type Daemon, DIST, type Machine, makeMachine, startDaemon } from "../helpers/daemon.ts";
import { QemuSocket } from "../helpers/qemu.ts";
import { runShell, startShell } from "../helpers/shell.ts";
import { until } from "../helpers/until.ts";

/** Source: asm-generic/fcntl.h. */
const O_NONBLOCK = 0o4000;
/** Source: linux/fcntl.h. */
const F_SETPIPE_SZ = 1031;

const scale = (step: "min" | "max") =>
  encodeRequest({ kind: "scale", step, vcpu: 0, vmName: "", physical: false }, "18.11");

describe.each(["powermon", "vmpower-guest"])("%s", (name) => {
  test.each(["--version", "--help", "help", "shell"])(
    "%s leaves its caller's pipes blocking",
    async (words) => {
      const flags = [0, 1, 2].map((fd) => `grep flags /proc/self/fdinfo/1${fd} >&15`).join("; ");
      const { out } = await runShell(
        `exec 15>&1; echo help | { { ${name} ${words}; ${flags}; } 10>&0 11>&1 12>&2 2>&1 | cat >/dev/null; }`,
      );
      const told = [...out.matchAll(/^flags:\s*([0-7]+)$/gm)].map(([, octal = ""]) => parseInt(octal, 8));
      expect(told).toHaveLength(3);
      for (const one of told) expect(one & O_NONBLOCK).toBe(0);
    },
  );

  test.each([
    [">/dev/full", "ENOSPC"],
    [">&-", "it is closed"],
    ["<&- >&-", "it is closed"],
  ])("--help %s says why and ends with 1", async (redirection, why) => {
    expect(await runShell(`${name} --help ${redirection}`)).toEqual({
      out: "",
      err: `${name}: Cannot write to standard output: ${why}; what is there is not all of it.\n`,
      status: 1,
    });
  });

  test("writes to /dev/null like anybody, and all of it to a small pipe that somebody made non-blocking", async () => {
    expect((await runShell(`${name} --help >/dev/null`)).status).toBe(0);
    const makeSmall = `import fcntl; fcntl.fcntl(1, ${F_SETPIPE_SZ}, 4096); fcntl.fcntl(1, fcntl.F_SETFL, ${O_NONBLOCK})`;
    const fill = "head -c 4096 /dev/zero";
    const whole = await runShell(
      `{ python3 -c '${makeSmall}'; ${fill}; ${name} --help; echo $? >&2; } | cat`,
    );
    expect(whole.err).toBe("0\n");
    expect(whole.out.replaceAll("\0", "")).toBe((await runShell(`${name} --help`)).out);
  });
});

describe("powermon, asking a daemon", () => {
  let machine: Machine;
  let vm1: QemuSocket;
  let daemon: Daemon;
  beforeAll(async () => {
    machine = makeMachine("acpi-cpufreq-4cpu-independent");
    vm1 = new QemuSocket(`${machine.dir}/vm1.0`);
    daemon = await startDaemon(machine, ["--pin", "vm1:0=2"]);
    await vm1.hosted();
  });
  afterAll(async () => {
    daemon.kill("SIGTERM");
    await daemon.exited;
    vm1.quit();
    machine.remove();
  });
  const asking = (words: string) => `powermon ${words} --socket ${machine.stateDir}/control.sock`;

  test.each(["metrics", "status --json", "vm show vm1", "events --follow", "top --json --interval 1"])(
    "%s ends with 1 where nothing can be written",
    async (words) => {
      const child = startShell(`${asking(words)} >/dev/full`);
      await until(`${words} ends`, async () => {
        await vm1.ask(scale("max"));
        await vm1.ask(scale("min"));
        return child.exitCode !== null;
      });
      expect(child.exitCode).toBe(1);
      expect(await child.stderr.text()).toStartWith("powermon: Cannot write to standard output: ENOSPC;");
    },
  );

  test.each(["events --follow", "events --follow --json", "top --json --interval 1"])(
    "%s | head -1 ends quietly once head has",
    async (words) => {
      const child = startShell(`${asking(words)} | head -1; exit \${PIPESTATUS[0]}`);
      await until(`${words} ends`, async () => {
        await vm1.ask(scale("max"));
        await vm1.ask(scale("min"));
        return child.exitCode !== null;
      });
      expect(child.exitCode).toBe(0);
      expect((await child.stdout.text()).split("\n")).toHaveLength(2);
      expect(await child.stderr.text()).toBe("");
    },
  );
});

test("what a command can't do is an error of each line where standard error is the journal", async () => {
  const dir = mkdtempSync(`${tmpdir()}/powermon-journal-`);
  const [log, file] = [`${dir}/journal`, `${dir}/powermon.toml`];
  writeFileSync(file, "[pinning]\nfloating = 2\n[cpufreq]\ndrift = 2\n");
  const fd = openSync(log, "w");
  const { dev, ino } = fstatSync(fd, { bigint: true });
  const run = Bun.spawn([`${DIST}/powermon`, "run", "--config", file], {
    env: { ...process.env, JOURNAL_STREAM: `${dev}:${ino}` },
    stderr: fd,
  });
  closeSync(fd);
  expect(await run.exited).toBe(2);
  const lines = readFileSync(log, "utf8").trimEnd().split("\n");
  expect(lines).toHaveLength(2);
  rmSync(dir, { recursive: true });
  for (const line of lines) expect(line).toMatch(/^<3>.*powermon\.toml:\d: /);
});
