// Channels: which there are, how they are, and whether what comes through them is served.

import * as v from "valibot";
import { counts, flag, list } from "./words.ts";

const channelReport = v.object({
  vm: v.string(),
  channel: v.number(),
  path: v.string(),
  state: v.picklist(["connecting", "connected", "waiting", "closed"]),
  /** False when packets are read and ignored. */
  enabled: v.boolean(),
  generation: v.optional(v.string()),
  counts,
});
export type ChannelReport = v.InferOutput<typeof channelReport>;
export const channelReports = list(channelReport);

export const channelChange = v.strictObject({ enabled: flag });
