// Words and their numbers on the wire, both ways: a number stands beside its word, so the order of a list means nothing.

export interface Words<T extends string> {
  readonly number: Readonly<Record<T, number>>;
  /** A number that no word has gives undefined. */
  readonly word: ReadonlyMap<number, T>;
  /** Lowest and highest number, as a sentence says them: "1 to 6". */
  readonly range: string;
}

/** Returns `number` both ways; throws at load when two words share a number. */
export function words<T extends string>(number: Readonly<Record<T, number>>): Words<T> {
  const pairs = Object.entries<number>(number) as [T, number][];
  const word = new Map(pairs.map(([name, of]) => [of, name]));
  if (word.size < pairs.length) throw new Error(`two of ${Object.keys(number)} have one number`);
  return { number, word, range: `${Math.min(...word.keys())} to ${Math.max(...word.keys())}` };
}
