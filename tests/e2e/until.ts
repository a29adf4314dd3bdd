// Waits for a condition instead of a time.

/**
 * Asks `condition` again and again until it gives something else than undefined or false, and returns that.
 * @param what names the condition in the error.
 * @param limitMs milliseconds until it throws, with the last error of `condition` if it threw.
 */
export async function until<T>(
  what: string,
  limitMs: number,
  condition: () => Promise<T | undefined | false> | T | undefined | false,
): Promise<T> {
  const end = performance.now() + limitMs;
  let cause: unknown;
  do {
    try {
      const value = await condition();
      if (value !== undefined && value !== false) return value;
      cause = undefined;
    } catch (error) {
      cause = error;
    }
    await Bun.sleep(50);
  } while (performance.now() < end);
  throw new Error(`Not seen within ${limitMs} ms: ${what}`, { cause });
}
