// A wrong command line as a thing of its own: a typo is no bug, and a bug no typo.

/** Thrown for words a person can correct; `message` is one sentence without the program's name. Ends with status 2. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}
