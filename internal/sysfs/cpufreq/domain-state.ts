// A domain read afresh: what its CPUs can do, and what is set now.

import { all, err, ok, type Result } from "../../values/result.ts";
import { type DomainId, type Khz, khz, type Pcpu } from "../../values/units.ts";
import { AttrDir } from "../attr.ts";
import { notUnderstood, type SysfsError } from "../../values/sysfs-error.ts";
import { readWords } from "../choice.ts";
import type { Hardware } from "../driver/driver.ts";
import { driverOf } from "../driver/index.ts";
import { readCpuList } from "../topology.ts";
import { readTurboAllowed } from "./boost.ts";
import { type Epp, readEpp } from "./epp.ts";
import { domainDir, FILE } from "./files.ts";
import { type LimitKnob, readKhz } from "./limits.ts";

/** A domain and its settings at one moment: any of them may move when another is written. */
export interface DomainState extends Hardware {
  readonly id: DomainId;
  readonly governor: string | undefined;
  /** The limits; undefined when they can't be read now. */
  readonly floor: Khz | undefined;
  readonly ceiling: Khz | undefined;
  /** Undefined when the driver has none. */
  readonly epp: Result<Epp | undefined, SysfsError>;
}

/** Reads domain `id` and what is set in it. Errors: as readHardware. */
export function readDomainState(cpuRoot: string, id: DomainId): Result<DomainState, SysfsError> {
  const found = readHardware(cpuRoot, id);
  if (!found.ok) return found;
  const dir = domainDir(cpuRoot, id);
  const governor = dir.read(FILE.governor);
  if (!governor.ok) return governor;
  return ok({
    ...found.value,
    id,
    governor: governor.value,
    floor: dir.peekNumber(FILE.floor) as Khz | undefined,
    ceiling: dir.peekNumber(FILE.ceiling) as Khz | undefined,
    epp: readEpp(cpuRoot, id),
  });
}

/**
 * Reads what domain `id` can do. Errors: ENOENT for a file every domain has, EBUSY when its CPUs are offline, EINVAL for odd text.
 * Source: Documentation/admin-guide/pm/{cpufreq,intel_pstate,amd-pstate}.rst.
 * @param cpuRoot stands for /sys/devices/system/cpu
 */
export function readHardware(cpuRoot: string, id: DomainId): Result<Hardware, SysfsError> {
  const dir = domainDir(cpuRoot, id);
  const read = all({
    driver: dir.must(FILE.driver),
    governors: readWords(dir, FILE.governors),
    pcpus: readCpuList(dir, FILE.cpus),
    min: readKhz(dir, FILE.least),
    max: readKhz(dir, FILE.greatest),
    listed: readFrequencies(dir, FILE.frequencies),
    boosts: readFrequencies(dir, FILE.boostFrequencies),
  });
  if (!read.ok) return read;
  const { pcpus, min, max } = read.value;
  const driver = driverOf(read.value.driver);
  const cpus = new AttrDir(cpuRoot);
  if (pcpus.length === 0) return err(notUnderstood(`${dir.path}/${FILE.cpus}`, ""));
  if (min <= 0 || max < min) return err(notUnderstood(`${dir.path}/${FILE.greatest}`, `${max}`));
  const more = all({
    base: readBase(cpuRoot, dir, pcpus[0]),
    turboAllowed: readTurboAllowed(cpuRoot, driver, id),
    firmware: dir.readNumber(FILE.firmwareLimit),
  });
  if (!more.ok) return more;
  const { base, turboAllowed, firmware } = more.value;
  const shown = driver.shows?.(cpus, read.value) ?? { min, max };
  return ok({
    ...read.value,
    turboAllowed,
    base: base ?? driver.base?.(cpus, read.value),
    bounds: driver.bounds?.(cpus, read.value) ?? { min, max },
    unset: { min: shown.min, max: khz(Math.min(shown.max, firmware || shown.max)) },
  });
}

/** Returns whether `limit` kHz is what domain `id` shows where nobody set any, and so none. */
export function isNoLimit(cpuRoot: string, id: DomainId, knob: LimitKnob, limit: number): boolean {
  const isPast = (end: number) => (knob === "floor" ? limit <= end : limit >= end);
  const end = domainDir(cpuRoot, id).peekNumber(knob === "floor" ? FILE.least : FILE.greatest);
  if (end !== undefined && isPast(end)) return true;
  const found = readHardware(cpuRoot, id);
  return found.ok && isPast(knob === "floor" ? found.value.unset.min : found.value.unset.max);
}

/**
 * base_frequency (kHz, intel_pstate) or else CPPC's nominal_freq (MHz, 0 when the firmware gives none).
 * Source: Documentation/admin-guide/acpi/cppc_sysfs.rst.
 */
function readBase(cpuRoot: string, dir: AttrDir, cpu: Pcpu | undefined): Result<Khz | undefined, SysfsError> {
  const base = dir.readNumber(FILE.base);
  if (!base.ok || base.value) return base as Result<Khz | undefined, SysfsError>;
  const nominal = new AttrDir(`${cpuRoot}/cpu${cpu}/acpi_cppc`).readNumber("nominal_freq");
  return nominal.ok ? ok(nominal.value ? khz(nominal.value * 1000) : undefined) : nominal;
}

function readFrequencies(dir: AttrDir, name: string): Result<Khz[], SysfsError> {
  const words = readWords(dir, name);
  if (!words.ok) return words;
  if (!words.value.every((word) => /^[1-9]\d{0,14}$/.test(word)))
    return err(notUnderstood(`${dir.path}/${name}`, words.value.join(" ")));
  return ok([...new Set(words.value.map(Number))].sort((a, b) => b - a).map(khz));
}
