// One picture of the host as lines of text: who holds which clock where, whether it is of use, and which VM asks how much.

import type { VmReport } from "../api/vms.ts";
import {
  type ClockColumns,
  clockColumns,
  clockHeading,
  clockLine,
  type ClockRow,
  clockRows,
  leftOut,
  percent,
} from "./clock-lines.ts";
import type { Glance, GlanceVm } from "./glance.ts";
import { fit } from "./screen.ts";
import { KEYS, type TopState } from "./state.ts";
import { type ToldItem, toldItems, toldLines } from "./told-lines.ts";
import { oneVmLines, perSecond, VM_HEADING, vmLine, vmRows } from "./vm-lines.ts";

/** How a picture is drawn. */
export interface FrameOptions {
  readonly width: number;
  /** Lines there are; Infinity for as many as are needed. */
  readonly height: number;
  /** Whether bars may be drawn with block characters. */
  readonly blocks: boolean;
  /** Whether headings stand out by escape sequences. */
  readonly styled: boolean;
  /** Why there is nothing newer; undefined when all is well. */
  readonly trouble?: string | undefined;
  /** The VM that is shown alone, as it was told last. */
  readonly vm?: VmReport | undefined;
}

/** Lines that VMs keep when clocks want all. */
const LEAST_VM_LINES = 6;

/** Returns the picture, at most `height` lines of `width` columns. */
export function frame(glance: Glance, state: TopState, options: FrameOptions): string[] {
  const { width, height } = options;
  const head = headLines(glance, state, options).map((line) => fit(line, width));
  if (state.help) {
    const keys = KEYS.map(([key, what]) => fit(`  ${key.padEnd(40)}${what}`, width));
    return [...head, "", ...keys].slice(0, height);
  }
  if (state.view === "told") {
    const items = toldItems(glance, state.filter, width);
    const { lines, hidden } = toldLines(items, height - head.length - 1, width);
    return [...head, ...lines, ...notShown([told(hidden)], width)].slice(0, height);
  }
  if (state.vm !== undefined) {
    const lines = oneVmLines(glance, state.vm, options.vm).map((line) => fit(line, width));
    const items = toldItems(glance, "", width).filter(({ vm }) => vm === state.vm);
    const tail = toldLines(items, height - head.length - lines.length - 1, width);
    return [...head, ...lines, ...tail.lines, ...notShown([told(tail.hidden)], width)].slice(0, height);
  }
  return [...head, ...hostLines(glance, state, options, height - head.length)].slice(0, height);
}

/** The lines above all others; each is one thing, so that there is room for more of them. */
function headLines(glance: Glance, state: TopState, options: FrameOptions): string[] {
  const machine = machineLine(glance);
  return [
    summary(glance),
    statusLine(glance, state, options),
    ...(machine === "" ? [] : [machine]),
    ...(glance.budget === undefined ? [] : [`Power budget: ${glance.budget.says}`]),
  ];
}

/** Returns clocks, VMs, refusals and changes in `height` lines, the last of which says what there was no room for. */
function hostLines(glance: Glance, state: TopState, options: FrameOptions, height: number): string[] {
  const { width, styled } = options;
  const strong = (text: string, on = true) => (styled && on ? `\u001b[7m${text}` : text);
  const faint = (text: string, on: boolean) => (styled && on ? `\u001b[2m${text}` : text);
  const [clocks, vms] = [clockRows(glance, state), vmRows(glance, state)];
  const items = toldItems(glance, state.filter, width);
  const columns = clockColumns(width, clocks, glance.machine);
  // Two headings and a line between them; one for what is left out.
  const all = clocks.length + vms.length + 3 + toldLines(items, Infinity, width).lines.length;
  const room = height - 3 - (all > height || leftOut(columns, glance.machine).length > 0 ? 1 : 0);
  const forVms = Math.min(vms.length, Math.max(LEAST_VM_LINES, room - clocks.length));
  const forClocks = Math.max(0, Math.min(clocks.length, room - forVms));
  const shownClocks = part(clocks, state.clockRow, forClocks);
  const tail = toldLines(items, room - forClocks - forVms, width);
  const chosen = Math.min(state.vmRow, vms.length - 1);
  return [
    strong(fit(clockHeading(columns), width), state.pane === "clocks"),
    ...shownClocks.map((clock) =>
      faint(fit(clockLine(clock, columns, options.blocks), width), clock.holder === undefined),
    ),
    "",
    strong(fit(VM_HEADING, width), state.pane === "vms"),
    ...part(vms, state.vmRow, forVms).map((vm) =>
      strong(fit(vmLine(vm), width), state.pane === "vms" && vms[chosen] === vm),
    ),
    ...tail.lines,
    ...notShown(
      [
        ...rowsLeft(state, clocks, shownClocks, vms.length - forVms),
        told(tail.hidden),
        columnsLeft(columns, glance),
      ],
      width,
    ),
  ];
}

