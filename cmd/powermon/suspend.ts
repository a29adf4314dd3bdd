// powermon suspend: puts the host to sleep for a while and brings it back as it was.

import * as v from "valibot";
import { nonEmpty, parseArgs } from "../../internal/cli/args.ts";
import { defineCommand, type Io } from "../../internal/cli/command.ts";
import { STATUS, type Status } from "../../internal/cli/status.ts";
import { UsageError } from "../../internal/cli/usage-error.ts";
import type { SleepReport } from "../../internal/api/sleep.ts";
import { json } from "../../internal/output/json.ts";
import { askLogind } from "../../internal/power/sleep/logind.ts";
import { PREPARATIONS } from "../../internal/power/sleep/prepare-vms.ts";
import { findRunningVms } from "../../internal/power/running-vms.ts";
import { SLEEP_TARGETS } from "../../internal/power/sleep/sleep-target.ts";
import {
  explainSuspend,
  suspendHost,
  type SuspendRefusal,
  type SuspendRequest,
} from "../../internal/power/sleep/suspend.ts";
import { parseUntil } from "../../internal/power/sleep/until.ts";
import { failWith } from "../fail.ts";
import { fail } from "./control.ts";
import { ROOT_ARGS, rootsOf } from "./roots.ts";
import { RUNNING_ARGS, runningPowermon } from "./running.ts";

const LIBVIRT = "qemu:///system";
const SECONDS = "must be seconds from 5 to 31536000";

const Args = v.object({
  duration: v.optional(
    v.pipe(
      v.string(),
      v.regex(/^\d{1,8}$/, SECONDS),
      v.transform(Number),
      v.minValue(5, SECONDS),
      v.maxValue(31_536_000, SECONDS),
    ),
  ),
  until: v.optional(nonEmpty),
  variant: v.optional(
    v.pipe(v.string(), v.regex(/^[a-z0-9_]{1,32}$/, "must be a word of power/mem_sleep or power/disk")),
  ),
  "libvirt-uri": v.optional(nonEmpty),
});

const STATUS_OF: Readonly<Record<SuspendRefusal["kind"], Status>> = {
  unsupported: STATUS.unsupported,
  blocked: STATUS.refused,
  "too-short": STATUS.usage,
  busy: STATUS.failed,
  failed: STATUS.failed,
};

export default defineCommand({
  meta: {
    name: "suspend",
    summary: "put the host to sleep and wake it at a given time, with everything as it was",
    details:
      "Lists what speaks against it (running VMs, inhibitors, no wake clock, no swap) and does nothing then, unless --force or --prepare takes it away. A running powermon does it and gives guests' claims back and makes them again. Arms the real-time clock, asks logind where it runs and else the kernel, puts clocks, limits and idle settings back after resume, and tells how long the host slept and what woke it.\n" +
      "Status 3: something speaks against it. Status 5: this host can't.",
    examples: [
      "powermon suspend mem --duration 3600",
      "powermon suspend mem --until 06:30 --prepare pause",
      "powermon suspend disk --until 2026-12-01T05:00 --dry-run",
    ],
  },
  args: {
    target: {
      type: "positional",
      options: SLEEP_TARGETS,
      description: "mem keeps the memory powered, disk writes it out, hybrid does both, freeze only idles",
    },
    duration: {
      type: "string",
      valueHint: "S",
      description: "seconds to sleep, 5 or more; under 60 is warned of",
    },
    until: {
      type: "string",
      valueHint: "TIME",
      description: "HH:MM, HH:MM:SS or an ISO date and time, local unless it names a zone",
    },
    wake: {
      type: "enum",
      options: ["rtc", "none"],
      default: "rtc",
      description: "who wakes the host: the real-time clock, or none, that is somebody else",
    },
    variant: {
      type: "string",
      valueHint: "WORD",
      description: "what mem (s2idle, shallow, deep) or disk (platform, shutdown, ...) means this time",
    },
    prepare: {
      type: "enum",
      options: PREPARATIONS,
      default: "none",
      description: "what is done to libvirt's running VMs before, and undone after",
    },
    "libvirt-uri": {
      type: "string",
      valueHint: "URI",
      description: `where libvirt is found (default ${LIBVIRT}); a running powermon has its own, pinning.libvirt_uri`,
    },
    "dry-run": { type: "boolean", description: "tell what would be done and what speaks against it" },
    force: { type: "boolean", description: "sleep in spite of running VMs, inhibitors and logind's policy" },
    logind: {
      type: "boolean",
      default: true,
      description: "ask logind where it runs; --no-logind uses the kernel",
    },
    ...RUNNING_ARGS,
    json: { type: "boolean", description: "print one JSON document" },
  },
  async run({ args, io }) {
    const roots = rootsOf(args);
    const parsed = parseArgs(Args, args);
    if (parsed.variant !== undefined && args.target !== "mem" && args.target !== "disk")
      throw new UsageError(`--variant goes with mem and disk, not with ${args.target}.`);
    const wake = wakeOf(args.wake, parsed);
    const request: Omit<SuspendRequest, "wake"> = {
      target: args.target,
      force: args.force,
      dryRun: args["dry-run"],
      prepare: args.prepare,
      variant: parsed.variant,
    };
    const running = runningPowermon(args);
    if (running !== undefined) {
      if (parsed["libvirt-uri"] !== undefined)
        throw new UsageError("--libvirt-uri: the running powermon has its own, pinning.libvirt_uri.");
      const asked = await running.ask("suspend", { ...request, ...endOf(wake), logind: args.logind });
      return asked.ok ? tellOutcome(asked.value, args.json, io) : fail(asked.error, args.json, io);
    }
    const real = roots.sysfsRoot === ROOT_ARGS["sysfs-root"].default;
    const done = await suspendHost(
      { ...request, wake },
      {
        roots,
        // logind speaks of the machine it runs on, not of a folder.
        logind: args.logind && real ? await askLogind() : undefined,
        vms: findRunningVms(roots.procRoot).map((one) => one.vm),
        libvirt: { uri: parsed["libvirt-uri"] ?? LIBVIRT },
        nowMs: Date.now,
      },
    );
    if (!done.ok) {
      const reasons = explainSuspend(done.error);
      const passes = done.error.kind === "blocked" && done.error.blockers.every((one) => one.forceable);
      const said = [...reasons, ...(passes ? ["--force sleeps in spite of it"] : [])];
      return failWith({ args, io }, STATUS_OF[done.error.kind], said, {
        ...done.error,
        slept: false,
        reasons,
      });
    }
    return tellOutcome(done.value, args.json, io);
  },
});

