// How fleet commands find etcd and the group: a configuration file with [fleet], the daemon's own unless another one is named.

import * as v from "valibot";
import { parseArgs } from "../../../internal/cli/args.ts";
import type { Change } from "../../../internal/api/dry-run.ts";
import type { Io } from "../../../internal/cli/command.ts";
import { STATUS, type Status } from "../../../internal/cli/status.ts";
import { UsageError } from "../../../internal/cli/usage-error.ts";
import { fleetOf } from "../../../internal/config/fleet.ts";
import { CONFIG_FILE } from "../../../internal/config/load.ts";
import { describeProblem } from "../../../internal/config/problem.ts";
import { fleetFindings } from "../../../internal/config/fleet-schema.ts";
import { readConfigFile } from "../../../internal/config/read.ts";
import { readCredentials } from "../../../internal/fleet/etcd/credentials.ts";
import { Etcd } from "../../../internal/fleet/etcd/etcd.ts";
import type { No } from "../../../internal/fleet/operator.ts";
import { type Keys, keysOf } from "../../../internal/fleet/stored.ts";
import { isWord, WORD_FORM } from "../../../internal/values/word.ts";
import { json } from "../../../internal/output/json.ts";
import { failWith } from "../../fail.ts";
import { showDryRun } from "../dry-run.ts";
import { absolutePath } from "../roots.ts";

/** The flags of every fleet command. */
export const FLEET_ARGS = {
  config: {
    type: "string",
    default: CONFIG_FILE,
    valueHint: "FILE",
    description: "file whose [fleet] says where etcd is and who asks",
  },
  json: { type: "boolean", description: "print one JSON document instead of text" },
} as const;

/** A group or a host as a word. */
export const word = v.pipe(v.string(), v.check(isWord, `must be a name of ${WORD_FORM}`));
export const GROUP_ARG = {
  type: "string",
  valueHint: "GROUP",
  description: "the group that is meant (default: the one of the file's [fleet])",
} as const;

/** Whom a command asks. */
export interface Asked {
  readonly etcd: Etcd;
  readonly keys: Keys;
  readonly group: string;
}

const Words = v.object({
  config: absolutePath,
  group: v.optional(word),
  "dry-run": v.optional(v.boolean(), false),
});

/** Returns whom the flags mean; with --dry-run nothing is written there. Errors: UsageError for a file without [fleet], one that is wrong, or keys that others may read. */
export function askedOf(args: object): Asked {
  const { config, group, "dry-run": dry } = parseArgs(Words, args);
  const read = readConfigFile(config);
  if (!read.ok) throw new UsageError(read.error.map(describeProblem).join("\n"));
  const [finding] = fleetFindings(read.value.says.fleet);
  if (finding !== undefined)
    throw new UsageError(describeProblem({ ...finding, file: config, key: finding.path.join(".") }));
  const fleet = fleetOf(read.value.says);
  if (!fleet.ok) throw new UsageError(fleet.error);
  if (fleet.value === undefined)
    throw new UsageError(
      `${config} has no [fleet]; write endpoints and group there, or name another file with --config.`,
    );
  const credentials = readCredentials(fleet.value);
  if (!credentials.ok) throw new UsageError(credentials.error);
  const meant = group ?? fleet.value.group;
  return {
    etcd: new Etcd({ ...credentials.value, dry }),
    keys: keysOf(fleet.value.prefix, meant),
    group: meant,
  };
}

const STATUS_OF: Readonly<Record<No["kind"], Status>> = {
  "no-answer": STATUS.noAnswer,
  refused: STATUS.refused,
  gone: STATUS.failed,
  rule: STATUS.refused,
};

/** Prints why nothing was done, and returns the status that stands for it. */
export function refuse(context: { readonly args: object; readonly io: Io }, no: No): Status {
  return failWith(context, STATUS_OF[no.kind], [no.message]);
}

/** Tells in a dry run what would be another. Returns the status. */
export function tellDry(
  { args, io }: { readonly args: { readonly json: boolean }; readonly io: Io },
  looked: readonly Change[],
): Status {
  const changes = looked.filter(({ before, after }) => before !== after);
  io.out(args.json ? json({ dryRun: true, changes }) : showDryRun({ changes, clocks: [], warnings: [] }));
  return STATUS.done;
}
