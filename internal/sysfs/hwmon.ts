// Sensors of energy and power beside RAPL, as boards have them.

import { readFile } from "node:fs/promises";
import { codeOf } from "../os/error-code.ts";
import { err, ok, type Result } from "../values/result.ts";
import { AttrDir, parseNumber } from "./attr.ts";
import { type SysfsError, sysfsError } from "../values/sysfs-error.ts";
import { listFolder, listNumbered } from "./numbered.ts";

/** One sensor. Source: Documentation/hwmon/sysfs-interface.rst. */
export interface Sensor {
  /** The chip's name, such as amd_energy. */
  readonly chip: string;
  /** energyN_label or powerN_label, else the file's own name. */
  readonly label: string;
  /** energyN_input counts microjoules; powerN_input and powerN_average show microwatts. */
  readonly kind: "energy" | "power";
  readonly path: string;
  readonly file: string;
}

/** Returns every energy and power sensor, by chip and file; none without hwmon. Errors: EACCES for the folder. */
export function findSensors(sysfsRoot: string): Result<Sensor[], SysfsError> {
  const folder = `${sysfsRoot}/class/hwmon`;
  const numbers = listNumbered(folder, "hwmon");
  if (!numbers.ok) return numbers;
  const sensors: Sensor[] = [];
  for (const n of numbers.value) {
    const dir = new AttrDir(`${folder}/hwmon${n}`);
    const chip = dir.peek("name") || `hwmon${n}`;
    // A chip may go away between two looks.
    const files = listFolder(dir.path);
    for (const file of files.ok ? files.value : []) {
      const words = /^(energy|power)(\d+)_(input|average)$/.exec(file);
      if (!words) continue;
      sensors.push({
        chip,
        label: dir.peek(`${words[1]}${words[2]}_label`) || file,
        kind: words[1] === "energy" ? "energy" : "power",
        path: dir.path,
        file,
      });
    }
  }
  return ok(sensors);
}

/** A temperature of a whole package, or of the die that stands for it. */
export interface Thermometer {
  /** Such as coretemp Package id 0; the same names of several chips are numbered. */
  readonly name: string;
  readonly path: string;
  readonly file: string;
}

/** Which sensor of a chip stands for the package. Source: drivers/hwmon/coretemp.c, show_label(); k10temp.c, k10temp_temp_label. */
const OF_PACKAGE: Readonly<Record<string, RegExp>> = { coretemp: /^Package id \d{1,4}$/, k10temp: /^Tctl$/ };
/** Most thermometers of a machine. */
const MAX_THERMOMETERS = 64;

/** Returns the thermometers of the packages; none without hwmon. Those of single cores are left out: reading them wakes the core. Errors: EACCES for the folder. */
export function findThermometers(sysfsRoot: string): Result<Thermometer[], SysfsError> {
  const folder = `${sysfsRoot}/class/hwmon`;
  const numbers = listNumbered(folder, "hwmon");
  if (!numbers.ok) return numbers;
  const found: Thermometer[] = [];
  for (const n of numbers.value) {
    const dir = new AttrDir(`${folder}/hwmon${n}`);
    const chip = dir.peek("name") ?? "";
    const wanted = OF_PACKAGE[chip];
    // The package comes first of its chip. Source: coretemp.c, PKG_SYSFS_ATTR_NO; k10temp.c.
    const label = dir.peek("temp1_label") ?? "";
    if (wanted === undefined || !wanted.test(label) || found.length === MAX_THERMOMETERS) continue;
    const same = found.filter(({ name }) => name.startsWith(`${chip} ${label}`)).length;
    const name = same === 0 ? `${chip} ${label}` : `${chip} ${label} #${same + 1}`;
    found.push({ name, path: dir.path, file: "temp1_input" });
  }
  return ok(found);
}

/** Reads a thermometer, degrees Celsius; undefined when it can't be read now. */
export function readThermometer({ path, file }: Thermometer): number | undefined {
  const line = new AttrDir(path).peek(file);
  return line !== undefined && /^-?\d{1,6}$/.test(line) ? Number(line) / 1000 : undefined;
}

/** Reads `sensor`: microjoules or microwatts, by its kind; undefined when it is gone. Errors: as AttrDir.readNumber, EACCES, EIO. */
export const readSensor = (sensor: Sensor): Result<number | undefined, SysfsError> =>
  new AttrDir(sensor.path).readNumber(sensor.file);

/** Reads `sensor` as readSensor() does, and lets nobody wait for it. */
export async function readSensorLater({
  path,
  file,
}: Sensor): Promise<Result<number | undefined, SysfsError>> {
  const whole = `${path}/${file}`;
  try {
    return parseNumber(whole, (await readFile(whole, "latin1")).trimEnd());
  } catch (thrown) {
    return codeOf(thrown) === "ENOENT" ? ok(undefined) : err(sysfsError("read", whole, thrown));
  }
}
