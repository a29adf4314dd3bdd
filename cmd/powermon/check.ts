// powermon check: what is wrong with the configuration and with this machine, and what to do about it.

import { existsSync } from "node:fs";
import * as v from "valibot";
import { parseArgs } from "../../internal/cli/args.ts";
import { defineCommand } from "../../internal/cli/command.ts";
import { UsageError } from "../../internal/cli/usage-error.ts";
import { STATUS } from "../../internal/cli/status.ts";
import { type Config, CONFIG_FILE, loadConfig } from "../../internal/config/load.ts";
import { type ConfigProblem, describeProblem } from "../../internal/config/problem.ts";
import { olderDirOf } from "../../internal/daemon/instance.ts";
import { ControlClient } from "../../internal/control/client.ts";
import { formatCpuList } from "../../internal/values/cpulist.ts";
import { readTimeZone, ZONE_TODO } from "../../internal/os/time-zone.ts";
import { json } from "../../internal/output/json.ts";
import { leaveAlone } from "../../internal/sysfs/calls.ts";
import { explainHung, type HungCall, isStuck, readHung } from "../../internal/sysfs/hung.ts";
import { Cpufreq } from "../../internal/sysfs/cpufreq/cpufreq.ts";
import { ok, type Result } from "../../internal/values/result.ts";
import { explainSysfs, type SysfsError } from "../../internal/values/sysfs-error.ts";
import type { DomainId } from "../../internal/values/units.ts";
import { OriginalsStore } from "../../internal/sysfs/cpufreq/store.ts";
import { type Finding, note, problem, warning } from "./check/finding.ts";
import { checkBudget } from "./check/budget.ts";
import { checkFolders } from "./check/folders.ts";
import { checkMachine } from "./check/machine.ts";
import { nagios } from "./check/nagios.ts";
import { checkRivals } from "./check/rivals.ts";
import { checkVm } from "./check/vm.ts";
import { checkVms } from "./check/vms.ts";
import { vmName } from "./control.ts";
import { absolutePath } from "./roots.ts";

const Args = v.object({
  vm: v.optional(vmName),
  config: v.optional(absolutePath),
  "sysfs-root": absolutePath,
  "proc-root": absolutePath,
  socket: v.optional(absolutePath),
  json: v.boolean(),
  nagios: v.boolean(),
});

/** How long a running powermon may take to answer, in ms. */
const ANSWER_MS = 2000;

export default defineCommand({
  meta: {
    name: "check",
    summary: "look for what is wrong with the configuration, with this machine, or with one VM",
    details:
      'Changes nothing. With a VM it follows that one from libvirt\'s definition over CPU model, sockets, threads and pins to what a running powermon has served of it. Problems end with status 1, a bad configuration with 2; warnings and notes with 0. As a monitoring plugin: problems, a bad configuration and a powermon that does not run are critical (2), warnings 1. JSON: {"files", "findings": [{"severity", "about", "what", "todo"}]}.',
    examples: [
      "powermon check",
      "powermon check vm1",
      "powermon check --config ./powermon.toml --json",
      "powermon check --nagios",
    ],
  },
  args: {
    vm: {
      type: "positional",
      required: false,
      valueHint: "VM",
      description: "the VM to look at, and nothing else",
    },
    config: {
      type: "string",
      valueHint: "FILE",
      description: `the configuration to look at (default ${CONFIG_FILE} where there is one)`,
    },
    "sysfs-root": { type: "string", default: "/sys", description: "stands for /sys", valueHint: "DIR" },
    "proc-root": { type: "string", default: "/proc", description: "stands for /proc", valueHint: "DIR" },
    socket: {
      type: "string",
      valueHint: "PATH",
      description: "the control socket of the powermon to ask (default the configuration's)",
    },
    json: { type: "boolean", description: "print one JSON document instead of text" },
    nagios: { type: "boolean", description: "print and end as a monitoring plugin" },
  },
  async run({ args, io }) {
    const parsed = parseArgs(Args, args);
    if (parsed.json && parsed.nagios) throw new UsageError("--json and --nagios can't both be; give one.");
    const file = parsed.config ?? (existsSync(CONFIG_FILE) ? CONFIG_FILE : undefined);
    const config = loadConfig(file);
    const findings = config.ok
      ? await look(withSocket(config.value, parsed.socket), parsed)
      : config.error.map((one) => problem("configuration", whatIsWrong(one), one.right));
    if (parsed.nagios) {
      const { text, status } = nagios(findings);
      io.out(text);
      return status;
    }
    const files = config.ok ? config.value.files : [file ?? ""];
    io.out(parsed.json ? json({ files, findings }) : report(files, findings));
    if (!config.ok) return STATUS.usage;
    return findings.some(({ severity }) => severity === "problem") ? STATUS.failed : STATUS.done;
  },
});

const withSocket = (config: Config, socket = config.control.socket): Config => ({
  ...config,
  control: { ...config.control, socket },
});

