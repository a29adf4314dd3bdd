// A guest's bytes become a Request here and nowhere else: nothing further in sees an offset.

import type { Step } from "../values/frequency.ts";
import type { Request } from "../values/request.ts";
import {
  COMMAND,
  CORE_TYPE,
  type Generation,
  hasCommand,
  isAnswer,
  isExtension,
  REQUEST_BYTES,
  UNIT,
} from "./constants.ts";
import { channelPacket16, channelPacket456, channelPacket464 } from "./dpdk.ts";
import { commandOf as extensionCommandOf, decodeExtension, encodeExtension } from "./extension.ts";
import { u32At, u64At } from "./little-endian.ts";
import { NameReader } from "./name.ts";
import { decodePolicy, encodePolicy } from "./policy.ts";

/** Bytes that are no packet, and why; `detail` is the sentence for the log. */
export interface Malformed {
  readonly kind: "malformed";
  readonly why: "unknown-command" | "unknown-unit" | "unterminated-name" | "bad-size" | "bad-policy";
  /** The command as sent; 0 when there were too few bytes to have one. */
  readonly command: number;
  readonly detail: string;
}

const VCPU_AT = channelPacket464.fields.resource_id.offset;
const UNIT_AT = channelPacket464.fields.unit.offset;
const COMMAND_AT = channelPacket464.fields.command.offset;
const CORE_TYPE_AT = channelPacket464.fields.core_type.offset;
const CONNECT: Request = Object.freeze({ kind: "connect" });
/** The highest unit of each generation: the turbo pair came with 17.11. */
const LAST_UNIT: Readonly<Record<Generation, number>> = {
  "2014": UNIT.number.min,
  "17.11": UNIT.number["turbo-off"],
  "18.11": UNIT.number["turbo-off"],
};

/** Decodes the frames of one channel; it remembers the last name, so one channel has one decoder. */
export class RequestDecoder {
  readonly #name = new NameReader();

  /**
   * Returns what a frame of 464, 456 or 16 bytes asks; never throws. A scale request costs its result and no other allocation.
   * Of a CONNECT only `command` is read: a stock guest leaves every other byte uninitialised.
   */
  decode(frame: Uint8Array): Request | Malformed {
    const generation = generationOf(frame.length);
    if (generation === undefined) {
      return malformed("bad-size", 0, `A request has 464, 456 or 16 bytes, not ${frame.length}.`);
    }
    const command = u32At(frame, COMMAND_AT);
    if (!hasCommand(generation, command) || isAnswer(command)) {
      return malformed(
        "unknown-command",
        command,
        `No request of DPDK ${generation} has command ${command}.`,
      );
    }
    if (command === COMMAND.CONNECT) return CONNECT;
    const vmName = generation === "2014" ? "" : this.#name.read(frame);
    if (vmName === undefined) {
      return malformed("unterminated-name", command, "The vm_name has no NUL in its 32 bytes.");
    }
    if (isExtension(command)) return decodeExtension(frame, vmName);
    const vcpu = u64At(frame, VCPU_AT);
    const physical = generation === "18.11" && frame[CORE_TYPE_AT] !== CORE_TYPE.VIRTUAL;
    switch (command) {
      case COMMAND.CPU_POWER: {
        const unit = u32At(frame, UNIT_AT);
        const step = unit <= LAST_UNIT[generation] ? UNIT.word[unit] : undefined;
        if (step === undefined) {
          const detail = `Unit ${unit} is unknown; it may be 1 to ${LAST_UNIT[generation]}.`;
          return malformed("unknown-unit", command, detail);
        }
        return { kind: "scale", vcpu, vmName, physical, step };
      }
      case COMMAND.PKT_POLICY: {
        const policy = decodePolicy(frame);
        if (typeof policy === "string") return malformed("bad-policy", command, `Policy refused: ${policy}.`);
        return { kind: "policy", vcpu, vmName, physical, policy };
      }
      case COMMAND.PKT_POLICY_REMOVE:
        return { kind: "policy-remove", vcpu, vmName, physical };
      case COMMAND.QUERY_FREQ:
      case COMMAND.QUERY_FREQ_LIST:
        return { kind: "query-freq", vcpu, vmName, physical, all: command === COMMAND.QUERY_FREQ_LIST };
      default:
        return { kind: "query-caps", vcpu, vmName, physical, all: command === COMMAND.QUERY_CAPS_LIST };
    }
  }
}

/**
 * Returns the bytes of `request` as a guest of `generation` sends them: the front of `into` when given, zeroed first.
 * Errors: RangeError when the name is over 31 bytes, a number is out of range, `into` is too short, or that generation can't say it.
 */
export function encodeRequest(request: Request, generation: Generation, into?: Uint8Array): Uint8Array {
  const command = commandOf(request);
  if (!hasCommand(generation, command))
    throw new RangeError(`DPDK ${generation} has no ${request.kind} request`);
  if (request.kind === "extension") return encodeExtension(request, into);
  const packet = { command, resource_id: 0, unit: 0, vm_name: "" };
  if (request.kind !== "connect") {
    if (!Number.isSafeInteger(request.vcpu) || request.vcpu < 0) {
      throw new RangeError(`vCPU is ${request.vcpu}; it may be 0 to ${Number.MAX_SAFE_INTEGER}`);
    }
    if (request.physical && generation !== "18.11") {
      throw new RangeError(`DPDK ${generation} has no core_type, so a request can't name a host core`);
    }
    packet.resource_id = request.vcpu;
    packet.vm_name = request.vmName;
  }
  if (request.kind === "scale") packet.unit = unitOf(request.step, generation);
  if (generation === "2014") {
    const { vm_name: _, ...old } = packet;
    return channelPacket16.encode(old, into);
  }
  const policy = request.kind === "policy" ? encodePolicy(request.policy) : {};
  if (generation === "17.11") return channelPacket456.encode({ ...packet, ...policy }, into);
  const physical = request.kind !== "connect" && request.physical;
  const core_type = physical ? CORE_TYPE.PHYSICAL : CORE_TYPE.VIRTUAL;
  return channelPacket464.encode({ ...packet, ...policy, core_type }, into);
}

function generationOf(bytes: number): Generation | undefined {
  switch (bytes) {
    case REQUEST_BYTES["18.11"]:
      return "18.11";
    case REQUEST_BYTES["17.11"]:
      return "17.11";
    case REQUEST_BYTES["2014"]:
      return "2014";
    default:
      return undefined;
  }
}

function commandOf(request: Request): number {
  switch (request.kind) {
    case "connect":
      return COMMAND.CONNECT;
    case "scale":
      return COMMAND.CPU_POWER;
    case "policy":
      return COMMAND.PKT_POLICY;
    case "policy-remove":
      return COMMAND.PKT_POLICY_REMOVE;
    case "query-freq":
      return request.all ? COMMAND.QUERY_FREQ_LIST : COMMAND.QUERY_FREQ;
    case "query-caps":
      return request.all ? COMMAND.QUERY_CAPS_LIST : COMMAND.QUERY_CAPS;
    case "extension":
      return extensionCommandOf(request.ask);
  }
}

function unitOf(step: Step, generation: Generation): number {
  const unit = UNIT.number[step];
  if (unit > LAST_UNIT[generation]) throw new RangeError(`DPDK ${generation} has no ${step}`);
  return unit;
}

/** Returns the value that bytes are which are no packet. */
export function malformed(why: Malformed["why"], command: number, detail: string): Malformed {
  return { kind: "malformed", why, command, detail };
}
