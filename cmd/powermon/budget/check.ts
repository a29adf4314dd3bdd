// powermon budget check: whether this machine's meter can hold a budget, and RAPL a backstop; what to run before the first budget.

import { longTermOf } from "../../../internal/budget/backstop.ts";
import { MeterJudge } from "../../../internal/budget/judge.ts";
import { type Meter, openMeter, packagesOf } from "../../../internal/budget/meter.ts";
import { defineCommand } from "../../../internal/cli/command.ts";
import { STATUS } from "../../../internal/cli/status.ts";
import { budgetOf } from "../../../internal/config/budget.ts";
import { json } from "../../../internal/output/json.ts";
import { readBusyTicks } from "../../../internal/sysfs/cpu-time.ts";
import { readPowerZones, writePowerLimit } from "../../../internal/sysfs/powercap.ts";
import { MAX_WATTS, meterText } from "../../../internal/values/meter.ts";
import { explainSysfs } from "../../../internal/values/sysfs-error.ts";
import { type Finding, note, problem, warning } from "../check/finding.ts";
import { ROOT_ARGS, rootsOf } from "../roots.ts";
import { CONFIG_ARG, readConfig } from "./config.ts";

const LOOKS = 10;
const LOOK_MS = 200;
/** CPU seconds that a process of load has, should nobody end it. */
const LOAD_S = 10;
const MAX_LOAD = 256;

export default defineCommand({
  meta: {
    name: "check",
    summary: "try whether this machine's meter can hold a budget, and whether RAPL's limits can be written",
    details:
      "Reads the configuration's meter for 2 s as it is, then for 2 s with every CPU at work, and tells what a CPU at work is worth. Run it before the first budget, and while VMs can do with less for 2 s: --no-load leaves the load out. RAPL's long-term limits are written as they stand. Problems end with status 1.",
    examples: ["powermon budget check", "powermon budget check --no-load --json"],
  },
  args: {
    "no-load": { type: "boolean", description: "put no load on the CPUs" },
    ...CONFIG_ARG,
    ...ROOT_ARGS,
    json: { type: "boolean", description: "print one JSON document" },
  },
  async run({ args, io }) {
    const { meter, backstop } = budgetOf(readConfig(args).says);
    const roots = rootsOf(args);
    const name = meterText(meter);
    const opened = openMeter(meter, roots.sysfsRoot);
    const findings: Finding[] = opened.ok
      ? [note("meter", `${name} reads ${opened.value.paths.join(", ")}.`)]
      : [
          problem(
            "meter",
            `${name}: ${opened.error}.`,
            "Name another meter in [budget], see docs/budget.md.",
          ),
        ];
    if (opened.ok) {
      const cpus = readBusyTicks(roots.procRoot);
      const count = cpus.ok ? Math.min(MAX_LOAD, cpus.value.size) : 1;
      findings.push(...(await tryMeter(opened.value, name, args["no-load"] ? 0 : count)));
    }
    findings.push(...tryLimits(roots.sysfsRoot, backstop));
    io.out(args.json ? json({ findings }) : findings.map(line).join("\n"));
    return findings.some(({ severity }) => severity === "problem") ? STATUS.failed : STATUS.done;
  },
});

const line = ({ severity, about, what, todo }: Finding): string =>
  `${severity}: ${about}: ${what}${todo === undefined ? "" : `\n  ${todo}`}`;
const watts = (n: number): string => `${n.toFixed(1)} W`;

async function tryMeter(meter: Meter, name: string, load: number): Promise<Finding[]> {
  const rest = await watch(meter);
  if (rest.mean === undefined)
    return [
      problem(
        "meter",
        `${name} does not move: ${rest.why}.`,
        "A budget would fall back at once. A file must be written at least every 2 s; RAPL's counters are root's.",
      ),
    ];
  const findings = [note("meter", `${name} shows ${watts(rest.mean)}, give or take ${watts(rest.spread)}.`)];
  if (load === 0) return findings;
  const burners = Array.from({ length: load }, () =>
    Bun.spawn(["/bin/sh", "-c", `ulimit -t ${LOAD_S}; while :; do :; done`], {
      stdio: ["ignore", "ignore", "ignore"],
    }),
  );
  const busy = await watch(meter).finally(() => {
    for (const burner of burners) burner.kill("SIGKILL");
  });
  await Promise.all(burners.map(({ exited }) => exited));
  const more = (busy.mean ?? 0) - rest.mean;
  if (busy.mean === undefined || more <= Math.max(0.5, 3 * rest.spread))
    return [
      ...findings,
      warning(
        "meter",
        `With ${load} CPUs at work it shows ${busy.mean === undefined ? busy.why : watts(busy.mean)}, hardly more: either they were at work before, or it does not count them.`,
        "Try it again on a quiet machine; a meter that does not follow the CPUs can hold no budget.",
      ),
    ];
  return [
    ...findings,
    note(
      "slope",
      `With ${load} CPUs at work it shows ${watts(busy.mean)}: ${watts(more / load)} a CPU that was not at work before. The loop measures its own.`,
    ),
  ];
}

/** Reads a meter for a while. */
async function watch(meter: Meter) {
  const judge = new MeterJudge();
  const seen: number[] = [];
  let why = "it shows the same all the time";
  for (let look = 0; look <= LOOKS; look++) {
    const verdict = judge.judge(performance.now(), meter.read(), MAX_WATTS);
    if (verdict.kind === "watts") seen.push(verdict.watts);
    if (verdict.kind === "lost") ({ why } = verdict);
    if (look < LOOKS) await Bun.sleep(LOOK_MS);
  }
  const mean = seen.length === 0 ? undefined : seen.reduce((sum, one) => sum + one, 0) / seen.length;
  const spread = Math.sqrt(
    seen.reduce((sum, one) => sum + (one - (mean ?? 0)) ** 2, 0) / Math.max(1, seen.length),
  );
  return { mean, spread, why };
}

/** Writes each package's long-term limit as it stands: what a backstop would do. */
function tryLimits(sysfsRoot: string, wanted: boolean): Finding[] {
  const zones = readPowerZones(sysfsRoot);
  const packages = zones.ok ? packagesOf(zones.value) : [];
  const about = "backstop";
  const todo = wanted
    ? "Set backstop = false, or see the firmware's settings."
    : "It matters for backstop = true only.";
  const say = wanted ? problem : warning;
  if (packages.length === 0) return [say(about, "RAPL shows no package here: there is no backstop.", todo)];
  return packages.map((zone) => {
    const limit = longTermOf(zone);
    if (!limit.ok) return say(about, `${limit.error}: there is no backstop.`, todo);
    const { path, index, limitUw } = limit.value;
    const written = writePowerLimit(path, index, limitUw);
    return written.ok
      ? note(about, `The long-term limit of ${path}, ${limitUw / 1e6} W now, can be written.`)
      : say(about, `${explainSysfs(written.error)}: the firmware may have locked it.`, todo);
  });
}
