// What the host answers, judged by C-made packets: a stock guest takes these bytes as they are.

import { expect, test } from "bun:test";
import { EXTENSION_FIRST } from "../../internal/packet/constants.ts";
import { acknowledge, decodeReply, encodeCapsList, encodeFreqList } from "../../internal/packet/reply.ts";
import { encodeRequest } from "../../internal/packet/request.ts";
import type { Reply } from "../../internal/values/request.ts";
import { golden, PACKETS } from "../fixtures/packet/golden.ts";
import { random } from "../fixtures/packet/random.ts";

const caps = Array.from({ length: 8 }, (_, i) => ({ turbo: i % 2 === 1, priority: i >= 4 }));
const khz = [1_200_000, 1_300_000, 1_400_000, 1_500_000];
const head = { vcpu: 2, vmName: "ubuntu2" };
const up = { kind: "scale", vcpu: 3, vmName: "web.01", physical: false, step: "up" } as const;

const ROWS: readonly (readonly [string, Reply])[] = [
  ["ack", { kind: "ack", vcpu: 3, vmName: "web.01", unit: 1 }],
  ["nack", { kind: "nack", vcpu: 3, vmName: "web.01", unit: 1 }],
  ["freq-list", { kind: "freq-list", ...head, count: 4, khz }],
  ["caps-list", { kind: "caps-list", ...head, count: 8, caps }],
  [
    "freq-list-dirty",
    {
      kind: "freq-list",
      vcpu: 0xa5a5_a5a5 * 0x1_0000_0000 + 0xa5a5_a5a5,
      vmName: "",
      count: 12,
      khz: [0, 1, 2, 3, 4, 5, 6, 7].map((i) => 2_000_000 + i),
    },
  ],
];
test.each(ROWS)("decodeReply() reads the C program's %s", (title, reply) => {
  expect(decodeReply(golden("reply", title))).toEqual(reply);
});

test("golden.txt has no reply without a row", () => {
  const titles = PACKETS.filter((p) => p.generation === "reply").map((p) => p.title);
  expect(titles).toEqual(ROWS.map(([title]) => title));
});

test.each([
  ["ack", true],
  ["nack", false],
])("acknowledge() turns the request itself into the C program's %s", (title, yes) => {
  const frame = encodeRequest(up, "18.11");
  expect(acknowledge(frame, yes)).toBe(frame);
  expect(frame.toHex()).toBe(golden("reply", title).toHex());
});

test("acknowledge() leaves every byte but the command's as the guest sent it", () => {
  const sent = golden("18.11", "policy-stock").fill(0x5a, 457);
  const back = acknowledge(sent.slice(), true);
  const changed = [...sent.keys()].filter((i) => sent[i] !== back[i]);
  expect(changed).toEqual([12]);
});

test("encodeFreqList() makes the bytes of the C program", () => {
  expect(encodeFreqList({ ...head, unit: 9, khz }).toHex()).toBe(golden("reply", "freq-list").toHex());
});

test("encodeCapsList() makes the bytes of the C program", () => {
  expect(encodeCapsList({ ...head, unit: 0, caps }).toHex()).toBe(golden("reply", "caps-list").toHex());
});

test("lists are cut after 8 entries when the VM has more vCPUs", () => {
  const many = Array.from({ length: 12 }, (_, i) => i + 1);
  expect(decodeReply(encodeFreqList({ ...head, unit: 0, khz: many }))).toMatchObject({
    count: 8,
    khz: many.slice(0, 8),
  });
  const manyCaps = many.map((i) => ({ turbo: i > 6, priority: i < 2 }));
  expect(decodeReply(encodeCapsList({ ...head, unit: 0, caps: manyCaps }))).toMatchObject({
    count: 8,
    caps: manyCaps.slice(0, 8),
  });
});

test("lists leave the name empty when it doesn't fit, or has a NUL, and keep the rest", () => {
  for (const vmName of ["x".repeat(32), "\ufffd".repeat(11), "a\0b"]) {
    expect(decodeReply(encodeFreqList({ vcpu: 1, unit: 0, vmName, khz }))).toMatchObject({ vmName: "", khz });
  }
});

test("decodeReply() takes any non-zero capability for yes", () => {
  const bytes = golden("reply", "caps-list");
  bytes[48 + 7] = 0x80; // the highest byte of vCPU 0's turbo
  expect(decodeReply(bytes)).toMatchObject({
    caps: [{ turbo: true, priority: false }, {}, {}, {}, {}, {}, {}, {}],
  });
});

const patched = (bytes: Uint8Array, command: number): Uint8Array => {
  new DataView(bytes.buffer).setUint32(12, command, true);
  return bytes;
};
test.each([
  ["no bytes", new Uint8Array(0), "bad-size", 0],
  ["half a head", new Uint8Array(15), "bad-size", 0],
  ["half an ACK", golden("reply", "ack").subarray(0, 463), "bad-size", 1],
  ["an ACK of a list's size", patched(golden("reply", "freq-list"), 1), "bad-size", 1],
  ["a list of an ACK's size", patched(golden("reply", "ack"), 4), "bad-size", 4],
  ["command 0", patched(golden("reply", "ack"), 0), "unknown-command", 0],
  ["command 5", patched(golden("reply", "ack"), 5), "unknown-command", 5],
  [
    "an extension request",
    patched(golden("reply", "ack"), EXTENSION_FIRST),
    "unknown-command",
    EXTENSION_FIRST,
  ],
  [
    "an unknown extension answer",
    patched(golden("18.11", "connect"), 0x564d_ff00),
    "unknown-command",
    0x564d_ff00,
  ],
  ["an ACK whose name has no NUL", golden("reply", "ack").fill(0x61, 16, 48), "unterminated-name", 1],
] as const)("decodeReply() says why when it gets %s", (_, bytes, why, command) => {
  expect(decodeReply(bytes)).toMatchObject({ kind: "malformed", why, command });
});

test("decodeReply() never throws when the bytes are random", () => {
  const next = random(2);
  const kinds = new Set<string>();
  for (let i = 0; i < 10_000; i++) {
    const size = [464, 88, 184, next(600)][next(4)] ?? 0;
    const bytes = Uint8Array.from({ length: size }, () => next(256));
    if (size >= 16) bytes.set([next(6), 0, 0, 0], 12);
    kinds.add(decodeReply(bytes).kind);
  }
  expect([...kinds].sort()).toEqual(["ack", "caps-list", "freq-list", "malformed", "nack"]);
});
