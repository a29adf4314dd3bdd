// powermon check VM: each link between one guest and the clocks it may set, and what to do about a missing one.

import { existsSync } from "node:fs";
import { dirname } from "node:path";
import type { Config } from "../../../internal/config/load.ts";
import { vmConfig } from "../../../internal/config/effective.ts";
import { ControlClient } from "../../../internal/control/client.ts";
import { type Definitions, readDefinitions } from "../../../internal/pinning/domain-devices.ts";
import type { DomainDefinition } from "../../../internal/pinning/domain-definition.ts";
import { readAllowed, readOrEmpty, readVcpuThreads } from "../../../internal/pinning/proc.ts";
import type { VcpuPin } from "../../../internal/pinning/libvirt.ts";
import { PATIENCE_MS } from "../../../internal/pinning/virsh.ts";
import { findRunningVms } from "../../../internal/power/running-vms.ts";
import type { Cpufreq } from "../../../internal/sysfs/cpufreq/cpufreq.ts";
import { cpusText, formatCpuList } from "../../../internal/values/cpulist.ts";
import { checkDefinedCpu, checkStartedCpu } from "./cpu-model.ts";
import { type Finding, note, problem, warning } from "./finding.ts";

/** How long a running powermon may take to answer, in ms. */
const ANSWER_MS = 2000;

/** What is looked at. */
interface Looked {
  readonly vm: string;
  readonly config: Config;
  readonly cpufreq: Cpufreq;
  readonly procRoot: string;
  /** Numbers of the sockets that there are. */
  readonly sockets: readonly number[];
}

/** Returns what is to say of one VM. Reads only. */
export async function checkVm({ vm, config, cpufreq, procRoot, sockets }: Looked): Promise<Finding[]> {
  const asked = await readDefinitions({ uri: config.pinning.libvirtUri, timeoutMs: PATIENCE_MS }, vm);
  const defined = asked.ok ? asked.value : undefined;
  const running = findRunningVms(procRoot).find((one) => one.vm === vm);
  const why = asked.ok ? "" : ` (${asked.error.replace(/[.\s]+$/, "")})`;
  if (defined === undefined && running === undefined && sockets.length === 0) {
    const what = `No VM ${JSON.stringify(vm)} runs here, and libvirt has none${why}.`;
    return [
      problem("VM", what, "See `virsh list --all` for its name; of a QEMU without libvirt it is -name."),
    ];
  }
  const words = running === undefined ? [] : readOrEmpty(`${procRoot}/${running.pid}/cmdline`).split("\0");
  const isDefined = defined?.live ?? defined?.persistent;
  return [
    running === undefined
      ? note("VM", `${vm} does not run${defined?.live === undefined ? "" : ", as far as /proc tells"}.`)
      : note("VM", `${vm} runs as process ${running.pid}.`),
    ...(defined === undefined
      ? [note("libvirt", `libvirt does not know ${vm}${why}.`)]
      : checkChannels(vm, defined, config)),
    ...(isDefined === undefined ? checkStartedCpu(words) : checkDefinedCpu(isDefined)),
    ...(running === undefined ? [] : checkProcess(vm, running.pid, sockets, procRoot, defined, config)),
    ...checkPins(vm, config, cpufreq, pinsOf(running?.pid, procRoot, defined)),
    ...(await checkServed(vm, config, sockets)),
  ];
}

