// Arguments that can be pasted into a shell.

/** Returns `args` as one line for a POSIX shell: words of safe characters as they are, others in single quotes. */
export function shellWords(args: readonly string[]): string {
  return args
    .map((arg) => (/^[\w@%+=:,./-]+$/.test(arg) ? arg : `'${arg.replaceAll("'", `'\\''`)}'`))
    .join(" ");
}
