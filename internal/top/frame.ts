// One picture of the host as lines of text: who holds which clock where, and which VM asks how much.

import { formatCpuList } from "../values/cpulist.ts";
import type { LiveDomain } from "../api/live.ts";
import type { Glance, GlanceVm } from "./glance.ts";
import { fit } from "./screen.ts";
import { KEYS, type TopState } from "./state.ts";

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
}

/** Lines that VMs keep when clocks want all. */
const LEAST_VM_LINES = 6;
const BLOCKS = { told: "█", free: "─", barred: "·" };
const LETTERS = { told: "#", free: "-", barred: "." };

/** Returns the picture, at most `height` lines of `width` columns. */
export function frame(glance: Glance, state: TopState, options: FrameOptions): string[] {
  const { width, height, styled } = options;
  const strong = (text: string, on = true) => (styled && on ? `\u001b[7m${text}` : text);
  const clocks = shownClocks(glance, state);
  const vms = shownVms(glance, state);
  const head = [fit(summary(glance), width), fit(statusLine(glance, state, options), width)];
  if (state.help) {
    const keys = KEYS.map(([key, what]) => fit(`  ${key.padEnd(40)}${what}`, width));
    return [...head, "", ...keys].slice(0, height);
  }
  const room = height - head.length - 3;
  const forVms = Math.min(vms.length, Math.max(LEAST_VM_LINES, room - clocks.length));
  const forClocks = Math.max(0, Math.min(clocks.length, room - forVms));
  const columns = clockColumns(width, vms);
  const lines = [
    ...head,
    strong(fit(clockHeading(columns), width), state.pane === "clocks"),
    ...part(clocks, state.clockRow, forClocks).map((clock) => fit(clockLine(clock, columns, options), width)),
    "",
    strong(fit(VM_HEADING, width), state.pane === "vms"),
    ...part(vms, state.vmRow, forVms).map((vm) => fit(vmLine(vm), width)),
  ];
  const refusals = glance.refusals.flatMap((refusal) => refusalLines(refusal, state.filter, width));
  if (refusals.length > 0) lines.push("", fit("LAST REFUSALS", width), ...refusals);
  return lines.slice(0, height);
}

/** Returns `count` rows from `first` on, or the last ones when there are fewer. */
function part<T>(rows: readonly T[], first: number, count: number): readonly T[] {
  const start = Math.max(0, Math.min(first, rows.length - count));
  return rows.slice(start, start + count);
}