/** Whether the definitions have a channel for each vCPU, in a folder that powermon looks into. */
function checkChannels(vm: string, { live, persistent }: Definitions, config: Config): Finding[] {
  const findings: Finding[] = [];
  const lacks = ({ vcpus, channels }: DomainDefinition) =>
    Array.from({ length: Math.min(vcpus, 512) }, (_, n) => n).filter(
      (n) => !channels.some(({ vcpu }) => vcpu === n),
    );
  for (const [definition, when, flag] of [
    [live, "now", "--live"],
    [persistent, "from its next start", "--persistent"],
  ] as const) {
    if (definition === undefined) continue;
    const missing = lacks(definition);
    const todo =
      flag === "--live" && persistent !== undefined && lacks(persistent).length === 0
        ? `\`powermon channel attach ${vm} --live\`, or start it anew.`
        : `\`powermon channel attach ${vm} ${flag}\`.`;
    if (missing.length > 0)
      findings.push(
        warning("channels", `${vm} has, ${when}, no channel for vCPU ${formatCpuList(missing)}.`, todo),
      );
    else
      findings.push(
        note("channels", `${vm} has, ${when}, a channel for each of its ${definition.vcpus} vCPUs.`),
      );
    const dirs = new Set(
      definition.channels.flatMap(({ path }) => (path === undefined ? [] : [dirname(path)])),
    );
    for (const dir of dirs) {
      if (config.channels.dirs.includes(dir)) {
        if (!existsSync(dir))
          findings.push(
            problem(
              "channels",
              `${vm}'s channels go to ${dir}, which is not there.`,
              `\`powermon setup --dir ${dir}\`.`,
            ),
          );
      } else if (!config.pinning.sources.includes("libvirt")) {
        const what = `${vm}'s channels are in ${dir}, where powermon does not look.`;
        findings.push(
          warning(
            "channels",
            what,
            `Add ${JSON.stringify(dir)} to channels.dirs, or "libvirt" to pinning.sources.`,
          ),
        );
      }
    }
  }
  return findings;
}

/** What only a running QEMU tells: its sockets, its threads' names, what confines it. */
function checkProcess(
  vm: string,
  pid: number,
  sockets: readonly number[],
  procRoot: string,
  defined: Definitions | undefined,
  config: Config,
): Finding[] {
  const findings: Finding[] = [];
  if (sockets.length > 0)
    findings.push(note("sockets", `${vm} has sockets ${formatCpuList([...sockets].sort((a, b) => a - b))}.`));
  else if (!defined?.live?.channels.length) {
    const todo = `Start it with what \`powermon channel qemu ${vm} --vcpus N\` prints, or \`powermon channel attach ${vm}\` under libvirt.`;
    findings.push(
      problem("sockets", `${vm} runs and has no socket in ${config.channels.dirs.join(", ")}.`, todo),
    );
  }
  if (readVcpuThreads(procRoot, pid).size === 0 && config.pinning.sources.includes("proc")) {
    const what = `Process ${pid} has no threads called "CPU N/KVM": pins can't be read from it.`;
    findings.push(
      warning(
        "threads",
        what,
        "Start QEMU with -name NAME,debug-threads=on (libvirt does), or set pinning.sources.",
      ),
    );
  }
  // Source: proc(5), /proc/PID/attr/current.
  const label = readOrEmpty(`${procRoot}/${pid}/attr/current`).replace(/[\0\s]+$/, "");
  if (/^\S+:\S+:svirt\S*:/.test(label)) {
    findings.push(
      note(
        "SELinux",
        `QEMU is confined as ${label}; its sockets' folder needs type qemu_var_run_t, see docs/operators.md.`,
      ),
    );
  } else if (/^libvirt-\S+ \(enforce\)$/.test(label)) {
    findings.push(
      note(
        "AppArmor",
        `QEMU is confined as ${label}; channels of its definition are in its profile, others need a line, see docs/operators.md.`,
      ),
    );
  }
  return findings;
}

/** Returns where the vCPUs may run: as the kernel has it, else as the definition does. */
function pinsOf(
  pid: number | undefined,
  procRoot: string,
  defined: Definitions | undefined,
): readonly VcpuPin[] {
  if (pid === undefined) return defined?.persistent?.pins ?? [];
  return [...readVcpuThreads(procRoot, pid)].flatMap(([vcpu, tid]) => {
    const pcpus = readAllowed(`${procRoot}/${pid}/task/${tid}/status`);
    return pcpus === undefined ? [] : [{ vcpu, pcpus }];
  });
}

