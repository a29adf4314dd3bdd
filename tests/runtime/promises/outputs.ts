// Standard output: what console.log() hides, what writeSync() tells, and what makes the caller's pipe non-blocking.

import { readFileSync, writeSync } from "node:fs";
import { isatty } from "node:tty";

export default function outputs(how: string) {
  const flags = () =>
    Number.parseInt(/^flags:\s*([0-7]+)$/m.exec(readFileSync("/proc/self/fdinfo/1", "utf8"))?.[1] ?? "0", 8);
  const isNonBlocking = () => (flags() & 0o4000) !== 0;
  if (how === "isatty") return { isTTY: isatty(1), isNonBlocking: isNonBlocking() };
  if (how === "stdout") return { isTTY: process.stdout.isTTY === true, isNonBlocking: isNonBlocking() };
  if (how === "flags") return { closesAtExec: (flags() & 0o2000000) !== 0 };
  try {
    // More than a pipe holds.
    const text = "x".repeat(1 << 20);
    return how === "console" ? { told: console.log(text) ?? "nothing" } : { written: writeSync(1, text) };
  } catch (cause) {
    return { code: (cause as NodeJS.ErrnoException).code };
  }
}
