// Values that several tables of a configuration file have, each with the sentence that says what would be right.

import * as v from "valibot";
import { parseCpuList } from "../values/cpulist.ts";
import { type Khz, KHZ } from "../values/units.ts";

/** Returns words as a sentence lists them, each in quotes. */
export const quoted = (words: readonly string[]): string =>
  words.map((word) => JSON.stringify(word)).join(", ");

export const flag = v.boolean("Write true or false.");

export const oneOf = <const T extends readonly [string, ...string[]]>(words: T) =>
  v.picklist(words, `Write one of ${quoted(words)}.`);

/** A whole number; `right` is the sentence. */
export const whole = (least: number, most: number, right: string) =>
  v.pipe(v.number(right), v.integer(right), v.minValue(least, right), v.maxValue(most, right));

/** A whole number; `what` is what it stands for. */
export const integer = (least: number, most: number, what: string) =>
  whole(least, most, `Write ${what}, a whole number from ${least} to ${most}.`);

/** Text of the form `pattern`. */
export const text = (pattern: RegExp, right: string) => v.pipe(v.string(right), v.regex(pattern, right));

/** The name of a user or a group, or nothing. */
export const ACCOUNT = /^([A-Za-z_][\w.-]{0,31})?$/;
/** How a group that may be none is written. */
export const groupName = (such: string) =>
  text(ACCOUNT, `Write a group's name, such as ${JSON.stringify(such)}, or "" for none.`);

/** Longer than any name of the IANA's, and short enough to be looked up. */
const MAX_ZONE = 255;
const ZONE = `Write a time zone of at most ${MAX_ZONE} letters, such as "Europe/Berlin".`;
/** A time zone, not yet looked up. */
export const zone = v.pipe(v.string(ZONE), v.maxLength(MAX_ZONE, ZONE));

/** How kHz are written. */
export const KHZ_FORM = `kHz (${KHZ.least} to ${KHZ.most}; 2.4 GHz is 2400000)`;

/** A frequency in kHz, or one of `names`. */
export const khzOr = <const T extends string>(names: readonly T[], right: string) =>
  v.union(
    [
      v.picklist(names, right),
      v.pipe(
        whole(KHZ.least, KHZ.most, right),
        v.transform((khz) => khz as Khz),
      ),
    ],
    right,
  );

/** A bound's names beside kHz: the domain's own lowest, nominal and highest frequency. */
export const NAMED_BOUNDS = ["min", "base", "max"] as const;

/** A frequency that limits others. */
export const bound = khzOr(NAMED_BOUNDS, `Write ${KHZ_FORM}, "min", "base" or "max".`);

/** Returns whether `text` names at least one CPU in the kernel's list form. */
export function isCpuList(text: string): boolean {
  const list = parseCpuList(text);
  return list.ok && list.value.length > 0;
}
