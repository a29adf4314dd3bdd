// What a connection knows of its channel and of the host: both outlast it.

import type { EventFeed } from "../events.ts";
import type { Log } from "../log.ts";
import type { Histogram } from "../metrics/histogram.ts";
import type { Turns } from "../os/turns.ts";
import type { ChannelCounts, Framing } from "./channel-counts.ts";
import type { Desk } from "./serve/serve.ts";
import type { Vm } from "./vm.ts";

/** What a channel and its connections need of the host. */
export interface ChannelHost {
  readonly desk: Desk;
  readonly log: Log;
  readonly events: EventFeed;
  /** From received to answered. */
  readonly durations: Histogram;
  /** Whose work is done when. */
  readonly turns: Turns;
  /** Told when a VM came, went or is configured anew. */
  vmChanged(vm: string): void;
}

/** The channel that a connection is one of, and what outlasts it there. */
export interface Line {
  readonly path: string;
  readonly vm: Vm;
  /** As the log has it: VM, dot, number. */
  readonly name: string;
  readonly counts: ChannelCounts;
  /** Of all its connections. */
  readonly framing: Framing;
  /** While false, packets are read and ignored. */
  readonly enabled: boolean;
  /** Its connection stands. */
  opened(): void;
  /** Its connection was lost. */
  lost(): void;
  /** Its connection did not come about. */
  failed(error: Error): void;
}
