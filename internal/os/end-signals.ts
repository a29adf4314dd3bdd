// What ends a service: the first signal begins its end, and no later one may cut that short by chance.

/** The signals that are taken; SIGHUP reads the configuration again where there is one to read. */
const SIGNALS = ["SIGTERM", "SIGINT", "SIGHUP"] as const;
/** Before this time nobody has waited for long enough to want an end without its work, in ms. */
const PATIENCE_MS = 1000;

/** Why a service ends: a signal's name, or the stack of an exception that nobody caught. */
export type EndCause =
  | { readonly signal: string; readonly bug?: undefined }
  | { readonly bug: string; readonly signal?: undefined };

export interface EndOptions {
  /** Called for SIGHUP while the service runs; without it SIGHUP ends like SIGTERM. */
  readonly reload?: () => void;
  /** Called for what comes while the service ends. */
  readonly again: (cause: EndCause) => void;
  /** Called for the third SIGTERM or SIGINT, a second after the first or later. */
  readonly giveUp: () => void;
}

/** Resolves with what ends the service. The handlers stay: the default of a signal would end the process in the middle of its end. */
export function untilEnd({ reload, again, giveUp }: EndOptions): Promise<EndCause> {
  const { promise, resolve } = Promise.withResolvers<EndCause>();
  let endsSince: number | undefined;
  let signals = 0;
  const take = (cause: EndCause) => {
    if (endsSince !== undefined) return again(cause);
    endsSince = performance.now();
    resolve(cause);
  };
  for (const signal of SIGNALS) {
    process.on(signal, () => {
      if (signal === "SIGHUP" && reload !== undefined && endsSince === undefined) return reload();
      if (signal !== "SIGHUP") signals++;
      const waitedMs = endsSince === undefined ? 0 : performance.now() - endsSince;
      if (signals > 2 && waitedMs >= PATIENCE_MS) giveUp();
      else take({ signal });
    });
  }
  const bug = (cause: unknown) =>
    take({ bug: cause instanceof Error ? (cause.stack ?? cause.message) : String(cause) });
  process.on("uncaughtException", bug);
  process.on("unhandledRejection", bug);
  return promise;
}
