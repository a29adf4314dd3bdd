// An etcd cluster as powermon uses it: transactions and leases, each within a deadline, at whichever endpoint answers.

import * as v from "valibot";
import { readStreamBounded } from "../../os/read-bounded.ts";
import { parseJson } from "../../values/json.ts";
import { err, ok, type Result } from "../../values/result.ts";
import {
  anyAnswer,
  type Condition,
  keptAnswer,
  keysOf,
  leaseAnswer,
  type Op,
  type Range,
  refusal,
  statusAnswer,
  tokenAnswer,
  txnAnswer,
  txnOf,
} from "./wire.ts";
import { FULL, readsOf, whyNoAnswer, whyRefused, wordsOf } from "./why.ts";

/** How long one endpoint of several may take, ms; then the next one is asked. */
const ATTEMPT_MS = 800;
/** How long all of them may take together, ms: less than two reports. */
const DEADLINE_MS = 1900;
/** The largest answer, bytes: to what reads many keys, to what reads a few (etcd takes 1.5 MiB for a value, which base64 makes 2), and to all else. */
const MAX_BYTES = { many: 16 << 20, few: 4 << 20, none: 64 << 10 };
/** Objects and arrays within each other; an answer to a transaction has seven. */
const MAX_DEPTH = 32;
/** gRPC's numbers. Source: google.golang.org/grpc/codes. */
const CODE = { invalid: 3, notFound: 5, denied: 7, precondition: 9, unauthenticated: 16 } as const;
/** After these another endpoint says no, too. */
const NOES: ReadonlySet<number> = new Set([CODE.invalid, CODE.denied, CODE.precondition]);

/** Where etcd is, and who asks. */
export interface EtcdOptions {
  readonly endpoints: readonly string[];
  readonly tls?: { readonly ca?: string; readonly cert?: string; readonly key?: string };
  readonly account?: { readonly user: string; readonly password: string };
  /** Nothing is written: of a transaction the conditions are tried, and what it reads is read. */
  readonly dry?: boolean;
}

/** Why nothing came back, a sentence; "refused" is etcd's own no, "gone" that of a lease that has ended. */
export interface EtcdError {
  readonly kind: "no-answer" | "refused" | "gone";
  readonly message: string;
  /** The user has no right to it. */
  readonly denied?: true;
}

/** How a node says that it is. */
export interface NodeState {
  readonly version: string;
  readonly hasLeader: boolean;
  /** What it complains of, such as that its database is full. */
  readonly errors: readonly string[];
  /** How much its clock is ahead of this one, s; undefined when it does not tell. Known to a second. */
  readonly aheadS: number | undefined;
}

/** What a transaction found. */
export interface Done {
  readonly succeeded: boolean;
  readonly revision: number;
  /** What was read, in the order of the operations that read. */
  readonly found: readonly Range[];
}

export class Etcd {
  #options: EtcdOptions;
  /** The endpoint that answered last. */
  #at = 0;
  #token: string | undefined;
  /** A token that is being asked for. */
  #login: Promise<Result<{ readonly token: string }, EtcdError>> | undefined;
  /** When the last answer was written, by the clock of who wrote it; NaN when it does not say. */
  #dateMs = Number.NaN;

  constructor(options: EtcdOptions) {
    this.#options = options;
  }

  /** Asks as somebody else from now on, such as with a certificate that was renewed. */
  askAs(options: EtcdOptions): void {
    this.#options = options;
    this.#token = undefined;
  }

