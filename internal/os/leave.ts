// The end of the process where it does not come by itself: a reader that stopped or a stuck child must hold nobody's restart up.

/** Ends the process now, whatever is still open. */
export function leave(status: number): never {
  process.exit(status);
}

/** Ends the process with `status` once `ms` have passed, if something still holds on to it then; alone it keeps nothing alive. */
export function leaveWithin(ms: number, status: number): void {
  setTimeout(() => leave(status), ms).unref();
}
