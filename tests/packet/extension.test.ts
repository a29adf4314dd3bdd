// The extension's bytes judged by C-made frames, both ways: a guest in any language writes these structs.

import { expect, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type {
  ExtensionAnswer,
  ExtensionAsk,
  ExtensionNo,
  Notice,
  VcpuState,
} from "../../internal/values/extension.ts";
import { encodeAnswer } from "../../internal/packet/extension.ts";
import { STATUS } from "../../internal/packet/constants.ts";
import { EXTENSION, HEAD, NO, PAGE } from "../../internal/packet/extension-table.ts";
import { encodeNotice, extensionNotice, NOTICE_COMMAND } from "../../internal/packet/notice.ts";
import { decodeReply } from "../../internal/packet/reply.ts";
import { encodeRequest, RequestDecoder } from "../../internal/packet/request.ts";
import { STEPS } from "../../internal/values/frequency.ts";
import { EXTENSION_PACKETS, EXTENSION_STRUCTS, golden } from "../fixtures/packet/golden.ts";
import { random } from "../fixtures/packet/random.ts";

const FIXTURES = join(import.meta.dir, "../fixtures/packet");
const PROTOCOL = await Bun.file(join(import.meta.dir, "../../docs/protocol-extension.md")).text();
const request = (ask: ExtensionAsk) =>
  ({
    kind: "extension",
    vcpu: 11,
    vmName: "web.01",
    physical: false,
    sequence: 0x01020304,
    ask,
  }) as const;

/** One row a request: the oracle's title, what it asks. */
const ASKS: readonly (readonly [string, ExtensionAsk])[] = [
  ["hello", { do: "hello", version: 1, leaseS: 10, notices: false }],
  ["hello-notices", { do: "hello", version: 1, leaseS: 10, notices: true }],
  ["ping", { do: "ping" }],
  ...STEPS.map((step) => [`scale-${step}`, { do: "scale", step }] as const),
  ["set-khz", { do: "set-khz", khz: 2_400_000, turbo: false }],
  ["set-khz-turbo", { do: "set-khz", khz: 3_500_000, turbo: true }],
  ["release", { do: "release", all: false }],
  ["release-all", { do: "release", all: true }],
  ["freqs", { do: "freqs", first: 40 }],
  ["state", { do: "state" }],
  ["list", { do: "list", first: 32 }],
  ["policy-remove", { do: "policy-remove" }],
  ["energy", { do: "energy" }],
];

const state: VcpuState = {
  wishKhz: 1,
  targetKhz: 2,
  currentKhz: 3,
  floorKhz: 4,
  ceilingKhz: 5,
  lowestKhz: 6,
  highestKhz: 7,
  nominalKhz: 8,
  ownClaims: 9,
  otherVms: 10,
  decidedBy: "other-vm",
  winner: 12,
  clippedBy: "site",
  turboAllowed: true,
  hasTurbo: true,
  leaseLeftMs: 9999,
  lastNo: { no: "no-such-vcpu", agoS: 61 },
};
const vcpus = [
  { khz: 2_600_000, turbo: true, priority: false },
  { khz: 0, turbo: false, priority: true },
  { khz: 800_000, turbo: true, priority: true },
];
/** One row an answer: the oracle's title, what was asked, what it says. */
const ANSWERS: readonly (readonly [string, ExtensionAsk, ExtensionAnswer])[] = [
  ["hello", { do: "hello", version: 1, leaseS: 0 }, { do: "hello", version: 1, leaseS: 10, vcpus: 12 }],
  ["ping", { do: "ping" }, { do: "ping", lapses: 3 }],
  ["scale", { do: "scale", step: "up" }, { do: "scale", wishKhz: 1_200_000, targetKhz: 2_600_000 }],
  [
    "set-khz",
    { do: "set-khz", khz: 1, turbo: false },
    { do: "set-khz", wishKhz: 2_400_000, targetKhz: 2_400_000 },
  ],
  ["release", { do: "release", all: false }, { do: "release", wishKhz: 0, targetKhz: 800_000 }],
  [
    "freqs",
    { do: "freqs", first: 40 },
    { do: "freqs", total: 42, first: 40, nominal: 1, turboAtStart: true, khz: [900_000, 800_000] },
  ],
  ["state", { do: "state" }, { do: "state", ...state, text: "There is no vCPU 11." }],
  ["list", { do: "list", first: 32 }, { do: "list", total: 35, first: 32, vcpus }],
  ["policy-remove", { do: "policy-remove" }, { do: "policy-remove", removed: true }],
  [
    "energy",
    { do: "energy" },
    { do: "energy", joules: 0x12_3456_789a, seconds: 86_400, periodS: 10, resolutionJ: 1 },
  ],
  [
    "refused",
    { do: "set-khz", khz: 1, turbo: true },
    { do: "no", no: "turbo-off", text: "This VM may not use turbo." },
  ],
  [
    "unknown",
    { do: "not-understood", command: 0x564d_7fff, why: "unknown-command", detail: "" },
    { do: "no", no: "unknown-command", text: "What?" },
  ],
];
const head = (ask: ExtensionAsk) => ({ vcpu: 11, sequence: 0xffff_fffe, vmName: "web.01", ask });

/** One row a notice: the oracle's title, what it says. */
const NOTICES: readonly (readonly [string, Notice])[] = [
  ["host-sleeps", { do: "host-sleeps", wakeS: 0x12_3456_789a }],
  ["host-sleeps-unknown", { do: "host-sleeps", wakeS: 0 }],
  ["host-awake", { do: "host-awake", sleptS: 28_800 }],
];

/** One row a struct: its name in C, and where our members stand. */
const STRUCTS = [
  ["vmpower_request", EXTENSION.ping.ask.fields],
  ["vmpower_request", EXTENSION.state.ask.fields],
  ["vmpower_request", EXTENSION["policy-remove"].ask.fields],
  ["vmpower_request", EXTENSION.energy.ask.fields],
  ["vmpower_hello", EXTENSION.hello.ask.fields],
  ["vmpower_scale", EXTENSION.scale.ask.fields],
  ["vmpower_set_khz", EXTENSION["set-khz"].ask.fields],
  ["vmpower_release", EXTENSION.release.ask.fields],
  ["vmpower_page", EXTENSION.freqs.ask.fields],
  ["vmpower_page", EXTENSION.list.ask.fields],
  ["vmpower_answer", NO.fields],
  ["vmpower_hello_answer", { ...NO.fields, ...EXTENSION.hello.answer.fields }],
  ["vmpower_ping_answer", { ...NO.fields, ...EXTENSION.ping.answer.fields }],
  ["vmpower_claim_answer", { ...NO.fields, ...EXTENSION.scale.answer.fields }],
  ["vmpower_claim_answer", { ...NO.fields, ...EXTENSION["set-khz"].answer.fields }],
  ["vmpower_claim_answer", { ...NO.fields, ...EXTENSION.release.answer.fields }],
  ["vmpower_freqs_answer", { ...NO.fields, ...EXTENSION.freqs.answer.fields }],
  ["vmpower_state_answer", { ...NO.fields, ...EXTENSION.state.answer.fields }],
  ["vmpower_list_answer", { ...NO.fields, ...EXTENSION.list.answer.fields }],
  ["vmpower_policy_remove_answer", { ...NO.fields, ...EXTENSION["policy-remove"].answer.fields }],
  ["vmpower_energy_answer", { ...NO.fields, ...EXTENSION.energy.answer.fields }],
  ["vmpower_notice", extensionNotice.fields],
] as const;
test.each(STRUCTS)("%s has the members that the C compiler laid out", (name, fields) => {
  const members = Object.entries({ ...HEAD.fields, ...fields }).map(
    ([key, { offset, bytes }]) => `${key}@${offset}+${bytes}`,
  );
  const struct = EXTENSION_STRUCTS.find((one) => one.name === name);
  expect(struct?.size).toBe(HEAD.size);
  expect(members.sort()).toEqual([...(struct?.members ?? [])].sort());
});

test("extension.txt has neither a struct nor a packet without a row", () => {
  expect(EXTENSION_STRUCTS.map((s) => s.name)).toEqual([...new Set(STRUCTS.map(([name]) => name))]);
  const titles = (who: string) => EXTENSION_PACKETS.filter((p) => p.generation === who).map((p) => p.title);
  expect(titles("request")).toEqual(ASKS.map(([title]) => title));
  expect(titles("answer")).toEqual(ANSWERS.map(([title]) => title));
  expect(titles("notice")).toEqual(NOTICES.map(([title]) => title));
});

test.skipIf(Bun.which("gcc") === null)(
  "extension.txt is what extension-oracle.c prints (needs gcc)",
  async () => {
    const folder = await mkdtemp(join(tmpdir(), "oracle-"));
    try {
      const program = join(folder, "oracle");
      const gcc = Bun.spawnSync([
        "gcc",
        "-Wall",
        "-Werror",
        "-o",
        program,
        join(FIXTURES, "extension-oracle.c"),
      ]);
      expect(gcc.stderr.toString()).toBe("");
      const printed = Bun.spawnSync([program]).stdout.toString();
      expect(printed).toBe(await Bun.file(join(FIXTURES, "extension.txt")).text());
    } finally {
      await rm(folder, { recursive: true });
    }
  },
);

test.each(ASKS)("encodeRequest() and decode() agree with the C program on %s", (title, ask) => {
  expect(encodeRequest(request(ask), "18.11").toHex()).toBe(golden("request", title).toHex());
  expect(new RequestDecoder().decode(golden("request", title))).toEqual(request(ask));
});

test.each(ANSWERS)(
  "encodeAnswer() and decodeReply() agree with the C program on %s",
  (title, ask, answer) => {
    expect(encodeAnswer(head(ask), answer).toHex()).toBe(golden("answer", title).toHex());
    expect(decodeReply(golden("answer", title))).toEqual({
      kind: "extension",
      vcpu: 11,
      vmName: "web.01",
      sequence: 0xffff_fffe,
      answer,
    });
  },
);

test.each(NOTICES)("encodeNotice() and decodeReply() agree with the C program on %s", (title, notice) => {
  expect(encodeNotice("web.01", notice).toHex()).toBe(golden("notice", title).toHex());
  expect(decodeReply(golden("notice", title))).toEqual({ kind: "notice", notice });
});

test("encodeNotice() cuts a sleep and a name past their members' room", () => {
  const cut = decodeReply(encodeNotice("\ufffd".repeat(11), { do: "host-awake", sleptS: 2 ** 40 }));
  expect(cut).toEqual({ kind: "notice", notice: { do: "host-awake", sleptS: 0xffff_ffff } });
});

test("a notice of a newer host, and one that a guest sends, are not understood", () => {
  const bytes = golden("notice", "host-awake");
  expect(new RequestDecoder().decode(bytes)).toMatchObject({ kind: "malformed", why: "unknown-command" });
  new DataView(bytes.buffer).setUint32(56, 3, true);
  expect(decodeReply(bytes)).toMatchObject({ kind: "malformed", command: NOTICE_COMMAND });
});

const patched = (title: string, at: number, value: number): Uint8Array => {
  const bytes = golden("request", title);
  new DataView(bytes.buffer).setUint32(at, value, true);
  return bytes;
};
test.each([
  ["version 0", patched("hello", 48, 0), "bad-value", "version is 0"],
  ["a lease past an hour", patched("hello", 52, 3601), "bad-value", "lease_s is 3601; it may be 0 to 3600"],
  ["unit 0", patched("scale-up", 48, 0), "bad-value", "unit is 0"],
  ["unit 7", patched("scale-up", 48, 7), "bad-value", "it may be 1 to 6"],
  ["0 kHz", patched("set-khz", 48, 0), "bad-value", "khz is 0"],
  ["the next version's command", patched("ping", 12, 0x564d_000b), "unknown-command", "0x564d000b"],
] as const)("decode() keeps %s as something to answer no", (_, frame, why, words) => {
  const decoded = new RequestDecoder().decode(frame);
  expect(decoded).toMatchObject({ kind: "extension", ask: { do: "not-understood", why } });
  expect(JSON.stringify(decoded)).toContain(words);
});

test("encodeAnswer() cuts pages and sentences to what fits, between characters", () => {
  const khz = Array.from({ length: 60 }, (_, i) => 3_000_000 - i);
  const freqs = decodeReply(
    encodeAnswer(head({ do: "freqs", first: 0 }), {
      do: "freqs",
      total: 60,
      first: 0,
      nominal: 0,
      turboAtStart: false,
      khz,
    }),
  );
  expect(freqs).toMatchObject({ answer: { total: 60, khz: khz.slice(0, PAGE.FREQS) } });
  const text = `x${"\u00e9".repeat(200)}`;
  const no = decodeReply(encodeAnswer(head({ do: "ping" }), { do: "no", no: "failed", text }));
  expect(no).toMatchObject({ answer: { text: text.slice(0, 104) } });
});

test("a page's count past its room is cut, a no of a newer host keeps its sentence", () => {
  const bytes = golden("answer", "list");
  new DataView(bytes.buffer).setUint32(64, 0xffff_ffff, true);
  expect(decodeReply(bytes)).toMatchObject({ answer: { vcpus: { length: PAGE.VCPUS } } });
  const no = golden("answer", "refused");
  new DataView(no.buffer).setUint32(48, 999, true);
  expect(decodeReply(no)).toMatchObject({
    answer: { do: "no", no: "other", text: "This VM may not use turbo." },
  });
});

/** Returns the rows of the table in docs/protocol-extension.md that has `heading`, by cell. */
const tableOf = (heading: string) =>
  (PROTOCOL.split(`\n## ${heading}\n`)[1] ?? "")
    .split("\n## ", 1)
    .join()
    .split("\n")
    .filter((line) => line.startsWith("|"))
    .map((line) => line.split("|").map((cell) => cell.trim()));

test("every command has the code that the document gives it", () => {
  const codes = tableOf("Requests").flatMap(([, code = "", name = ""]) =>
    code.startsWith("0x") ? [[name, Number(code)]] : [],
  );
  const ours = Object.entries(EXTENSION).map(([what, { code }]) => [
    what.toUpperCase().replaceAll("-", "_"),
    code,
  ]);
  expect(ours).toEqual(codes);
});

test.each([
  [0, { do: "set-khz", wishKhz: 0 }],
  [27, { do: "no", no: "other" }],
  [0xffff, { do: "no", no: "other" }],
  ...Object.entries(STATUS.number).map(([no, number]) => [number, { do: "no", no }] as const),
])("decodeReply() reads status %d as %j", (status, answer) => {
  const bytes = golden("answer", "refused");
  new DataView(bytes.buffer).setUint32(48, status, true);
  expect(decodeReply(bytes)).toMatchObject({ answer });
});

/** The numbers of words in a STATE answer: where, and the word of each number from 0 on. */
test.each([
  ["decidedBy", 96, ["nobody", "this-vcpu", "this-vm", "other-vm", "policy", "operator", "nobody"]],
  ["clippedBy", 104, ["none", "vm", "site", "none"]],
] as const)("%s of a STATE answer is a number at byte %d", (member, at, words) => {
  for (const [number, word] of words.entries()) {
    const bytes = golden("answer", "state");
    new DataView(bytes.buffer).setUint32(at, number, true);
    expect(decodeReply(bytes)).toMatchObject({ answer: { [member]: word } });
    const said = { do: "state", ...state, text: "", [member]: word } as const;
    const sent = encodeAnswer(head({ do: "state" }), said);
    expect(sent[at]).toBe(words.indexOf(word as never));
  }
});

/** Every status of the document but the one that stays unused. */
const STATUSES = tableOf("Status").flatMap(([, ...cells]) =>
  [0, 2, 4].flatMap((at): [ExtensionNo, number][] => {
    const [no = ""] = (cells[at + 1] ?? "").split(" ");
    return /^[a-z]/.test(no) && no !== "no" ? [[no as ExtensionNo, Number(cells[at])]] : [];
  }),
);
test("the host says exactly the statuses of the document, and never 27", () => {
  const numbers = Object.entries(STATUS.number).filter(([no]) => no !== "other");
  expect(Object.fromEntries(STATUSES)).toEqual(Object.fromEntries(numbers));
  expect(STATUSES.length).toBe(numbers.length);
  expect(STATUS.word[27]).toBe(undefined);
  expect(PROTOCOL).toContain("| 27     | (never used)       |");
});

test("decode() and decodeReply() never throw when the body is random", () => {
  const next = random(7);
  const asked = new Set<string>();
  for (let i = 0; i < 20_000; i++) {
    const bytes = Uint8Array.from({ length: 464 }, () => next(256));
    const known = 0x564d_0000 + next(12) + (next(2) === 0 ? 0 : 0x8000);
    const command = next(12) === 0 ? NOTICE_COMMAND : known;
    new DataView(bytes.buffer).setUint32(12, command, true);
    if (next(4) > 0) bytes[47] = 0;
    if (next(2) > 0) bytes.fill(0, 48, 52);
    if (next(2) > 0) bytes.set([next(4), 0, 0, 0], 56);
    const decoded = new RequestDecoder().decode(bytes);
    asked.add(decoded.kind === "extension" ? decoded.ask.do : decoded.kind);
    const reply = decodeReply(bytes);
    asked.add(reply.kind === "extension" ? `answer ${reply.answer.do}` : reply.kind);
    if (reply.kind === "notice") asked.add(reply.notice.do);
  }
  for (const [, ask] of ASKS) if (ask.do !== "hello" && ask.do !== "scale") expect(asked).toContain(ask.do);
  for (const [, , answer] of ANSWERS) expect(asked).toContain(`answer ${answer.do}`);
  for (const [, notice] of NOTICES) expect(asked).toContain(notice.do);
});
