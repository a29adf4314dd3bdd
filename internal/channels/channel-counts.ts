// What is counted of one channel, for report, metrics and the channel itself.

/** Returns counts that all stand at 0. */
export const newCounts = () => ({
  received: 0,
  done: 0,
  answered: 0,
  noted: 0,
  refused: 0,
  failed: 0,
  /** Frames that were no request: unknown commands, unknown units, bad policies. */
  malformed: 0,
  /** Frames that came while the channel was disabled. */
  ignored: 0,
  /** Replies that the guest had no room for, because it does not read. */
  repliesDropped: 0,
  connects: 0,
});

/** What a channel has seen since the program started. */
export type ChannelCounts = ReturnType<typeof newCounts>;

/** How often a guest's bytes were out of step. */
export interface Framing {
  /** Frames given up because they stayed incomplete. */
  readonly dropped: number;
  /** Times packets were found at another place than the next frame. */
  readonly resyncs: number;
  /** Bytes that became part of no frame. */
  readonly discardedBytes: number;
}
