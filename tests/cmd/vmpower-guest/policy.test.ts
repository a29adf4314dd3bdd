// A policy in words and on the wire: what is wrong is named before anything is sent.

import { expect, test } from "bun:test";
import { RequestDecoder } from "../../../internal/packet/request.ts";
import { answer, extensionAnswer, fakeHost } from "../../guest/fake-host.ts";
import { until } from "../../helpers/until.ts";
import { run } from "./run.ts";

const HELLO = { do: "hello", version: 1, leaseS: 0, vcpus: 1 } as const;
const NONE = {
  busyHours: [],
  quietHours: [],
  trafficHours: [],
  macs: [],
  traffic: { min: 0, avg: 0, max: 0 },
};
const MAC = "52:54:00:12:34:56";

test.each([
  [
    "--type TIME --vcpus 1,3,5-7 --busy-hours 8-11,13 --quiet-hours 0-2,23",
    {
      ...NONE,
      type: "time",
      vcpus: [1, 3, 5, 6, 7],
      busyHours: [8, 9, 10, 11, 13],
      quietHours: [0, 1, 2, 23],
    },
  ],
  [
    `--type TRAFFIC --vcpus 0 --mac ${MAC},FE:DC:BA:98:76:54 --avg 10 --max 20`,
    {
      ...NONE,
      type: "traffic",
      vcpus: [0],
      macs: [MAC, "fe:dc:ba:98:76:54"],
      traffic: { min: 0, avg: 10, max: 20 },
    },
  ],
  [
    "--type WORKLOAD --vcpus 0 --workload medium",
    { ...NONE, type: "workload", vcpus: [0], workload: "medium" },
  ],
  ["--type BRANCH_RATIO --vcpus 2 --turbo", { ...NONE, type: "branch-ratio", vcpus: [2], turbo: true }],
])("policy send %s sends that", async (words, policy) => {
  using host = fakeHost((send, frame) => send(answer(frame, true)));
  const to = ["--port", host.port, "--vm-name", "vm1", "--timeout-ms", "5000"];
  const sent = await run("policy", "send", ...words.split(" "), ...to);
  expect(sent).toMatchObject({ status: 0, out: expect.stringMatching(/^Policy [A-Z_]+ taken by the host$/) });
  expect(host.requests()[1]).toMatchObject({ kind: "policy", policy });
});

test("policy send ends with 3 when the host refuses, policy remove is sent without an answer", async () => {
  using host = fakeHost((send, frame) => {
    if (frame[12] === 3) send(answer(frame, false));
  });
  const words = "policy send --type WORKLOAD --vcpus 0 --workload low --port".split(" ");
  expect((await run(...words, host.port, "--vm-name", "vm1")).status).toBe(3);
  expect(await run("policy", "remove", "--port", host.port, "--vm-name", "vm1")).toMatchObject({
    status: 0,
    out: "Policy removed",
  });
  await until("the removal arrives", () => host.requests().at(-1)?.kind === "policy-remove");
});

test.each([
  ["--type TIMER --vcpus 0", '--type must be one of TIME, TRAFFIC, WORKLOAD, BRANCH_RATIO, not "TIMER"'],
  ["--type TIME --vcpus 0", "--type TIME needs --busy-hours, --quiet-hours or --traffic-hours."],
  [
    "--type TIME --vcpus 0 --busy-hours 22-4",
    '--busy-hours must be hours from 0 to 23 such as 1,3,5-7, not "22-4".',
  ],
  [
    "--type TIME --vcpus 0 --quiet-hours 24",
    '--quiet-hours must be hours from 0 to 23 such as 1,3,5-7, not "24".',
  ],
  [
    "--type TIME --vcpus 0 --busy-hours 1-3 --quiet-hours 3",
    "Hour 3 is in --busy-hours and in --quiet-hours",
  ],
  ["--type TIME --vcpus 0 --traffic-hours 1", "--traffic-hours needs --mac, --avg and --max."],
  ["--type TRAFFIC --vcpus 0 --avg 1 --max 2", "--mac is missing; --type TRAFFIC needs it."],
  ["--type TRAFFIC --vcpus 0 --mac 52:54 --avg 1 --max 2", "--mac must be at most 10 MAC addresses"],
  [`--type TRAFFIC --vcpus 0 --mac ${MAC} --avg 3 --max 2`, "--avg must not be above --max."],
  ["--type WORKLOAD --vcpus 0", "--workload is missing; --type WORKLOAD needs it."],
  ["--type WORKLOAD --vcpus 0-8 --workload low", "--vcpus must be at most 8 vCPUs from 0 to 255"],
  [
    "--type BRANCH_RATIO --vcpus 0 --workload low",
    "--workload means nothing with --type BRANCH_RATIO; leave it out.",
  ],
])("policy send %s is refused with status 2", async (words, message) => {
  const { status, err } = await run("policy", "send", ...words.split(" "), "--port", "unix:/nowhere");
  expect({ status, err }).toEqual({ status: 2, err: expect.stringContaining(message) });
});

test.each(["policy send --type WORKLOAD --vcpus 0 --workload low", "policy remove"])(
  "%s without a name is not sent to a host that speaks DPDK's packets only",
  async (words) => {
    using host = fakeHost((send, frame) => {
      if (frame[12] === 3) send(answer(frame, true));
    });
    const ran = await run(...words.split(" "), "--port", host.port, "--timeout-ms", "100");
    expect(ran).toMatchObject({ status: 2, out: "" });
    expect(ran.err).toMatch(/changes those of other VMs for good: give --vm-name NAME/);
    expect(host.requests().map(({ kind }) => kind)).toEqual(["connect", "extension"]);
  },
);

test("policy send without a name is sent to a host that knows the VM by its channel", async () => {
  using host = fakeHost((send, frame) => {
    const { kind } = new RequestDecoder().decode(frame);
    send(kind === "extension" ? extensionAnswer(frame, HELLO) : answer(frame, true));
  });
  const words = "policy send --type WORKLOAD --vcpus 0 --workload low --port".split(" ");
  expect(await run(...words, host.port, "--timeout-ms", "5000")).toMatchObject({ status: 0 });
  expect(host.requests().map(({ kind }) => kind)).toEqual(["connect", "extension", "policy"]);
});
