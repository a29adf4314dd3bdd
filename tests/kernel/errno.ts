// The kernel's error numbers that a file of /sys answers with, and how the model throws one.

/** Source: include/uapi/asm-generic/errno-base.h and errno.h. */
export const ERRNO = {
  EPERM: 1,
  ENOENT: 2,
  EIO: 5,
  EAGAIN: 11,
  EACCES: 13,
  EBUSY: 16,
  ENODEV: 19,
  ENOTDIR: 20,
  EISDIR: 21,
  EINVAL: 22,
  ERANGE: 34,
  ENOSYS: 38,
  EOPNOTSUPP: 95,
} as const;

export type ErrnoName = keyof typeof ERRNO;

/** What a file answers instead of a value. */
export class Errno extends Error {
  readonly code: ErrnoName;

  constructor(code: ErrnoName) {
    super(code);
    this.code = code;
  }
}

/** Throws `code`: an expression, for the arms of a choice. */
export function refuse(code: ErrnoName): never {
  throw new Errno(code);
}

/** The call does not return for now. */
export class Hangs extends Error {}