function summary({ vms, domains, uptimeS }: Glance): string {
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
  return `powermon, up ${up}: ${vms.length} VMs, ${connected} of ${channels} channels connected, ${claimed} of ${domains.length} clocks claimed`;
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

function perSecond(rate: number | undefined): string {
  return rate === undefined ? "-" : rate >= 100 ? rate.toFixed(0) : rate.toFixed(1);
}

function shownClocks({ domains }: Glance, { filter, clockSort }: TopState): readonly LiveDomain[] {
  const wanted = filter.toLowerCase();
  const found = domains.filter((clock) =>
    `domain${clock.domain} cpu ${formatCpuList(clock.cpus)} ${holderText(clock)}`
      .toLowerCase()
      .includes(wanted),
  );
  const by = {
    number: (clock: LiveDomain) => clock.domain,
    frequency: (clock: LiveDomain) => -(clock.targetKhz ?? 0),
    claims: (clock: LiveDomain) => -clock.claims,
  }[clockSort];
  return found.sort((a, b) => by(a) - by(b) || a.domain - b.domain);
}

function shownVms({ vms }: Glance, { filter, vmSort }: TopState): readonly GlanceVm[] {
  const wanted = filter.toLowerCase();
  const by = {
    name: () => 0,
    requests: (vm: GlanceVm) => -(vm.requestsPerSecond ?? 0),
    refused: (vm: GlanceVm) => -vm.refused,
  }[vmSort];
  const found = vms.filter(({ vm }) => vm.toLowerCase().includes(wanted));
  return found.sort((a, b) => by(a) - by(b) || (a.vm < b.vm ? -1 : 1));
}

interface ClockColumns {
  readonly bar: number;
  readonly holder: number;
}

function clockColumns(width: number, vms: readonly GlanceVm[]): ClockColumns {
  const holder = Math.min(24, Math.max(14, ...vms.map(({ vm }) => vm.length + 9)));
  return { holder, bar: Math.max(8, Math.min(60, width - holder - 44)) };
}

function clockHeading({ bar, holder }: ClockColumns): string {
  return `${fit("CPUS", 10)} ${fit("GHz", 5, true)} ${fit("FREQUENCY", bar + 2)} ${fit("FLOOR", 5, true)} ${fit("CEIL", 5, true)} ${fit("HELD BY", holder)} CLAIMS`;
}

function clockLine(clock: LiveDomain, { bar, holder }: ClockColumns, { blocks }: FrameOptions): string {
  const cells = [
    fit(formatCpuList(clock.cpus), 10),
    fit(ghz(clock.targetKhz), 5, true),
    barOf(clock, bar, blocks ? BLOCKS : LETTERS),
    fit(ghz(clock.floorKhz), 5, true),
    fit(ghz(clock.ceilingKhz), 5, true),
    fit(holderText(clock), holder),
    clock.claims === 0 ? "-" : `${clock.claims}${clock.clippedBy === undefined ? "" : " clipped"}`,
  ];
  return cells.join(" ");
}

/** Returns a bar from the clock's lowest to its highest frequency: what it was told, what it could get, what limits bar. */
function barOf(clock: LiveDomain, width: number, marks: typeof BLOCKS): string {
  const { minKhz, maxKhz, floorKhz, ceilingKhz, targetKhz } = clock;
  const cell = (khz: number) =>
    maxKhz === minKhz ? width : Math.round(((khz - minKhz) / (maxKhz - minKhz)) * (width - 1)) + 1;
  const told = targetKhz === undefined ? 0 : cell(targetKhz);
  let text = "";
  for (let at = 1; at <= width; at++) {
    const barred = at < cell(floorKhz) || at > cell(ceilingKhz);
    text += at <= told ? marks.told : barred ? marks.barred : marks.free;
  }
  return `[${text}]`;
}

function holderText({ holder }: LiveDomain): string {
  if (holder === undefined) return "nobody";
  if (holder.vm === undefined) return holder.by === "operator" ? "the operator" : holder.by;
  return `${holder.vm} vCPU ${holder.vcpu}${holder.by === "guest" ? "" : ` (${holder.by})`}`;
}

function ghz(khz: number | undefined): string {
  return khz === undefined ? "-" : (khz / 1e6).toFixed(2);
}

const VM_HEADING = `${fit("VM", 20)} ${fit("CHANNELS", 8)} ${fit("REQ/S", 8, true)} ${fit("REFUSED", 8, true)} ${fit("FAILED", 6, true)} POLICY`;

function vmLine(vm: GlanceVm): string {
  const policy = vm.policy === undefined ? "-" : `${vm.policy.type} (${vm.policy.origin})`;
  const cells = [
    fit(vm.vm, 20),
    fit(vm.connected === vm.channels ? String(vm.channels) : `${vm.connected}/${vm.channels}`, 8),
    fit(perSecond(vm.requestsPerSecond), 8, true),
    fit(String(vm.refused), 8, true),
    fit(String(vm.failed), 6, true),
    policy,
  ];
  return cells.join(" ");
}

/** Returns when, to whom and why, wrapped at blanks; nothing when the filter leaves it out. */
function refusalLines(refusal: Glance["refusals"][number], filter: string, width: number): string[] {
  const { at, vm, vcpu, message } = refusal;
  if (!vm.toLowerCase().includes(filter.toLowerCase())) return [];
  const lines: string[] = [];
  let line = at.slice(11, 19);
  for (const word of `${vm} vCPU ${vcpu}: ${message}`.split(" ")) {
    if (line.length + 1 + word.length <= width) line += ` ${word}`;
    else {
      lines.push(fit(line, width));
      line = `         ${word}`;
    }
  }
  return [...lines, fit(line, width)];
}
