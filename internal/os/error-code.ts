// The errno's name of a failed system call: without it a bug would be told as a broken port.

/** Returns the code, such as EACCES, of what a file or socket call threw; anything without one is a bug and goes on up. */
export function errorCode(thrown: unknown): string {
  if (thrown instanceof Error && "code" in thrown && typeof thrown.code === "string") return thrown.code;
  throw thrown;
}
