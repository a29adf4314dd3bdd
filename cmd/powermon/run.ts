// powermon run: the daemon in the foreground, as systemd and people want it.

import { existsSync } from "node:fs";
import * as v from "valibot";
import { nonEmpty, parseArgs } from "../../internal/cli/args.ts";
import { type Args, defineCommand } from "../../internal/cli/command.ts";
import type { Status } from "../../internal/cli/status.ts";
import { UsageError } from "../../internal/cli/usage-error.ts";
import { type Config, CONFIG_FILE, dropInDirOf, loadConfig } from "../../internal/config/load.ts";
import { type ConfigProblem, describeProblem } from "../../internal/config/problem.ts";
import type { Layer } from "../../internal/config/merge.ts";
import type { ConfigFile } from "../../internal/config/schema.ts";
import { FLOATING } from "../../internal/config/schema.ts";
import { WIRES } from "../../internal/values/vm-settings.ts";
import { notOfHost } from "../../internal/config/fleet-schema.ts";
import { Log, LOG_FORMATS, LOG_LEVELS } from "../../internal/log.ts";
import { parsePins } from "../../internal/pinning/static.ts";
import { followTimeZone, ZONE_TODO } from "../../internal/os/time-zone.ts";
import { err, type Result } from "../../internal/values/result.ts";
import { absolutePath, MACHINE_WORDS } from "./roots.ts";
import { serve } from "./run/serve.ts";

const ARGS = {
  config: {
    type: "string",
    description: `configuration file (default ${CONFIG_FILE} where there is one)`,
    valueHint: "FILE",
  },
  dir: {
    type: "string",
    description:
      "folder of channel sockets, may be given several times (default /run/powermon/channels; DPDK's is /tmp/powermonitor)",
    valueHint: "DIR",
    repeatable: true,
  },
  pin: {
    type: "string",
    description: "static pins of a VM's vCPUs; other VMs' are read live from their QEMU process",
    valueHint: "VM:VCPU=PCPU,...",
    repeatable: true,
  },
  floating: {
    type: "enum",
    options: FLOATING,
    description:
      "a vCPU that may run on several pCPUs: refuse its requests, or claim all of its pCPUs (default refuse)",
  },
  "allow-query": {
    type: "string",
    description: "VM that may query frequencies and capabilities, or all (default none)",
    valueHint: "VM|all",
    repeatable: true,
  },
  wire: {
    type: "enum",
    options: WIRES,
    description: "the guests' DPDK generation; auto tells it from the first packet (default auto)",
  },
  socket: {
    type: "string",
    description:
      "control socket (default: the configuration's, STATE_DIR/control.sock with --state-dir, /run/powermon/control.sock)",
    valueHint: "PATH",
  },
  "sysfs-root": { type: "string", default: "/sys", description: "stands for /sys", valueHint: "DIR" },
  "proc-root": { type: "string", default: "/proc", description: "stands for /proc", valueHint: "DIR" },
  "state-dir": {
    type: "string",
    description:
      "where powermon's state is kept (default /var/lib/powermon; for it the original settings are in /run/powermon)",
    valueHint: "DIR",
  },
  "log-level": {
    type: "enum",
    options: LOG_LEVELS,
    default: "info",
    description: "least important lines written",
  },
  "log-format": { type: "enum", options: LOG_FORMATS, default: "text", description: "how lines are written" },
} as const;

const Paths = v.object({
  config: v.optional(absolutePath),
  dir: v.array(absolutePath),
  socket: v.optional(absolutePath),
  ...MACHINE_WORDS,
  "state-dir": v.optional(absolutePath),
  "allow-query": v.array(nonEmpty),
});

