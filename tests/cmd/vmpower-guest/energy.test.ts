// A VM's joules in words, through a port and through the agent: what the host counted, or plainly why there is nothing.

import { expect, test } from "bun:test";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ExtensionAnswer } from "../../../internal/values/extension.ts";
import { extensionAnswer, fakeHost } from "../../guest/fake-host.ts";
import { RequestDecoder } from "../../../internal/packet/request.ts";
import { until } from "../../helpers/until.ts";
import { MAIN, run } from "./run.ts";

const HELLO = { do: "hello", version: 1, leaseS: 0, vcpus: 2 } as const;
const counted = (joules: number, seconds: number): ExtensionAnswer => ({
  do: "energy",
  ...{ joules, seconds, periodS: 10, resolutionJ: 1 },
});
const NO_METER = {
  do: "no",
  no: "no-meter",
  text: "The host has no meter that it can read of its CPUs' energy.",
} as const;
const UNKNOWN = { do: "no", no: "unknown-command", text: "This host does not know it." } as const;

/** A host that says HELLO's answer, and `said` to all else; undefined for one that speaks v1 alone. */
const hostSaying = (said: ExtensionAnswer | undefined) =>
  fakeHost((send, frame) => {
    const request = new RequestDecoder().decode(frame);
    if (said === undefined || request.kind !== "extension") return;
    send(extensionAnswer(frame, request.ask.do === "hello" ? HELLO : said));
  });

/** Runs `energy` through the port, and through an agent that holds it. */
async function both(said: ExtensionAnswer | undefined, ...words: string[]) {
  using host = hostSaying(said);
  const wait = said === undefined ? "100" : "5000";
  const direct = await run("energy", ...words, "--port", host.port, "--timeout-ms", wait);
  const dir = mkdtempSync(join(tmpdir(), "agent-"));
  const [config, socket] = [join(dir, "agent.toml"), join(dir, "sock")];
  await Bun.write(config, `port = "${host.port}"\nsocket = "${socket}"\ntimeout_ms = ${wait}\n`);
  const agent = Bun.spawn([process.execPath, MAIN, "agent", "--config", config], { stderr: "pipe" });
  try {
    await until("the agent serves", () => existsSync(socket), 10_000);
    return { port: host.port, direct, agent: await run("energy", ...words, "--agent", socket) };
  } finally {
    agent.kill();
    await agent.exited;
    rmSync(dir, { recursive: true });
  }
}

const TABLE = "JOULES  SECONDS  WATTS  NEW EVERY\n412     50       8.2    10 s";
test.each([
  ["what was counted", counted(412, 50), { status: 0, out: TABLE, err: "" }],
  [
    "that counting began",
    counted(0, 0),
    { status: 0, out: "", err: "The host began to count; the first joules are there in 20 s at most." },
  ],
  ["that there is no meter", NO_METER, { status: 5, out: "", err: expect.stringContaining(NO_METER.text) }],
  [
    "that an older powermon can't",
    UNKNOWN,
    { status: 5, err: expect.stringContaining("is too old for this") },
  ],
  ["that DPDK's host can't", undefined, { status: 5, err: expect.stringContaining("is too old for this") }],
] as const)(
  "energy tells %s",
  async (_, said, expected) => {
    const { direct, agent } = await both(said);
    expect(direct).toMatchObject(expected);
    expect(agent).toEqual(direct);
  },
  30_000,
);

test.each([
  [counted(412, 50), "done", { joules: 412, seconds: 50, periodS: 10, resolutionJ: 1 }],
  [NO_METER, "no-meter", { joules: null, seconds: null, periodS: null, resolutionJ: null }],
] as const)(
  "energy --json of %j has outcome %s",
  async (said, outcome, numbers) => {
    const { port, direct, agent } = await both(said, "--json");
    expect(JSON.parse(direct.out)).toEqual({
      port,
      outcome,
      message: outcome === "done" ? null : expect.any(String),
      ...numbers,
    });
    expect(agent.out).toBe(direct.out);
  },
  30_000,
);

test("energy on this machine's own clocks says whose command it is", async () => {
  const ran = await run(
    "energy",
    "--env",
    "cpufreq",
    "--sysfs-root",
    join(import.meta.dir, "../../fixtures"),
  );
  expect(ran).toMatchObject({ status: 5, out: "" });
});
