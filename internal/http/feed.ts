// What pages are told, once a second: the whole at first, then only what changed, so that 256 clocks stay cheap.

import type { LiveReport } from "../api/live.ts";
import { History, type Runs } from "./history.ts";

/** Time between two looks, in ms. */
const FEED_MS = 1000;

/** What a page gets when it comes. */
type Whole = LiveReport & {
  /** Each clock's last minutes, in the order of `domains`. */
  readonly history: readonly Runs[];
};

/** Everybody who watches, and what they were told last. */
export class Feed {
  readonly #look: () => LiveReport;
  readonly #everyMs: number;
  readonly #history = new History();
  readonly #watchers = new Set<(event: string) => void>();
  #last: LiveReport = { at: "", uptimeS: 0, domains: [], vms: [], refusals: [] };
  /** The clocks of the last look as they were told. */
  #told: ReadonlyMap<number, string> = new Map();
  #timer: ReturnType<typeof setInterval> | undefined;

  /**
   * @param look returns what is to be told
   * @param everyMs time between two looks, in ms
   */
  constructor(look: () => LiveReport, everyMs = FEED_MS) {
    this.#look = look;
    this.#everyMs = everyMs;
  }

  /** Looks again and again from now on. */
  start(): void {
    this.turn();
    this.#timer = setInterval(() => this.turn(), this.#everyMs);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  get watchers(): number {
    return this.#watchers.size;
  }

  /** Tells `watcher` all at once and each change from then on, as server-sent events, until the returned function is called. */
  watch(watcher: (event: string) => void): () => void {
    // Changes are told against the last look, so a new watcher starts from that one and not from a newer one.
    if (this.#watchers.size === 0) this.#note(this.#look());
    const whole: Whole = {
      ...this.#last,
      history: this.#last.domains.map(({ domain }) => this.#history.of(domain)),
    };
    watcher(event("whole", whole));
    this.#watchers.add(watcher);
    return () => void this.#watchers.delete(watcher);
  }

  /** Looks once. */
  turn(): void {
    const live = this.#look();
    this.#history.sample(live.domains.map(({ domain, targetKhz }) => [domain, targetKhz]));
    if (this.#watchers.size === 0) return;
    const before = this.#told;
    this.#note(live);
    // Other clocks than before, as after hotplug: pages begin anew.
    const isSame = before.size === this.#told.size && [...before.keys()].every((id) => this.#told.has(id));
    const domains = live.domains.filter(({ domain }) => this.#told.get(domain) !== before.get(domain));
    const text = isSame ? event("change", { ...live, domains }) : event("reload", {});
    for (const watcher of this.#watchers) watcher(text);
  }

  #note(live: LiveReport): void {
    this.#last = live;
    this.#told = new Map(live.domains.map((one) => [one.domain, JSON.stringify(one)]));
  }
}

function event(name: string, value: object): string {
  return `event: ${name}\ndata: ${JSON.stringify(value)}\n\n`;
}
