// What one VM asked and what came of it, counted in place: monitoring must not cost a request anything.

import { EXTENSION } from "../packet/extension-table.ts";
import type { ExtensionCommand } from "../values/extension.ts";
import type { Refusal } from "../values/refusal.ts";
import type { Step } from "../values/frequency.ts";
import type { Request } from "../values/request.ts";
import type { ChannelCounts, Framing } from "./channel-counts.ts";
import { type Outcome, OUTCOMES } from "./outcome.ts";

/** What can be asked; what both DPDK's packets and the extension have a word for is one word. */
type Word = Step | Exclude<Request["kind"], "scale" | "extension"> | "not-understood" | Own;
type Own = Exclude<ExtensionCommand, "scale" | "policy-remove">;
const OWN = Object.keys(EXTENSION).filter((what) => what !== "scale" && what !== "policy-remove");

type Outcomes = Record<Outcome["kind"], number>;
const outcomes = (): Outcomes => ({ done: 0, answered: 0, noted: 0, refused: 0, failed: 0 });

/** Whether the VM may not, asks too often, or asks what can't be had; the compiler holds the table complete. */
export const KIND_OF_REFUSAL = {
  "name-mismatch": "denied",
  "names-pcpu": "denied",
  "turbo-off": "denied",
  "command-off": "denied",
  "queries-off": "denied",
  rate: "rate-limited",
  "no-such-vcpu": "unable",
  "not-listed": "unable",
  "not-pinned": "unable",
  floating: "unable",
  "no-cpufreq": "unable",
  "clock-hung": "unable",
  "no-turbo": "unable",
  "policy-lacks": "unable",
  "mac-nowhere": "unable",
  "no-interface": "unable",
  "no-branch-counters": "unable",
  "no-meter": "unable",
} as const satisfies Record<Refusal["kind"], string>;

/** Most numbers of commands that are counted apart for a VM. */
const MOST_UNKNOWN = 16;

export type ChannelTotals = Pick<ChannelCounts, "malformed" | "ignored" | "repliesDropped"> & {
  dropped: number;
  resyncs: number;
  discardedBytes: number;
  reconnects: number;
};

/** The part of a channel that is counted here. */
interface Counted {
  readonly counts: Readonly<ChannelCounts>;
  readonly framing: Framing;
}

export class VmMeter {
  readonly requests: Readonly<Record<Word, Outcomes>> = {
    up: outcomes(),
    down: outcomes(),
    max: outcomes(),
    min: outcomes(),
    "turbo-on": outcomes(),
    "turbo-off": outcomes(),
    connect: outcomes(),
    policy: outcomes(),
    "policy-remove": outcomes(),
    "query-freq": outcomes(),
    "query-caps": outcomes(),
    ...(Object.fromEntries(OWN.map((what) => [what, outcomes()])) as Record<Own, Outcomes>),
    "not-understood": outcomes(),
  };
  readonly refusals = Object.fromEntries(Object.keys(KIND_OF_REFUSAL).map((kind) => [kind, 0])) as Record<
    Refusal["kind"],
    number
  >;
  /** Frames with a command that nobody here knows, by its number: the first few of those that a DPDK to come may have, and the rest. */
  readonly unknownCommands = new Map<number | "other", number>([["other", 0]]);
  /** Of the channels that are gone: a total never falls while its VM is there. */
  readonly #gone = totals();

  /** Counts a request and what came of it. */
  served(request: Request, outcome: Outcome): void {
    this.requests[wordOf(request)][outcome.kind]++;
    if (outcome.kind === "refused") this.refusals[outcome.refusal.kind]++;
  }

  /** Counts a frame with command `command` (u32), which no guest of its generation is known to have. */
  unknown(command: number): void {
    const { unknownCommands } = this;
    const own = unknownCommands.has(command) || (command <= 0xff && unknownCommands.size <= MOST_UNKNOWN);
    const label = own ? command : "other";
    unknownCommands.set(label, (unknownCommands.get(label) ?? 0) + 1);
  }

  /** Returns what came of all requests. */
  outcomes(): Readonly<Outcomes> {
    const sum = outcomes();
    for (const one of Object.values(this.requests)) {
      for (const kind of OUTCOMES) sum[kind] += one[kind];
    }
    return sum;
  }

  /** Keeps what a channel counted: it is taken away. */
  retire(channel: Counted): void {
    add(this.#gone, channel);
  }

  /** Returns what all channels of the VM counted, also those that are gone. @param channels those that are there */
  totals(channels: Iterable<Counted>): Readonly<ChannelTotals> {
    const sum = { ...this.#gone };
    for (const channel of channels) add(sum, channel);
    return sum;
  }
}

/** Returns the word for what is asked: metrics, events and the log have the same. */
export function wordOf(request: Request): Word {
  if (request.kind === "scale") return request.step;
  if (request.kind !== "extension") return request.kind;
  return request.ask.do === "scale" ? request.ask.step : request.ask.do;
}

function totals(): ChannelTotals {
  return {
    malformed: 0,
    ignored: 0,
    repliesDropped: 0,
    dropped: 0,
    resyncs: 0,
    discardedBytes: 0,
    reconnects: 0,
  };
}

function add(sum: ChannelTotals, { counts, framing }: Counted): void {
  sum.malformed += counts.malformed;
  sum.ignored += counts.ignored;
  sum.repliesDropped += counts.repliesDropped;
  sum.dropped += framing.dropped;
  sum.resyncs += framing.resyncs;
  sum.discardedBytes += framing.discardedBytes;
  sum.reconnects += Math.max(0, counts.connects - 1);
}
