// What an operator was answered: the value where it must be one, or the no in one line.

import type { Answer } from "../../internal/values/answer.ts";
import type { Result } from "../../internal/values/result.ts";

/** Returns the value. Throws when it is a no. */
export function value<T>(answer: Answer<T>): T {
  if (!answer.ok) throw new Error(answer.error.message);
  return answer.value;
}

/** Returns a no as `code: sentence`. */
export function message(answer: Answer<unknown>): string {
  if (answer.ok) throw new Error("it was done");
  return `${answer.error.code}: ${answer.error.message}`;
}

/** Returns the value of any result. Throws when there is none. */
export function must<T>(result: Result<T, unknown>): T {
  if (!result.ok) throw new Error(JSON.stringify(result.error));
  return result.value;
}
