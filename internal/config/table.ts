// Tables of a configuration file, stricter than valibot's: a list is no table, and the names of Object's own members are no keys.

import * as v from "valibot";

const SETTINGS = "Write a table of settings.";

/** valibot takes lists and dates for tables; TOML doesn't. */
const isTable = (right: string) =>
  v.custom<object>(
    (value) =>
      typeof value === "object" && value !== null && Object.getPrototypeOf(value) === Object.prototype,
    right,
  );

/**
 * Returns a schema for a table with keys of the operator's own.
 * @param good which keys may stand there
 * @param key how a key is written right
 */
export const keyed = <const T extends v.GenericSchema>(
  good: (key: string) => boolean,
  key: string,
  value: T,
  right = SETTINGS,
) =>
  v.pipe(
    isTable(right),
    v.rawCheck(({ dataset, addIssue }) => {
      if (!dataset.typed) return;
      for (const name of Object.keys(dataset.value)) {
        const reserved = ["__proto__", "prototype", "constructor"].includes(name);
        if (good(name) && !reserved) continue;
        const at = {
          type: "unknown",
          origin: "key",
          input: dataset.value,
          key: name,
          value: undefined,
        } as const;
        addIssue({ message: reserved ? "Choose another name; this one is reserved." : key, path: [at] });
      }
    }),
    v.record(v.string(), value, right),
  );

/** Returns a schema for a table with these keys and no other, the names of Object's own members included. */
export const table = <const T extends v.ObjectEntries>(entries: T, right = SETTINGS) =>
  v.pipe(isTable(right), v.strictObject(Object.assign(Object.create(null), entries) as T, right));
