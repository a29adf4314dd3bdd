import { expect, test } from "bun:test";
import { mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { portPath } from "../../../internal/guest/port.ts";
import { RequestDecoder } from "../../../internal/packet/request.ts";
import { encodeCapsList, encodeFreqList } from "../../../internal/packet/reply.ts";
import { answer, extensionAnswer, type FakeHost, fakeHost } from "../../guest/fake-host.ts";
import { run } from "./run.ts";

const HEAD = { vcpu: 0, unit: 0, vmName: "" };
const freqs = (khz: readonly number[]): Uint8Array => encodeFreqList({ ...HEAD, khz });
const caps = encodeCapsList({
  ...HEAD,
  caps: [
    { turbo: true, priority: false },
    { turbo: false, priority: true },
  ],
});
/** ACKs even vCPUs, refuses 1, is silent about the others. */
const choosy = (): FakeHost =>
  fakeHost((send, frame) => {
    const vcpu = frame[0] ?? 0;
    if (vcpu % 2 === 0 || vcpu === 1) send(answer(frame, vcpu % 2 === 0));
  });

test("scale sends one request for each vCPU, in order, and prints a line for each", async () => {
  using host = choosy();
  const { status, out, err } = await run(
    "scale",
    "turbo-off",
    "--vcpu",
    "2,0",
    "--port",
    host.port,
    "--vm-name",
    "vm1",
    "--timeout-ms",
    "5000",
  );
  expect({ status, out, err }).toEqual({
    status: 0,
    out: "vCPU 0: turbo-off done\nvCPU 2: turbo-off done",
    err: "",
  });
  const common = { kind: "scale", vmName: "vm1", physical: false, step: "turbo-off" } as const;
  expect(host.requests()).toEqual([{ kind: "connect" }, { ...common, vcpu: 0 }, { ...common, vcpu: 2 }]);
});

test.each([
  ["0,1", 3, "vCPU 0: up done", [/^vCPU 1: The host refused vCPU 1 on "unix:/]],
  [
    "1,3",
    4,
    "",
    [/^vCPU 1: The host refused/, /^vCPU 3: The host did not answer on "unix:.* within 50 ms: either/],
  ],
])("scale of vCPUs %s ends with the worst: %p", async (vcpus, status, out, errors) => {
  using host = choosy();
  const result = await run("scale", "up", "--vcpu", vcpus, "--port", host.port, "--timeout-ms", "50");
  expect({ status: result.status, out: result.out }).toEqual({ status, out });
  const lines = result.err.split("\n");
  expect(lines.length).toBe(errors.length);
  errors.forEach((error, i) => expect(lines[i]).toMatch(error));
});

test("scale --json tells each vCPU's outcome in one document", async () => {
  using host = choosy();
  const { status, out, err } = await run(
    "scale",
    "min",
    "--vcpu",
    "0,1",
    "--port",
    host.port,
    "--json",
    "--timeout-ms",
    "5000",
  );
  expect({ status, err }).toEqual({ status: 3, err: "" });
  expect(JSON.parse(out)).toEqual({
    step: "min",
    vcpus: [
      { vcpu: 0, port: host.port, outcome: "done", message: null },
      {
        vcpu: 1,
        port: host.port,
        outcome: "refused",
        message: expect.stringContaining("The host refused vCPU 1"),
      },
    ],
  });
});

test("scale sends vCPU n through port n", async () => {
  const dir = mkdtempSync(join(tmpdir(), "ports-"));
  symlinkSync("/dev/null", portPath(0, dir));
  symlinkSync("/dev/full", portPath(2, dir));
  const { status, out } = await run("scale", "up", "--vcpu", "0-2", "--port-dir", dir, "--json");
  expect(status).toBe(5);
  expect(JSON.parse(out).vcpus).toMatchObject([
    { vcpu: 0, port: portPath(0, dir), outcome: "absent-host" },
    { vcpu: 1, port: portPath(1, dir), outcome: "no-port" },
    { vcpu: 2, port: portPath(2, dir), outcome: "write-failed" },
  ]);
  rmSync(dir, { recursive: true });
});

test("freq asks once for all and shows kHz, or that the host doesn't know", async () => {
  using host = fakeHost((send) => send(freqs([1_200_000, 0, 3_001_000])));
  const all = await run("freq", "--port", host.port, "--timeout-ms", "5000");
  expect(all).toEqual({ status: 0, out: "VCPU  KHZ\n0     1200000\n1     unknown\n2     3001000", err: "" });
  expect(host.requests()).toEqual([
    { kind: "connect" },
    { kind: "query-freq", all: true, vcpu: 0, vmName: "", physical: false },
  ]);
  const some = await run("freq", "--vcpu", "1-2", "--port", host.port, "--json", "--timeout-ms", "5000");
  expect(JSON.parse(some.out)).toEqual({
    port: host.port,
    outcome: "done",
    message: null,
    vmVcpus: 3,
    vcpus: [
      { vcpu: 1, khz: null, outcome: "done", message: null },
      { vcpu: 2, khz: 3_001_000, outcome: "done", message: null },
    ],
  });
});

test.each([
  ["0,3", 1, "vCPU 3: the host knows 3 vCPUs of this VM (0 to 2)."],
  ["0,8", 5, "vCPU 8 can't be asked about: an answer of DPDK's format has room for vCPUs 0 to 7."],
])("freq --vcpu %s shows what it can and ends with %p", async (vcpus, status, err) => {
  using host = fakeHost((send) => send(freqs([5, 6, 7])));
  expect(await run("freq", "--vcpu", vcpus, "--port", host.port, "--timeout-ms", "5000")).toEqual({
    status,
    out: "VCPU  KHZ\n0     5",
    err,
  });
});

test("freq says when the VM has more vCPUs than an answer can hold and the host speaks v1 only", async () => {
  const reply = freqs([1, 2, 3, 4, 5, 6, 7, 8]);
  reply[80] = 12;
  using host = fakeHost((send, _frame, nth) => {
    if (nth === 0) send(reply);
  });
  const { status, out, err } = await run("freq", "--port", host.port, "--timeout-ms", "300");
  expect(status).toBe(0);
  expect(out.split("\n").length).toBe(9);
  expect(err).toBe("This VM has 12 vCPUs; an answer of DPDK's format has room for the first 8.");
});

test("caps shows turbo and priority of each vCPU", async () => {
  using host = fakeHost((send) => send(caps));
  const { status, out } = await run("caps", "--port", host.port, "--timeout-ms", "5000");
  expect({ status, out }).toEqual({
    status: 0,
    out: "VCPU  TURBO  PRIORITY\n0     yes    no\n1     no     yes",
  });
  const json = await run("caps", "--vcpu", "1", "--port", host.port, "--json", "--timeout-ms", "5000");
  expect(JSON.parse(json.out).vcpus).toEqual([
    { vcpu: 1, turbo: false, priority: true, outcome: "done", message: null },
  ]);
});

test("freq names both reasons why a host may be silent", async () => {
  using host = fakeHost(() => {});
  const { status, out, err } = await run("freq", "--port", host.port, "--timeout-ms", "30");
  expect({ status, out }).toEqual({ status: 4, out: "" });
  expect(err).toContain("does not let this VM query");
  expect(err).toContain("too slow or not reading");
  const json = await run("freq", "--port", host.port, "--timeout-ms", "30", "--json");
  expect(JSON.parse(json.out)).toMatchObject({
    outcome: "no-answer",
    message: err.replace(/^vmpower-guest: /, ""),
    vcpus: [],
  });
});

test("probe tells a host that answers from one that is silent", async () => {
  using talking = fakeHost((send) => send(caps));
  using silent = fakeHost(() => {});
  const yes = await run("probe", "--port", talking.port, "--timeout-ms", "5000");
  expect({ status: yes.status, lines: yes.out.split("\n").length }).toEqual({ status: 0, lines: 3 });
  expect(yes.out).toStartWith("Environment kvm-vm: --port was given.\n");
  expect(yes.out).toMatch(/ {2}- {8}yes {3}yes$/);
  const no = await run("probe", "--port", silent.port, "--timeout-ms", "30");
  expect(no.status).toBe(4);
  expect(no.out).toMatch(/ {2}- {8}yes {3}no\nThe host did not answer the query/);
});

test("probe tells of every port in the folder, each no with its reason", async () => {
  const dir = mkdtempSync(join(tmpdir(), "ports-"));
  symlinkSync("/dev/full", portPath(10, dir));
  symlinkSync("/dev/null", portPath(1, dir));
  const { status, out } = await run("probe", "--port-dir", dir, "--json");
  expect(status).toBe(4);
  expect(JSON.parse(out)).toEqual({
    env: "kvm-vm",
    agent: false,
    why: "--port-dir was given.",
    ports: [
      {
        port: portPath(1, dir),
        number: 1,
        heldBy: null,
        host: false,
        answers: false,
        outcome: "absent-host",
        message: expect.stringContaining("start powermon"),
      },
      {
        port: portPath(10, dir),
        number: 10,
        heldBy: null,
        host: null,
        answers: null,
        outcome: "write-failed",
        message: expect.stringContaining("ENOSPC"),
      },
    ],
  });
  rmSync(dir, { recursive: true });
});

test.each(["freq", "caps"])("%s of a host that only acknowledges fails with a sentence", async (command) => {
  using host = fakeHost((send, frame) => send(answer(frame, true)));
  const { status, out, err } = await run(command, "--port", host.port, "--timeout-ms", "50");
  expect({ status, out }).toEqual({ status: 4, out: "" });
  expect(err).toStartWith("The host did not answer the query on ");
});

test("release on a host that speaks DPDK's packets only ends with 5 and says why", async () => {
  using host = fakeHost((send, frame) => {
    if (new RequestDecoder().decode(frame).kind === "scale") send(answer(frame, true));
  });
  const { status, out, err } = await run("release", "--vcpu", "0", "--port", host.port, "--timeout-ms", "50");
  expect({ status, out }).toEqual({ status: 5, out: "" });
  expect(err).toMatch(
    /did not answer in powermon's own words within 50 ms, and DPDK's packets can't say this/,
  );
});

test("freq asks a DPDK host for no more than it can tell, and waits no whole --timeout-ms for that", async () => {
  using host = fakeHost((send, frame) => {
    const request = new RequestDecoder().decode(frame);
    if (request.kind === "query-freq") send(freqs(Array.from({ length: 8 }, () => 1_000_000)));
  });
  // A whole wait would outlast the test.
  const { status, out } = await run("freq", "--port", host.port, "--timeout-ms", "60000", "--json");
  expect(status).toBe(0);
  expect(JSON.parse(out).vcpus).toHaveLength(8);
});

test("a host's sentence reaches the terminal without what a terminal acts on", async () => {
  const agreed = { do: "hello", version: 1, leaseS: 0, vcpus: 1 } as const;
  const no = { do: "no", no: "turbo-off", text: "\u001b]0;x\u0007\r\u009b2J\u202eno" } as const;
  using host = fakeHost((send, frame, nth) => send(extensionAnswer(frame, nth % 2 === 0 ? agreed : no)));
  const words = ["release", "--vcpu", "0", "--port", host.port, "--timeout-ms", "2000"];
  const plain = await run(...words);
  expect(plain.err).toEndWith("\\u001b]0;x\\u0007\\u000d\\u009b2J\\u202eno");
  const { out } = await run(...words, "--json");
  expect(out).toContain("\\u001b]0;x\\u0007\\r\\u009b2J\\u202eno");
});
