// From lines to a terminal: only what changed is sent, so that a live view is fit for a slow line.

/** Takes over the terminal: another screen, no cursor, no wrapping. Source: console_codes(4), xterm's control sequences. */
export const ENTER = "\u001b[?1049h\u001b[?25l\u001b[?7l\u001b[2J";
/** Gives the terminal back as it was. */
export const LEAVE = "\u001b[0m\u001b[?7h\u001b[?25h\u001b[?1049l";

/**
 * Returns what makes a terminal that shows `before` show `after`.
 * @param before what it shows; undefined when that is not known
 */
export function redraw(before: readonly string[] | undefined, after: readonly string[]): string {
  let out = before === undefined ? "\u001b[2J" : "";
  const rows = Math.max(before?.length ?? 0, after.length);
  for (let row = 0; row < rows; row++) {
    const line = after[row] ?? "";
    if (line === (before?.[row] ?? "")) continue;
    out += `\u001b[${row + 1};1H${line}\u001b[0m\u001b[K`;
  }
  return out;
}

/** Returns `text` without characters that a terminal would act on or that turn the direction of writing. */
function harmless(text: string): string {
  // oxlint-disable-next-line no-control-regex
  return text.replace(/[\u0000-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2066-\u2069]/g, "?");
}

/** Returns `text` in exactly `width` columns: cut with a mark when it is longer, filled up when shorter. */
export function fit(text: string, width: number, right = false): string {
  let clean = harmless(text);
  if (Bun.stringWidth(clean) > width) {
    let cut = "";
    for (const character of clean) {
      if (Bun.stringWidth(cut + character) > width - 1) break;
      cut += character;
    }
    clean = width > 0 ? `${cut}~` : "";
  }
  const room = " ".repeat(Math.max(0, width - Bun.stringWidth(clean)));
  return right ? room + clean : clean + room;
}
