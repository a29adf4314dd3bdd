// How the daemon answers an operator: a value, or a no with a code and a sentence.

/** Kinds of no. */
export type Code = "not-found" | "invalid" | "refused" | "failed" | "unsupported" | "busy";
export type Answer<T = void> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly error: { readonly code: Code; readonly message: string } };

/** CPUs or channels by number, or each there is. */
export type Numbers = readonly number[] | "all";

/** Returns the answer that carries `value`. */
export const yes = <T>(value: T): Answer<T> => ({ ok: true, value });
/** Returns a no. */
export const no = (code: Code, message: string): Answer<never> => ({ ok: false, error: { code, message } });
/** Done, with nothing to tell. */
export const DONE = yes<void>(undefined);
