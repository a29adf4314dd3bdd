// What went wrong with a kernel file: which, at what, and the kernel's code.

/** A failed step on a file of /sys, /proc or the state folder. */
export interface SysfsError {
  readonly kind: "sysfs";
  readonly op: "open" | "read" | "write" | "parse" | "rename";
  /** The real path, root included. */
  readonly path: string;
  /** The errno's name as Node spells it; EINVAL for text that makes no sense. */
  readonly code: string;
  /** What was to be written, or what could not be understood. */
  readonly value?: string | undefined;
}

/** Returns the error that `thrown`, caught around a file call, stands for; anything but an errno is a bug and goes on up. */
export function sysfsError(op: SysfsError["op"], path: string, thrown: unknown, value?: string): SysfsError {
  if (thrown instanceof Error && "code" in thrown && typeof thrown.code === "string")
    return { kind: "sysfs", op, path, code: thrown.code, value };
  throw thrown;
}

/** Returns the error for text in `path` that can't be understood. */
export const notUnderstood = (path: string, value: string): SysfsError => ({
  kind: "sysfs",
  op: "parse",
  path,
  code: "EINVAL",
  value,
});

/** Returns the error for `text` that was written to `path` with no fault, and isn't what it reads then. */
export const notKept = (path: string, text: string, reads: string | number): SysfsError => ({
  kind: "sysfs",
  op: "write",
  path,
  code: "EIO",
  value: `${text}, and it reads ${reads} after`,
});

/** Returns one sentence fragment with verb, path, value and errno, such as `Cannot write "PATH": EBUSY`. */
export function explainSysfs(e: SysfsError): string {
  const value =
    e.value === undefined ? "" : ` (value ${e.op === "parse" ? JSON.stringify(e.value) : e.value})`;
  return `Cannot ${e.op} ${JSON.stringify(e.path)}${value}: ${e.code}`;
}
