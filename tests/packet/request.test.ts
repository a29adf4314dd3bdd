// What a guest's bytes mean, judged by C-made packets: a misread unit or vCPU would set the wrong clock.

import { expect, spyOn, test } from "bun:test";
import { COMMAND, EXTENSION_FIRST, type Generation, REQUEST_BYTES } from "../../internal/packet/constants.ts";
import { encodeRequest, type Malformed, RequestDecoder } from "../../internal/packet/request.ts";
import { STEPS } from "../../internal/values/frequency.ts";
import type { GuestPolicy, Request } from "../../internal/values/request.ts";
import { golden, PACKETS } from "../fixtures/packet/golden.ts";
import { random } from "../fixtures/packet/random.ts";

const ubuntu = { vcpu: 0, vmName: "ubuntu2", physical: false };
const policy: GuestPolicy = {
  type: "time",
  vcpus: [1, 7, 3],
  macs: ["52:54:00:12:34:56", "fe:dc:ba:98:76:54"],
  traffic: { min: 96_000, avg: 1_800_000, max: 4_000_000_000 },
  busyHours: [3, 4, 5],
  quietHours: [0, 12, 23],
  trafficHours: [8, 10],
  workload: "low",
  turbo: true,
};
const of = (change: Partial<GuestPolicy>): Request => ({
  kind: "policy",
  ...ubuntu,
  policy: { ...policy, ...change },
});

/** One row a packet: generation, the oracle's title, what it says. */
const ROWS: readonly (readonly [Generation, string, Request])[] = [
  ["18.11", "connect", { kind: "connect" }],
  ...STEPS.map((step, i): [Generation, string, Request] => [
    "18.11",
    `scale-${step}`,
    { kind: "scale", vcpu: (i + 1) * 3, vmName: "web.01", physical: false, step },
  ]),
  [
    "18.11",
    "scale-physical",
    {
      kind: "scale",
      vcpu: 0x1_0000_0005,
      vmName: "a-name-of-thirty-one-bytes-long",
      physical: true,
      step: "max",
    },
  ],
  ["18.11", "policy-remove", { kind: "policy-remove", ...ubuntu, vcpu: 2 }],
  ["18.11", "query-freq-list", { kind: "query-freq", ...ubuntu, vcpu: 1, all: true }],
  ["18.11", "query-freq", { kind: "query-freq", ...ubuntu, vcpu: 7, all: false }],
  ["18.11", "query-caps-list", { kind: "query-caps", ...ubuntu, vcpu: 1, all: true }],
  ["18.11", "query-caps", { kind: "query-caps", ...ubuntu, vcpu: 7, all: false }],
  ["18.11", "policy-time", of({})],
  ["18.11", "policy-traffic", of({ type: "traffic" })],
  ["18.11", "policy-branch-ratio", of({ type: "branch-ratio" })],
  ["18.11", "policy-high", of({ type: "workload", workload: "high" })],
  ["18.11", "policy-medium", of({ type: "workload", workload: "medium" })],
  ["18.11", "policy-low", of({ type: "workload", workload: "low" })],
  ["17.11", "connect", { kind: "connect" }],
  [
    "17.11",
    "scale-turbo-off",
    { kind: "scale", vcpu: 11, vmName: "old", physical: false, step: "turbo-off" },
  ],
  ["17.11", "policy-time", of({})],
  ["2014", "connect", { kind: "connect" }],
  ["2014", "scale-min", { kind: "scale", vcpu: 63, vmName: "", physical: false, step: "min" }],
];
/** What no encoder of ours makes, and how it reads. */
const DECODED_ONLY: readonly (readonly [Generation, string, Request])[] = [
  ["18.11", "connect-dirty", { kind: "connect" }],
  ["18.11", "policy-stock", of({})],
];

test.each([...ROWS, ...DECODED_ONLY])(
  "decode() reads the C program's %s %s",
  (generation, title, request) => {
    expect(new RequestDecoder().decode(golden(generation, title))).toEqual(request);
  },
);

test.each(ROWS)("encodeRequest() makes the bytes of the C program's %s %s", (generation, title, request) => {
  expect(encodeRequest(request, generation).toHex()).toBe(golden(generation, title).toHex());
});

test("golden.txt has no request without a row", () => {
  const rows = [...ROWS, ...DECODED_ONLY].map(([generation, title]) => `${generation} ${title}`);
  const packets = PACKETS.filter((p) => p.generation !== "reply").map((p) => `${p.generation} ${p.title}`);
  expect(packets.sort()).toEqual(rows.sort());
});

/** Returns an 18.11 scale frame with `value` (u32) at byte `at`. */
function patched(at: number, value: number, frame = golden("18.11", "scale-up")): Uint8Array {
  new DataView(frame.buffer).setUint32(at, value, true);
  return frame;
}

