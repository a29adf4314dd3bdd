// What all guest commands say about the channel: without it each would name ports and statuses in its own way.

import * as v from "valibot";
import { integer, nonEmpty } from "../../internal/cli/args.ts";
import { STATUS, type Status } from "../../internal/cli/status.ts";
import { explainFailure, type GuestFailure } from "../../internal/guest/failure.ts";
import { DEFAULT_PORT_DIR, portPath } from "../../internal/guest/port.ts";

/** The flags of every command that uses a port. */
export const CHANNEL_ARGS = {
  port: {
    type: "string",
    valueHint: "path",
    description: "Use this port for everything: a device, or unix:PATH of a listening socket",
  },
  portDir: {
    type: "string",
    valueHint: "dir",
    default: DEFAULT_PORT_DIR,
    description: "Folder of the ports; vCPU N uses virtio.serial.port.poweragent.N in it",
  },
  vmName: {
    type: "string",
    valueHint: "name",
    description: "Name of this VM as the host knows it; DPDK's host answers queries only with it",
  },
  timeoutMs: {
    type: "string",
    valueHint: "n",
    default: "100",
    description: "How long to wait for an answer, 1 to 60000 ms",
  },
  json: { type: "boolean", description: "Print one JSON document instead of text" },
} as const;

/** Most bytes of a VM's name on the wire, its NUL left out. Source: DPDK rte_power_guest_channel.h, RTE_POWER_VM_MAX_NAME_SZ. */
const NAME_BYTES = 31;

/** The meaning of CHANNEL_ARGS. */
export const CHANNEL_SCHEMA = {
  port: v.optional(
    v.pipe(
      nonEmpty,
      v.check((port) => port !== "unix:", "must be a path, or unix:PATH"),
    ),
  ),
  portDir: nonEmpty,
  vmName: v.optional(
    v.pipe(
      v.string(),
      v.check(
        (name) => Buffer.byteLength(name) <= NAME_BYTES && !name.includes("\0"),
        `must be a name of at most ${NAME_BYTES} bytes`,
      ),
    ),
    "",
  ),
  timeoutMs: integer(1, 60_000),
  json: v.boolean(),
};

/** Returns the port that vCPU `vcpu` uses: the one given for everything, else its own. */
export function portOf(vcpu: number, channel: { port?: string | undefined; portDir: string }): string {
  return channel.port ?? portPath(vcpu, channel.portDir);
}

const STATUS_OF: Readonly<Record<GuestFailure["kind"], Status>> = {
  "no-port": STATUS.unsupported,
  "not-a-port": STATUS.failed,
  busy: STATUS.failed,
  "open-failed": STATUS.failed,
  "absent-host": STATUS.noAnswer,
  "no-answer": STATUS.noAnswer,
  refused: STATUS.refused,
  "host-failed": STATUS.failed,
  "not-understood": STATUS.unsupported,
  "read-failed": STATUS.failed,
  "write-failed": STATUS.failed,
};

/** How one request ended, as `--json` shows it: `outcome` is "done" or the kind of failure, `message` its sentence. */
export interface Ending {
  readonly outcome: "done" | GuestFailure["kind"] | "not-listed" | "no-such-vcpu";
  readonly message: string | null;
  readonly status: Status;
}

export const DONE_ENDING: Ending = { outcome: "done", message: null, status: STATUS.done };

/** Returns the ending that a failure is. */
export function endingOf(no: GuestFailure): Ending {
  return { outcome: no.kind, message: explainFailure(no), status: STATUS_OF[no.kind] };
}

/** Returns the status that stands for all: the highest. */
export function worst(statuses: readonly Status[]): Status {
  return statuses.reduce((high, status) => (status > high ? status : high), STATUS.done);
}
