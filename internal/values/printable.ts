// What a terminal or a reader of the log would act on or be deceived by is shown as an escape.

/** Control characters of both sets but newline and tab, marks of no width, and those that turn the direction of writing. */
const UNPRINTABLE =
  // oxlint-disable-next-line no-control-regex
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g;

const escaped = (character: string): string => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;

/** Returns `text`, which may have lines and columns, with all else that is not printable as \uXXXX: JSON stays the same JSON. */
export const printable = (text: string): string => text.replace(UNPRINTABLE, escaped);

/** Returns `text` in one line, with what is not printable as \uXXXX. */
export const printableLine = (text: string): string => printable(text).replace(/[\n\t]/g, escaped);
