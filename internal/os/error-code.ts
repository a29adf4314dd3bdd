// What a failed system call is called, such as EACCES: a bug must not pass for one.

/** Returns the code of what a file, socket or process call threw, for a sentence; whatever has none as text. */
export function codeOf(thrown: unknown): string {
  return thrown instanceof Error && "code" in thrown ? String(thrown.code) : String(thrown);
}

/** Returns the code as codeOf() where nothing but a system call can have failed; anything without one is a bug and goes on up. */
export function errorCode(thrown: unknown): string {
  if (thrown instanceof Error && "code" in thrown && typeof thrown.code === "string") return thrown.code;
  throw thrown;
}
