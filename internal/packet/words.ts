// Words and their numbers on the wire, both ways: a number stands beside its word, so the order of a list means nothing.

export interface Words<T extends string> {
  readonly number: Readonly<Record<T, number>>;
  /** By number; undefined where no word has it. */
  readonly word: readonly (T | undefined)[];
  /** Lowest and highest number, as a sentence says them: "1 to 6". */
  readonly range: string;
}

/** Returns `number` both ways; throws at load when two words share a number. */
export function words<T extends string>(number: Readonly<Record<T, number>>): Words<T> {
  const numbers = Object.values<number>(number);
  if (new Set(numbers).size < numbers.length)
    throw new Error(`two of ${Object.keys(number)} have one number`);
  const word: T[] = [];
  for (const name in number) word[number[name]] = name;
  return { number, word, range: `${Math.min(...numbers)} to ${Math.max(...numbers)}` };
}
