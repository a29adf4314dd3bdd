// Answers that may be a no: an expected failure is a value and can't be missed.

/** Either a value or the reason why there is none. */
export type Result<T, E> =
  { readonly ok: true; readonly value: T } | { readonly ok: false; readonly error: E };

/** Returns a success that carries `value`. */
export const ok = <T>(value: T): { readonly ok: true; readonly value: T } => ({ ok: true, value });
/** Returns a failure that carries `error`. */
export const err = <E>(error: E): { readonly ok: false; readonly error: E } => ({ ok: false, error });
/** Returns the values of all `results` by name, or the first failure among them. */
export function all<T extends Readonly<Record<string, Result<unknown, unknown>>>>(
  results: T,
): Result<
  { readonly [K in keyof T]: Extract<T[K], { ok: true }>["value"] },
  Extract<T[keyof T], { ok: false }>["error"]
> {
  const found: Record<string, unknown> = {};
  for (const [name, result] of Object.entries(results)) {
    if (!result.ok) return result as ReturnType<typeof all<T>>;
    found[name] = result.value;
  }
  return ok(found) as ReturnType<typeof all<T>>;
}
/** The success with nothing to tell. */
export const DONE: Result<void, never> = { ok: true, value: undefined };
