// What the agent answers a program, on a whole host: the numbers are the clock's, the reasons the host's own.

import { expect, test } from "bun:test";
import { mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { AgentOptions } from "../../../internal/guest/agent/agent.ts";
import { answerLocal } from "../../../internal/guest/agent/local-answer.ts";
import { parseLocalAsk } from "../../../internal/guest/agent/local-ask.ts";
import type { GuestFailure } from "../../../internal/guest/failure.ts";
import { portPath } from "../../../internal/guest/port.ts";
import { answer, extensionAnswer, fakeHost } from "../fake-host.ts";
import { World } from "./world.ts";

const DOC = await Bun.file(join(import.meta.dir, "../../../docs/agent-socket.md")).text();
const A = { name: "a", lastResort: false };
const B = { name: "b", lastResort: false };
type Said = Readonly<Record<string, unknown>>;

/** Returns an agent of `world` that is asked lines; it ends with the test. */
async function asked(world: World, options: Partial<AgentOptions> = {}) {
  const agent = world.agent(options);
  await agent.start();
  const rules = { vmName: "", kept: { name: "kept", lastResort: false }, governors: () => [GOVERNOR] };
  return {
    agent,
    async ask(line: object, holder = A): Promise<Said> {
      const parsed = parseLocalAsk(line as Said);
      if (!parsed.ok || parsed.value.do === "listen") throw new Error(JSON.stringify(parsed));
      // As it goes over the socket.
      return JSON.parse(JSON.stringify(await answerLocal(agent, rules, holder, parsed.value)));
    },
    [Symbol.asyncDispose]: () => agent.stop(),
  };
}
const GOVERNOR = { vcpus: [1], type: "load", up: 0.8, down: 0.4, holdMs: 2000, periodMs: 250 };

test("set and scale answer the rounded kHz, what is asked for the vCPU and what its clock is set to", async () => {
  using world = new World();
  await world.startHost();
  await using program = await asked(world);
  expect(await program.ask({ do: "set", vcpus: 0, khz: 1_900_001 })).toMatchObject({
    ok: true,
    vcpus: [
      { vcpu: 0, outcome: "done", message: null, khz: 2_000_000, wishKhz: 2_000_000, targetKhz: 2_000_000 },
    ],
  });
  // Another program's lower wish waits; what the clock is at is told all the same.
  const lower = { khz: 1_400_000, wishKhz: 2_000_000, targetKhz: 2_000_000 };
  expect(await program.ask({ do: "set", vcpus: 0, khz: 1_300_000 }, B)).toMatchObject({ vcpus: [lower] });
  expect(await program.ask({ do: "set", vcpus: 0, khz: 1_300_000 }, B)).toMatchObject({ vcpus: [lower] });
  expect(await program.ask({ do: "scale", vcpus: 0, step: "up" }, B)).toMatchObject({
    vcpus: [{ khz: 1_600_000, wishKhz: 2_000_000, targetKhz: 2_000_000 }],
  });
  expect(await program.ask({ do: "scale", vcpus: "0-1", step: "max" })).toMatchObject({
    vcpus: [{ khz: 2_600_000 }, { khz: 2_600_000, wishKhz: 2_600_000, targetKhz: 2_600_000 }],
  });
  expect([world.speed(2), world.speed(3)]).toEqual([2_600_000, 2_600_000]);
});

test("a VM that may not query hears the host's own reason, and its steps go on", async () => {
  using world = new World({ queries: false });
  await world.startHost();
  await using program = await asked(world, { timeoutMs: 200 });
  const why = expect.stringContaining("may not query");
  for (const what of ["freqs", "state"])
    expect(await program.ask({ do: what, vcpus: 0 })).toMatchObject({
      ok: false,
      vcpus: [{ outcome: "refused", message: why }],
    });
  for (const what of ["freq", "caps"]) {
    const { message, ...said } = await program.ask({ do: what });
    expect(said).toMatchObject({ ok: false, outcome: "refused", vmVcpus: null, entries: [] });
    expect(message).toMatch(/^The host refused the query on .* may not query/);
  }
  expect(await program.ask({ do: "set", vcpus: 0, khz: 1 })).toMatchObject({
    vcpus: [{ outcome: "refused", message: why }],
  });
  expect(await program.ask({ do: "scale", vcpus: 0, step: "min" })).toMatchObject({
    vcpus: [{ outcome: "done", khz: null, wishKhz: 800_000, targetKhz: null }],
  });
});

test("vCPU 77 is refused as no vCPU of this VM, through one port for all and without a port of its own", async () => {
  using world = new World();
  await world.startHost();
  const lines = [
    { do: "scale", vcpus: 77, step: "max" },
    { do: "set", vcpus: 77, khz: 2_000_000 },
    { do: "freqs", vcpus: 77 },
    { do: "state", vcpus: 77 },
  ];
  {
    await using program = await asked(world);
    for (const line of lines)
      expect(await program.ask(line)).toMatchObject({
        vcpus: [{ vcpu: 77, outcome: "refused", message: expect.stringContaining("vCPU 77") }],
      });
  }
  const portDir = mkdtempSync(join(tmpdir(), "ports-"));
  symlinkSync("/dev/null", portPath(0, portDir));
  await using lone = await asked(world, { port: undefined, portDir });
  // Nobody has said yet how many vCPUs there are.
  expect(await lone.ask(lines[0] ?? {})).toMatchObject({ vcpus: [{ outcome: "no-port" }] });
  const line = lone.agent.lineOf(0);
  if (line === undefined) throw new Error("port 0 has no line");
  Object.defineProperty(line, "host", { value: { speech: "extension", leaseS: 10, vcpus: 2 } });
  for (const one of lines)
    expect(await lone.ask(one)).toMatchObject({
      vcpus: [{ outcome: "no-such-vcpu", message: "vCPU 77: the host knows 2 vCPUs of this VM (0 to 1)." }],
    });
  rmSync(portDir, { recursive: true });
});

test("a program that lists more than eight vCPUs of a host that was started anew has the agent claim again", async () => {
  const nine = Object.fromEntries(Array.from({ length: 9 }, (_, vcpu) => [vcpu, vcpu === 0 ? 2 : 3]));
  using world = new World({ queries: true, pins: nine });
  await world.startHost();
  await using program = await asked(world);
  await program.ask({ do: "set", vcpus: 0, khz: 2_000_000 });
  // The port stays open meanwhile: nothing but its first no tells the agent of the new host.
  world.stopHost();
  await world.startHost();
  expect(await program.ask({ do: "freq" })).toMatchObject({ ok: true, vmVcpus: 9, entries: { length: 9 } });
  expect(world.speed(2)).toBe(2_000_000);
});

test("a refused policy names its own vCPUs", async () => {
  using host = fakeHost((send, frame) => {
    if (frame[14] === 0) send(answer(frame, false));
    else send(extensionAnswer(frame, { do: "hello", version: 1, leaseS: 10, vcpus: 4 }));
  });
  using world = new World();
  await using program = await asked(world, { port: host.port });
  const policy = { type: "workload", workload: "low" };
  const refused = async (vcpus: string) =>
    (await program.ask({ do: "policy", policy: { ...policy, vcpus } }))["message"];
  const where = JSON.stringify(host.port);
  const why = "its log and `powermon explain` say why.";
  expect(await refused("2-3")).toBe(`The host refused the policy for vCPUs 2-3 on ${where}; ${why}`);
  expect(await refused("3")).toBe(`The host refused the policy for vCPU 3 on ${where}; ${why}`);
});

/** Returns the first cells of the table under `heading` in the document, without their marks and the table's own heading. */
function cells(heading: string): string[] {
  const part = DOC.split(`\n## ${heading}\n`)[1]?.split("\n## ")[0] ?? "";
  return [...part.matchAll(/^\| ([^|]*?) *\|/gm)]
    .flatMap(([, cell = ""]) => cell.split(","))
    .map((cell) => cell.trim().replaceAll("`", ""))
    .filter((cell) => /^[a-z]/.test(cell))
    .slice(1);
}
/** Returns the keys of an object and of what is in its lists, each once. */
function keysOf(value: unknown): string[] {
  if (Array.isArray(value)) return value.flatMap(keysOf);
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) => [key, ...keysOf(inner)]);
}
const sorted = (words: readonly string[]) => [...new Set(words)].toSorted();

