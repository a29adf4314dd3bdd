// The whole configuration at once: a reload brings all of the new one or leaves all of the old.

import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { codeOf } from "../os/error-code.ts";
import { type ListenAddress, parseListen } from "../values/listen.ts";
import { err, ok, type Result } from "../values/result.ts";
import type { Pcpu } from "../values/units.ts";
import { findErrors, findWarnings } from "./check.ts";
import { DEFAULTS, RUN_DIR } from "./defaults.ts";
import { pcpusOf } from "./effective.ts";
import { type Layer, type Merged, mergeFiles } from "./merge.ts";
import { type ConfigProblem, type Finding, firstOf, tomlKey } from "./problem.ts";
import { placed, type ReadFile, readConfigFile } from "./read.ts";
import type { Bound, DriftRule, Floating, PinningSource } from "./schema.ts";

/** More drop-ins are none of an operator's. */
const MAX_DROP_INS = 1024;

/** Where powermon looks when it is told nothing. */
export const CONFIG_FILE = "/etc/powermon/powermon.toml";

/** A site-wide limit: it clips every claim on these pCPUs. */
interface SiteLimit {
  /** As it is written, such as "0-3". */
  readonly cpuList: string;
  readonly cpus: readonly Pcpu[];
  readonly floor: Bound;
  readonly ceiling: Bound;
}

export interface FifoConfig {
  readonly enable: boolean;
  readonly dir: string;
  readonly cpus: readonly Pcpu[];
  readonly owner: string;
  readonly group: string;
  /** File mode bits. */
  readonly mode: number;
}

/** The configuration in force; per VM ask vmConfig(). */
export interface Config extends Merged {
  /** All that it was made of but what VMs bring along. */
  readonly layers: readonly Layer[];
  /** The files it was made of, the main one first. */
  readonly files: readonly string[];
  /** What outlasts a reboot. */
  readonly stateDir: string;
  /** What means nothing after one: see runDirOf(). */
  readonly runDir: string;
  readonly channels: { readonly dirs: readonly string[] };
  readonly pinning: {
    readonly sources: readonly PinningSource[];
    readonly floating: Floating;
    readonly libvirtUri: string;
  };
  readonly cpufreq: { readonly drift: DriftRule };
  readonly fifo: FifoConfig;
  /** `group` is empty when the socket stays with its maker's group, `watchGroup` when there is no socket to look only. */
  readonly control: { readonly socket: string; readonly group: string; readonly watchGroup: string };
  readonly http: {
    /** Undefined for none. */
    readonly listen: ListenAddress | undefined;
    /** Names beside localhost and IP addresses that a request's Host may have. */
    readonly names: readonly string[];
  };
  readonly limits: readonly SiteLimit[];
  /** Names that have a section of their own. */
  readonly vms: readonly string[];
  /** What is allowed and probably not meant. */
  readonly warnings: readonly ConfigProblem[];
}

/**
 * Returns the configuration that `file` and the drop-ins (*.toml in `dropInDir`, in the order of their names, later over
 * earlier) make together. Errors: every problem found; nothing of a bad configuration is ever returned.
 * @param file undefined for the defaults alone
 * @param dropInDir the state folder's powermon.d unless given; it need not exist
 * @param over layers over the files: the command line's flags, changes made at run time
 * @param carried layers under the files' own words on a VM: what VMs bring along
 */
export function loadConfig(
  file: string | undefined,
  dropInDir?: string,
  over: readonly Layer[] = [],
  carried: readonly Layer[] = [],
): Result<Config, ConfigProblem[]> {
  const problems: ConfigProblem[] = [];
  const files: Layer[] = [];
  const add = (path: string, from: "file" | "drop-in") => {
    const read = readConfigFile(path);
    if (read.ok) files.push({ read: read.value, from });
    else problems.push(...read.error);
    return read.ok ? read.value.says : undefined;
  };
  const main = file === undefined ? undefined : add(file, "file");
  // A main file that is broken may have meant another state folder: its drop-ins are not guessed.
  if (problems.length > 0 && dropInDir === undefined) return err(problems);
  const flagged = over.findLast(({ read }) => read.says.state_dir !== undefined)?.read.says.state_dir;
  const dir = dropInDir ?? dropInDirOf(flagged ?? main?.state_dir ?? DEFAULTS.state_dir);
  const names = listDropIns(dir);
  if (!names.ok) problems.push(names.error);
  for (const name of names.ok ? names.value : []) add(join(dir, name), "drop-in");
  for (const { read, from } of files) {
    if (from !== "drop-in" || read.says.state_dir === undefined) continue;
    const right = "Write it into the main file: drop-ins are looked for in the state folder.";
    const finding = { path: ["state_dir"], wrong: "can't stand in a drop-in", right };
    problems.push(problemOf(finding, read));
  }
  if (problems.length > 0) return err(problems);
  return combine([...files, ...over], carried);
}

