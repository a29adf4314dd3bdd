// What a program may ask the agent: a line of its socket is read here, and nothing that is wrong in it goes further.

import { type Step, STEPS } from "../../values/frequency.ts";
import type { GuestPolicy } from "../../values/request.ts";
import { err, ok, type Result } from "../../values/result.ts";
import { parseLocalPolicy } from "./local-policy.ts";
import { type Fields, parseVcpus, parseWhole, parseWord, parseYes, show } from "./local-word.ts";

/** What one line of a program asks, and how long the host may take for an answer, in ms, where it says that. */
export type LocalAsk = Asked & { readonly timeoutMs?: number };

/** `keep` makes the claim outlive the connection: the one-shot commands' claims are one holder's. */
type Asked =
  | { readonly do: "scale"; readonly vcpus: readonly number[]; readonly step: Step; readonly keep: boolean }
  | {
      readonly do: "set";
      readonly vcpus: readonly number[];
      readonly khz: number;
      readonly turbo: boolean;
      readonly keep: boolean;
    }
  | { readonly do: "release"; readonly vcpus: readonly number[]; readonly keep: boolean }
  /** `vcpus` chooses the port: the first of them that has one. */
  | { readonly do: "freq" | "caps"; readonly vcpus: readonly number[] }
  | { readonly do: "freqs" | "state"; readonly vcpus: readonly number[] }
  | { readonly do: "policy"; readonly policy: GuestPolicy }
  | { readonly do: "policy-remove" }
  /** What the host counted of this VM's joules. */
  | { readonly do: "energy" }
  /** The agent sends what the host says unasked, a line each, until the connection ends. */
  | { readonly do: "listen" }
  | { readonly do: "status" };

/** Highest frequency taken, in kHz. */
const MAX_KHZ = 100_000_000;

/** Longest wait for an answer, in ms. */
const MAX_TIMEOUT_MS = 60_000;

type Part<T> = (said: unknown) => Result<T, string>;
/** What is asked by the word `D`. */
type AskOf<D, A = LocalAsk> = A extends { readonly do: infer Word } ? (D extends Word ? A : never) : never;
/** How each member of an ask is read. */
type Parts<A> = { readonly [K in Exclude<keyof A, "do" | "timeoutMs">]: Part<A[K]> };

const some: Part<readonly number[]> = (said) => parseVcpus(said, false);
const any: Part<readonly number[]> = (said) => parseVcpus(said, true);
const keep: Part<boolean> = (said) => parseYes("keep", said);
/** The compiler holds it complete. */
const ASKS: { readonly [D in LocalAsk["do"]]: Parts<AskOf<D>> } = {
  scale: { vcpus: some, step: (said) => parseWord("step", said, STEPS), keep },
  set: {
    vcpus: some,
    khz: (said) => parseWhole("khz", said, 1, MAX_KHZ),
    turbo: (said) => parseYes("turbo", said),
    keep,
  },
  release: { vcpus: any, keep },
  freq: { vcpus: any },
  caps: { vcpus: any },
  freqs: { vcpus: some },
  state: { vcpus: some },
  policy: { policy: parseLocalPolicy },
  "policy-remove": {},
  energy: {},
  listen: {},
  status: {},
};

/** Returns what a JSON object asks, or the sentence that says what is wrong in it. */
export function parseLocalAsk(said: Fields): Result<LocalAsk, string> {
  const name = parseWord("do", said["do"], Object.keys(ASKS) as LocalAsk["do"][]);
  if (!name.ok) return name;
  const parts: Readonly<Record<string, Part<unknown>>> = ASKS[name.value];
  const allowed = ["id", "do", "timeoutMs", ...Object.keys(parts)];
  const stray = Object.keys(said).find((key) => !allowed.includes(key));
  if (stray !== undefined)
    return err(`${show(stray)} is unknown in "${name.value}"; it takes ${allowed.join(", ")}.`);
  const asked: Record<string, unknown> = { do: name.value };
  if (said["timeoutMs"] !== undefined) {
    const wait = parseWhole("timeoutMs", said["timeoutMs"], 1, MAX_TIMEOUT_MS);
    if (!wait.ok) return wait;
    asked["timeoutMs"] = wait.value;
  }
  for (const [key, read] of Object.entries(parts)) {
    const part = read(said[key]);
    if (!part.ok) return part;
    asked[key] = part.value;
  }
  return ok(asked as LocalAsk);
}
