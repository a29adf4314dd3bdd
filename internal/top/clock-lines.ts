// The clocks as lines: what each was told, what its CPUs do, and whose wish decides.

import type { LiveDomain } from "../api/live.ts";
import { formatCpuList } from "../values/cpulist.ts";
import type { Glance } from "./glance.ts";
import { fit } from "./screen.ts";
import type { TopState } from "./state.ts";

/** A clock with what its CPUs do. */
export interface ClockRow extends LiveDomain {
  /** Of its CPUs the busiest, 0 to 1. */
  readonly busy: number | undefined;
  readonly measuredKhz: number | undefined;
  readonly heldKhz: number | undefined;
  readonly governor: string | undefined;
}

/** How wide what is, and which columns there are. */
export interface ClockColumns {
  readonly bar: number;
  readonly holder: number;
  readonly busy: boolean;
  readonly measured: boolean;
  readonly limits: boolean;
}

const BLOCKS = { told: "█", held: "▒", free: "─", barred: "·", most: "≤" };
const LETTERS = { told: "#", held: "=", free: "-", barred: ".", most: "<" };
/** The least and the most columns of a bar. */
const [LEAST_BAR, MOST_BAR] = [8, 60];
/** The most columns of whoever holds a clock. */
const MOST_HOLDER = 24;

/** Returns the clocks that `state` lets through, in its order. */
export function clockRows({ domains, machine }: Glance, { filter, clockSort }: TopState): ClockRow[] {
  const busy = new Map(machine.cpus.map((one) => [one.cpu, one.busy]));
  const looks = new Map(machine.clocks.map((one) => [one.domain, one]));
  const rows = domains.map((clock): ClockRow => {
    const { measuredKhz, heldKhz, governor } = looks.get(clock.domain) ?? {};
    const known = clock.cpus.map((cpu) => busy.get(cpu)).filter((part) => part !== undefined);
    const most = known.length === 0 ? undefined : Math.max(...known);
    return { ...clock, busy: most, measuredKhz, heldKhz, governor };
  });
  const wanted = filter.toLowerCase();
  const found = rows.filter((clock) =>
    `domain${clock.domain} cpu ${formatCpuList(clock.cpus)} ${holderText(clock)}`
      .toLowerCase()
      .includes(wanted),
  );
  const by = {
    number: (clock: ClockRow) => clock.domain,
    frequency: (clock: ClockRow) => -(clock.targetKhz ?? 0),
    claims: (clock: ClockRow) => -clock.claims,
    busy: (clock: ClockRow) => -(clock.busy ?? 0),
  }[clockSort];
  return found.sort((a, b) => by(a) - by(b) || a.domain - b.domain);
}

/** Returns the columns that fit: without room the limits go first, then what was measured. */
export function clockColumns(
  width: number,
  rows: readonly ClockRow[],
  { measures }: Glance["machine"],
): ClockColumns {
  const longest = rows.reduce((most, row) => Math.max(most, holderText(row).length), 14);
  const holder = Math.min(MOST_HOLDER, longest);
  const busy = rows.some((row) => row.busy !== undefined);
  const barOf = (limits: boolean, real: boolean) =>
    width - holder - 32 - (limits ? 12 : 0) - (busy ? 5 : 0) - (real ? 6 : 0);
  const [limits, real] = [
    [true, measures],
    [false, measures],
    [false, false],
  ].find(([some = false, more = false]) => barOf(some, more) >= LEAST_BAR) ?? [false, false];
  const bar = Math.max(LEAST_BAR, Math.min(MOST_BAR, barOf(limits === true, real === true)));
  return { bar, holder, busy, measured: real === true, limits: limits === true };
}

/** Returns what the columns leave out, in words. */
export function leftOut({ limits, measured }: ClockColumns, { measures }: Glance["machine"]): string[] {
  return [...(limits ? [] : ["floor, ceiling"]), ...(measured || !measures ? [] : ["measured GHz"])];
}

export function clockHeading({ bar, holder, busy, measured, limits }: ClockColumns): string {
  return [
    fit("CPUS", 10),
    ...(busy ? ["BUSY"] : []),
    fit("GHz", 5, true),
    ...(measured ? [fit("REAL", 5, true)] : []),
    fit("FREQUENCY", bar + 2),
    ...(limits ? [fit("FLOOR", 5, true), fit("CEIL", 5, true)] : []),
    fit("HELD BY", holder),
    "CLAIMS",
  ].join(" ");
}

/** @param blocks whether bars may be drawn with block characters */
export function clockLine(clock: ClockRow, columns: ClockColumns, blocks: boolean): string {
  const { bar, holder, busy, measured, limits } = columns;
  const marks = blocks ? BLOCKS : LETTERS;
  return [
    fit(formatCpuList(clock.cpus), 10),
    ...(busy ? [fit(percent(clock.busy), 4, true)] : []),
    fit(clock.targetKhz === undefined ? heldText(clock, marks.most) : ghz(clock.targetKhz), 5, true),
    ...(measured ? [fit(ghz(clock.measuredKhz), 5, true)] : []),
    barOf(clock, bar, marks),
    ...(limits ? [fit(ghz(clock.floorKhz), 5, true), fit(ghz(clock.ceilingKhz), 5, true)] : []),
    fit(holderText(clock), holder),
    clock.claims === 0 ? "-" : `${clock.claims}${clock.clippedBy === undefined ? "" : " clipped"}`,
  ].join(" ");
}

/** What the kernel holds of an unclaimed clock: a speed, or a limit that its governor stays below. */
function heldText({ heldKhz, governor }: ClockRow, most: string): string {
  if (heldKhz === undefined) return "-";
  return governor === "userspace" ? ghz(heldKhz) : `${most}${ghz(heldKhz)}`;
}

/** Returns a bar from the clock's lowest to its highest frequency: what it was told, what it could get, what limits bar. */
function barOf(clock: ClockRow, width: number, marks: typeof BLOCKS): string {
  const { minKhz, maxKhz, floorKhz, ceilingKhz, targetKhz, heldKhz, governor } = clock;
  const cell = (khz: number) =>
    maxKhz === minKhz ? width : Math.round(((khz - minKhz) / (maxKhz - minKhz)) * (width - 1)) + 1;
  const held = governor === "userspace" ? heldKhz : undefined;
  const khz = targetKhz ?? held;
  const told = khz === undefined ? 0 : cell(khz);
  let text = "";
  for (let at = 1; at <= width; at++) {
    const barred = at < cell(floorKhz) || at > cell(ceilingKhz);
    const full = targetKhz === undefined ? marks.held : marks.told;
    text += at <= told ? full : barred ? marks.barred : marks.free;
  }
  return `[${text}]`;
}

function holderText({ holder, governor }: ClockRow): string {
  if (holder === undefined) return governor === undefined ? "nobody" : `nobody: ${governor}`;
  if (holder.vm === undefined) return holder.by === "operator" ? "the operator" : holder.by;
  return `${holder.vm} vCPU ${holder.vcpu}${holder.by === "guest" ? "" : ` (${holder.by})`}`;
}

/** Returns kHz in GHz; "-" where they are not known. */
export function ghz(khz: number | undefined): string {
  return khz === undefined ? "-" : (khz / 1e6).toFixed(2);
}

/** Returns a part in percent; "-" where it is not known. */
export function percent(part: number | undefined): string {
  return part === undefined ? "-" : `${Math.round(part * 100)}%`;
}
