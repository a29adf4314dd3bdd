// What the host says unasked, in bytes, both ways.

import type { Notice } from "../values/extension.ts";
import type { Reply } from "../values/request.ts";
import { BOUND } from "./constants.ts";
import { HEAD } from "./extension-table.ts";
import { cut, layout, u32, u64 } from "./layout.ts";
import { u32At } from "./little-endian.ts";

/** `command` of what the host says unasked; it has the answer bit and answers nothing. */
export const NOTICE_COMMAND = 0x564dc001;
/** `what` of a notice. */
const NOTICE = { HOST_SLEEPS: 1, HOST_AWAKE: 2 } as const;

/** Where an answer has its status, a notice has zero. */
export const extensionNotice = layout("vmpower_notice", HEAD.size, {
  ...HEAD.fields,
  what: u32(56),
  slept_s: u32(60),
  wake_s: u64(64),
});

/** Highest number of a u32. */
const MOST = 0xffff_ffff;

/** Returns the 464 fresh bytes of `notice`; seconds past their room are cut to the most that fits, a name past 31 bytes between characters. */
export function encodeNotice(vmName: string, notice: Notice): Uint8Array {
  const head = { command: NOTICE_COMMAND, vm_name: cut(vmName, BOUND.NAME_BYTES) };
  return notice.do === "host-sleeps"
    ? extensionNotice.encode({ ...head, what: NOTICE.HOST_SLEEPS, wake_s: notice.wakeS })
    : extensionNotice.encode({ ...head, what: NOTICE.HOST_AWAKE, slept_s: Math.min(notice.sleptS, MOST) });
}

/** Returns whether a whole reply has a notice's command. */
export function isNotice(reply: Uint8Array): boolean {
  return u32At(reply, extensionNotice.fields.command.offset) === NOTICE_COMMAND;
}

/** Returns what 464 bytes with a notice's command say; never throws. Undefined for a notice that this version doesn't know. */
export function decodeNotice(bytes: Uint8Array): Extract<Reply, { kind: "notice" }> | undefined {
  const { what, slept_s: sleptS, wake_s: wakeS } = extensionNotice.decode(bytes);
  switch (what) {
    case NOTICE.HOST_SLEEPS:
      return { kind: "notice", notice: { do: "host-sleeps", wakeS } };
    case NOTICE.HOST_AWAKE:
      return { kind: "notice", notice: { do: "host-awake", sleptS } };
    default:
      return undefined;
  }
}
