// Where a service's log goes: whoever reads it and stops must not stop the service with it.

import { constants, fstatSync, openSync } from "node:fs";

const ERR = 2;

/**
 * Returns whether standard error is the journal itself, which reads priorities from lines: in a pipe or file they would stand there as text.
 * @param stream JOURNAL_STREAM of the environment, DEVICE:INODE of the journal's socket. Source: systemd.exec(5)
 */
export function isJournal(stream: string | undefined): boolean {
  if (stream === undefined) return false;
  try {
    const { dev, ino } = fstatSync(ERR, { bigint: true });
    return stream === `${dev}:${ino}`;
  } catch {
    return false;
  }
}

/**
 * Returns a file descriptor of standard error that a full pipe or a stopped terminal never blocks; a line that finds no room fails
 * with EAGAIN. The pipe itself stays as the caller has it: it is opened once more. Where that can't be, as with the journal's socket,
 * it is standard error's own, which process.stderr makes non-blocking.
 */
export function openStandardError(): number {
  try {
    const there = fstatSync(ERR);
    // A file never makes anybody wait, and opened anew it would lose its place.
    if (there.isFile()) return ERR;
    if (!there.isSocket()) {
      const { O_WRONLY, O_NONBLOCK, O_NOCTTY } = constants;
      return openSync(`/proc/self/fd/${ERR}`, O_WRONLY | O_NONBLOCK | O_NOCTTY);
    }
  } catch {
    // Another user's pipe, or no /proc.
  }
  void process.stderr;
  return ERR;
}
