// What a machine draws, from one of four meters: RAPL's packages, the whole platform, a chip of a board, a file that somebody writes.

import { closeSync, constants, fstatSync, openSync, readSync } from "node:fs";
import { findSensors, readSensor, readSensorLater, type Sensor } from "../sysfs/hwmon.ts";
import { type PowerZone, readEnergy, readPowerZones } from "../sysfs/powercap.ts";
import type { MeterName } from "../values/meter.ts";
import { err, ok, type Result } from "../values/result.ts";
import { explainSysfs, type SysfsError, sysfsError } from "../values/sysfs-error.ts";
import type { Part, Reading } from "./judge.ts";

/** A meter that was found. */
export interface Meter {
  /** What is read, a path each. */
  readonly paths: readonly string[];
  /** Reads it now. Errors: why not, a sentence without a full stop. */
  read(): Result<Reading, string>;
  /** The same, where a chip may take long to answer; undefined where none does. */
  readonly readLater?: () => Promise<Result<Reading, string>>;
}

/** Returns the packages of RAPL: each once, also where they are met by MSR and by MMIO. */
export const packagesOf = (zones: readonly PowerZone[]): readonly PowerZone[] =>
  zones.filter(
    ({ name, twinOf, parent }) =>
      /^package-\d{1,5}(-die-\d{1,5})?$/.test(name) && twinOf === undefined && parent === undefined,
  );

/**
 * Finds a meter. Errors: why there is none, a sentence without a full stop.
 * @param sysfsRoot stands for /sys
 */
export function openMeter(meter: MeterName, sysfsRoot: string): Result<Meter, string> {
  switch (meter.kind) {
    case "rapl":
    case "psys": {
      const zones = readPowerZones(sysfsRoot);
      if (!zones.ok) return err(explainSysfs(zones.error));
      const counted = zones.value.filter(({ maxEnergyUj }) => maxEnergyUj !== undefined);
      const picked =
        meter.kind === "rapl"
          ? packagesOf(counted)
          : counted.filter(({ name, twinOf }) => name === "psys" && twinOf === undefined).slice(0, 1);
      const what = meter.kind === "rapl" ? "package" : "psys";
      return picked.length === 0
        ? err(`no zone of RAPL called ${what} is in ${sysfsRoot}/class/powercap`)
        : ok(raplMeter(picked));
    }
    case "hwmon": {
      const sensors = findSensors(sysfsRoot);
      if (!sensors.ok) return err(explainSysfs(sensors.error));
      const picked = pickSensors(sensors.value.filter(({ chip }) => chip === meter.chip));
      return picked.length === 0
        ? err(`no energy or power sensor of a chip "${meter.chip}" is in ${sysfsRoot}/class/hwmon`)
        : ok(sensorMeter(picked));
    }
    case "file":
      return ok({ paths: [meter.path], read: () => readMeterFile(meter.path) });
  }
}

function raplMeter(zones: readonly PowerZone[]): Meter {
  return {
    paths: zones.map(({ path }) => path),
    read() {
      const parts: Part[] = [];
      for (const zone of zones) {
        const energy = readEnergy(zone);
        if (!energy.ok) return err(explainSysfs(energy.error));
        parts.push({ uj: energy.value, wrapUj: zone.maxEnergyUj });
      }
      return ok({ kind: "energy", parts });
    },
  };
}

/** Sockets before the cores that they are made of; energy before momentary power; of each input and its average the average. */
function pickSensors(sensors: readonly Sensor[]): readonly Sensor[] {
  const energy = sensors.filter(({ kind }) => kind === "energy");
  const sockets = energy.filter(({ label }) => /^Esocket\d+$/.test(label));
  if (energy.length > 0) return sockets.length > 0 ? sockets : energy;
  const names = new Set(sensors.map(({ path, file }) => `${path}/${file}`));
  return sensors.filter(
    ({ path, file }) =>
      !file.endsWith("_input") || !names.has(`${path}/${file.replace("_input", "_average")}`),
  );
}

function sensorMeter(sensors: readonly Sensor[]): Meter {
  const isEnergy = sensors[0]?.kind === "energy";
  const sum = (read: readonly Result<number | undefined, SysfsError>[]): Result<Reading, string> => {
    const values: number[] = [];
    for (const [at, value] of read.entries()) {
      if (!value.ok) return err(explainSysfs(value.error));
      if (value.value === undefined) return err(`"${sensors[at]?.path}/${sensors[at]?.file}" is gone`);
      values.push(value.value);
    }
    return isEnergy
      ? ok({ kind: "energy", parts: values.map((uj) => ({ uj, wrapUj: undefined })) })
      : ok({ kind: "power", watts: values.reduce((all, uw) => all + uw, 0) / 1e6 });
  };
  return {
    paths: sensors.map(({ path, file }) => `${path}/${file}`),
    read: () => sum(sensors.map(readSensor)),
    // Momentary power is asked of the board, which may average over a second. Source: drivers/hwmon/acpi_power_meter.c.
    ...(!isEnergy && { readLater: async () => sum(await Promise.all(sensors.map(readSensorLater))) }),
  };
}

/** Longer than any number of microjoules. */
const MAX_BYTES = 64;

/**
 * Reads the first line of a file that somebody else writes: microjoules, a whole number of at most 18 digits. When it was written counts for
 * when they were drawn. A FIFO or a device is refused: it could make the reader wait.
 */
function readMeterFile(path: string): Result<Reading, string> {
  let fd: number | undefined;
  try {
    fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    const stats = fstatSync(fd);
    if (!stats.isFile()) return err(`"${path}" is no plain file`);
    const bytes = Buffer.alloc(MAX_BYTES);
    const text = bytes.toString("latin1", 0, readSync(fd, bytes, 0, MAX_BYTES, 0));
    const digits = /^(\d{1,18})\s*(?:\n|$)/.exec(text)?.[1];
    if (digits === undefined) return err(`"${path}" does not begin with a number of microjoules`);
    return ok({
      kind: "energy",
      parts: [{ uj: Number(digits), wrapUj: undefined }],
      writtenMs: stats.mtimeMs,
    });
  } catch (thrown) {
    return err(explainSysfs(sysfsError("read", path, thrown)));
  } finally {
    if (fd !== undefined) closeSync(fd);
  }
}
