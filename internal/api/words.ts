// The smallest words that bodies and answers are made of: numbers within bounds, lists, who claims, when and why.

import * as v from "valibot";
import { KHZ } from "../values/units.ts";

/** `schema` with a sentence about it, which the OpenAPI document tells. */
export const about = <const S extends v.GenericSchema>(schema: S, text: string) =>
  v.pipe(schema, v.description(text));
/** A text, a number, a switch of an answer with a sentence about it. */
export const text = (what: string) => about(v.string(), what);
export const number = (what: string) => about(v.number(), what);

/** A list that nobody changes. */
export const list = <const S extends v.GenericSchema>(item: S) => v.pipe(v.array(item), v.readonly());

export const numbers = list(v.number());
export const texts = list(v.string());
/** Kinds of things and how many there were. */
export const counts = v.record(v.string(), v.number());

/** When something happened, in ISO 8601, and a sentence about it. */
export const told = { at: text("When, ISO 8601."), message: text("A sentence for people.") };
/** What a vCPU was refused last. */
export const vcpuRefusal = v.object({
  ...told,
  vm: text("The VM's name."),
  vcpu: number("The vCPU's number in its VM."),
});

/** Who claims: a guest's scale request, a policy, a writer of the core's FIFO, or an operator. */
export const by = v.picklist(["guest", "policy", "fifo", "operator"]);
/** Whose limits cut the wish that wins. */
export const clippedBy = v.optional(v.picklist(["vm", "site", "budget"]));

/** A whole number of a body. */
export function whole(
  least: number,
  most: number,
  message = `must be a whole number from ${least} to ${most}`,
) {
  return v.pipe(v.number(message), v.integer(message), v.minValue(least, message), v.maxValue(most, message));
}

/** A switch of a body. */
export const flag = v.boolean("must be true or false");
/** A switch of a body that is off unless it is named. */
export const option = v.optional(flag, false);

/** A frequency of a body: kHz, or one of `words`. @param said the words as the sentence about a wrong one has them */
export const wordOrKhz = <const T extends string>(words: readonly T[], said: string) => {
  const message = `must be kHz (${KHZ.least} to ${KHZ.most}), ${said}`;
  return v.union([v.picklist(words, message), whole(KHZ.least, KHZ.most, message)], message);
};
