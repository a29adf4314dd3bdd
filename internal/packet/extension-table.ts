// The extension as a table, one row a command: its code, and where each member of what is asked and answered stands.
// The same structs in C: tests/fixtures/packet/extension-oracle.c. In words: docs/protocol-extension.md.

import {
  type AnswerOf,
  type AskOf,
  type ExtensionCommand,
  type Extension,
  type ListedVcpu,
  MAX_LEASE_S,
  type No,
  type VcpuState,
} from "../values/extension.ts";
import { BOUND, CLIP, DECIDER, DONE_STATUS, REQUEST_BYTES, STATUS, UNIT } from "./constants.ts";
import { array, cstr, cut, layout, u8, u32, u64 } from "./layout.ts";
import { u32At } from "./little-endian.ts";
import { bit, type Members, members, page, type Some, within, word } from "./members.ts";

/** Most entries in one page. */
export const PAGE = { FREQS: 40, VCPUS: 32 } as const;
/** Bytes of a sentence, its NUL included. */
const TEXT_BYTES = 208;
const MOST = 0xffff_ffff;

/** What every frame starts with: the head of DPDK's packet, so that framing and the check of the name need not know the extension. */
export const HEAD = layout("vmpower_request", REQUEST_BYTES["18.11"], {
  resource_id: u64(0),
  sequence: u32(8),
  command: u32(12),
  vm_name: cstr(16, BOUND.NAME_BYTES),
});
const text = cstr(HEAD.size - TEXT_BYTES, TEXT_BYTES);
/** A sentence too long for its place is cut between characters. */
const sentence = {
  ...text,
  write: (into: Uint8Array, said: string) => text.write(into, cut(said, TEXT_BYTES)),
};
const clocks = { wishKhz: u32(56), targetKhz: u32(60) };
const part = { total: u32(56), first: u32(60) };
const last = members<NonNullable<VcpuState["lastNo"]>>({
  no: word("last_status", 116, STATUS, "other"),
  agoS: { ...u32(120), name: "last_ago_s" },
});

/** A command as it is written down. */
interface Line<C extends ExtensionCommand = ExtensionCommand> {
  readonly code: number;
  readonly ask: Members<Extension[C]["ask"]>;
  /** Returns what is asked, as a literal: an object made member by member takes more time and memory, with each request. */
  read(at: Members<Extension[C]["ask"]>, from: Uint8Array): AskOf<C>;
  readonly answer: Members<Extension[C]["answer"]>;
}

const TABLE: { readonly [C in ExtensionCommand]: Line<C> } = {
  hello: {
    code: 0x564d0001,
    ask: {
      version: within("version", 48, 1, MOST, "versions start at 1"),
      leaseS: within("lease_s", 52, 0, MAX_LEASE_S),
      notices: bit("flags", u32(56), 1),
    },
    read: ({ version, leaseS, notices }, from) => ({
      do: "hello",
      version: version.read(from),
      leaseS: leaseS.read(from),
      notices: notices.read(from),
    }),
    answer: { version: u32(56), leaseS: u32(60), vcpus: u32(64) },
  },
  ping: { code: 0x564d0002, ask: {}, read: () => ({ do: "ping" }), answer: { lapses: u32(56) } },
  scale: {
    code: 0x564d0003,
    ask: { step: word("unit", 48, UNIT, "min") },
    read: ({ step }, from) => ({ do: "scale", step: step.read(from) }),
    answer: clocks,
  },
  "set-khz": {
    code: 0x564d0004,
    ask: {
      khz: within("khz", 48, 1, MOST, "a frequency is at least 1 kHz"),
      turbo: bit("flags", u32(52), 1),
    },
    read: ({ khz, turbo }, from) => ({ do: "set-khz", khz: khz.read(from), turbo: turbo.read(from) }),
    answer: clocks,
  },
  release: {
    code: 0x564d0005,
    ask: { all: bit("flags", u32(48), 1) },
    read: ({ all }, from) => ({ do: "release", all: all.read(from) }),
    answer: clocks,
  },
  freqs: {
    code: 0x564d0006,
    ask: { first: u32(48) },
    read: ({ first }, from) => ({ do: "freqs", first: first.read(from) }),
    answer: {
      ...part,
      nominal: u32(68),
      turboAtStart: bit("flags", u32(232), 1),
      khz: page(64, PAGE.FREQS, { khz: array(72, PAGE.FREQS, u32) }, (i) => u32(72 + 4 * i)),
    },
  },
  state: {
    code: 0x564d0007,
    ask: {},
    read: () => ({ do: "state" }),
    answer: {
      ...clocks,
      currentKhz: u32(64),
      floorKhz: u32(68),
      ceilingKhz: u32(72),
      lowestKhz: u32(76),
      highestKhz: u32(80),
      nominalKhz: u32(84),
      ownClaims: u32(88),
      otherVms: u32(92),
      decidedBy: word("decided_by", 96, DECIDER, "nobody"),
      winner: u32(100),
      clippedBy: word("clipped_by", 104, CLIP, "none"),
      hasTurbo: bit("flags", u32(108), 1),
      turboAllowed: bit("flags", u32(108), 2),
      leaseLeftMs: u32(112),
      lastNo: {
        fields: last.fields,
        read: (from) => (u32At(from, 116) === DONE_STATUS ? undefined : last.read(from)),
        write: (into, no) => no && last.write(into, no),
      },
      text: sentence,
    },
  },
  list: {
    code: 0x564d0008,
    ask: { first: u32(48) },
    read: ({ first }, from) => ({ do: "list", first: first.read(from) }),
    answer: {
      ...part,
      vcpus: page(
        64,
        PAGE.VCPUS,
        { khz: array(68, PAGE.VCPUS, u32), caps: array(196, PAGE.VCPUS, u8) },
        (i) =>
          members<ListedVcpu>({
            khz: u32(68 + 4 * i),
            turbo: bit("caps", u8(196 + i), 1),
            priority: bit("caps", u8(196 + i), 2),
          }),
      ),
    },
  },
  "policy-remove": {
    code: 0x564d0009,
    ask: {},
    read: () => ({ do: "policy-remove" }),
    answer: { removed: bit("removed", u32(56), 1) },
  },
  energy: {
    code: 0x564d000a,
    ask: {},
    read: () => ({ do: "energy" }),
    answer: {
      joules: u64(56),
      seconds: u32(64),
      periodS: u32(68),
      resolutionJ: { ...u32(72), name: "resolution_j" },
    },
  },
};

/** A command, ready for use. */
export interface Row {
  readonly code: number;
  readonly ask: Some<AskOf>;
  readonly answer: Some<AnswerOf>;
}

/** Every command by its name. */
export const EXTENSION = Object.fromEntries(
  Object.entries<Line>(TABLE).map(([what, { code, ask, read, answer }]) => [
    what,
    {
      code,
      ask: { ...members<object>(ask), read: (from: Uint8Array) => read(ask, from) },
      answer: members<object>(answer, { do: what }),
    },
  ]),
) as unknown as Readonly<Record<ExtensionCommand, Row>>;

/** An answer that is no: nothing else in it means anything. */
export const NO = members<No>({ no: word("status", 48, STATUS, "other"), text: sentence }, { do: "no" });
