// What is counted of one channel, for report, metrics and the channel itself.

/** What a channel has seen since the program started. */
export interface ChannelCounts {
  received: number;
  done: number;
  answered: number;
  noted: number;
  refused: number;
  failed: number;
  /** Frames that were no request: unknown commands, unknown units, bad policies. */
  malformed: number;
  /** Frames that came while the channel was disabled. */
  ignored: number;
  /** Replies that the guest had no room for, because it does not read. */
  repliesDropped: number;
  connects: number;
}

/** Returns counts that all stand at 0. */
export const newCounts = (): ChannelCounts => ({
  received: 0,
  done: 0,
  answered: 0,
  noted: 0,
  refused: 0,
  failed: 0,
  malformed: 0,
  ignored: 0,
  repliesDropped: 0,
  connects: 0,
});
