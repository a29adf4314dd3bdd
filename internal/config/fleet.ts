// The fleet as the configuration has it, and VMs' settings that come from elsewhere than its files.

import { readFileSync } from "node:fs";
import { err, ok, type Result } from "../values/result.ts";
import { isWord } from "../values/word.ts";
import type { Layer } from "./merge.ts";
import { describeProblem, tomlKey } from "./problem.ts";
import { judge, parseTable } from "./read.ts";
import type { ConfigFile } from "./schema.ts";

/** [fleet] with its defaults. */
export interface FleetConfig {
  readonly endpoints: readonly string[];
  readonly group: string;
  /** This host's. */
  readonly name: string;
  /** W; undefined on a machine that only asks. */
  readonly fallback: number | undefined;
  readonly prefix: string;
  readonly ca: string | undefined;
  readonly cert: string | undefined;
  readonly key: string | undefined;
  readonly user: string | undefined;
  readonly passwordFile: string | undefined;
}

/** What keys begin with unless [fleet] says otherwise. */
const PREFIX = "/powermon/";

/** Returns [fleet]; undefined where there is none. Errors: the host's own name can't be one of a fleet, and none is written. */
export function fleetOf({ fleet }: ConfigFile): Result<FleetConfig | undefined, string> {
  if (fleet === undefined) return ok(undefined);
  const name = fleet.name ?? ownName();
  if (!isWord(name))
    return err(
      `This host is called ${JSON.stringify(name)}, which no host of a fleet can be: write fleet.name.`,
    );
  const { endpoints, group, fallback_watts: fallback, prefix = PREFIX, ca, cert, key } = fleet;
  const { user, password_file: passwordFile } = fleet;
  return ok({ endpoints, group, name, fallback, prefix, ca, cert, key, user, passwordFile });
}

/** Returns what this machine is called, in small letters; "" where that can't be read. Source: hostname(5), proc_sys_kernel(5). */
function ownName(): string {
  try {
    return readFileSync("/proc/sys/kernel/hostname", "utf8").trim().toLowerCase();
  } catch {
    return "";
  }
}

/** What a VM can't have from elsewhere: it is about one host. */
const OF_ONE_HOST = ["pins", "qmp", "wire"] as const;

/** Longest text of one VM's settings, characters, and of those of all VMs as they are kept, bytes. */
const MAX_TEXT = 16 << 10;
export const MAX_ALL = 16 << 20;
/** Longer sentences say no more. */
const MAX_WHY = 500;

const sayerOf = (vm: string): string => `the fleet's word on VM ${JSON.stringify(vm)}`;

/** Returns what `text`, which stands in etcd, says of a VM. Errors: as judgeVm's, in at most 500 characters; also for what is no JSON object, or too long. */
export function judgeVmText(vm: string, text: string): Result<Layer, string> {
  const file = sayerOf(vm);
  if (text.length > MAX_TEXT)
    return err(`${file} has ${text.length} characters; at most ${MAX_TEXT} are read.`);
  const parsed = parseTable(`${file}.json`, text);
  const judged = parsed.ok
    ? judgeVm(vm, parsed.value.raw)
    : err(parsed.error.map((one) => describeProblem({ ...one, file })).join(" "));
  return judged.ok || judged.error.length <= MAX_WHY ? judged : err(`${judged.error.slice(0, MAX_WHY)}...`);
}

/**
 * Returns what the fleet says of a VM as a layer of settings. Errors: what is wrong with it, with where it came from, and then nothing of it is
 * to be taken.
 * @param settings as a configuration file has them
 */
export function judgeVm(vm: string, settings: object): Result<Layer, string> {
  const file = sayerOf(vm);
  const judged = judge(file, { vm: { [vm]: settings } });
  if (!judged.ok) return err(judged.error.map(describeProblem).join(" "));
  const own = OF_ONE_HOST.find((key) => Object.hasOwn(settings, key));
  if (own === undefined) return ok({ from: "fleet", read: judged.value });
  const right = "Write it into that host's own file.";
  return err(describeProblem({ file, key: tomlKey(["vm", vm, own]), wrong: "is about one host", right }));
}