/** Whether each vCPU is pinned to one CPU whose clock can be set. */
function checkPins(vm: string, config: Config, cpufreq: Cpufreq, pins: readonly VcpuPin[]): Finding[] {
  const written = new Set<number>(
    config.pinning.sources.includes("static") ? [...vmConfig(config, vm).pins.keys()] : [],
  );
  const findings: Finding[] = [];
  const clocked = new Set<number>(cpufreq.domains.flatMap(({ pcpus }) => pcpus));
  for (const { vcpu, pcpus } of pins) {
    if (written.has(vcpu)) continue;
    const list = formatCpuList(pcpus);
    if (pcpus.length > 1 && config.pinning.floating === "refuse") {
      const what = `vCPU ${vcpu} may run on CPUs ${list}, so no clock is its own and its requests are refused.`;
      findings.push(
        warning("pins", what, `\`powermon vm pin ${vm} ${vcpu} CPU\`, or pinning.floating = "all".`),
      );
      continue;
    }
    findings.push(note("pins", `vCPU ${vcpu} runs on CPU ${list}.`));
    const none = pcpus.filter((cpu) => !clocked.has(cpu));
    if (none.length > 0)
      findings.push(
        warning(
          "pins",
          `${cpusText(none)} of vCPU ${vcpu} ${none.length === 1 ? "has" : "have"} no clock that can be set.`,
          "Pin it to a CPU that has.",
        ),
      );
  }
  if (pins.length === 0 && written.size === 0)
    findings.push(
      note("pins", `Nothing tells here where ${vm}'s vCPUs run; a running powermon may know by its sources.`),
    );
  return findings;
}

/** What a running powermon has served of the VM: the proof that the way is open from end to end. */
async function checkServed(vm: string, config: Config, sockets: readonly number[]): Promise<Finding[]> {
  const client = new ControlClient(config.control.socket, ANSWER_MS);
  const [report, channels] = [await client.ask("vm", { vm }), await client.ask("channels")];
  if (!report.ok || !channels.ok) {
    const error = report.ok ? undefined : report.error;
    if (error?.code === "no-answer")
      return [
        note("round trip", `powermon does not run on ${config.control.socket}: nothing of ${vm} is served.`),
      ];
    if (error?.code === "not-found" && sockets.length > 0)
      return [
        problem(
          "round trip",
          `powermon runs and does not serve ${vm}.`,
          "See its log, and `powermon reload` where its folders changed.",
        ),
      ];
    return error === undefined ? [] : [note("round trip", error.message)];
  }
  const findings: Finding[] = [];
  const mine = channels.value.filter((channel) => channel.vm === vm);
  const deaf = mine
    .filter(({ state, enabled }) => state !== "connected" || !enabled)
    .map(({ channel }) => channel);
  if (deaf.length > 0)
    findings.push(
      warning(
        "round trip",
        `Channels ${formatCpuList(deaf)} of ${vm} are not connected, or disabled.`,
        `See \`powermon channel list\`; QEMU takes one client a socket.`,
      ),
    );
  // A connection alone is no request.
  const asked = mine.filter(({ counts }) => (counts["received"] ?? 0) > 0);
  const served = mine.filter(({ counts }) =>
    ["done", "answered", "noted"].some((outcome) => (counts[outcome] ?? 0) > 0),
  );
  if (served.length > 0)
    findings.push(
      note(
        "round trip",
        `${vm} was served on channels ${formatCpuList(served.map(({ channel }) => channel))} since powermon started.`,
      ),
    );
  else if (asked.length > 0)
    findings.push(
      warning(
        "round trip",
        `${vm} asked on channels ${formatCpuList(asked.map(({ channel }) => channel))}, and got nothing that it asked for.`,
        `See \`powermon vm show ${vm}\` for what was refused, failed or malformed.`,
      ),
    );
  else
    findings.push(
      note(
        "round trip",
        `${vm} has asked for nothing yet; in it, \`vmpower-guest probe\` tries the way back.`,
      ),
    );
  for (const { vcpu, why, lastRefusal } of report.value.vcpus) {
    if (why !== undefined)
      findings.push(
        warning(
          "round trip",
          `vCPU ${vcpu} has no place: ${why}.`,
          "Its requests are refused until it has one.",
        ),
      );
    if (lastRefusal !== undefined)
      findings.push(note("round trip", `The last refusal of vCPU ${vcpu}: ${lastRefusal.message}`));
  }
  return findings;
}
