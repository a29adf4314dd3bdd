// What happens, told to whoever listens.

/** One thing that happened; fields beside `event` depend on it. */
export interface Happening {
  /** ISO 8601. */
  readonly at: string;
  readonly event: EventKind;
  readonly [field: string]: unknown;
}

const EVENTS = [
  "channel-connected",
  "channel-lost",
  "channel-removed",
  "request-refused",
  "request-failed",
  "frequency-set",
  "frequency-restored",
  "write-failed",
  "claim-moved",
  "claim-withdrawn",
  "drift",
  "call-hangs",
  "call-answers",
  "resumed",
  "policy-waits",
  "profile-applied",
  "profile-off",
  "host-sleeps",
  "host-awake",
  "config-reloaded",
  "vm-changed",
] as const;
export type EventKind = (typeof EVENTS)[number];

export class EventFeed {
  readonly #listeners = new Set<(event: Happening) => void>();

  /** False when nobody listens: then an event need not even be made. */
  get active(): boolean {
    return this.#listeners.size > 0;
  }

  /** Calls `listener` for each event until the returned function is called. */
  subscribe(listener: (event: Happening) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  emit(event: EventKind, fields: Readonly<Record<string, unknown>> = {}): void {
    if (!this.active) return;
    const happening: Happening = { ...fields, at: new Date().toISOString(), event };
    for (const listener of this.#listeners) listener(happening);
  }
}
