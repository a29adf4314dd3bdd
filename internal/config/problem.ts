// What is wrong with a configuration, told so that it can be mended at once: file, line, key, what was wrong, what would be right.

export interface ConfigProblem {
  readonly file: string;
  /** From 1; where the statement starts that holds the key. */
  readonly line?: number;
  /** The key as TOML writes it, such as vm."web.1".floor; empty when the whole file is meant. */
  readonly key: string;
  /** Half a sentence: what is wrong. */
  readonly wrong: string;
  /** A sentence: what would be right. */
  readonly right: string;
}

/** A finding before its file and line are known. */
export interface Finding {
  readonly path: readonly string[];
  readonly wrong: string;
  readonly right: string;
}

/** Returns the problem in one line, such as `/etc/powermon/powermon.toml:3: pinning.floating is "al". Write one of "refuse", "all".` */
export function describeProblem({ file, line, key, wrong, right }: ConfigProblem): string {
  const where = line === undefined ? file : `${file}:${line}`;
  return `${where}: ${key === "" ? wrong : `${key} ${wrong}`}. ${right}`;
}

/** Returns the key path as TOML writes it: parts that are no bare keys are quoted. Source: TOML 1.0, Keys. */
export function tomlKey(path: readonly string[]): string {
  return path.map((part) => (/^[\w-]+$/.test(part) ? part : JSON.stringify(part))).join(".");
}

/** Problems that are told at a time; finding a line takes about 10 ms in a file of 2,500 lines. */
const MAX_TOLD = 20;

/** Returns the first problems that `tell` makes of `findings`, and in place of the others how many they are. */
export function firstOf<T>(findings: readonly T[], tell: (finding: T) => ConfigProblem): ConfigProblem[] {
  const told = findings.slice(0, MAX_TOLD).map(tell);
  const left = findings.length - told.length;
  const file = told[0]?.file ?? "";
  if (left > 0) told.push({ file, key: "", wrong: `Has ${left} more problems`, right: "Mend these first." });
  return told;
}
