// A guest's extension requests in bytes, both ways: without it our own words would be cast from a struct nobody checked.

import type { ExtensionAsk } from "../values/extension.ts";
import { MAX_LEASE_S } from "../values/extension.ts";
import type { Request } from "../values/request.ts";
import { UNIT } from "./constants.ts";
import { ALL_FLAG, EXTENSION, extensionRequest, NOTICES_FLAG, TURBO_FLAG } from "./extension-layout.ts";
import { u32At, u64At } from "./little-endian.ts";

const COMMAND_AT = extensionRequest.head.fields.command.offset;
const SEQUENCE_AT = extensionRequest.head.fields.sequence.offset;

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

/** Returns the 464 bytes of `request`, the front of `into` when given. Errors: RangeError when a number doesn't fit or the name is over 31 bytes. */
export function encodeExtension(request: ExtensionRequest, into?: Uint8Array): Uint8Array {
  const { ask } = request;
  const head = {
    resource_id: request.vcpu,
    sequence: request.sequence,
    command: commandOf(ask),
    vm_name: request.vmName,
  };
  switch (ask.do) {
    case "hello":
      return extensionRequest.hello.encode(
        { ...head, version: ask.version, lease_s: ask.leaseS, flags: ask.notices ? NOTICES_FLAG : 0 },
        into,
      );
    case "scale":
      return extensionRequest.scale.encode({ ...head, unit: UNIT.number[ask.step] }, into);
    case "set-khz":
      return extensionRequest.setKhz.encode(
        { ...head, khz: ask.khz, flags: ask.turbo ? TURBO_FLAG : 0 },
        into,
      );
    case "release":
      return extensionRequest.release.encode({ ...head, flags: ask.all ? ALL_FLAG : 0 }, into);
    case "freqs":
    case "list":
      return extensionRequest.page.encode({ ...head, first: ask.first }, into);
    case "ping":
    case "state":
    case "policy-remove":
    case "not-understood":
      return extensionRequest.head.encode(head, into);
  }
}

/** Returns the `command` of what is asked. */
export function commandOf(ask: ExtensionAsk): number {
  switch (ask.do) {
    case "hello":
      return EXTENSION.HELLO;
    case "ping":
      return EXTENSION.PING;
    case "scale":
      return EXTENSION.SCALE;
    case "set-khz":
      return EXTENSION.SET_KHZ;
    case "release":
      return EXTENSION.RELEASE;
    case "freqs":
      return EXTENSION.FREQS;
    case "state":
      return EXTENSION.STATE;
    case "list":
      return EXTENSION.LIST;
    case "policy-remove":
      return EXTENSION.POLICY_REMOVE;
    case "not-understood":
      return ask.command;
  }
}

function decodeAsk(frame: Uint8Array): ExtensionAsk {
  const command = u32At(frame, COMMAND_AT);
  switch (command) {
    case EXTENSION.HELLO: {
      const { version, lease_s, flags } = extensionRequest.hello.fields;
      const newest = version.read(frame);
      const leaseS = lease_s.read(frame);
      if (newest < 1) return bad(command, `version is ${newest}; versions start at 1`);
      if (leaseS > MAX_LEASE_S) return bad(command, `lease_s is ${leaseS}; it may be 0 to ${MAX_LEASE_S}`);
      const notices = (flags.read(frame) & NOTICES_FLAG) !== 0;
      return { do: "hello", version: newest, leaseS, ...(notices && { notices }) };
    }
    case EXTENSION.PING:
      return { do: "ping" };
    case EXTENSION.SCALE: {
      const unit = extensionRequest.scale.fields.unit.read(frame);
      const step = UNIT.word.get(unit);
      if (step === undefined) return bad(command, `unit is ${unit}; it may be ${UNIT.range}`);
      return { do: "scale", step };
    }
    case EXTENSION.SET_KHZ: {
      const { khz, flags } = extensionRequest.setKhz.fields;
      const wanted = khz.read(frame);
      if (wanted < 1) return bad(command, "khz is 0; a frequency is at least 1 kHz");
      return { do: "set-khz", khz: wanted, turbo: (flags.read(frame) & TURBO_FLAG) !== 0 };
    }
    case EXTENSION.RELEASE:
      return { do: "release", all: (extensionRequest.release.fields.flags.read(frame) & ALL_FLAG) !== 0 };
    case EXTENSION.FREQS:
      return { do: "freqs", first: extensionRequest.page.fields.first.read(frame) };
    case EXTENSION.STATE:
      return { do: "state" };
    case EXTENSION.LIST:
      return { do: "list", first: extensionRequest.page.fields.first.read(frame) };
    case EXTENSION.POLICY_REMOVE:
      return { do: "policy-remove" };
    default:
      return {
        do: "not-understood",
        command,
        why: "unknown-command",
        detail: `This host does not know extension command 0x${command.toString(16)}.`,
      };
  }
}

function bad(command: number, what: string): ExtensionAsk {
  return { do: "not-understood", command, why: "bad-value", detail: `Not understood: ${what}.` };
}