const FULL_NAME = golden("18.11", "scale-up").fill(0x61, 16, 48);
const MALFORMED: readonly (readonly [string, Uint8Array, Malformed["why"], number])[] = [
  ["no bytes", new Uint8Array(0), "bad-size", 0],
  ["one byte too few", golden("18.11", "connect").subarray(1), "bad-size", 0],
  ["88 bytes", golden("reply", "freq-list"), "bad-size", 0],
  ...[0, 5, 6, 11, 0xffff_ffff, 0x564d_0000, 0x564e_0001].map(
    (c) => [`command ${c}`, patched(12, c), "unknown-command", c] as const,
  ),
  ["a policy in 16 bytes", patched(12, 3, golden("2014", "scale-min")), "unknown-command", 3],
  ["a query in 456 bytes", patched(12, 8, golden("17.11", "connect")), "unknown-command", 8],
  [
    "an extension code in 456 bytes",
    patched(12, EXTENSION_FIRST, golden("17.11", "connect")),
    "unknown-command",
    EXTENSION_FIRST,
  ],
  ["an extension answer", patched(12, 0x564d_8001), "unknown-command", 0x564d_8001],
  ["the last extension code", patched(12, 0x564d_ffff), "unknown-command", 0x564d_ffff],
  ["unit 0", patched(8, 0), "unknown-unit", 1],
  ["unit 7", patched(8, 7), "unknown-unit", 1],
  ["turbo in 16 bytes", patched(8, 5, golden("2014", "scale-min")), "unknown-unit", 1],
  ["a name without NUL", FULL_NAME, "unterminated-name", 1],
];
test.each(MALFORMED)("decode() says why when it gets %s", (_, frame, why, command) => {
  const answer = new RequestDecoder().decode(frame);
  expect(answer).toMatchObject({ kind: "malformed", why, command });
  expect((answer as Malformed).detail).toMatch(/^[A-Z].+\.$/);
});

test("decode() takes any core_type but 0 for a physical core", () => {
  const frame = golden("18.11", "scale-up");
  frame[444] = 2;
  expect(new RequestDecoder().decode(frame)).toMatchObject({ physical: true });
});

test("decode() keeps a vCPU number beyond 32 bits apart from its low half", () => {
  const frame = golden("18.11", "scale-up").fill(0xff, 0, 8);
  expect(new RequestDecoder().decode(frame)).toMatchObject({ vcpu: 2 ** 64 });
});

test("decode() makes a name once while its bytes stay, and again when they change", () => {
  const decoder = new RequestDecoder();
  const text = spyOn(TextDecoder.prototype, "decode");
  const views = spyOn(Uint8Array.prototype, "subarray");
  try {
    const [up, other] = [golden("18.11", "scale-up"), golden("18.11", "query-freq")];
    decoder.decode(up);
    expect([text.mock.calls.length, views.mock.calls.length]).toEqual([1, 2]);
    up.fill(0xee, 16 + "web.01".length + 1, 48); // what stands after the NUL is not the name
    for (let i = 0; i < 1000; i++) expect(decoder.decode(up)).toMatchObject({ vmName: "web.01" });
    expect([text.mock.calls.length, views.mock.calls.length]).toEqual([1, 2]);
    expect(decoder.decode(other)).toMatchObject({ vmName: "ubuntu2" });
    expect(decoder.decode(up)).toMatchObject({ vmName: "web.01" });
    expect(text.mock.calls.length).toBe(3);
  } finally {
    text.mockRestore();
    views.mockRestore();
  }
});

test("decode() tells apart names of which one starts like the other", () => {
  const decoder = new RequestDecoder();
  for (const vmName of ["web", "web1", "web", "", "we", "x".repeat(31), ""]) {
    const frame = encodeRequest({ kind: "scale", ...ubuntu, vmName, step: "up" }, "18.11");
    expect(decoder.decode(frame)).toMatchObject({ vmName });
  }
});

test("decode() keeps the name it knows when a frame's name has no NUL", () => {
  const decoder = new RequestDecoder();
  const good = golden("18.11", "scale-up");
  for (const frame of [good, FULL_NAME, good]) decoder.decode(frame);
  expect(decoder.decode(good)).toMatchObject({ vmName: "web.01" });
});

