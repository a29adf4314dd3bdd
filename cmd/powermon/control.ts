// How commands ask a running powermon: the flags that name it, the words that several of them take, the statuses.

import * as v from "valibot";
import { integer, parseArgs } from "../../internal/cli/args.ts";
import type { Io } from "../../internal/cli/command.ts";
import { STATUS, type Status } from "../../internal/cli/status.ts";
import { ControlClient, type ControlError } from "../../internal/control/client.ts";
import { MAX_CHANNEL, MAX_VCPU, type Numbers, parseNumbers } from "../../internal/values/numbers.ts";
import { json } from "../../internal/output/json.ts";
import type { Result } from "../../internal/values/result.ts";
import { isKhz, KHZ } from "../../internal/values/units.ts";
import { isVmName } from "../../internal/values/vm-name.ts";
import { absolutePath } from "./roots.ts";

/** The flags of every command that asks a running powermon. */
export const CONTROL_ARGS = {
  socket: {
    type: "string",
    default: "/run/powermon/control.sock",
    valueHint: "PATH",
    description: "the control socket of the powermon to ask",
  },
  json: { type: "boolean", description: "print one JSON document instead of text" },
} as const;

/** A VM's name as a word. */
export const VM_ARG = { type: "positional", valueHint: "VM", description: "the VM's name" } as const;
export const vmName = v.pipe(
  v.string(),
  v.check(isVmName, 'must be a VM\'s name, without "/" and control characters'),
);

export const vcpuNumber = integer(0, MAX_VCPU);

const CHANNELS = `must be a list of channel numbers from 0 to ${MAX_CHANNEL} such as 0-3,5, or all`;

export const channelList = v.pipe(
  v.string(),
  v.rawTransform<string, Numbers>(({ dataset, addIssue, NEVER }) => {
    const list = parseNumbers(dataset.value, MAX_CHANNEL);
    if (list !== undefined) return list;
    addIssue({ message: CHANNELS });
    return NEVER;
  }),
);

/** Returns a schema for one of `words` or a frequency in kHz, given as text. */
export function wordOrKhz<const T extends string>(words: readonly T[]) {
  const message = `must be ${words.join(", ")} or kHz (${KHZ.least} to ${KHZ.most})`;
  return v.pipe(
    v.string(message),
    v.rawTransform<string, T | number>(({ dataset: { value }, addIssue, NEVER }) => {
      const word = words.find((one) => one === value);
      if (word !== undefined) return word;
      const khz = /^[0-9]{1,9}$/.test(value) ? Number(value) : 0;
      if (isKhz(khz)) return khz;
      addIssue({ message });
      return NEVER;
    }),
  );
}

export const bound = wordOrKhz(["min", "base", "max"]);

/** The flags of a VM's bounds, which bound() reads. */
export const BOUND_ARGS = {
  floor: { type: "string", valueHint: "kHz|min|base|max", description: "lowest frequency of its claims" },
  ceiling: { type: "string", valueHint: "kHz|min|base|max", description: "highest frequency of its claims" },
} as const;

/** The word on or off, as a boolean. */
export const onOff = v.pipe(
  v.picklist(["on", "off"], "must be on or off"),
  v.transform((word) => word === "on"),
);

const Socket = v.object({ socket: absolutePath });

/** Returns the powermon that CONTROL_ARGS name. Nothing is connected yet. */
export function clientOf(args: object): ControlClient {
  return new ControlClient(parseArgs(Socket, args).socket);
}

const STATUS_OF: Readonly<Record<ControlError["code"], Status>> = {
  "not-found": STATUS.usage,
  invalid: STATUS.usage,
  refused: STATUS.refused,
  failed: STATUS.failed,
  unsupported: STATUS.unsupported,
  busy: STATUS.failed,
  "no-answer": STATUS.noAnswer,
  forbidden: STATUS.failed,
};

/**
 * Prints why nothing was done, as JSON on standard output when `asJson`, and returns the status that stands for it.
 * @param write how JSON is written: one document, or a line of its own in a stream
 */
export function fail(
  error: ControlError,
  asJson: boolean,
  io: Io,
  write: (document: object) => string = json,
): Status {
  if (asJson) io.out(write({ error }));
  else io.err(error.message);
  return STATUS_OF[error.code];
}

/**
 * Prints what came back, as JSON or as `show` says it, and returns the status that stands for it.
 * @param show returns the text for people; undefined prints nothing
 */
export async function tell<T extends object>(
  asked: Promise<Result<T, ControlError>>,
  { args, io }: { readonly args: { readonly json: boolean }; readonly io: Io },
  show: (value: T) => string | undefined,
): Promise<Status> {
  const answer = await asked;
  if (!answer.ok) return fail(answer.error, args.json, io);
  const text = args.json ? json(answer.value) : show(answer.value);
  if (text !== undefined) io.out(text);
  return STATUS.done;
}

/** Returns a number as a cell of a table. */
export function cell(value: number | string | undefined): string {
  return value === undefined || value === "" ? "-" : String(value);
}

/** Returns counters as `name 1, other 2`; "none" when there is none. */
export function countsText(counts: Readonly<Record<string, number>>): string {
  const parts = Object.entries(counts).map(([name, count]) => `${name} ${count}`);
  return parts.length === 0 ? "none" : parts.join(", ");
}
