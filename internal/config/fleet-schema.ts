// What a file may say about the fleet that this host belongs to, or that an operator's machine asks.

import * as v from "valibot";
import { isLoopback } from "../values/listen.ts";
import { isWord, WORD_FORM } from "../values/word.ts";
import { flag, integer, text } from "./shapes.ts";
import { table } from "./table.ts";
import type { ConfigProblem, Finding } from "./problem.ts";

const ENDPOINTS = 'Write a list of etcd\'s client URLs, at most 16, such as ["https://etcd1:2379"].';
const FILE = 'Write the whole path of a file, such as "/etc/powermon/fleet.key".';
const PREFIX =
  'Write what the fleet\'s keys begin with, such as "/powermon/": it begins and ends with a slash.';
const USER = "Write a user of etcd: letters, digits, dots, dashes, at most 64.";

const word = (what: string) => v.pipe(v.string(what), v.check(isWord, what));
const file = text(/^\/[^\0]{1,4000}$/, FILE);

/** The table `fleet` of a configuration file. */
export const fleetSchema = table({
  endpoints: v.pipe(
    v.array(text(/^https?:\/\/(\[[\da-f:.]+\]|[a-z\d.-]{1,253})(:\d{1,5})?$/i, ENDPOINTS), ENDPOINTS),
    v.minLength(1, ENDPOINTS),
    v.maxLength(16, ENDPOINTS),
  ),
  group: word(`Write the group's name: ${WORD_FORM}, such as "rack7".`),
  name: v.exactOptional(word(`Write this host's name: ${WORD_FORM}.`)),
  fallback_watts: v.exactOptional(integer(1, 100_000, "watts that this host may draw when it hears nothing")),
  prefix: v.exactOptional(text(/^\/([\w.-]{1,64}\/){1,8}$/, PREFIX)),
  ca: v.exactOptional(file),
  cert: v.exactOptional(file),
  key: v.exactOptional(file),
  user: v.exactOptional(text(/^[\w.-]{1,64}$/, USER)),
  password_file: v.exactOptional(file),
  plain_http: v.exactOptional(flag),
});

/** What the table says. */
type FleetTable = v.InferOutput<typeof fleetSchema>;

/** Returns what no single key of the table shows. */
export function fleetFindings(says: FleetTable | undefined): Finding[] {
  if (says === undefined) return [];
  const found: Finding[] = [];
  const both = (one: "cert" | "user", other: "key" | "password_file") => {
    if ((says[one] === undefined) === (says[other] === undefined)) return;
    const [there, missing] = says[one] === undefined ? [other, one] : [one, other];
    found.push({
      path: ["fleet", there],
      wrong: `stands without ${missing}`,
      right: `Write both, or neither.`,
    });
  };
  both("cert", "key");
  both("user", "password_file");
  for (const endpoint of says.endpoints) {
    const { protocol, hostname } = new URL(endpoint);
    if (protocol === "https:" || says.plain_http === true) continue;
    if (isLoopback(hostname.replace(/^\[|\]$/g, ""))) continue;
    const wrong = `has ${JSON.stringify(endpoint)}, where anybody on the way can read and change what is said`;
    found.push({
      path: ["fleet", "endpoints"],
      wrong,
      right: "Write https, or set plain_http = true beside it.",
    });
  }
  return found;
}

/** Returns what the table lacks where a host is to be in the fleet, and not only to ask. */
export function notOfHost({
  fleet,
}: {
  readonly fleet?: FleetTable;
}): Omit<ConfigProblem, "file"> | undefined {
  if (fleet === undefined || fleet.fallback_watts !== undefined) return undefined;
  const right = "Write the watts that this host may draw when it hears nothing of the fleet.";
  return { key: "fleet.fallback_watts", wrong: "is missing", right };
}
