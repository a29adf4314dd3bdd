// Our own words in bytes, both ways, by the table: requests of a guest and answers of a host.

import type { ExtensionAnswer, ExtensionAsk } from "../values/extension.ts";
import type { Reply, Request } from "../values/request.ts";
import { ANSWER_BIT, BOUND, DONE_STATUS } from "./constants.ts";
import { EXTENSION, HEAD, NO, type Row } from "./extension-table.ts";
import { cut } from "./layout.ts";
import { u32At, u64At } from "./little-endian.ts";

const COMMAND_AT = HEAD.fields.command.offset;
const SEQUENCE_AT = HEAD.fields.sequence.offset;
const STATUS_AT = 48;
const BY_CODE: ReadonlyMap<number, Row> = new Map(Object.values(EXTENSION).map((row) => [row.code, row]));

export type ExtensionRequest = Extract<Request, { kind: "extension" }>;

/** Returns what a 464-byte extension frame asks; its command is one of the extension's and `vmName` is read from it already. */
export function decodeExtension(frame: Uint8Array, vmName: string): ExtensionRequest {
  return {
    kind: "extension",
    vcpu: u64At(frame, 0),
    vmName,
    physical: false,
    sequence: u32At(frame, SEQUENCE_AT),
    ask: decodeAsk(frame),
  };
}

function decodeAsk(frame: Uint8Array): ExtensionAsk {
  const command = u32At(frame, COMMAND_AT);
  const row = BY_CODE.get(command);
  if (row === undefined) {
    const detail = `This host does not know extension command 0x${command.toString(16)}.`;
    return { do: "not-understood", command, why: "unknown-command", detail };
  }
  const wrong = row.ask.wrong?.(frame);
  if (wrong === undefined) return row.ask.read(frame);
  return { do: "not-understood", command, why: "bad-value", detail: `Not understood: ${wrong}.` };
}

/** Returns the 464 bytes of `request`, the front of `into` when given. Errors: RangeError when the name is over 31 bytes. */
export function encodeExtension(request: ExtensionRequest, into?: Uint8Array): Uint8Array {
  const { vcpu, sequence, vmName, ask } = request;
  const command = commandOf(ask);
  const bytes = HEAD.encode({ resource_id: vcpu, sequence, command, vm_name: vmName }, into);
  if (ask.do !== "not-understood") EXTENSION[ask.do].ask.write(bytes, ask);
  return bytes;
}

/** Returns the `command` of what is asked. */
export function commandOf(ask: ExtensionAsk): number {
  return ask.do === "not-understood" ? ask.command : EXTENSION[ask.do].code;
}

/** Returns the 464 fresh bytes of the `answer` to a request; `vmName` is the VM's own. A sentence too long for its place is cut between characters. */
export function encodeAnswer(
  head: Pick<ExtensionRequest, "vcpu" | "sequence" | "vmName" | "ask">,
  answer: ExtensionAnswer,
): Uint8Array {
  const bytes = HEAD.encode({
    resource_id: head.vcpu,
    sequence: head.sequence,
    command: commandOf(head.ask) | ANSWER_BIT,
    vm_name: cut(head.vmName, BOUND.NAME_BYTES),
  });
  if (answer.do === "no") NO.write(bytes, answer);
  else EXTENSION[answer.do].answer.write(bytes, answer);
  return bytes;
}

/** Returns what 464 bytes with an extension answer's command say; never throws. Undefined for a command that this version doesn't know. */
export function decodeAnswer(bytes: Uint8Array): Extract<Reply, { kind: "extension" }> | undefined {
  const { resource_id: vcpu, sequence, command, vm_name: vmName } = HEAD.decode(bytes);
  if ((command & ANSWER_BIT) === 0) return undefined;
  const done = u32At(bytes, STATUS_AT) === DONE_STATUS;
  const frame = done ? BY_CODE.get((command & ~ANSWER_BIT) >>> 0)?.answer : NO;
  return frame && { kind: "extension", vcpu, vmName, sequence, answer: frame.read(bytes) };
}