test("docs/agent-socket.md has every key of what is answered, and no other", async () => {
  using world = new World({ queries: true, turbo: false });
  await world.startHost();
  await using program = await asked(world);
  await program.ask({ do: "set", vcpus: 0, khz: 2_000_000 });
  await program.ask({ do: "scale", vcpus: 1, step: "turbo-on" });
  program.agent.book.set(B, 1, { by: "steps", from: "min", steps: 2 });
  const status = await program.ask({ do: "status" });
  expect(status).toMatchObject({ ok: true, outcome: "done", message: null });
  expect(sorted(cells("Status"))).toEqual(sorted(keysOf(status).filter((key) => key !== "ok")));
  const state = (await program.ask({ do: "state", vcpus: 1 }))["vcpus"];
  expect(sorted([...cells("State"), "vcpu", "port", "outcome", "message"])).toEqual(sorted(keysOf(state)));
});

test("docs/agent-socket.md has every outcome", () => {
  // The compiler holds it complete.
  const kinds: Readonly<Record<GuestFailure["kind"], true>> = {
    "no-port": true,
    "not-a-port": true,
    busy: true,
    "open-failed": true,
    "absent-host": true,
    "no-answer": true,
    refused: true,
    "no-such-vcpu": true,
    "host-failed": true,
    "not-understood": true,
    "host-too-old": true,
    "no-meter": true,
    "v1-only": true,
    "no-name": true,
    "read-failed": true,
    "write-failed": true,
  };
  expect(sorted(cells("Outcomes"))).toEqual(sorted(["done", "bad-request", ...Object.keys(kinds)]));
});
