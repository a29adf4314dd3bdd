// packaging/c/hold.c, built by each compiler, against the built powermon: a program of a stranger, in his language.

import { afterAll, afterEach, beforeEach, expect } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { COMPILERS, compile } from "../helpers/c-compiler.ts";
import { type Daemon, type Machine, makeMachine, startDaemon } from "../helpers/daemon.ts";
import { testNeeding } from "../helpers/needing.ts";
import { standIn, type StandIn } from "../helpers/stand-in.ts";
import { until } from "../helpers/until.ts";

const built = mkdtempSync(join(tmpdir(), "hold-"));
afterAll(() => rmSync(built, { recursive: true }));

let machine: Machine;
let port: StandIn;
let daemon: Daemon;
let config = "";
let path = "";

beforeEach(async () => {
  machine = makeMachine("acpi-cpufreq-4cpu-independent");
  config = `${machine.tree.root}/powermon.toml`;
  path = `unix:${machine.tree.root}/port`;
  writeFileSync(
    config,
    `[pinning]\nsources = ["static"]\n[vm.vm1]\nqueries = true\nceiling = 2400000\npins = { 0 = 2 }\n`,
  );
  port = standIn(`${machine.dir}/vm1.0`, `${machine.tree.root}/port`);
  daemon = await start();
});
afterEach(async () => {
  daemon.kill("SIGTERM");
  await daemon.exited;
  port.close();
  machine.remove();
});

async function start(): Promise<Daemon> {
  const started = await startDaemon(machine, ["--config", config]);
  await port.hosted;
  return started;
}

/** Starts the program; its input stays open until `stdin.end()`. */
function hold(program: string, vcpu: number, khz: number) {
  const child = Bun.spawn([program, path, String(vcpu), String(khz)], {
    stdin: "pipe",
    stdout: "pipe",
    stderr: "pipe",
    timeout: 20_000,
  });
  const said = { out: "" };
  const ended = (async () => {
    for await (const bytes of child.stdout) said.out += new TextDecoder().decode(bytes);
  })();
  return { child, said, ended, err: child.stderr.text() };
}

const governor = () => machine.policy(2, "scaling_governor");
const speed = () => machine.policy(2, "scaling_setspeed");

for (const compiler of COMPILERS) {
  testNeeding(
    [compiler.name],
    `hold.c holds a clock over a restart of powermon and gives it back (${compiler.title})`,
    async () => {
      const program = join(built, compiler.name);
      compile(compiler, "packaging/c/hold.c", program);
      const before = governor();
      const holds = hold(program, 0, 2_150_000);
      const claimed = "vCPU 0: 2200000 kHz, its clock 2200000 kHz\n";
      const first = `${claimed}It may have 800000 to 2400000 kHz.\n`;
      await until("the clock is held", () => holds.said.out === first);
      expect([governor(), speed()]).toEqual(["userspace", "2200000"]);

      daemon.kill("SIGTERM");
      expect(await daemon.exited).toBe(0);
      expect(governor()).toBe(before);
      daemon = await start();
      // A line wakes it: the host says that it has seen no HELLO, and the claim is made again.
      await until("the clock is held again", () => {
        holds.child.stdin.write("\n");
        void holds.child.stdin.flush();
        return holds.said.out === first + claimed;
      });
      expect([governor(), speed()]).toEqual(["userspace", "2200000"]);

      void holds.child.stdin.end();
      await holds.ended;
      expect(holds.said.out).toBe(first + claimed);
      expect({ err: await holds.err, status: await holds.child.exited }).toEqual({ err: "", status: 0 });
      await until("the clock is given back", () => governor() === before);

      const refused = hold(program, 77, 2_150_000);
      expect(await refused.err).toMatch(/^unix:.*: .*vCPU 77/);
      expect(await refused.child.exited).toBe(1);
    },
    60_000,
  );
}
