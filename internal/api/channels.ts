// Channels: which there are, how they are, and whether what comes through them is served.

import * as v from "valibot";
import { dryRun } from "./dry-run.ts";
import { about, counts, flag, list, number, text } from "./words.ts";

export const channelReport = v.object({
  vm: text("The VM's name."),
  channel: number("The channel's number in its VM."),
  path: text("Its socket."),
  state: v.picklist(["connecting", "connected", "waiting", "closed"]),
  enabled: about(v.boolean(), "False when packets are read and ignored."),
  generation: about(v.optional(v.string()), "The guest's DPDK generation, such as 18.11, once it has told."),
  counts,
});
export type ChannelReport = v.InferOutput<typeof channelReport>;
export const channelReports = list(channelReport);

export const channelChange = v.strictObject({
  enabled: about(flag, "Whether packets are served."),
  dryRun,
});
