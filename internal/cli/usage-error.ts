// A wrong command line as a thing of its own: without it a typo would look like a bug, or a bug like a typo.

/** Thrown for words a person can correct; `message` is one sentence without the program's name. Ends with status 2. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}
