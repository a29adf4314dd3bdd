// What all guest commands have in common: the flags that name ports and place, and how a request may end.

import { resolve } from "node:path";
import * as v from "valibot";
import { integer, nonEmpty, parseArgs } from "../../internal/cli/args.ts";
import { STATUS, type Status } from "../../internal/cli/status.ts";
import { DEFAULT_SOCKET } from "../../internal/guest/agent/local-client.ts";
import { explainFailure, type GuestFailure } from "../../internal/guest/failure.ts";
import { DEFAULT_PORT_DIR, portPath } from "../../internal/guest/port.ts";

/** One of librte_power's environments. */
const ENVS = ["kvm-vm", "cpufreq"] as const;
export type Env = (typeof ENVS)[number];

/** A host that starts or is busy answers late; longer than this somebody at a terminal would wonder. */
const DEFAULT_TIMEOUT_MS = 1000;

/** The flags of every command that asks for frequencies. */
export const PLACE_ARGS = {
  port: {
    type: "string",
    valueHint: "path",
    description: "use this port for everything: a device, or unix:PATH of a listening socket",
  },
  portDir: {
    type: "string",
    valueHint: "dir",
    description: `folder of the ports; vCPU N uses virtio.serial.port.poweragent.N in it (default: ${DEFAULT_PORT_DIR})`,
  },
  vmName: {
    type: "string",
    valueHint: "name",
    description: "name of this VM as the host knows it; DPDK's host answers queries only with it",
  },
  timeoutMs: {
    type: "string",
    valueHint: "n",
    description: `how long the host may take for an answer, 1 to 60000 ms (default: ${DEFAULT_TIMEOUT_MS}, or what the agent's configuration says)`,
  },
  json: { type: "boolean", description: "print one JSON document instead of text" },
  env: {
    type: "enum",
    options: ["auto", ...ENVS],
    default: "auto",
    description:
      "ask the host (kvm-vm), set this machine's own clocks (cpufreq), or as there are ports (auto)",
  },
  agent: {
    type: "string",
    valueHint: "path",
    default: DEFAULT_SOCKET,
    description: "socket of the agent, which is asked when it runs and no port is named",
  },
  sysfsRoot: {
    type: "string",
    valueHint: "dir",
    default: "/sys",
    description: "stands for /sys with cpufreq",
  },
  procRoot: {
    type: "string",
    valueHint: "dir",
    default: "/proc",
    description: "stands for /proc with cpufreq",
  },
  stateDir: {
    type: "string",
    valueHint: "dir",
    default: "/var/lib/vmpower-guest",
    description: "where the original settings are kept with cpufreq, until they are released",
  },
} as const;

/** Most bytes of a VM's name on the wire, its NUL left out. Source: DPDK rte_power_guest_channel.h, RTE_POWER_VM_MAX_NAME_SZ. */
const NAME_BYTES = 31;

const absolute = v.pipe(
  nonEmpty,
  v.transform((path) => resolve(path)),
);

const PlaceArgs = v.object({
  port: v.optional(
    v.pipe(
      nonEmpty,
      v.check((port) => port !== "unix:", "must be a path, or unix:PATH"),
    ),
  ),
  portDir: v.optional(nonEmpty),
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
  timeoutMs: v.optional(integer(1, 60_000)),
  json: v.boolean(),
  env: v.picklist(["auto", ...ENVS]),
  agent: nonEmpty,
  sysfsRoot: absolute,
  procRoot: absolute,
  stateDir: absolute,
});

/** Returns what PLACE_ARGS say. Errors: UsageError. */
export function channelOf(args: object) {
  const { env, agent, port, portDir, vmName, timeoutMs, ...roots } = parseArgs(PlaceArgs, args);
  const { sysfsRoot, procRoot, stateDir } = roots;
  return {
    env,
    agent,
    port,
    portDir: portDir ?? DEFAULT_PORT_DIR,
    /** True when --port-dir was given. */
    portsNamed: portDir !== undefined,
    vmName,
    timeoutMs: timeoutMs ?? DEFAULT_TIMEOUT_MS,
    /** True when --timeout-ms was given. */
    timeoutNamed: timeoutMs !== undefined,
    roots: { sysfsRoot, procRoot, stateDir },
  };
}

/** What PLACE_ARGS were given as. */
export type PlaceWords = Readonly<ReturnType<typeof channelOf>>;

/** Returns the port that vCPU `vcpu` uses: the one given for everything, else its own. */
export function portOf(vcpu: number, channel: { port?: string | undefined; portDir: string }): string {
  return channel.port ?? portPath(vcpu, channel.portDir);
}

/** How a request may end: done, or why not. */
export type EndKind =
  | "done"
  | GuestFailure["kind"]
  | "not-listed"
  | "no-turbo"
  | "no-clock"
  | "clock-failed"
  | "no-policy"
  | "agent-failed";

const STATUS_OF: Readonly<Record<EndKind, Status>> = {
  done: STATUS.done,
  "not-listed": STATUS.unsupported,
  "no-such-vcpu": STATUS.failed,
  "no-turbo": STATUS.refused,
  "no-clock": STATUS.unsupported,
  "clock-failed": STATUS.failed,
  "no-policy": STATUS.unsupported,
  "agent-failed": STATUS.failed,
  "no-port": STATUS.unsupported,
  "not-a-port": STATUS.failed,
  busy: STATUS.failed,
  "open-failed": STATUS.failed,
  "absent-host": STATUS.noAnswer,
  "no-answer": STATUS.noAnswer,
  refused: STATUS.refused,
  "host-failed": STATUS.failed,
  "not-understood": STATUS.unsupported,
  "host-too-old": STATUS.unsupported,
  "no-meter": STATUS.unsupported,
  "v1-only": STATUS.unsupported,
  "no-name": STATUS.usage,
  "read-failed": STATUS.failed,
  "write-failed": STATUS.failed,
};

/** Returns what an outcome means to the shell. */
export function statusOf(outcome: EndKind): Status {
  return STATUS_OF[outcome];
}

/** Returns whether `word`, which another program said, is an outcome. */
export function isEndKind(word: unknown): word is EndKind {
  return typeof word === "string" && Object.hasOwn(STATUS_OF, word);
}

/** How one request ended, as `--json` shows it: `outcome` is "done" or the kind of failure, `message` its sentence. */
export interface Ending {
  readonly outcome: EndKind;
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
