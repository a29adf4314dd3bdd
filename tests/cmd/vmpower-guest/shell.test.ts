// The guest's prompt with a script on standard input: DPDK's words and ours, until one fails.

import { expect, test } from "bun:test";
import { encodeFreqList } from "../../../internal/packet/reply.ts";
import { answer, fakeHost } from "../../guest/fake-host.ts";
import { MAIN } from "./run.ts";

async function script(text: string, ...words: readonly string[]) {
  const child = Bun.spawn([process.execPath, MAIN, "shell", ...words], {
    stdin: Buffer.from(text),
    stdout: "pipe",
    stderr: "pipe",
  });
  const [out, err] = await Promise.all([child.stdout.text(), child.stderr.text()]);
  return { status: await child.exited, out: out.trimEnd(), err: err.trimEnd() };
}

const khz = encodeFreqList({ vcpu: 0, unit: 0, vmName: "", khz: [1_200_000, 800_000] });
const host = () =>
  fakeHost((send, frame) => send((frame[12] ?? 0) >= 7 ? khz : answer(frame, (frame[0] ?? 0) < 2)));

test("DPDK's commands do what ours do, with the shell's flags", async () => {
  using h = host();
  const lines = "# as for guest_cli\nset_cpu_freq 0 max\nset_cpu_freq 1 enable_turbo\nquery_cpu_freq all\n";
  const ours =
    "scale min --vcpu 1\nsend_policy now -- --type WORKLOAD --vcpus 0 --workload low\nquit\nscale up --vcpu 0\n";
  const done = await script(lines + ours, "--port", h.port, "--vm-name", "vm1", "--timeout-ms", "5000");
  expect(done).toEqual({
    status: 0,
    out: [
      "vCPU 0: max done",
      "vCPU 1: turbo-on done",
      "VCPU  KHZ\n0     1200000\n1     800000",
      "vCPU 1: min done",
      "Policy WORKLOAD taken by the host",
    ].join("\n"),
    err: "",
  });
  const asked = h.requests().filter(({ kind }) => kind !== "connect");
  expect(asked).toMatchObject([
    { kind: "scale", vcpu: 0, step: "max", vmName: "vm1" },
    { kind: "scale", vcpu: 1, step: "turbo-on" },
    { kind: "query-freq", all: true },
    { kind: "scale", vcpu: 1, step: "min" },
    { kind: "policy", policy: { type: "workload", workload: "low" } },
  ]);
});

test.each([
  ["set_cpu_freq 3 up\nset_cpu_freq 0 up\n", "Line 1 failed with status 3: set_cpu_freq 3 up"],
  ["set_cpu_freq 0 sideways\n", "Line 1 failed with status 2"],
  ["send_policy now\n", "There is no policy to send: start the shell with --policy TIME --vcpu-list 0"],
  ["agent\n", 'unknown command "agent"'],
])("a script that says %p ends with 1 and says where", async (text, words) => {
  using h = host();
  const { status, err } = await script(text, "--port", h.port, "--timeout-ms", "5000");
  expect({ status, err }).toEqual({ status: 1, err: expect.stringContaining(words) });
  expect(h.requests().filter((request) => request.kind === "scale" && request.vcpu === 0)).toEqual([]);
});

test("send_policy now sends the policy of guest_cli's own start options", async () => {
  using h = host();
  const flags = "--policy TIME --vcpu-list 0,1 --busy-hours 8-17 --quiet-hours 0-6 --vm-name vm1".split(" ");
  const done = await script("send_policy now\n", ...flags, "--port", h.port, "--timeout-ms", "5000");
  expect(done).toEqual({ status: 0, out: "Policy TIME taken by the host", err: "" });
  expect(h.requests().at(-1)).toMatchObject({
    kind: "policy",
    vmName: "vm1",
    policy: {
      type: "time",
      vcpus: [0, 1],
      busyHours: [8, 9, 10, 11, 12, 13, 14, 15, 16, 17],
      quietHours: [0, 1, 2, 3, 4, 5, 6],
    },
  });
});

test("a shell with a policy's flags and no --policy is a usage error, and --keep-going runs what follows", async () => {
  using h = host();
  const wrong = await script("", "--vcpu-list", "0", "--port", h.port);
  expect(wrong).toMatchObject({ status: 2, err: expect.stringContaining("--policy is missing") });
  const words = ["--keep-going", "--port", h.port, "--timeout-ms", "5000"];
  const done = await script("set_cpu_freq 3 up\nset_cpu_freq 0 up\n", ...words);
  expect(done).toMatchObject({ status: 1, out: "vCPU 0: up done" });
  expect(done.err).toContain("Line 1 failed with status 3");
});
