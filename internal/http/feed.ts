// What pages are told, once a second: the whole at first, then only what changed, so that 256 clocks stay cheap.

import type { LiveReport } from "../api/live.ts";
import { History, type Range, RANGES, type Runs } from "./history.ts";

/** Time between two looks, in ms. */
const FEED_MS = 1000;

/** A clock and what it was told, kHz; undefined while nobody claims it. */
export interface Told {
  readonly id: number;
  readonly target: number | undefined;
}

/** What a page gets when it comes. */
type Whole = LiveReport & {
  /** Each clock's last minutes or hours, in the order of `domains`. */
  readonly history: readonly Runs[];
  /** Looks that make one sample of them, and looks so far. */
  readonly step: number;
  readonly taken: number;
};

/** Everybody who watches, and what they were told last. */
export class Feed {
  readonly #look: () => LiveReport | Promise<LiveReport>;
  readonly #clocks: () => readonly Told[];
  readonly #everyMs: number;
  readonly #history = new History();
  readonly #watchers = new Set<(event: string) => void>();
  #last: LiveReport | undefined;
  /** The clocks of the last look as they were told. */
  #told: ReadonlyMap<number, string> = new Map();
  #looking = false;
  /** Watchers that wait for the first look. */
  #opening = 0;
  #timer: ReturnType<typeof setInterval> | undefined;

  /**
   * @param look resolves to what is to be told; called only while somebody watches
   * @param clocks returns what all clocks were told, from memory: it is kept, watched or not
   * @param everyMs time between two looks, in ms
   */
  constructor(
    look: () => LiveReport | Promise<LiveReport>,
    clocks: () => readonly Told[],
    everyMs = FEED_MS,
  ) {
    this.#look = look;
    this.#clocks = clocks;
    this.#everyMs = everyMs;
  }

  /** Looks again and again from now on. */
  start(): void {
    void this.turn();
    this.#timer = setInterval(() => void this.turn(), this.#everyMs);
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  get watchers(): number {
    return this.#watchers.size + this.#opening;
  }

  /** Tells `watcher` all and each change from then on, as server-sent events, until the function that it resolves to is called. @param range how far its history goes back */
  async watch(watcher: (event: string) => void, range: Range = "10m"): Promise<() => void> {
    // Changes are told against the last look, so a new watcher starts from that one and not from a newer one.
    let last = this.#last;
    if (this.#watchers.size === 0) {
      this.#opening++;
      const live = await Promise.resolve(this.#look()).finally(() => this.#opening--);
      // Unless another came meanwhile, and was told.
      last = this.#watchers.size === 0 ? this.#note(live) : (this.#last ?? live);
    }
    const whole: Whole = {
      ...(last as LiveReport),
      history: (last?.domains ?? []).map(({ domain }) => this.#history.of(domain, range)),
      step: RANGES[range],
      taken: this.#history.taken,
    };
    watcher(event("whole", whole));
    this.#watchers.add(watcher);
    return () => void this.#watchers.delete(watcher);
  }

  /** Looks once. */
  async turn(): Promise<void> {
    this.#history.sample(this.#clocks().map(({ id, target }) => [id, target]));
    if (this.#watchers.size === 0 || this.#looking) return;
    this.#looking = true;
    try {
      const live = await this.#look();
      const before = this.#told;
      this.#note(live);
      // Other clocks than before, as after hotplug: pages begin anew.
      const isSame = before.size === this.#told.size && [...before.keys()].every((id) => this.#told.has(id));
      const domains = live.domains.filter(({ domain }) => this.#told.get(domain) !== before.get(domain));
      const change = { ...live, domains, taken: this.#history.taken };
      const text = isSame ? event("change", change) : event("reload", {});
      for (const watcher of this.#watchers) watcher(text);
    } finally {
      this.#looking = false;
    }
  }

  #note(live: LiveReport): LiveReport {
    this.#last = live;
    this.#told = new Map(live.domains.map((one) => [one.domain, JSON.stringify(one)]));
    return live;
  }
}

function event(name: string, value: object): string {
  return `event: ${name}\ndata: ${JSON.stringify(value)}\n\n`;
}