/** Returns `config` with what VMs bring along now; no file is read. Errors: as loadConfig's, and none where only a VM's own are wrong. */
export function withCarried({ layers }: Config, carried: readonly Layer[]): Result<Config, ConfigProblem[]> {
  return combine(layers, carried);
}

/** Returns what `layers` say over what VMs bring along: one that the files disagree with brings nothing, which is a warning. */
function combine(layers: readonly Layer[], carried: readonly Layer[]): Result<Config, ConfigProblem[]> {
  const all = [...carried, ...layers];
  const merged = mergeFiles(all);
  const told = (findings: readonly Finding[]) => firstOf(findings, (one) => placeIn(all, merged, one));
  const errors = findErrors(merged);
  // Too many VMs, all together, is an error of the table itself.
  const wrong = errors.flatMap(({ path: [name, vm] }) => (name === "vm" ? [vm] : []));
  const isWrong = ({ read }: Layer) =>
    wrong.some((vm) => vm === undefined || Object.hasOwn(read.says.vm ?? {}, vm));
  if (carried.some(isWrong)) {
    const rest = combine(
      layers,
      carried.filter((layer) => !isWrong(layer)),
    );
    const right = "What the VM brings along is left aside; change it, or what this host says.";
    return rest.ok
      ? ok({
          ...rest.value,
          warnings: [...rest.value.warnings, ...told(errors).map((one) => ({ ...one, right }))],
        })
      : rest;
  }
  return errors.length > 0 ? err(told(errors)) : ok(settle(layers, merged, told(findWarnings(merged))));
}

/** Returns the folder of the drop-ins under a state folder. */
export function dropInDirOf(stateDir: string): string {
  return join(stateDir, "powermon.d");
}

/** Returns the folder of a boot's records, such as the saved originals: the run folder, or the state folder where another one is named. */
export function runDirOf(stateDir: string): string {
  return stateDir === DEFAULTS.state_dir ? RUN_DIR : stateDir;
}

function listDropIns(dir: string): Result<string[], ConfigProblem> {
  if (!existsSync(dir)) return ok([]);
  try {
    const names = readdirSync(dir).filter((name) => /^[^.].*\.toml$/.test(name));
    if (names.length > MAX_DROP_INS) {
      const wrong = `has ${names.length} drop-ins`;
      return err({
        file: dir,
        key: "",
        wrong,
        right: `Keep them at ${MAX_DROP_INS} at most; one may hold many VMs.`,
      });
    }
    return ok(names.sort());
  } catch (cause) {
    const wrong = `Cannot read the drop-ins' folder: ${codeOf(cause)}`;
    return err({ file: dir, key: "", wrong, right: "Make it a folder that powermon may read." });
  }
}

function placeIn(files: readonly Layer[], merged: Merged, finding: Finding): ConfigProblem {
  const origin = merged.origins.get(tomlKey(finding.path));
  const said = files.find(({ read }) => origin?.from !== "default" && read.file === origin?.file);
  return problemOf(finding, said?.read);
}

/** Returns `finding` as a problem of the file that said it. */
function problemOf({ path, wrong, right }: Finding, said: ReadFile | undefined): ConfigProblem {
  return { file: said?.file ?? "", key: tomlKey(path), ...(said && placed(said.text, path)), wrong, right };
}

function settle(layers: readonly Layer[], merged: Merged, warnings: ConfigProblem[]): Config {
  const { says } = merged;
  const fifo = { ...DEFAULTS.fifo, ...says.fifo };
  const control = { ...DEFAULTS.control, ...says.control };
  const pinning = { ...DEFAULTS.pinning, ...says.pinning };
  const stateDir = says.state_dir ?? DEFAULTS.state_dir;
  return {
    ...merged,
    layers,
    files: layers.filter(({ from }) => from === "file" || from === "drop-in").map(({ read }) => read.file),
    stateDir,
    runDir: runDirOf(stateDir),
    channels: { ...DEFAULTS.channels, ...says.channels },
    pinning: { sources: pinning.sources, floating: pinning.floating, libvirtUri: pinning.libvirt_uri },
    cpufreq: { ...DEFAULTS.cpufreq, ...says.cpufreq },
    fifo: { ...fifo, cpus: fifo.cpus === "" ? [] : pcpusOf(fifo.cpus), mode: Number.parseInt(fifo.mode, 8) },
    control: { socket: control.socket, group: control.group, watchGroup: control.watch_group },
    http: {
      listen: parseListen(says.http?.listen ?? DEFAULTS.http.listen),
      names: says.http?.names ?? DEFAULTS.http.names,
    },
    limits: Object.entries(says.limits ?? {}).map(([cpuList, { floor, ceiling }]) => ({
      cpuList,
      cpus: pcpusOf(cpuList),
      floor: floor ?? "min",
      ceiling: ceiling ?? "max",
    })),
    vms: Object.keys(says.vm ?? {}),
    warnings,
  };
}