  /** Does `then` where all conditions hold, else `otherwise`: all of it or nothing, at one revision. */
  async txn(
    conditions: readonly Condition[],
    then: readonly Op[],
    otherwise: readonly Op[] = [],
  ): Promise<Result<Done, EtcdError>> {
    const done = this.#options.dry === true ? then.filter(isRead) : then;
    const ops = [...then, ...otherwise];
    const schema = txnAnswer(Math.max(done.length, otherwise.length), Math.max(0, ...ops.map(keysOf)));
    const most = ops.some((op) => "readAll" in op) ? MAX_BYTES.many : MAX_BYTES.few;
    const answer = await this.#ask("kv/txn", txnOf(conditions, done, otherwise), schema, most);
    if (!answer.ok)
      return answer.error.denied === true
        ? err(await this.#nameDenied([...conditions.map(readsOf), ...done, ...otherwise], answer.error))
        : answer;
    const { header, succeeded, responses } = answer.value;
    const found = responses.flatMap(({ response_range: range }) => (range === undefined ? [] : [range]));
    const asked = (succeeded ? then : otherwise).filter(isRead).length;
    if (found.length !== asked) return err(strange("kv/txn", `${found.length} of ${asked} answers`));
    return ok({ succeeded, revision: header.revision, found });
  }

  /** Returns the number of a new lease. @param ttlS seconds after which it ends unless it is kept */
  async lease(ttlS: number): Promise<Result<string, EtcdError>> {
    const answer = await this.#ask("lease/grant", { TTL: String(ttlS) }, leaseAnswer);
    return answer.ok ? ok(answer.value.ID) : answer;
  }

  /** Begins a lease's time anew. Errors: "gone" for one that has ended. */
  async keep(lease: string): Promise<Result<void, EtcdError>> {
    const answer = await this.#ask("lease/keepalive", { ID: lease }, keptAnswer);
    if (!answer.ok) return answer;
    return answer.value.result.TTL > 0
      ? ok(undefined)
      : err({ kind: "gone", message: "The lease has ended." });
  }

  /** Returns how the node is that answers. */
  async state(): Promise<Result<NodeState, EtcdError>> {
    const answer = await this.#ask("maintenance/status", {}, statusAnswer);
    if (!answer.ok) return answer;
    const { version, leader, errors } = answer.value;
    const aheadS = Math.round((this.#dateMs - Date.now()) / 1000);
    return ok({
      ...{ version, hasLeader: leader !== "0", errors },
      aheadS: Number.isNaN(aheadS) ? undefined : aheadS,
    });
  }

  /** etcd does not say what the user has no right to: each is asked for where it would not be done. */
  async #nameDenied(ops: readonly Op[], denied: EtcdError): Promise<EtcdError> {
    const until = performance.now() + DEADLINE_MS;
    for (const op of ops) {
      if (performance.now() >= until) break;
      // The rights to both branches are asked for; without a condition this one is never taken.
      const tried = await this.#ask("kv/txn", txnOf([], [], [op]), txnAnswer(0, 0));
      if (tried.ok || tried.error.denied !== true) continue;
      return { ...denied, message: denied.message.replace("no right to this", `no right to ${wordsOf(op)}`) };
    }
    return denied;
  }

  /** Ends a lease, and removes what was put with it. */
  async end(lease: string): Promise<void> {
    await this.#ask("lease/revoke", { ID: lease }, anyAnswer);
  }

  async #ask<S extends v.GenericSchema>(
    path: string,
    body: object,
    schema: S,
    most = MAX_BYTES.none,
  ): Promise<Result<v.InferOutput<S>, EtcdError>> {
    const { endpoints, account } = this.#options;
    const until = performance.now() + DEADLINE_MS;
    let last: EtcdError = { kind: "no-answer", message: "No endpoint was asked." };
    for (let tried = 0; tried <= endpoints.length; tried++) {
      const left = until - performance.now();
      if (left <= 0) break;
      const endpoint = endpoints[this.#at % endpoints.length] as string;
      const ms = endpoints.length === 1 ? left : Math.min(left, ATTEMPT_MS);
      if (account !== undefined && this.#token === undefined) {
        const { user: name, password } = account;
        // etcd takes its time to judge a password: once is enough for all that is asked meanwhile.
        this.#login ??= this.#post(
          endpoint,
          "auth/authenticate",
          { name, password },
          tokenAnswer,
          ms,
          MAX_BYTES.none,
        ).finally(() => (this.#login = undefined));
        const login = await this.#login;
        if (login.ok) this.#token = login.value.token;
        else if (login.error.kind !== "no-answer") return login;
        else {
          last = login.error;
          this.#at = (this.#at + 1) % endpoints.length;
          continue;
        }
      }
      const hadToken = this.#token !== undefined;
      const answer = await this.#post(endpoint, path, body, schema, ms, most);
      if (answer.ok || answer.error.kind !== "no-answer") return answer;
      last = answer.error;
      // A token ends after minutes, and with the node that gave it: the same endpoint is asked again.
      if (hadToken && this.#token === undefined) continue;
      this.#at = (this.#at + 1) % endpoints.length;
    }
    return err(last);
  }

  async #post<S extends v.GenericSchema>(
    endpoint: string,
    path: string,
    body: object,
    schema: S,
    ms: number,
    most: number,
  ): Promise<Result<v.InferOutput<S>, EtcdError>> {
    const { tls } = this.#options;
    const silent = (why: string) =>
      err({ kind: "no-answer", message: `No answer from ${endpoint}: ${why}.` } as const);
    try {
      const response = await fetch(`${endpoint}/v3/${path}`, {
        method: "POST",
        body: JSON.stringify(body),
        redirect: "error",
        // A few hundred bytes of what is compressed may be gigabytes: nothing is unpacked, and such an answer is no JSON.
        decompress: false,
        signal: AbortSignal.timeout(Math.ceil(ms)),
        headers: {
          "accept-encoding": "identity",
          ...(this.#token !== undefined && { authorization: this.#token }),
        },
        ...(tls !== undefined && { tls }),
      });
      this.#dateMs = Date.parse(response.headers.get("date") ?? "");
      const bytes = response.body === null ? Buffer.alloc(0) : await readStreamBounded(response.body, most);
      if (bytes === undefined) return err(strange(endpoint, `more than ${most} bytes`));
      const raw = parseJson(bytes.toString("utf8"), MAX_DEPTH);
      const no = response.ok ? undefined : v.safeParse(refusal, raw);
      if (no?.success === true) return this.#refused(endpoint, no.output);
      // Such as that the certificate has a common name, which etcd refuses where it asks for users.
      if (response.status >= 400 && response.status < 500)
        return err({
          kind: "refused",
          message: `${endpoint} refused: ${whyRefused(bytes.toString("utf8", 0, 200), this.#options)}.`,
        });
      if (!response.ok) return silent(`HTTP status ${response.status}`);
      const judged = v.safeParse(schema, raw);
      if (judged.success) return ok(judged.output);
      return err(strange(endpoint, v.summarize(judged.issues).slice(0, 200)));
    } catch (thrown) {
      return silent(whyNoAnswer(thrown, endpoint, this.#options));
    }
  }

  #refused(
    endpoint: string,
    { error, message, code }: v.InferOutput<typeof refusal>,
  ): Result<never, EtcdError> {
    const said = error ?? message ?? `code ${code}`;
    const why = whyRefused(said, this.#options);
    if (code === CODE.notFound) return err({ kind: "gone", message: `${endpoint}: ${why}.` });
    // Of a signed token etcd says so after each change of users: a new one has what holds now.
    if (code === CODE.unauthenticated || said.includes("auth store is old")) this.#token = undefined;
    else if (NOES.has(code) || said.includes(FULL))
      return err({
        kind: "refused",
        message: `${endpoint} refused: ${why}.`,
        ...(code === CODE.denied && { denied: true }),
      });
    return err({ kind: "no-answer", message: `${endpoint} can't answer: ${why}.` });
  }
}

const strange = (where: string, what: string): EtcdError => ({
  kind: "refused",
  message: `${where} answers what is no etcd's: ${what}.`,
});

const isRead = (op: Op): boolean => !("put" in op || "remove" in op);
