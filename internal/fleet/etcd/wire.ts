// etcd v3 in JSON as its gateway speaks it: bytes in base64, numbers of 64 bits as strings, members left out where they are zero.

import * as v from "valibot";

/** A number of 64 bits that is counted here: 2^53 revisions last for millions of years. */
const count = v.pipe(
  v.optional(v.union([v.string(), v.number()]), "0"),
  v.transform(Number),
  v.safeInteger("is no whole number"),
  v.minValue(0),
);
/** A lease's number has all 63 bits: it stays text. */
const leaseId = v.pipe(v.string(), v.regex(/^\d{1,19}$/, "is no lease's number"));

const header = v.object({ revision: count });

/** Keys that one answer may bring: more is no group's. */
const MAX_KEYS = 20_000;

const pair = v.pipe(
  v.object({
    key: v.optional(v.string(), ""),
    value: v.optional(v.string(), ""),
    mod_revision: count,
    lease: v.optional(v.string()),
  }),
  v.transform(({ key, value, mod_revision: changed }) => ({
    key: fromBase64(key),
    value: fromBase64(value),
    changed,
  })),
);

/** A list that is counted before its members are looked at: an answer of 16 MiB may have millions. */
const listOf = <const S extends v.GenericSchema>(item: S, most: number) =>
  v.optional(v.pipe(v.array(v.unknown()), v.maxLength(most), v.array(item)), []);

const range = (keys: number) =>
  v.object({ kvs: listOf(pair, keys), more: v.optional(v.boolean(), false), count });

/** Returns what etcd answers to a transaction with so many operations. @param keys the most that one range was asked for */
export const txnAnswer = (operations: number, keys: number) =>
  v.object({
    header,
    succeeded: v.optional(v.boolean(), false),
    responses: listOf(v.looseObject({ response_range: v.optional(range(keys)) }), operations),
  });

/** Returns how many keys an operation may bring. */
export const keysOf = (op: Op): number => ("readAll" in op ? (op.limit ?? MAX_KEYS) : 1);

export const leaseAnswer = v.object({ ID: leaseId });
/** A lease that is gone is answered without its time to live. */
export const keptAnswer = v.object({ result: v.object({ TTL: count }) });
export const tokenAnswer = v.object({ token: v.pipe(v.string(), v.regex(/^[\x21-\x7e]{1,4096}$/)) });
/** Whose leader has number 0 has none. */
export const statusAnswer = v.object({
  version: v.pipe(v.string(), v.regex(/^[\w.+-]{1,64}$/, "is no version")),
  leader: v.optional(v.pipe(v.string(), v.regex(/^\d{1,20}$/)), "0"),
  errors: v.optional(v.pipe(v.array(v.string()), v.maxLength(100)), []),
});
export const anyAnswer = v.looseObject({});
/** Why it did nothing. Codes are gRPC's. */
export const refusal = v.object({
  error: v.optional(v.string()),
  message: v.optional(v.string()),
  code: v.number(),
});

/** A key and what stands there. */
export type Pair = v.InferOutput<typeof pair>;
export type Range = v.InferOutput<ReturnType<typeof range>>;

/** One thing that a transaction does. */
export type Op =
  | { readonly put: string; readonly value: string; readonly lease?: string }
  | { readonly remove: string }
  | { readonly read: string }
  /** @param after only what changed after this revision */
  | { readonly readAll: string; readonly after?: number; readonly limit?: number }
  | { readonly countAll: string };

/** What must be so for a transaction to be done. */
export type Condition =
  /** The key was last changed at this revision; 0: it is not there. */
  | { readonly key: string; readonly changed: number }
  /** No key that begins so has changed after this revision. */
  | { readonly all: string; readonly unchangedSince: number };

/** Returns a transaction as the gateway takes it. */
export function txnOf(
  conditions: readonly Condition[],
  then: readonly Op[],
  otherwise: readonly Op[],
): object {
  return { compare: conditions.map(compareOf), success: then.map(opOf), failure: otherwise.map(opOf) };
}

function compareOf(condition: Condition): object {
  if ("all" in condition)
    return {
      ...{ target: "MOD", result: "LESS", mod_revision: String(condition.unchangedSince + 1) },
      ...prefixed(condition.all),
    };
  const { key, changed } = condition;
  return { target: "MOD", result: "EQUAL", mod_revision: String(changed), key: toBase64(key) };
}

function opOf(op: Op): object {
  if ("put" in op)
    return {
      request_put: {
        ...{ key: toBase64(op.put), value: toBase64(op.value) },
        ...(op.lease !== undefined && { lease: op.lease }),
      },
    };
  if ("remove" in op) return { request_delete_range: { key: toBase64(op.remove) } };
  if ("read" in op) return { request_range: { key: toBase64(op.read) } };
  if ("countAll" in op) return { request_range: { ...prefixed(op.countAll), count_only: true } };
  return {
    request_range: {
      ...prefixed(op.readAll),
      limit: String(op.limit ?? MAX_KEYS),
      ...(op.after !== undefined && { min_mod_revision: String(op.after + 1) }),
    },
  };
}

/** All keys that begin with `prefix`, which ends with a slash: up to the sign after it. */
const prefixed = (prefix: string) => ({
  key: toBase64(prefix),
  range_end: toBase64(`${prefix.slice(0, -1)}0`),
});

const toBase64 = (text: string): string => Buffer.from(text).toString("base64");
const fromBase64 = (text: string): string => Buffer.from(text, "base64").toString("utf8");
