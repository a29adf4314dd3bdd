// CONNECT: a stock guest sends it once and would take an answer for that to its next request.

import { NOTED } from "../outcome.ts";
import type { Serve } from "./serve.ts";

/** Takes note of a guest that opened its channel; never answered. Source: DPDK examples/vm_power_manager/channel_monitor.c. */
export const connect: Serve<"connect"> = (_desk, { lease }) => {
  lease.connect();
  return NOTED;
};