/** Returns the end of a sleep as a running powermon is asked for it. */
function endOf(wake: SuspendRequest["wake"]) {
  if (wake === "none") return { wake };
  return "inS" in wake ? { durationS: wake.inS } : { until: new Date(wake.atMs).toISOString() };
}

function tellOutcome(outcome: SleepReport, asJson: boolean, io: Io): Status {
  for (const warning of outcome.warnings) io.err(`powermon: ${warning}`);
  for (const one of outcome.notRestored) io.err(`powermon: not put back: ${one}`);
  io.out(asJson ? json(outcome) : told(outcome));
  return outcome.notRestored.length > 0 ? STATUS.failed : STATUS.done;
}

function wakeOf(
  wake: "rtc" | "none",
  { duration, until }: { readonly duration?: number | undefined; readonly until?: string | undefined },
): SuspendRequest["wake"] {
  if (duration !== undefined && until !== undefined)
    throw new UsageError("--duration and --until say the same thing; give one.");
  if (wake === "none") {
    if (duration !== undefined || until !== undefined)
      throw new UsageError("--wake none has no end; leave --duration and --until away.");
    return "none";
  }
  if (duration !== undefined) return { inS: duration };
  if (until === undefined)
    throw new UsageError(
      "--duration or --until is missing; --wake none sleeps until somebody else wakes the host.",
    );
  const atMs = parseUntil(until, Date.now());
  if (atMs === undefined)
    throw new UsageError(
      `--until must be HH:MM, HH:MM:SS or such as 2026-12-01T05:00, not ${JSON.stringify(until)}.`,
    );
  return { atMs };
}

function told({ target, via, slept, wakeAt, clock, blockers, prepared, record }: SleepReport): string {
  const against = blockers.map((one) => `Speaks against it: ${one.what}`);
  if (!slept) {
    const end = wakeAt === undefined ? "until somebody wakes it" : `until ${wakeAt} (${clock})`;
    return [`Would sleep: ${target} by ${via}, ${end}`, ...against].join("\n");
  }
  const time = record?.sleptS ?? record?.clockS;
  return [
    `Slept ${time === undefined ? "for an unknown time" : `${time} s`} (${target} by ${via}), woken by ${record?.wokenBy ?? "unknown"}`,
    ...(prepared.length > 0 ? [`VMs brought back: ${prepared.join(", ")}`] : []),
    ...against,
  ].join("\n");
}