/** Says what there is no room for, and how to see it; nothing where all is there. */
function notShown(what: readonly string[], width: number): string[] {
  const said = what.filter((text) => text !== "");
  return said.length === 0 ? [] : [fit(`Not shown: ${said.join("; ")}`, width)];
}

function rowsLeft(
  { pane }: TopState,
  clocks: readonly ClockRow[],
  shown: readonly ClockRow[],
  vms: number,
): string[] {
  const count = (rows: readonly ClockRow[]) => rows.reduce((sum, { cpus }) => sum + cpus.length, 0);
  const cpus = count(clocks) - count(shown);
  return [
    cpus > 0 ? `${cpus} more CPU${cpus === 1 ? "" : "s"} (${pane === "clocks" ? "" : "Tab, "}Page Down)` : "",
    vms > 0 ? `${vms} more VM${vms === 1 ? "" : "s"} (${pane === "vms" ? "" : "Tab, "}Page Down)` : "",
  ];
}

function told(hidden: readonly ToldItem[]): string {
  const count = (kind: ToldItem["kind"], one: string) => {
    const n = hidden.filter((item) => item.kind === kind).length;
    return n === 0 ? [] : [`${n} ${one}${n === 1 ? "" : "s"}`];
  };
  const parts = [...count("refusal", "refusal"), ...count("change", "change")];
  return parts.length === 0 ? "" : `${parts.join(", ")} (c)`;
}

function columnsLeft(columns: ClockColumns, { machine }: Glance): string {
  const left = leftOut(columns, machine);
  return left.length === 0 ? "" : `${left.join(", ")} (wider)`;
}

/** Returns `count` rows from `first` on, or the last ones when there are fewer. */
function part<T>(rows: readonly T[], first: number, count: number): readonly T[] {
  const start = Math.max(0, Math.min(first, rows.length - count));
  return rows.slice(start, start + count);
}

function summary({ host, vms, domains, uptimeS }: Glance): string {
  const connected = vms.reduce((sum, vm) => sum + vm.connected, 0);
  const channels = vms.reduce((sum, vm) => sum + vm.channels, 0);
  const claimed = domains.filter(({ holder }) => holder !== undefined).length;
  const minutes = Math.floor(uptimeS / 60);
  const up =
    uptimeS < 60
      ? `${uptimeS} s`
      : minutes < 60
        ? `${minutes} min`
        : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
  return `powermon on ${host}, up ${up}: ${vms.length} VMs, ${connected} of ${channels} channels connected, ${claimed} of ${domains.length} clocks claimed`;
}

/** What all CPUs did together, and what the packages drew; empty where nothing of it is known. */
function machineLine({ machine }: Glance): string {
  const busy = machine.cpus.map((one) => one.busy).filter((one) => one !== undefined);
  const mean = busy.length === 0 ? undefined : busy.reduce((sum, one) => sum + one, 0) / busy.length;
  return [
    ...(mean === undefined ? [] : [`CPUs ${percent(mean)} busy`]),
    ...machine.packages.flatMap(({ name, watts }) =>
      watts === undefined ? [] : [`${name} ${watts.toFixed(1)} W`],
    ),
    ...machine.temperatures.map(({ name, celsius }) => `${name} ${celsius.toFixed(0)} °C`),
  ].join(", ");
}

function statusLine(glance: Glance, state: TopState, { trouble, styled }: FrameOptions): string {
  if (state.typing) return `Show only: ${state.filter}_`;
  if (trouble !== undefined) return trouble;
  const rate = (pick: (vm: GlanceVm) => number | undefined) =>
    perSecond(glance.vms.reduce<number | undefined>((sum, vm) => add(sum, pick(vm)), undefined));
  const parts = [
    ...(state.paused ? ["PAUSED"] : []),
    ...(state.filter === "" ? [] : [`only ${JSON.stringify(state.filter)}`]),
    `${rate((vm) => vm.requestsPerSecond)} requests/s`,
    `${rate((vm) => vm.refusedPerSecond)} refused/s`,
    ...(styled ? ["? for help"] : []),
    `clocks by ${state.clockSort}, VMs by ${state.vmSort}`,
  ];
  return parts.join(", ");
}

function add(a: number | undefined, b: number | undefined): number | undefined {
  return b === undefined ? a : (a ?? 0) + b;
}
