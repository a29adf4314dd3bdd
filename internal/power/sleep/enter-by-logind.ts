// The step into sleep by logind, which knows inhibitors, sleep.conf and hooks: ordered, watched, and judged by the service that does it.

import { DONE, err, type Result } from "../../values/result.ts";
import { type Run, runCommand } from "../../os/spawn.ts";
import type { EnterSleep, Steps } from "./enter-sleep.ts";
import { listInhibitors, readPreparing, sleepByLogind } from "./logind.ts";
import { INTERRUPTED } from "./prepare-vms.ts";
import type { SleepTarget } from "./sleep-target.ts";

/** The services of systemd that sleep. Source: systemd-suspend.service(8). */
const SERVICE: Readonly<Partial<Record<SleepTarget, string>>> = {
  mem: "systemd-suspend.service",
  disk: "systemd-hibernate.service",
  hybrid: "systemd-hybrid-sleep.service",
};

/** How long things may take, in ms. */
export interface Patience {
  /** Until logind says that the sleep is on its way; who inhibits it with a delay gets InhibitDelayMaxSec, 5 s by default. */
  readonly startMs: number;
  /** From then until it is over, time asleep not counted: an image of a large memory is written. */
  readonly awakeMs: number;
  readonly lookMs: number;
}

const PATIENCE: Patience = { startMs: 20_000, awakeMs: 1_800_000, lookMs: 100 };
/** Our own delay ends by itself after this, should this process end before it, in s. */
const HELD_S = 60;
const ASK_MS = 3000;
const WHO = "powermon";

/**
 * Returns the way through logind. Sleep is held up with a delay of our own until clocks are given back and the alarm is set, which is
 * done when logind says that the sleep is on its way and not before. It is over when logind says so; whether it was one the service tells.
 */
export function enterByLogind(
  target: SleepTarget,
  run: Run = runCommand,
  { startMs, awakeMs, lookMs }: Patience = PATIENCE,
): EnterSleep {
  return async (steps) => {
    if (steps.signal?.aborted) return err(INTERRUPTED);
    const delay = new AbortController();
    const held = hold(run, delay.signal);
    try {
      // Without a delay the machine might sleep before it is asked again.
      const prepared = (await isHeld(held, run, lookMs)) ? undefined : await prepare(steps);
      if (prepared?.ok === false) return prepared;
      const complaint = await sleepByLogind(target, run);
      if (complaint !== undefined) return err(complaint);
      const started = await until(run, true, startMs, lookMs);
      if (!started && prepared === undefined)
        return err(`logind took the order, and did not begin within ${startMs / 1000} s`);
      const done = prepared ?? (await prepare(steps));
      delay.abort();
      await held;
      if (!done.ok) return err(`${done.error}; logind sleeps all the same`);
      if (!(await until(run, false, awakeMs, lookMs)))
        return err(`logind has not come to an end within ${awakeMs / 60_000} min`);
      return await resultOf(target, run);
    } finally {
      delay.abort();
    }
  };
}

async function prepare({ soon, arm }: Steps): Promise<Result<unknown, string>> {
  await soon();
  return arm();
}

/** Holds up the sleep until `signal` aborts. Resolves when it does not any more, as where there is no such program. */
function hold(run: Run, signal: AbortSignal) {
  const words = ["--what=sleep", "--mode=delay", `--who=${WHO}`, "--why=gives clocks back"];
  return run(["systemd-inhibit", ...words, "sleep", `${HELD_S}`], { limitMs: HELD_S * 1000, signal });
}

/** Returns whether logind lists the delay; not when its program has ended, or after a while. */
async function isHeld(held: Promise<unknown>, run: Run, lookMs: number): Promise<boolean> {
  const ended = held.then(() => true);
  for (const end = performance.now() + ASK_MS; performance.now() < end;) {
    if (await Promise.race([ended, Bun.sleep(lookMs)])) return false;
    if ((await listInhibitors(run)).some(({ who, mode }) => who === WHO && mode === "delay")) return true;
  }
  return false;
}

/** Asks logind until it says `wanted`; returns whether it did within `limitMs`, in which the machine's sleep does not count. */
async function until(run: Run, wanted: boolean, limitMs: number, lookMs: number): Promise<boolean> {
  const end = performance.now() + limitMs;
  for (;;) {
    if ((await readPreparing(run)) === wanted) return true;
    if (performance.now() >= end) return false;
    await Bun.sleep(lookMs);
  }
}

async function resultOf(target: SleepTarget, run: Run): Promise<Result<void, string>> {
  const service = SERVICE[target] ?? "";
  const shown = await run(["systemctl", "show", "--value", "--property=Result", service], {
    limitMs: ASK_MS,
  });
  const result = shown.ok && shown.value.status === 0 ? shown.value.stdout.trim() : "";
  if (result === "success" || result === "") return DONE;
  return err(`${service} did not sleep (${result}); journalctl -u ${service} says why`);
}