async function look(config: Config, words: v.InferOutput<typeof Args>): Promise<Finding[]> {
  const { vm, "sysfs-root": sysfsRoot, "proc-root": procRoot } = words;
  // Not openCpufreq(), which forgets what an older boot has left.
  const roots = { sysfsRoot, procRoot, stateDir: config.runDir };
  const hung = readHung(roots);
  // Reading it would hang, too.
  if (hung.ok) leaveAlone(hung.value);
  const cpufreq = new Cpufreq(roots);
  const scanned = cpufreq.refresh();
  const { findings, channels } = checkFolders(config);
  if (vm !== undefined) {
    const sockets = channels.get(vm) ?? [];
    const found = await checkVm({ vm, config, cpufreq, procRoot, sockets });
    cpufreq.close();
    return found;
  }
  const service = await checkService(config, procRoot, words.nagios);
  const machine = scanned.ok
    ? checkMachine(cpufreq, sysfsRoot)
    : [problem("cpufreq", `${explainSysfs(scanned.error)}.`, "Mount sysfs, or name it with --sysfs-root.")];
  cpufreq.close();
  return [
    ...config.warnings.map((one) => warning("configuration", whatIsWrong(one), one.right)),
    ...checkTimeZone(),
    ...checkHung(hung),
    ...machine,
    ...checkRivals(procRoot),
    ...findings,
    ...checkVms(config, cpufreq, channels),
    ...(await checkBudget(config, sysfsRoot)),
    ...(config.says.fleet === undefined ? [] : await (await import("./check/fleet.ts")).checkFleet(config)),
    ...service,
  ];
}

/** A folder that can't be read is told of with what is left in it. */
function checkHung(hung: Result<readonly HungCall[], SysfsError>): Finding[] {
  if (hung.ok) return hung.value.map(hangs);
  if (hung.error.code !== "EINVAL") return [];
  return [problem("hung", `${explainSysfs(hung.error)}.`, "Remove that file; what hangs is found again.")];
}

function hangs(call: HungCall): Finding {
  const todo = `See what the kernel's log says of it (dmesg: "blocked for more than"); then \`powermon freq retry ${call.cpus.join(",") || "all"}\`, or \`powermon restore\` where powermon does not run. A driver that is stuck for good comes back with a reboot.`;
  return problem(
    "hung",
    `${explainHung(call)}${isStuck(call) ? `, and process ${call.process?.pid} is still in it` : ""}.`,
    todo,
  );
}

/** Whether the hours of policies and schedules can be told. */
function checkTimeZone(): Finding[] {
  const { problem: unknown } = readTimeZone();
  return unknown === undefined ? [] : [warning("time zone", `${unknown}.`, ZONE_TODO)];
}

function whatIsWrong(one: ConfigProblem): string {
  return describeProblem({ ...one, right: "" }).trimEnd();
}

/** Whether powermon runs, which it has to when `mustRun`, and what an ended one has left. */
async function checkService(
  { control, runDir }: Config,
  procRoot: string,
  mustRun: boolean,
): Promise<Finding[]> {
  const down = (what: string) =>
    mustRun ? problem("service", what, "See `powermon status`.") : note("service", what);
  const status = await new ControlClient(control.socket, ANSWER_MS).ask("status");
  if (status.ok)
    return [note("service", `powermon ${status.value.version} runs as process ${status.value.pid}.`)];
  if (status.error.code !== "no-answer") return [down(status.error.message)];
  const left = listLeft(runDir, procRoot);
  if (!left.ok) return [problem("state folder", `${explainSysfs(left.error)}.`, "Let powermon read it.")];
  const stopped = down(`powermon does not run, or not on ${control.socket}.`);
  if (left.value.length === 0) return [stopped];
  const what = `An ended powermon has left domains ${formatCpuList(left.value)} as it had set them.`;
  return [stopped, warning("service", what, "Put them back with `powermon restore`.")];
}

/** Returns the domains whose originals are saved, here or by an older powermon. */
function listLeft(runDir: string, procRoot: string): Result<DomainId[], SysfsError> {
  const older = olderDirOf(runDir);
  const all: DomainId[] = [];
  for (const dir of older === undefined ? [runDir] : [runDir, older]) {
    const left = new OriginalsStore(dir, procRoot).list();
    if (!left.ok) return left;
    all.push(...left.value);
  }
  return ok(all);
}

function report(files: readonly string[], findings: readonly Finding[]): string {
  const lines = findings.map(
    ({ severity, about, what, todo }) =>
      `${severity}: ${about}: ${what}${todo === undefined ? "" : `\n  ${todo}`}`,
  );
  const count = (severity: Finding["severity"]) => {
    const found = findings.filter((finding) => finding.severity === severity).length;
    return `${found} ${severity}${found === 1 ? "" : "s"}`;
  };
  return [
    `Configuration: ${files.join(", ") || "no file, defaults alone"}`,
    ...lines,
    `${count("problem")}, ${count("warning")}.`,
  ].join("\n");
}
