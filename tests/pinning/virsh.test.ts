// virsh as it is, and virsh as it must not be able to hurt us.

import { expect, test } from "bun:test";
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runVirsh } from "../../internal/pinning/virsh.ts";
import { testNeeding } from "../helpers/needing.ts";
import { until } from "../helpers/until.ts";

const URI = "test:///default";

/** Runs runVirsh() with a program that does `script` in place of virsh. */
async function withProgram(script: string, bounds: { timeoutMs?: number; maxBytes?: number } = {}) {
  const dir = mkdtempSync(join(tmpdir(), "powermon-virsh-"));
  try {
    const program = join(dir, "virsh");
    writeFileSync(program, `#!/bin/sh\n${script.replaceAll("DIR", dir)}\n`);
    chmodSync(program, 0o755);
    const result = await runVirsh({ uri: URI, program, ...bounds }, ["list", "a b"]);
    const child = existsSync(join(dir, "pid")) ? Number(readFileSync(join(dir, "pid"), "utf8")) : undefined;
    return { child, said: result.ok ? result.value : result.error };
  } finally {
    rmSync(dir, { recursive: true });
  }
}

function isAlive(pid: number): boolean {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
  } catch {
    return false;
  }
}

test("runVirsh() gives words whole, a plain environment and no input", async () => {
  process.env["POWERMON_TEST_SECRET"] = "x";
  const { said } = await withProgram(
    'printf "%s|" "$@"; cat; env | cut -d= -f1 | grep -vE "^(PWD|SHLVL|_|OLDPWD)$" | sort | tr "\\n" " "',
  );
  delete process.env["POWERMON_TEST_SECRET"];
  expect(said).toBe(`--quiet|--connect|${URI}|list|a b|LC_ALL PATH `);
});

test("runVirsh() kills virsh and what it started when the time is up", async () => {
  const { said, child } = await withProgram("sleep 60 & echo $! > DIR/pid; wait", { timeoutMs: 300 });
  expect(said).toBe(`Cannot ask libvirt at ${URI}: virsh took longer than 300 ms`);
  await until("the grandchild is gone", () => child !== undefined && !isAlive(child));
});

test("runVirsh() stops a virsh that prints without end", async () => {
  const { said } = await withProgram("yes", { maxBytes: 100_000 });
  expect(said).toBe(`Cannot ask libvirt at ${URI}: virsh printed more than 100000 bytes`);
});

test("runVirsh() tells a complaint in one line, or the status when there is none", async () => {
  const complaint = await withProgram('echo "error: first" >&2; echo "error: second" >&2; exit 1');
  expect(complaint.said).toBe(`Cannot ask libvirt at ${URI}: first; second`);
  expect((await withProgram("exit 7")).said).toBe(`Cannot ask libvirt at ${URI}: virsh ended with status 7`);
});

test("runVirsh() says what to install when there is no virsh", async () => {
  expect(await runVirsh({ uri: URI, program: "/nonexistent/virsh" }, ["list"])).toEqual({
    ok: false,
    error: `Cannot ask libvirt at ${URI}: there is no /nonexistent/virsh; install libvirt's clients`,
  });
});

testNeeding(["virsh"], "runVirsh() runs the real virsh, and leaves the loop free meanwhile", async () => {
  let turns = 0;
  const ticking = setInterval(() => turns++, 1);
  const printed = await runVirsh({ uri: URI }, ["list", "--name"]);
  clearInterval(ticking);
  expect(printed.ok && printed.value.trim()).toBe("test");
  expect(turns).toBeGreaterThan(0);
});

testNeeding(["virsh"], "runVirsh() passes on why libvirt can't be reached", async () => {
  const uri = "qemu:///system?socket=/nonexistent/sock";
  const printed = await runVirsh({ uri }, ["list"]);
  expect(printed.ok ? "" : printed.error).toBe(
    `Cannot ask libvirt at ${uri}: failed to connect to the hypervisor; Failed to connect socket to '/nonexistent/sock': No such file or directory`,
  );
});
