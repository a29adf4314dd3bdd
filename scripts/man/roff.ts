// Text as man(7) source: backslashes, leading dots and dashes are written so that they stay what they are.

/** Returns `text` so that roff prints it as it is; every dash can be copied into a terminal. */
export function literal(text: string): string {
  return text
    .replaceAll("\\", "\\e")
    .replaceAll("'", "\\(aq")
    .replaceAll("`", "\\(ga")
    .replaceAll("^", "\\(ha")
    .replaceAll("~", "\\(ti")
    .replaceAll("-", "\\-")
    .replace(
      /[^\0-\x7f]/gu,
      (c) => `\\[u${(c.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0")}]`,
    )
    .replace(/^\./gm, "\\&.");
}

/** Returns `text` in bold: what is typed as it stands. */
export function bold(text: string): string {
  return `\\fB${literal(text)}\\fR`;
}

/** Returns `text` in italics: what is typed by its meaning. */
export function italic(text: string): string {
  return `\\fI${literal(text)}\\fR`;
}

/** Returns a macro line with its arguments quoted. The arguments are roff already. */
export function macro(name: string, ...args: readonly string[]): string {
  return [`.${name}`, ...args.map((arg) => `"${arg.replaceAll('"', "\\(dq")}"`)].join(" ");
}

/** Returns a block of lines that keep their breaks, indented. */
export function example(lines: readonly string[]): string {
  return [".PP", ".RS 4", ".EX", ...lines.map(literal), ".EE", ".RE"].join("\n");
}

/** Returns the first line of a page. `date` is ISO's, `section` one digit. */
export function title(name: string, section: string, date: string, source: string, manual: string): string {
  return ["'\\\" t", macro("TH", literal(name.toUpperCase()), section, date, literal(source), manual)].join(
    "\n",
  );
}
