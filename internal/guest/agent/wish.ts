// What a program wants of one vCPU, which of two wants is more, and what to send for it.

import type { ExtensionAsk } from "../../values/extension.ts";
import { type FrequencyTable, highest, move, roundUp, type Step } from "../../values/frequency.ts";
import { khz } from "../../values/units.ts";

/** What a host tells of a vCPU's clock. */
export interface HostTable extends FrequencyTable {
  /** Whether steps may lead into turbo before anybody has said so; false where the host does not tell. */
  readonly turboAtStart: boolean;
}

/**
 * A wanted frequency. `khz` where the host tells its table; `steps` where it doesn't: so many steps down from where
 * the host's max is before anybody spoke of turbo, or up from the lowest.
 */
export type Wish =
  | { readonly by: "khz"; readonly khz: number; readonly turbo: boolean }
  | { readonly by: "steps"; readonly from: "turbo" | "max" | "min"; readonly steps: number };

type Steps = Extract<Wish, { by: "steps" }>;
/** More steps lead nowhere: no processor has so many frequencies. */
const MAX_STEPS = 64;
const MAX: Steps = { by: "steps", from: "max", steps: 0 };

/** Returns the wish of `khz`, rounded to what `table` has, or undefined where no table is known. */
export function khzWish(table: HostTable | undefined, wanted: number, turbo: boolean): Wish | undefined {
  if (table === undefined) return undefined;
  const clipped = Math.min(roundUp(table, khz(wanted)), highest(table, turbo));
  return { by: "khz", khz: clipped, turbo };
}

/** Returns `wish` moved by one step; nobody's wish starts at the highest frequency that it may have, as in the host. */
export function moved(table: HostTable | undefined, wish: Wish | undefined, step: Step): Wish {
  if (table !== undefined) {
    const known = wish === undefined ? undefined : inTable(table, wish);
    const turbo = table.turboAtStart;
    const from = known ?? { khz: highest(table, turbo), turbo };
    return { by: "khz", ...move(table, { khz: khz(from.khz), turbo: from.turbo }, step) };
  }
  const { from, steps } = wish?.by === "steps" ? wish : MAX;
  switch (step) {
    case "max":
      return from === "turbo" ? { by: "steps", from, steps: 0 } : MAX;
    case "min":
      return { by: "steps", from: "min", steps: 0 };
    case "turbo-on":
      return { by: "steps", from: "turbo", steps: 0 };
    case "turbo-off":
      return from === "turbo" ? MAX : { by: "steps", from, steps };
    case "up":
      return {
        by: "steps",
        from,
        steps: from === "min" ? Math.min(MAX_STEPS, steps + 1) : Math.max(0, steps - 1),
      };
    case "down":
      return {
        by: "steps",
        from,
        steps: from === "min" ? Math.max(0, steps - 1) : Math.min(MAX_STEPS, steps + 1),
      };
  }
}

/** Returns `wish` as steps, for a host that takes no kHz. */
export function inSteps(table: HostTable, wish: Wish): Wish {
  if (wish.by === "steps") return wish;
  const index = table.steps.indexOf(roundUp(table, khz(wish.khz)));
  if (wish.turbo && index < table.nominal) return { by: "steps", from: "turbo", steps: index };
  return { by: "steps", from: "max", steps: Math.max(0, index - table.nominal) };
}

/** Returns more than 0 when `a` wants more than `b`. Steps from the top count as more than steps from the bottom. */
export function compare(table: HostTable | undefined, a: Wish, b: Wish): number {
  if (table !== undefined) return inTable(table, a).khz - inTable(table, b).khz;
  return height(a) - height(b);
}

/** Returns whether two wishes are the same. */
export function same(a: Wish | undefined, b: Wish | undefined): boolean {
  if (a === undefined || b === undefined) return a === b;
  if (a.by === "khz") return b.by === "khz" && a.khz === b.khz && a.turbo === b.turbo;
  return b.by === "steps" && a.from === b.from && a.steps === b.steps;
}

/** A step, or a frequency that only a host with the extension takes. */
export type Order = Extract<ExtensionAsk, { do: "scale" | "set-khz" }>;

/**
 * Returns what to send so that the host holds `wish`.
 * @param held what it holds now, if that is known
 * @param step what the program asked: where this leads to `wish` it is sent as it is, so that the host's rules for it apply
 */
export function orders(
  table: HostTable | undefined,
  held: Wish | undefined,
  wish: Wish,
  step?: Step,
): readonly Order[] {
  if (step !== undefined && same(moved(table, held, step), wish)) return [scale(step)];
  if (table !== undefined) {
    const { khz: wanted, turbo } = inTable(table, wish);
    return [{ do: "set-khz", khz: wanted, turbo }];
  }
  if (wish.by === "khz") throw new Error("a wish in kHz needs the host's table");
  for (const one of ["up", "down"] as const) {
    if (held !== undefined && same(moved(table, held, one), wish) && !same(held, wish)) return [scale(one)];
  }
  const away = held?.by === "steps" && held.from === "turbo" && wish.from !== "turbo";
  const more = Array.from({ length: wish.steps }, () => scale(wish.from === "min" ? "up" : "down"));
  return [
    ...(away ? [scale("turbo-off")] : []),
    scale(wish.from === "turbo" ? "turbo-on" : wish.from),
    ...more,
  ];
}

function scale(step: Step): Order {
  return { do: "scale", step };
}

function inTable(table: HostTable, wish: Wish): { readonly khz: number; readonly turbo: boolean } {
  if (wish.by === "khz") return wish;
  const last = table.steps.length - 1;
  const turbo = wish.from === "turbo" || table.turboAtStart;
  const top = turbo ? 0 : table.nominal;
  const index = wish.from === "min" ? last - wish.steps : top + wish.steps;
  return { khz: table.steps[Math.min(Math.max(index, top), last)] ?? 0, turbo };
}

/** A number that orders wishes without a table. */
function height(wish: Wish): number {
  if (wish.by === "khz") return wish.khz;
  switch (wish.from) {
    case "turbo":
      return 3e9 - wish.steps;
    case "max":
      return 2e9 - wish.steps;
    case "min":
      return 1e9 + wish.steps;
  }
}
