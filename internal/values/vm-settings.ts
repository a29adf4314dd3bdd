// Words of a VM's settings, as the configuration and the API have them.

import { STEPS } from "./frequency.ts";

/** The wire generations a VM can be held to; auto tells them by the first packet. */
export const WIRES = ["auto", "2014", "17.11", "18.11"] as const;
/** What a VM may ask, kind by kind. */
export const COMMANDS = [...STEPS, "policy", "query"] as const;
/** Longest silence that ends claims, in seconds: a day. */
export const MAX_SILENCE_S = 86_400;
/** Who keeps its clock longest when watts are short, the first before all others. */
export const PRIORITIES = ["high", "normal", "low"] as const;
export type Priority = (typeof PRIORITIES)[number];