export default defineCommand({
  meta: {
    name: "run",
    summary: "serve the guests' requests until SIGTERM, then put everything back",
    details:
      "Connects to every socket called VM.N in the channel folders, takes the requests of the guests behind them and sets the frequency of the pCPUs their vCPUs are pinned to. A VM speaks for itself only: who it is follows from its socket. Highest wish wins where CPUs share a clock. Flags go over the configuration file. SIGHUP reads the file again; a bad one is refused and the old one stays.",
    examples: [
      "powermon run",
      "powermon run --dir /tmp/powermonitor --allow-query all",
      "powermon run --pin vm1:0=2,1=3",
    ],
  },
  args: ARGS,
  async run({ args }): Promise<Status> {
    const paths = parseArgs(Paths, args);
    const flags = flagsOf(args, paths);
    const file = paths.config ?? (existsSync(CONFIG_FILE) ? CONFIG_FILE : undefined);
    const log = new Log(args["log-level"], args["log-format"]);
    const load = (
      runtime?: ConfigFile,
      carried: readonly Layer[] = [],
    ): Result<Config, readonly ConfigProblem[]> => {
      const unknownZone = followTimeZone();
      if (unknownZone !== undefined) log.warn(`${unknownZone}. ${ZONE_TODO}`);
      const over: Layer[] = [{ from: "flags", read: { file: "the command line", text: "", says: flags } }];
      if (runtime !== undefined)
        over.push({ from: "runtime", read: { file: "runtime", text: "", says: runtime } });
      const loaded = loadConfig(file, undefined, over, carried);
      const problem = loaded.ok ? notOfHost(loaded.value.says) : undefined;
      return problem === undefined ? loaded : err([{ file: file ?? "", ...problem }]);
    };
    const config = load();
    if (!config.ok) throw new UsageError(config.error.map(describeProblem).join("\n"));
    for (const warning of config.value.warnings) log.warn(describeProblem(warning));
    process.chdir("/");
    return await serve({
      config: config.value,
      load,
      log,
      sysfsRoot: paths["sysfs-root"],
      procRoot: paths["proc-root"],
      socket: paths.socket ?? besideState(paths["state-dir"], config.value),
      dropInDir: dropInDirOf(config.value.stateDir),
    });
  },
});

/** Returns the control socket in the state folder that a flag names; undefined where there is no flag or the configuration names a socket. */
function besideState(stateDir: string | undefined, { says }: Config): string | undefined {
  return stateDir === undefined || says.control?.socket !== undefined
    ? undefined
    : `${stateDir}/control.sock`;
}

/** Returns what the flags say, as a configuration file would. */
function flagsOf(args: Args<typeof ARGS>, paths: v.InferOutput<typeof Paths>): ConfigFile {
  const pins = parsePins(args.pin);
  if (!pins.ok) throw new UsageError(`--pin: ${pins.error}.`);
  const queries = paths["allow-query"];
  const vm: Record<string, { pins?: Record<string, number>; queries?: boolean }> = {};
  for (const [name, table] of pins.value) {
    vm[name] = { pins: Object.fromEntries([...table].map(([vcpu, [cpu]]) => [vcpu, Number(cpu)])) };
  }
  for (const name of queries) if (name !== "all") vm[name] = { ...vm[name], queries: true };
  const defaults = {
    ...(queries.includes("all") ? { queries: true } : {}),
    ...(args.wire === undefined ? {} : { wire: args.wire }),
  };
  const stateDir = paths["state-dir"];
  return {
    ...(stateDir === undefined ? {} : { state_dir: stateDir }),
    ...(paths.dir.length === 0 ? {} : { channels: { dirs: paths.dir } }),
    ...(args.floating === undefined && pins.value.size === 0
      ? {}
      : {
          pinning: {
            ...(args.floating === undefined ? {} : { floating: args.floating }),
            ...(pins.value.size === 0 ? {} : { sources: ["static", "proc"] as const }),
          },
        }),
    ...(Object.keys(defaults).length === 0 ? {} : { "vm-defaults": defaults }),
    ...(Object.keys(vm).length === 0 ? {} : { vm }),
  } as ConfigFile;
}
