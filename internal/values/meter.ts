// The names of meters that a budget can be held by.

/** A meter by its name. */
export type MeterName =
  | { readonly kind: "rapl" | "psys" }
  | { readonly kind: "hwmon"; readonly chip: string }
  | { readonly kind: "file"; readonly path: string };

/** The most that a budget can be, W: a rack's. */
export const MAX_WATTS = 100_000;

/** How a meter is written. */
export const METER_FORM = '"rapl", "psys", "hwmon:CHIP" or "file:/WHOLE/PATH"';

const MAX_PATH = 4095;

/** Returns the meter that `text` names; undefined for what is none. */
export function parseMeter(text: string): MeterName | undefined {
  if (text === "rapl" || text === "psys") return { kind: text };
  const [, kind, name = ""] = /^(hwmon|file):(.+)$/s.exec(text) ?? [];
  if (kind === "hwmon") return /^[\w.-]{1,64}$/.test(name) ? { kind, chip: name } : undefined;
  const isPath =
    name.startsWith("/") &&
    name.length <= MAX_PATH &&
    !name.includes("\0") &&
    !name.split("/").includes("..");
  return kind === "file" && isPath ? { kind, path: name } : undefined;
}

/** Returns a meter as it is written. */
export const meterText = (meter: MeterName): string =>
  meter.kind === "hwmon" ? `hwmon:${meter.chip}` : meter.kind === "file" ? `file:${meter.path}` : meter.kind;
