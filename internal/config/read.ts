// One configuration file, read and judged: it is understood whole or refused with every problem's place.

import { readFileSync, statSync } from "node:fs";
import * as v from "valibot";
import { codeOf } from "../os/error-code.ts";
import { nearest } from "../values/nearest.ts";
import { err, ok, type Result } from "../values/result.ts";
import { lineOfKey, lineOfSyntaxError } from "./locate.ts";
import { type ConfigProblem, firstOf, tomlKey } from "./problem.ts";
import { type ConfigFile, fileSchema } from "./schema.ts";
import { statementsOf } from "./statements.ts";

/** Larger files are no configuration. */
export const MAX_BYTES = 1 << 20;

/** Of one file: the parser's time grows with the square of what stands in one table, and twice as much would take seconds. */
const MAX = { tables: 4096, settings: 16_384, inOne: 4096, entries: 16_384 };
/** Tables and lists around another: what powermon knows has six. */
const MAX_DEPTH = 32;

/** A text and what it says, not yet judged. */
interface Parsed {
  readonly text: string;
  readonly raw: object;
}

/** A file that is valid by itself. */
export interface ReadFile {
  readonly file: string;
  readonly text: string;
  readonly says: ConfigFile;
}

/** Returns what the file says. Errors: every problem found, those of one key once; ENOENT says that the file is missing. */
export function readConfigFile(file: string): Result<ReadFile, ConfigProblem[]> {
  const written = readTable(file);
  return written.ok ? judge(file, written.value.raw, written.value.text) : written;
}

/** Returns the table that a TOML file holds, or the JSON object in a file named *.json. Errors: one problem of the whole file. @param most bytes that are read */
export function readTable(file: string, most = MAX_BYTES): Result<Parsed, ConfigProblem[]> {
  let text: string;
  try {
    const stat = statSync(file);
    if (!stat.isFile()) return whole(file, "Is not a regular file", "Name a TOML file.");
    if (stat.size > most) return tooLarge(file, stat.size, most);
    text = new TextDecoder("utf-8", { fatal: true }).decode(readFileSync(file));
  } catch (cause) {
    if (cause instanceof TypeError) return whole(file, "Is not UTF-8 text", "Save it as UTF-8.");
    const code = codeOf(cause);
    return whole(file, `Cannot read it: ${code}`, "Name a TOML file that powermon may read.");
  }
  return parseTable(file, text, most);
}

/**
 * Returns the table that `text` writes in TOML, or in JSON when `file` is named *.json or it begins as no TOML can, with "{".
 * Errors: as readTable's.
 * @param file what problems call it
 */
export function parseTable(file: string, text: string, most = MAX_BYTES): Result<Parsed, ConfigProblem[]> {
  const bytes = Buffer.byteLength(text);
  if (bytes > most) return tooLarge(file, bytes, most);
  const parsed =
    file.endsWith(".json") || /^\s*\{/.test(text) ? parseJson(file, text) : parseToml(file, text);
  return parsed.ok && isDeep(parsed.value.raw) ? tooDeep(file) : parsed;
}

function parseToml(file: string, text: string): Result<Parsed, ConfigProblem[]> {
  const { tables, settings, most, entries, dots } = sizeOf(text);
  if (dots > MAX_DEPTH) return tooDeep(file);
  if (tables > MAX.tables)
    return whole(file, `Has ${tables} tables and dotted keys`, `Keep them at ${MAX.tables} at most.`);
  if (settings > MAX.settings)
    return whole(file, `Has ${settings} settings`, `Keep them at ${MAX.settings} at most.`);
  if (entries > MAX.entries)
    return whole(file, `Has ${entries} entries of lists`, `Keep them at ${MAX.entries} at most.`);
  if (most > MAX.inOne)
    return whole(file, `Has ${most} settings in one table`, `Keep them at ${MAX.inOne} at most.`);
  try {
    return ok({ text, raw: Bun.TOML.parse(text) });
  } catch (cause) {
    // The parser's stack has ended.
    if (cause instanceof RangeError) return tooDeep(file);
    const message = (cause instanceof Error ? cause.message : String(cause)).replace(
      /^TOML Parse error: /,
      "",
    );
    const line = lineOfSyntaxError(text);
    const right = /redefine table/.test(message)
      ? "Each table stands once: write the settings below the [header] that is there already."
      : "See https://toml.io/en/v1.0.0.";
    return err([
      { file, key: "", wrong: `Is not TOML: ${message}`, right, ...(line === undefined ? {} : { line }) },
    ]);
  }
}

/**
 * Returns `raw` as a file of that name would say it. Errors: as readConfigFile's.
 * @param text where lines are looked for; empty when `raw` was no text
 */
export function judge(file: string, raw: object, text = ""): Result<ReadFile, ConfigProblem[]> {
  const says = judgeAs(fileSchema, file, raw, text);
  return says.ok ? ok({ file, text, says: says.value }) : says;
}

/** Returns `raw` as `schema` understands it. Errors: as judge's. */
export function judgeAs<S extends v.GenericSchema>(
  schema: S,
  file: string,
  raw: object,
  text: string,
): Result<v.InferOutput<S>, ConfigProblem[]> {
  const parsed = v.safeParse(schema, raw);
  if (parsed.success) return ok(parsed.output);
  const issues = new Map<string, v.BaseIssue<unknown>>();
  for (const issue of parsed.issues) {
    const key = tomlKey(pathOf(issue));
    if (!issues.has(key)) issues.set(key, issue);
  }
  const problems = firstOf([...issues], ([key, issue]) => {
    const path = pathOf(issue);
    return { file, key, ...placed(text, path), ...told(schema, issue, path) };
  });
  return err(problems.sort((a, b) => (a.line ?? Infinity) - (b.line ?? Infinity)));
}

/**
 * Returns how many tables and dotted keys `text` makes, how many settings, how many `most` from one header to the next, how many
 * entries of lists, and the dots in its longest key. It is not parsed yet.
 */
function sizeOf(text: string) {
  const size = { tables: 0, settings: 0, most: 0, entries: 0, dots: 0 };
  let here = 0;
  for (const statement of statementsOf(text)) {
    const isHeader = statement.text.startsWith("[");
    if (isHeader) here = 0;
    if (isHeader || statement.text.split("=", 1)[0]?.includes(".")) size.tables++;
    size.settings += statement.settings;
    size.entries += statement.commas;
    here += statement.settings;
    size.most = Math.max(size.most, here);
    size.dots = Math.max(size.dots, statement.dots);
  }
  return size;
}

const whole = (file: string, wrong: string, right: string) => err([{ file, key: "", wrong, right }]);

const tooDeep = (file: string) =>
  whole(file, "Is nested too deeply", `Keep tables and lists within ${MAX_DEPTH} others.`);

/** Returns whether tables and lists stand in more than MAX_DEPTH others. It looks a level at a time: a stack has an end. */
function isDeep(raw: object): boolean {
  let level: object[] = [raw];
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > MAX_DEPTH) return true;
    level = level.flatMap((one) =>
      Object.values(one).filter((value) => typeof value === "object" && value !== null),
    );
  }
  return false;
}

