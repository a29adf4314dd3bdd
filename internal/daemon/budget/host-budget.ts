// The host's power budget for as long as the daemon runs: reads the meter, lets the loop say who pays, and has the ledger write ceilings.

import type { BudgetClock } from "../../budget/clock.ts";
import { MeterJudge, type Verdict } from "../../budget/judge.ts";
import { BudgetLoop, LOOK_MS } from "../../budget/loop.ts";
import { KeptMeter } from "../../budget/kept-meter.ts";
import { ceilingsAt, FULL, shareOf } from "../../budget/payers.ts";
import { limitsIn } from "../../claims/limits.ts";
import { type BudgetConfig, budgetOf } from "../../config/budget.ts";
import { type Clock, SYSTEM_CLOCK } from "../../rules/desk.ts";
import type { Roots } from "../../sysfs/cpufreq/originals.ts";
import { explainSysfs, type SysfsError } from "../../values/sysfs-error.ts";
import { type DomainId, type Khz, khz } from "../../values/units.ts";
import { budgetLine } from "./budget-line.ts";
import { BudgetClocks } from "./clocks.ts";
import { payersOf } from "./payers.ts";
import { Backstop } from "../../budget/backstop.ts";
import { type BudgetOrigin, BudgetWatts, type DueWatts } from "./watts.ts";
import type { Host } from "../host.ts";

export class HostBudget {
  /** Ceilings written since the start. */
  #writes = 0;
  /** Seconds that more was drawn than the budget, since the start. */
  #overS = 0;
  readonly #host: Host;
  readonly #meter: KeptMeter;
  readonly #clock: Clock;
  readonly #isAway: () => boolean;
  readonly #machine: BudgetClocks;
  readonly #backstop: Backstop;
  readonly #watts = new BudgetWatts();
  readonly #judge = new MeterJudge();
  #loop = new BudgetLoop();
  #config: BudgetConfig;
  /** The budget in force at the last look, W. */
  #budget: number | undefined;
  #clocks: readonly BudgetClock[] = [];
  #ceilings: ReadonlyMap<number, Khz> = new Map();
  /** What the ceilings were worked out for. */
  #basis = "";
  /** Why the meter is not believed; undefined while it is. */
  #lost: string | undefined;
  #drawn: number | undefined;
  #payers: ReturnType<typeof payersOf> = { names: [], more: 0 };
  #floorsTooHigh = false;
  #cancel: (() => void) | undefined;

  /** @param isAway whether the host goes to sleep now, and clocks are given back */
  constructor(host: Host, roots: Roots, isAway: () => boolean, clock: Clock = SYSTEM_CLOCK) {
    this.#host = host;
    this.#clock = clock;
    this.#isAway = isAway;
    this.#config = budgetOf(host.config.says);
    this.#meter = new KeptMeter(roots.sysfsRoot, this.#config.meter);
    this.#machine = new BudgetClocks(host, roots.procRoot);
    this.#backstop = new Backstop(roots);
    host.ledger.budget = ({ id }) => this.#ceilings.get(id);
  }

