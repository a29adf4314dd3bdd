// What dry runs over time are given: a time of the clock, and a recorded load in a file.

import { UsageError } from "../../internal/cli/usage-error.ts";
import { codeOf } from "../../internal/os/error-code.ts";
import { readBounded } from "../../internal/os/read-bounded.ts";
import type { Result } from "../../internal/values/result.ts";

/** The million lines that a trace may have are shorter. */
const MAX_TRACE_BYTES = 1 << 26;

/** Returns the time that the one flag in `given` names, ms since 1970; local times are of `zone`. Errors: UsageError. */
export function timeOf(
  given: Readonly<Record<string, string | undefined>>,
  zone: string,
): number | undefined {
  const [flag, text] = Object.entries(given)[0] ?? [];
  if (text === undefined) return undefined;
  try {
    if (/(Z|[+-]\d\d:?\d\d)$/.test(text) && text.includes("T"))
      return Temporal.Instant.from(text).epochMilliseconds;
    return Temporal.PlainDateTime.from(text).toZonedDateTime(zone).epochMilliseconds;
  } catch {
    throw new UsageError(
      `--${flag} must be a time such as 2026-03-29T08:30 or 2026-03-29T06:30Z, not ${JSON.stringify(text)}.`,
    );
  }
}

/** Returns the minute that is now, ms since 1970. */
export const thisMinute = (): number => Math.floor(Date.now() / 60_000) * 60_000;

/** Returns a time in ISO 8601, as the clocks of `zone` show it. @param at ms since 1970 */
export function isoTime(at: number, zone: string): string {
  const local = Temporal.Instant.fromEpochMilliseconds(at).toZonedDateTimeISO(zone);
  return local.toString({ timeZoneName: "never", smallestUnit: at % 1000 === 0 ? "second" : "millisecond" });
}

/** Returns the trace that a flag names, as `parse` reads its text. Errors: UsageError with the flag and the file. */
export function traceOf<T>(flag: string, file: string, parse: (text: string) => Result<T, string>): T {
  let bytes: Buffer | undefined;
  try {
    bytes = readBounded(file, MAX_TRACE_BYTES);
  } catch (cause) {
    throw new UsageError(`${flag}: Cannot read ${JSON.stringify(file)}: ${codeOf(cause)}.`);
  }
  if (bytes === undefined)
    throw new UsageError(`${flag}: ${JSON.stringify(file)} has more than ${MAX_TRACE_BYTES} bytes; cut it.`);
  const trace = parse(bytes.toString());
  if (!trace.ok) throw new UsageError(`${flag}: ${file}: ${trace.error}.`);
  return trace.value;
}
