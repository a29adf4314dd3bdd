// The last refusals and changes as lines: when, who and what, wrapped at blanks.

import type { Glance } from "./glance.ts";
import { fit } from "./screen.ts";

/** One thing that was told, in as many lines as it takes. */
export interface ToldItem {
  readonly kind: "refusal" | "change";
  /** The VM that it is of. */
  readonly vm: string | undefined;
  readonly lines: readonly string[];
}

/** Returns the refusals, then the changes, of what has `filter` in its VM's name, or, for changes, in its words. */
export function toldItems({ refusals, changes }: Glance, filter: string, width: number): ToldItem[] {
  const wanted = filter.toLowerCase();
  const has = (text: string) => text.toLowerCase().includes(wanted);
  return [
    ...refusals
      .filter(({ vm }) => has(vm))
      .map(({ at, vm, vcpu, message }): ToldItem => {
        return { kind: "refusal", vm, lines: wrapped(at, `${vm} vCPU ${vcpu}: ${message}`, width) };
      }),
    ...changes
      .filter(({ what, who }) => has(`${what} ${who}`))
      .map(({ at, what, who, vm }): ToldItem => {
        return { kind: "change", vm, lines: wrapped(at, `${what}, by ${who}`, width) };
      }),
  ];
}

const HEADING = { refusal: "LAST REFUSALS", change: "LAST CHANGES" } as const;

/** Returns as many of `items` as fit into `room` lines, each kind under its heading, and those that are not there as a whole. */
export function toldLines(items: readonly ToldItem[], room: number, width: number) {
  const lines: string[] = [];
  const hidden: ToldItem[] = [];
  let kind: ToldItem["kind"] | undefined;
  for (const item of items) {
    const heading = item.kind === kind ? [] : ["", fit(HEADING[item.kind], width)];
    const left = room - lines.length - heading.length;
    if (left < item.lines.length) hidden.push(item);
    if (left <= 0) continue;
    kind = item.kind;
    lines.push(...heading, ...item.lines.slice(0, left));
  }
  return { lines, hidden };
}

/** Returns the time of day and `text` in lines of `width` columns, those after the first indented. @param at ISO 8601 */
function wrapped(at: string, text: string, width: number): string[] {
  const lines: string[] = [];
  let line = at.slice(11, 19);
  for (const word of text.split(" ")) {
    if (line.length + 1 + word.length <= width) line += ` ${word}`;
    else {
      lines.push(fit(line, width));
      line = `         ${word}`;
    }
  }
  return [...lines, fit(line, width)];
}