  /** Takes up the configuration that is in force now. */
  configured(): void {
    this.#config = budgetOf(this.#host.config.says);
    if (this.#meter.change(this.#config.meter)) this.#judge.forget();
    this.look();
  }

  /**
   * Says how many watts the host may draw, from now on.
   * @param watts undefined: that origin says nothing any more; 0: no budget at all
   * @param user who asked for it over the control socket
   */
  setWatts(watts: number | undefined, origin: BudgetOrigin, user?: string): void {
    this.#watts.say(watts, origin);
    this.look(user);
  }

  /** The machine slept: what the meter showed before says nothing of it now. */
  resumed(): void {
    this.#judge.forget();
    this.#loop.interrupt();
  }

  /** Ends looking and puts RAPL's limits back; the ceilings go with Host.stop(). Returns what could not be put back. */
  stop(): readonly SysfsError[] {
    this.#cancel?.();
    return this.#backstop.restore();
  }

  /** Returns what may be drawn now, and who says so. */
  due(): DueWatts {
    return this.#watts.due(this.#config, this.#clock.now());
  }

  /** Returns the same as if the operator said `watts`; undefined: as if he said nothing. */
  dueIf(watts: number | undefined): DueWatts {
    return this.#watts.with(watts, "operator").due(this.#config, this.#clock.now());
  }

  /** Returns it in a few numbers, W. */
  glance() {
    const { watts: budgetWatts, origin } = this.due();
    const on = this.#budget !== undefined;
    const { names: payers, more: morePayers } = this.#payers;
    const glance = {
      budgetWatts,
      origin,
      drawnWatts: on ? this.#drawn : undefined,
      meterLost: on ? this.#lost : undefined,
      floorsTooHigh: on && this.#floorsTooHigh,
      payers,
      morePayers,
    };
    return { ...glance, says: budgetLine(glance) };
  }

  /** Returns how it stands. Watts; frequencies are kHz. */
  state() {
    const draw = this.#loop.draw(this.#clocks);
    const on = this.#budget !== undefined && this.#lost === undefined;
    const reach = on ? this.#loop.reach : FULL;
    return {
      ...this.glance(),
      guardPercent: this.#config.guard * 100,
      meter: this.#meter.name,
      floorWatts: draw.floorWatts,
      demandWatts: draw.demandWatts,
      slopeWatts: this.#loop.slopeWatts,
      shares: { high: shareOf("high", reach), normal: shareOf("normal", reach), low: shareOf("low", reach) },
      overSeconds: this.#overS,
      writes: this.#writes,
      backstop: this.#backstop.state,
      clocks: this.#clocks.map(({ id, priority, wish, floor }) => ({
        domain: id,
        priority,
        wishKhz: wish,
        floorKhz: floor,
        ceilingKhz: this.#ceilings.get(id),
        vms: [...this.#machine.vmsOn(id as DomainId)].map(({ vm }) => vm),
      })),
    };
  }

  /** Returns what the budget makes of a clock; undefined where it leaves it alone. */
  ceilingOn(domain: DomainId) {
    const ceilingKhz = this.#ceilings.get(domain);
    const priority = this.#clocks.find(({ id }) => id === domain)?.priority;
    return ceilingKhz === undefined || priority === undefined || this.#budget === undefined
      ? undefined
      : { ceilingKhz, priority, watts: this.#budget, meterLost: this.#lost };
  }

  /** Looks at the meter and at who is there, acts, and plans the next look. @param user who changed the budget */
  look(user?: string): void {
    this.#cancel?.();
    this.#cancel = undefined;
    const nextMs = this.#isAway() ? LOOK_MS : this.#look(user);
    if (nextMs !== undefined) this.#cancel = this.#clock.setTimer(nextMs, () => this.look());
  }

  /** Returns when to look again, ms; undefined when there is nothing to look for. */
  #look(user: string | undefined): number | undefined {
    const { watts: budget, origin } = this.due();
    if (budget !== this.#budget) this.#changed(budget, origin, user);
    if (budget === undefined) return this.#config.windows.length > 0 ? LOOK_MS : undefined;
    const now = this.#clock.monotonicMs();
    this.#clocks = this.#machine.read(now, this.#config.hostPriority);
    const verdict = this.#judge.judge(now, this.#meter.read(now), budget);
    const nextMs = verdict.kind === "watts" ? this.#steer(verdict, budget) : LOOK_MS;
    if (verdict.kind === "lost") this.#fallBack(verdict.why);
    else if (this.#lost === undefined) this.#follow(false);
    this.#tellPayers(budget);
    return nextMs;
  }

  #changed(budget: number | undefined, origin: BudgetOrigin, user: string | undefined): void {
    const { log, events } = this.#host;
    log.info(budget === undefined ? "No power budget" : "Power budget", { watts: budget, origin });
    events.emit("budget-changed", { watts: budget, origin, user });
    if (this.#budget === undefined || budget === undefined) {
      this.#loop = new BudgetLoop();
      this.#judge.forget();
      this.#lost = undefined;
      this.#drawn = undefined;
      this.#floorsTooHigh = false;
    }
    this.#budget = budget;
    if (budget === undefined) {
      this.#put(new Map());
      this.#tellPayers(0);
    }
    const why = this.#backstop.follow(this.#config.backstop ? budget : undefined);
    if (why !== undefined) log.warn(`The budget's backstop is not set: ${why}`);
  }

  #steer({ watts, tookMs }: Extract<Verdict, { kind: "watts" }>, budget: number): number {
    const { log, events } = this.#host;
    this.#drawn = watts;
    if (this.#lost !== undefined) {
      log.info("The budget's meter is back", { meter: this.#meter.name });
      events.emit("budget-meter-back", { meter: this.#meter.name });
      this.#lost = undefined;
      this.#basis = "";
    }
    if (watts > budget) this.#overS += tookMs / 1000;
    const { moved, nextMs } = this.#loop.look(watts, tookMs, this.#clocks, budget, this.#config.guard);
    this.#follow(moved);
    if (this.#loop.floorsTooHigh !== this.#floorsTooHigh) {
      this.#floorsTooHigh = this.#loop.floorsTooHigh;
      const fields = { floorWatts: Math.round(watts), watts: budget, tooHigh: this.#floorsTooHigh };
      if (this.#floorsTooHigh) log.warn(`The floors take ${fields.floorWatts} of ${budget} W; they are held`);
      else log.info("The floors are within the power budget again");
      events.emit("budget-floors", fields);
    }
    return nextMs;
  }

  /** Works the ceilings out anew where the loop moved or the clocks are others. */
  #follow(moved: boolean): void {
    const basis = this.#clocks
      .map(({ id, priority, floor, steps }) => `${id} ${priority} ${floor} ${steps[0]} ${steps.length}`)
      .join();
    const stays = !moved && basis === this.#basis;
    this.#basis = basis;
    this.#put(stays ? this.#ceilings : ceilingsAt(this.#clocks, this.#loop.reach));
  }

  /** Without a meter every clock has the ceiling that the configuration names for that. */
  #fallBack(why: string): void {
    const { log, events, cpufreq } = this.#host;
    const meter = this.#meter.name;
    if (this.#lost === undefined) {
      const { fallback } = this.#config;
      log.warn(`The budget's meter is lost: ${why}; all clocks fall back to ${fallback}`, { meter });
      events.emit("budget-meter-lost", { meter, message: why });
      this.#loop.interrupt();
    }
    this.#lost = why;
    this.#drawn = undefined;
    const ceilings = new Map<number, Khz>();
    for (const { id, floor } of this.#clocks) {
      const table = cpufreq.domainById(id as DomainId)?.allowed;
      const ceiling = table && limitsIn(table, "min", this.#config.fallback).ceiling;
      if (ceiling !== undefined) ceilings.set(id, khz(Math.max(floor, ceiling)));
    }
    this.#put(ceilings);
  }

  /** Puts ceilings in force, and tries those again that are not, as of a CPU that was offline. */
  #put(ceilings: ReadonlyMap<number, Khz>): void {
    const before = this.#ceilings;
    this.#ceilings = ceilings;
    const { log, ledger, cpufreq } = this.#host;
    const others: DomainId[] = [];
    for (const { id, target, ceiling } of cpufreq.domains) {
      const wanted = ceilings.get(id);
      const moved = before.get(id) !== wanted;
      if (moved) this.#writes++;
      if (moved || (target === undefined && ceiling !== wanted)) others.push(id);
    }
    for (const error of ledger.settle(others)) log.warnFolded(`budget ${error.path}`, explainSysfs(error));
  }

  #tellPayers(watts: number): void {
    const before = textOf(this.#payers);
    this.#payers = payersOf(this.#clocks, this.#ceilings, (id) => this.#machine.vmsOn(id as DomainId));
    const payers = textOf(this.#payers);
    if (payers === before) return;
    const { names, more } = this.#payers;
    // A guest whose wish comes and goes moves it, too: that is no line of the log.
    this.#host.log.debug(payers === "" ? "Nobody pays for the budget" : "Who pays for the budget", {
      payers,
    });
    this.#host.events.emit("budget-payers", { payers: names, more, watts });
  }
}

const textOf = ({ names, more }: ReturnType<typeof payersOf>): string =>
  [...names, ...(more > 0 ? [`and ${more} more`] : [])].join(", ");
