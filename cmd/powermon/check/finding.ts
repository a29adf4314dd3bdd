// What a look at the machine finds: one shape for all that is looked at.

/** Something seen. A problem keeps powermon from its work or lets somebody in; a warning may be meant; a note just tells. */
export interface Finding {
  readonly severity: "problem" | "warning" | "note";
  /** What was looked at, in a word or two. */
  readonly about: string;
  /** A sentence: what was seen. */
  readonly what: string;
  /** A sentence: what to do about it; absent in a note. */
  readonly todo?: string;
}

/** Returns something that must be mended. */
export const problem = (about: string, what: string, todo: string): Finding => ({
  severity: "problem",
  about,
  what,
  todo,
});

/** Returns something that may be meant. */
export const warning = (about: string, what: string, todo: string): Finding => ({
  severity: "warning",
  about,
  what,
  todo,
});

/** Returns something good to know. */
export const note = (about: string, what: string): Finding => ({ severity: "note", about, what });
