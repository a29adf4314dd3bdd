// Commands that a running powermon carries out when there is one, and that act alone otherwise: never both at once.

import * as v from "valibot";
import { parseArgs } from "../../internal/cli/args.ts";
import { ControlClient } from "../../internal/control/client.ts";
import { RUN_DIR } from "../../internal/config/defaults.ts";
import { runningInstance } from "../../internal/daemon/instance.ts";
import { takeUpRecords } from "../../internal/daemon/older-records.ts";
import { CONTROL_ARGS } from "./control.ts";
import { absolutePath, ROOT_ARGS, rootsOf } from "./roots.ts";

/** The flags that tell which powermon and which machine is meant. */
export const RUNNING_ARGS = {
  ...ROOT_ARGS,
  socket: {
    type: "string",
    valueHint: "PATH",
    description: `control socket of the powermon that does it (default ${CONTROL_ARGS.socket.default}, or STATE_DIR/control.sock with --state-dir, when one runs)`,
  },
} as const;

const Socket = v.object({ socket: v.optional(absolutePath) });

/**
 * Returns the powermon that uses the state folder or that --socket names; undefined when none runs and none is named: then what an older
 * one has saved is taken up, as far as this user may.
 */
export function runningPowermon(args: object): ControlClient | undefined {
  const { socket } = parseArgs(Socket, args);
  if (socket !== undefined) return new ControlClient(socket);
  const { stateDir } = rootsOf(args);
  if (runningInstance(stateDir) === undefined) {
    takeUpRecords(stateDir);
    return undefined;
  }
  return new ControlClient(stateDir === RUN_DIR ? CONTROL_ARGS.socket.default : `${stateDir}/control.sock`);
}
