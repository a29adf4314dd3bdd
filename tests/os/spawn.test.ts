// Programs that hang, that leave children behind, and that print without end.

import { describe, expect, test } from "bun:test";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { complaint, type RunLimits, runCommand } from "../../internal/os/spawn.ts";
import { until } from "../helpers/until.ts";

function isAlive(pid: number): boolean {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
  } catch {
    return false;
  }
}

/** Runs a shell's `script` and returns what came of it, after how long, and the process whose number it wrote to DIR/pid. */
async function timed(script: string, limits: RunLimits) {
  const dir = mkdtempSync(`${tmpdir()}/spawn-`);
  const start = performance.now();
  const ended = await runCommand(["sh", "-c", script.replaceAll("DIR", dir)], limits);
  const ms = performance.now() - start;
  const pid = existsSync(`${dir}/pid`) ? Number(readFileSync(`${dir}/pid`, "utf8")) : undefined;
  rmSync(dir, { recursive: true });
  return { ended, ms, pid };
}

describe("runCommand()", () => {
  test("returns status and both outputs whole", async () => {
    const script = "echo out; echo err >&2; cat; exit 3";
    const { ended } = await timed(script, { limitMs: 5000 });
    expect(ended).toEqual({ ok: true, value: { status: 3, stdout: "out\n", stderr: "err\n" } });
    const long = await timed("head -c 300000 /dev/zero | tr '\\0' x", { limitMs: 5000 });
    expect(long.ended.ok && long.ended.value.stdout).toBe("x".repeat(300_000));
  });

  test("gives two variables and those it is told", async () => {
    const script = "/usr/bin/env | cut -d= -f1 | grep -vE '^(PWD|SHLVL|_|OLDPWD)$' | sort | tr '\\n' ' '";
    const { ended } = await timed(script, { limitMs: 5000, env: { MORE: "x" } });
    expect(ended.ok && ended.value.stdout).toBe("LC_ALL MORE PATH ");
  });

  test("kills a program that takes too long, and what it started", async () => {
    const { ended, ms, pid } = await timed("sleep 60 & echo $! > DIR/pid; wait", { limitMs: 200 });
    expect(ended).toEqual({
      ok: false,
      error: { code: "ETIMEDOUT", says: "sh took longer than 200 ms" },
    });
    expect(ms).toBeLessThan(5000);
    await until("the grandchild is gone", () => pid !== undefined && !isAlive(pid));
  });

  test("kills what a program leaves behind, and takes what it said", async () => {
    const { ended, ms, pid } = await timed("sleep 60 & echo $! > DIR/pid; echo said", { limitMs: 300 });
    expect(ended).toEqual({ ok: true, value: { status: 0, stdout: "said\n", stderr: "" } });
    expect(ms).toBeLessThan(5000);
    await until("the grandchild is gone", () => pid !== undefined && !isAlive(pid));
  });

  test("does not wait beyond the limit for one that holds the outputs from a session of its own", async () => {
    const script =
      "setsid sh -c 'echo $$ > DIR/pid; exec sleep 60' & while ! [ -s DIR/pid ]; do :; done; echo said";
    const { ended, ms, pid = 0 } = await timed(script, { limitMs: 300 });
    process.kill(pid, "SIGKILL");
    expect(ended).toEqual({ ok: true, value: { status: 0, stdout: "said\n", stderr: "" } });
    expect(ms).toBeLessThan(5000);
  });

  test("stops a program that prints without end, on either output", async () => {
    for (const script of ["exec yes", "exec yes >&2"]) {
      const { ended } = await timed(script, { limitMs: 5000, maxBytes: 100_000 });
      expect(ended).toEqual({
        ok: false,
        error: { code: "ENOBUFS", says: "sh printed more than 100000 bytes" },
      });
    }
  });

  test("says when there is no such program, or it is none", async () => {
    expect(await runCommand(["/nonexistent/program"], { limitMs: 1000 })).toEqual({
      ok: false,
      error: { code: "ENOENT", says: "there is no /nonexistent/program" },
    });
    expect(await runCommand(["/"], { limitMs: 1000 })).toMatchObject({ error: { code: "EACCES" } });
  });

  test("counts an end by a signal as a failure", async () => {
    const { ended } = await timed("kill -9 $$", { limitMs: 5000 });
    expect(ended.ok && ended.value.status).toBeGreaterThanOrEqual(128);
  });
});

test("complaint() is one line of what was said, or the status when nothing was", () => {
  const ended = (stderr: string) => complaint("/usr/bin/virsh", { status: 7, stdout: "", stderr });
  expect(ended("error: first\nerror: second\n\n")).toBe("first; second");
  expect(ended(" \n")).toBe("virsh ended with status 7");
  expect(ended("x".repeat(1000))).toHaveLength(300);
});

test("runCommand() tells the number of the process as soon as it runs", async () => {
  let pid = 0;
  const ended = await runCommand(["sh", "-c", "echo $$"], {
    limitMs: 5000,
    started: (its) => void (pid = its),
  });
  expect(ended.ok && ended.value.stdout).toBe(`${pid}\n`);
});