/** Returns the problem of a file that is too large. @param bytes how many it has, as far as it was read */
export const tooLarge = (file: string, bytes: number | string = `more than ${MAX_BYTES}`, most = MAX_BYTES) =>
  whole(file, `Has ${bytes} bytes`, `Keep it under ${most} bytes.`);

function parseJson(file: string, text: string): Result<Parsed, ConfigProblem[]> {
  const right = "Write one JSON object.";
  try {
    const raw: unknown = JSON.parse(text);
    if (typeof raw !== "object" || raw === null || Array.isArray(raw))
      return whole(file, "Is not an object", right);
    return ok({ text: "", raw }); // lines are looked for in TOML only
  } catch (cause) {
    return whole(file, `Is not JSON: ${cause instanceof Error ? cause.message : String(cause)}`, right);
  }
}

function pathOf(issue: v.BaseIssue<unknown>): string[] {
  return (issue.path ?? []).map((item) => String(item.key));
}

/** Returns the line of `path`, or of the list it is in. */
export function placed(text: string, path: readonly string[]): { line?: number } {
  const line = lineOfKey(text, path);
  return line === undefined ? {} : { line };
}

function told(
  schema: v.GenericSchema,
  issue: v.BaseIssue<unknown>,
  path: readonly string[],
): { wrong: string; right: string } {
  if (issue.type === "strict_object" && issue.expected === "never") {
    const known = keysAt(schema, path.slice(0, -1));
    const near = nearest(path.at(-1) ?? "", known);
    const right = near === undefined ? `The keys here are ${known.join(", ")}.` : `Did you mean ${near}?`;
    return { wrong: "is not a key that powermon knows", right };
  }
  const last = issue.path?.at(-1);
  if (issue.type === "strict_object" && last?.origin === "key") {
    const known = keysAt(schema, path.slice(0, -1));
    return { wrong: "is missing", right: `Write it; the keys here are ${known.join(", ")}.` };
  }
  const wrong =
    last?.origin === "key"
      ? "is a name that can't stand here"
      : `is ${shown(last ? last.value : issue.input)}`;
  return { wrong, right: issue.message };
}

/** Returns the keys of the table at `path` in the schema. */
function keysAt(schema: v.GenericSchema, path: readonly string[]): string[] {
  let here: unknown = schema;
  for (const part of path) here = stepInto(here, part);
  const entries = unwrap(here)["entries"];
  return typeof entries === "object" && entries !== null ? Object.keys(entries) : [];
}

function stepInto(schema: unknown, part: string): unknown {
  const { entries, value, item } = unwrap(schema);
  return entries === undefined ? (value ?? item) : (entries as Readonly<Record<string, unknown>>)[part];
}

/** Returns the schema inside optional() and at the end of a pipe. */
function unwrap(schema: unknown): Readonly<Record<string, unknown>> {
  let here = (schema ?? {}) as Readonly<Record<string, unknown>>;
  while (here["wrapped"] !== undefined) here = here["wrapped"] as Readonly<Record<string, unknown>>;
  const pipe = here["pipe"];
  return Array.isArray(pipe)
    ? unwrap(pipe.findLast((item: { kind?: string }) => item.kind === "schema"))
    : here;
}

function shown(value: unknown): string {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) {
    return Object.getPrototypeOf(value) === Object.prototype ? "a table" : "a date or time";
  }
  const text = typeof value === "number" ? String(value) : JSON.stringify(value, (_, part) => part);
  return text.length > 80 ? `${text.slice(0, 80)}...` : text;
}
