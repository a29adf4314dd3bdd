import { expect, test } from "bun:test";
import { POWERMON } from "../../../cmd/powermon/commands.ts";
import type { Io } from "../../../internal/cli/command.ts";
import { main } from "../../../internal/cli/main.ts";
import { SAYS, serve } from "../../control/serve.ts";
import { ask, frame } from "../../helpers/lab.ts";
import { call } from "./call.ts";
import { until } from "../../helpers/until.ts";

async function status(socket: string, ...words: readonly string[]) {
  const out: string[] = [];
  const err: string[] = [];
  const io: Io = { out: (text) => out.push(text), err: (text) => err.push(text), isTTY: false };
  const ended = await main(POWERMON, ["status", "--socket", socket, ...words], io);
  return { ended, out: out.join("\n"), err };
}

const ALL = "channels,drift,refusals,failures,meter,problems";

test("powermon status --fail-on ends with 0 while nothing of it is so, and with 1 and why as soon as it is", async () => {
  using it = await serve({ guests: ["vm1.0", "vm2.0"] });
  expect(await status(it.socket, "--fail-on", ALL)).toMatchObject({ ended: 0, err: [] });
  const [vm1, vm2] = it.guests;
  if (vm1 === undefined || vm2 === undefined) throw new Error("no guests");
  await ask(vm1, frame({ step: "max", vcpu: 9 }));
  expect(await status(it.socket, "--fail-on", "channels,drift")).toMatchObject({ ended: 0, err: [] });
  expect(await status(it.socket, "--fail-on", ALL)).toMatchObject({
    ended: 1,
    err: ["powermon: 1 requests were refused since powermon started"],
  });
  vm2.quit();
  await until(
    "its channel is lost",
    async () => (await status(it.socket, "--fail-on", "channels")).ended === 1,
  );
  const { ended, out, err } = await status(it.socket, "--fail-on", ALL, "--json");
  expect({ ended, err }).toEqual({ ended: 1, err: [] });
  expect(JSON.parse(out).faults).toEqual([
    "1 of 2 channels are not connected",
    "1 requests were refused since powermon started",
  ]);
  expect((await status(it.socket)).ended).toBe(0);
});

test("powermon status --fail-on meter ends with 1 while the budget's meter is lost", async () => {
  using it = await serve({ says: SAYS });
  await call("budget", "set", "110", "--socket", it.socket);
  const lost = await status(it.socket, "--fail-on", "meter");
  expect(lost.ended).toBe(1);
  expect(lost.err[0]).toContain("powermon: the budget's meter is lost: no zone of RAPL called package is in");
  expect(lost.out).toContain("an unknown number of 110 W, the meter is lost");
  await call("budget", "off", "--socket", it.socket);
  expect((await status(it.socket, "--fail-on", "meter")).ended).toBe(0);
});

test.each(["channels,", "drifts", "toString"])("powermon status --fail-on %p is wrong", async (list) => {
  const { ended, out, err } = await status("/nowhere/x.sock", `--fail-on=${list}`);
  expect({ ended, out }).toEqual({ ended: 2, out: "" });
  expect(err[0]).toContain("--fail-on must be some of channels, drift, refusals, failures, meter, problems");
});
