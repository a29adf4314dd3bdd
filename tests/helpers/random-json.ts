// Bodies and words that nobody would write: made from a JSON schema, right ones and wrong ones, the same for the same seed.

type Schema = Readonly<Record<string, unknown>>;

/** What a text may be, whatever its schema says. */
const TEXTS = [
  ..."a;vm1;vm2;all;balanced;0-1;UTC;00:00;24:00;12:34;2026-12-01T05:00:00Z;lo;aa:bb:cc:dd:ee:ff".split(";"),
  "",
  " ",
  "\0",
  "../../etc/passwd",
  "__proto__",
  "näme ☃ 𝔘",
  "e\u0301\u202e\u200b",
  "\ud800",
  "x".repeat(5000),
];
const NUMBERS = [
  0,
  -1,
  1,
  0.5,
  1e-320,
  -0,
  2 ** 31,
  2 ** 53,
  1e21,
  1e308,
  4095,
  4096,
  8191,
  8192,
  1_000_000,
  10_000,
];

export class RandomJson {
  readonly #roll: (below: number) => number;

  /** @param roll returns a whole number from 0 up to, not including, what it is given */
  constructor(roll: (below: number) => number) {
    this.#roll = roll;
  }

  pick<T>(all: readonly T[]): T {
    return all[this.#roll(all.length)] as T;
  }

  /** True once in `times`. */
  once(times: number): boolean {
    return this.#roll(times) === 0;
  }

  text(): string {
    return this.pick(TEXTS);
  }

  /** Returns what `schema` allows, as far as it says by more than a pattern. */
  of(schema: Schema): unknown {
    const {
      anyOf,
      enum: words,
      const: only,
      type,
    } = schema as { anyOf?: Schema[]; enum?: unknown[]; const?: unknown; type?: string };
    if (anyOf !== undefined) return this.of(this.pick(anyOf));
    if (words !== undefined) return this.pick(words);
    if (only !== undefined) return only;
    if (type === "object") return this.#object(schema);
    if (type === "array") return this.#array(schema);
    if (type === "boolean") return this.once(2);
    if (type === "string") return this.text();
    if (type === "null") return null;
    const { minimum: least = 0, maximum: most = 1e6 } = schema as { minimum?: number; maximum?: number };
    return this.pick([
      least,
      most,
      least + this.#roll(Math.min(most - least, 9) + 1),
      Math.floor((least + most) / 2),
    ]);
  }

  #object({ properties = {}, required = [] }: Schema): object {
    const must = required as string[];
    return Object.fromEntries(
      Object.entries(properties as Record<string, Schema>)
        .filter(([key]) => must.includes(key) || this.once(3))
        .map(([key, inner]) => [key, this.of(inner)]),
    );
  }

  #array({ items = {}, minItems = 0, maxItems = 4 }: Schema): unknown[] {
    const length = Math.min(maxItems as number, (minItems as number) + this.#roll(4));
    return Array.from({ length }, () => this.of(items as Schema));
  }

  /** Returns `value` with something in it that is wrong, or odd. */
  spoilt(value: unknown): unknown {
    if (typeof value !== "object" || value === null || this.once(6)) return this.#odd();
    if (Array.isArray(value)) {
      if (value.length === 0 || this.once(4)) return [...value, this.#odd()];
      const at = this.#roll(value.length);
      return value.map((inner, i) => (i === at ? this.spoilt(inner) : inner));
    }
    const keys = Object.keys(value);
    if (keys.length === 0 || this.once(4))
      return { ...value, [this.pick(["unknown", "__proto__", "constructor", ""])]: this.#odd() };
    const key = this.pick(keys);
    if (this.once(5)) return Object.fromEntries(Object.entries(value).filter(([other]) => other !== key));
    return { ...value, [key]: this.spoilt((value as Record<string, unknown>)[key]) };
  }

  #odd(): unknown {
    let deep: unknown = this.pick<unknown>([1, [], {}]);
    for (let depth = this.#roll(40); depth > 0; depth--) deep = this.once(2) ? [deep] : { a: deep };
    return this.pick<unknown>([
      null,
      true,
      false,
      [],
      {},
      [[]],
      deep,
      this.text(),
      this.text(),
      this.pick(NUMBERS),
      this.pick(NUMBERS),
    ]);
  }

  /** Returns `text` as JSON would not have it, or as it may and nobody writes it. */
  broken(text: string): string {
    return this.pick([
      () => text.slice(0, this.#roll(text.length + 1)),
      () => `${text}${text}`,
      () => text.replaceAll(/\d+/g, "1e999"),
      () => text.replaceAll(":", ":\t\n "),
      () => `\ufeff${text}`,
      () => `${text}\0`,
      () => text.replace("{", `{"dryRun":true,"dryRun":1,`),
      () => "[".repeat(this.pick([33, 5000])),
      () => `{"a":"${"x".repeat(this.pick([60_000, 70_000]))}"}`,
      () => "\\",
      () => "'x'",
    ])();
  }
}
