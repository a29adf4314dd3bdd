// Sensors of energy and power beside RAPL, as boards have them.

import { ok, type Result } from "../values/result.ts";
import { AttrDir } from "./attr.ts";
import type { SysfsError } from "../values/sysfs-error.ts";
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

/** Reads `sensor`: microjoules or microwatts, by its kind; undefined when it is gone. Errors: as AttrDir.readNumber, EACCES, EIO. */
export const readSensor = (sensor: Sensor): Result<number | undefined, SysfsError> =>
  new AttrDir(sensor.path).readNumber(sensor.file);
