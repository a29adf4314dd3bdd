// How the kernel reads what is written to a file of /sys.

import { refuse } from "./errno.ts";

/** As kstrtoul(text, 0): a number, decimal, 0x hexadecimal or 0 octal, one newline after it allowed. Source: lib/kstrtox.c. */
export function wholeNumber(text: string): number {
  const match = /^\+?(0x[0-9a-f]+|0[0-7]*|[1-9][0-9]*)\n?$/i.exec(text);
  if (!match?.[1]) return refuse("EINVAL");
  const digits = match[1];
  return /^0[0-7]/.test(digits) ? Number.parseInt(digits, 8) : Number(digits);
}

/** As sscanf(text, "%u"): the digits it begins with. Source: lib/vsprintf.c. */
export function leadingNumber(text: string): number {
  const match = /^\s*(\d+)/.exec(text);
  return match ? Number(match[1]) : refuse("EINVAL");
}

/** As kstrtobool(): decided by the first letter, "on" and "off" by the second. Source: lib/kstrtox.c. */
export function truth(text: string): boolean {
  if (/^([yt1]|on)/i.test(text)) return true;
  return /^([nf0]|of)/i.test(text) ? false : refuse("EINVAL");
}

/** As sscanf(text, "%Ns"): the first word, cut after `most` characters. */
export function firstWord(text: string, most: number): string {
  const match = /^\s*(\S+)/.exec(text);
  return match?.[1] ? match[1].slice(0, most) : refuse("EINVAL");
}
