// A DPDK program's telemetry as its library serves it: a greeting, then an answer a question, over a SEQPACKET socket.

import { expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { parseLcoreUsage } from "../../../../internal/guest/agent/governor/cycles.ts";
import { Telemetry } from "../../../../internal/guest/agent/governor/telemetry.ts";
import { testNeeding } from "../../../helpers/needing.ts";
import { until } from "../../../helpers/until.ts";

/** Serves lcores 0 and 2, of which 2 works a quarter of its cycles. Source of the forms: DPDK lib/telemetry/telemetry.c. */
const SERVER = `
import json, socket, sys
server = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET); server.bind(sys.argv[1]); server.listen()
print("listening", flush=True)
client, _ = server.accept()
client.send(json.dumps({"version": "DPDK 24.11.0", "pid": 1, "max_output_len": 16384}).encode())
total = 0
while True:
    asked = client.recv(1024)
    if not asked: break
    total += 4000
    answer = {"lcore_ids": [0, 2], "total_cycles": [total, total], "busy_cycles": [0, total // 4]}
    client.send(json.dumps({asked.decode(): answer}).encode() + b"\\0")
`;

testNeeding(
  ["python3"],
  "read() tells the cycles that programs told last, and forgets those that went",
  async () => {
    const dir = mkdtempSync(`${tmpdir()}/dpdk-`);
    mkdirSync(`${dir}/rte`);
    mkdirSync(`${dir}/mute`);
    writeFileSync(`${dir}/file`, "");
    const telemetry = new Telemetry(dir);
    expect(telemetry.read().size).toBe(0);
    const program = Bun.spawn(["python3", "-c", SERVER, `${dir}/rte/dpdk_telemetry.v2`], { stdout: "pipe" });
    await program.stdout.getReader().read();
    await until("the first answer", () => telemetry.read().size === 2);
    const before = telemetry.read().get(2);
    await until("a later one", () => (telemetry.read().get(2)?.busy ?? 0) > (before?.busy ?? 0));
    const { busy, idle } = telemetry.read().get(2) ?? { busy: 0, idle: 0 };
    expect(busy / (busy + idle)).toBe(0.25);
    expect(telemetry.read().get(0)?.busy).toBe(0);
    program.kill("SIGKILL");
    await program.exited;
    await until("it is forgotten", () => telemetry.read().size === 0);
    telemetry.close();
    rmSync(dir, { recursive: true });
  },
);

test.each([
  ["no JSON", "what?", undefined],
  ["the greeting", '{"version":"DPDK 24.11.0","pid":1,"max_output_len":16384}', undefined],
  ["another command's answer", '{"/info":{}}', undefined],
  ["a program that doesn't count", '{"/eal/lcore/usage":null}', 0],
  [
    "lists that don't fit each other",
    '{"/eal/lcore/usage":{"lcore_ids":[1,2],"total_cycles":[5],"busy_cycles":[1]}}',
    1,
  ],
  ["no numbers", '{"/eal/lcore/usage":{"lcore_ids":["1"],"total_cycles":[5],"busy_cycles":[1]}}', 0],
] as const)("parseLcoreUsage() takes from %s what is there", (_, text, count) => {
  expect(parseLcoreUsage(text)?.size).toBe(count as number);
});
