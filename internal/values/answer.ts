// How an operator is answered: a value, or a no with a code and a sentence.

import type { Result } from "./result.ts";

/** Kinds of no. */
export const CODES = ["not-found", "invalid", "refused", "failed", "unsupported", "busy"] as const;
export type Code = (typeof CODES)[number];

/** Why something asked for was not done; `message` is a sentence for people. */
export interface Problem {
  readonly code: Code;
  readonly message: string;
  /** What programs may want to know beside the sentence. */
  readonly details?: Readonly<Record<string, unknown>>;
}

/** What was asked for, or why it was not done. */
export type Answer<T = void> = Result<T, Problem>;

/** Returns a no. */
export const no = (code: Code, message: string): Answer<never> => ({ ok: false, error: { code, message } });
