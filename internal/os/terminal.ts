// Whether a person is at the other end: process.stdout would tell too, and make the caller's pipe non-blocking by it.

/** Returns whether file descriptor `fd` is a terminal. Source: isatty(3). */
export function isTerminal(fd: 0 | 1 | 2): boolean {
  return process.getBuiltinModule("node:tty").isatty(fd);
}