test("decode() never throws when the bytes are random", () => {
  const next = random(1);
  const decoder = new RequestDecoder();
  const sizes = [16, 456, 464, 464, 464];
  const seen = new Map<string, number>();
  for (let i = 0; i < 20_000; i++) {
    const size = next(20) === 0 ? next(1000) : (sizes[next(sizes.length)] ?? 0);
    const frame = Uint8Array.from({ length: size }, () => (next(4) === 0 ? next(256) : 0));
    if (size >= 48 && next(8) === 0) frame.fill(1 + next(255), 16, 48);
    if (size >= 16 && next(8) > 0) frame.set([next(8), 0, 0, 0, next(12), 0, 0, 0], 8);
    const answer = decoder.decode(frame);
    const name = answer.kind === "malformed" ? answer.why : answer.kind;
    seen.set(name, (seen.get(name) ?? 0) + 1);
  }
  expect([...seen.keys()].sort()).toEqual([
    "bad-policy",
    "bad-size",
    "connect",
    "policy-remove",
    "query-caps",
    "query-freq",
    "scale",
    "unknown-command",
    "unknown-unit",
    "unterminated-name",
  ]);
});

test("decode() keeps every count and hour of a policy in bounds when some of its bytes are random", () => {
  const next = random(3);
  const kinds = new Set<string>();
  for (let i = 0; i < 5000; i++) {
    const frame = next(2) === 0 ? golden("18.11", "policy-stock") : golden("17.11", "policy-time");
    for (let n = next(4); n > 0; n--)
      frame[48 + next(frame.length - 48)] = next(3) === 0 ? next(256) : next(24);
    const answer = new RequestDecoder().decode(frame);
    kinds.add(answer.kind);
    if (answer.kind !== "policy") continue;
    const { vcpus, macs, busyHours, quietHours, trafficHours } = answer.policy;
    expect([vcpus.length <= 8, macs.length <= 10]).toEqual([true, true]);
    expect([...busyHours, ...quietHours, ...trafficHours].filter((hour) => hour < 0 || hour > 23)).toEqual(
      [],
    );
  }
  expect([...kinds].sort()).toEqual(["malformed", "policy"]);
});

test("encodeRequest() zeroes the buffer it is given and fills its front", () => {
  const into = new Uint8Array(500).fill(0xaa);
  const frame = encodeRequest({ kind: "scale", ...ubuntu, step: "up" }, "18.11", into);
  expect(frame.toHex()).toBe(encodeRequest({ kind: "scale", ...ubuntu, step: "up" }, "18.11").toHex());
  expect(frame.buffer).toBe(into.buffer);
  expect(into[464]).toBe(0xaa);
});

const scale = { kind: "scale", ...ubuntu, step: "up" } as const;
const REFUSED: readonly (readonly [string, Request, Generation, string])[] = [
  ["a name of 32 bytes", { ...scale, vmName: "x".repeat(32) }, "18.11", "at most 31 fit"],
  ["a vCPU below 0", { ...scale, vcpu: -1 }, "18.11", "vCPU is -1"],
  ["half a vCPU", { ...scale, vcpu: 0.5 }, "18.11", "vCPU is 0.5"],
  [
    "a query in 17.11",
    { kind: "query-freq", ...ubuntu, all: true },
    "17.11",
    "DPDK 17.11 has no query-freq request",
  ],
  ["a policy in 2014", of({}), "2014", "DPDK 2014 has no policy request"],
  ["turbo in 2014", { ...scale, step: "turbo-on" }, "2014", "DPDK 2014 has no turbo-on"],
  ["a host core in 17.11", { ...scale, physical: true }, "17.11", "no core_type"],
  ["nine vCPUs", of({ vcpus: [0, 1, 2, 3, 4, 5, 6, 7, 8] }), "18.11", "at most 8 fit"],
  ["vCPU 256 in a policy", of({ vcpus: [256] }), "18.11", "vCPU is 256"],
  ["eleven MACs", of({ macs: Array<string>(11).fill("52:54:00:12:34:56") }), "18.11", "at most 10 fit"],
  ["half a MAC", of({ macs: ["52:54:00"] }), "18.11", '"52:54:00" is no MAC address'],
  ["hour 24", of({ busyHours: [24] }), "18.11", "hour is 24"],
  ["a negative rate", of({ traffic: { min: -1, avg: 0, max: 0 } }), "18.11", "packets per second is -1"],
];
test.each(REFUSED)("encodeRequest() throws RangeError when given %s", (_, request, generation, sentence) => {
  expect(() => encodeRequest(request, generation)).toThrow(RangeError);
  expect(() => encodeRequest(request, generation)).toThrow(sentence);
});

test("encodeRequest() throws RangeError when the buffer is too short", () => {
  expect(() => encodeRequest(scale, "18.11", new Uint8Array(463))).toThrow("needs 464 bytes, not 463");
});

test("every command has the size of its generation when encoded", () => {
  for (const generation of ["2014", "17.11", "18.11"] as const) {
    const frame = encodeRequest(scale, generation);
    expect([frame.length, frame[12]]).toEqual([REQUEST_BYTES[generation], COMMAND.CPU_POWER]);
  }
});
