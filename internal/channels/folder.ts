// Which channels exist: watches a folder of sockets, because VMs come and go without telling us.

import { type FSWatcher, type Dirent, readdirSync, statSync, watch } from "node:fs";
import { codeOf } from "../os/error-code.ts";
import { MAX_CHANNEL } from "../values/numbers.ts";
import { isVmName } from "../values/vm-name.ts";

/** A channel's name split at its last dot. */
export interface ChannelName {
  readonly vm: string;
  readonly index: number;
}

/** The folder is read again this often, in ms: a watch goes deaf when the folder is made anew. */
const RESCAN_MS = 2000;
/** Wait this long after a change for the others that come with it, in ms. */
const SETTLE_MS = 20;

/** Returns the VM and the channel number of a socket's file name, or undefined when it is no channel. Source: DPDK CHANNEL_MGR_SOCKET_PATH names. */
export function parseChannelName(file: string): ChannelName | undefined {
  const match = /^(.+)\.(\d{1,4})$/s.exec(file);
  const [, vm = "", digits = ""] = match ?? [];
  const index = Number(digits);
  return match !== null && isVmName(vm) && index <= MAX_CHANNEL ? { vm, index } : undefined;
}

export class ChannelFolder {
  readonly dir: string;
  readonly #found: (path: string, name: ChannelName) => void;
  readonly #gone: (path: string) => void;
  readonly #problem: (code: string) => void;
  readonly #paths = new Set<string>();
  #watcher: FSWatcher | undefined;
  #rescan: ReturnType<typeof setInterval> | undefined;
  #settle: ReturnType<typeof setTimeout> | undefined;
  #inode: string | undefined;
  #mtimeMs = 0;
  #broken = false;

  /**
   * @param found a socket appeared, or is still there after a change in the folder
   * @param gone a socket's file was removed
   * @param problem the folder can't be read; told once until it can
   */
  constructor(
    dir: string,
    found: (path: string, name: ChannelName) => void,
    gone: (path: string) => void,
    problem: (code: string) => void,
  ) {
    this.dir = dir;
    this.#found = found;
    this.#gone = gone;
    this.#problem = problem;
  }

  /** Reads the folder now and follows its changes until stop(). */
  start(): void {
    this.#scan();
    this.#rescan = setInterval(() => this.#scan(false), RESCAN_MS);
  }

  stop(): void {
    clearInterval(this.#rescan);
    clearTimeout(this.#settle);
    this.#watcher?.close();
    this.#watcher = undefined;
  }

  #scan(changed = true): void {
    let entries: Dirent[];
    try {
      const { dev, ino, mtimeMs } = statSync(this.dir);
      const known = this.#watcher !== undefined && this.#inode === `${dev}:${ino}`;
      // A folder's time changes with every entry that comes or goes.
      if (known && !changed && mtimeMs === this.#mtimeMs) return;
      if (!known) this.#follow(`${dev}:${ino}`);
      this.#mtimeMs = mtimeMs;
      entries = readdirSync(this.dir, { withFileTypes: true });
      this.#broken = false;
    } catch (cause) {
      if (!this.#broken) this.#problem(codeOf(cause));
      this.#broken = true;
      entries = [];
    }
    const there = new Set<string>();
    for (const entry of entries) {
      if (!entry.isSocket()) continue;
      const name = parseChannelName(entry.name);
      if (name === undefined) continue;
      const path = `${this.dir}/${entry.name}`;
      there.add(path);
      this.#paths.add(path);
      this.#found(path, name);
    }
    for (const path of this.#paths) {
      if (there.has(path)) continue;
      this.#paths.delete(path);
      this.#gone(path);
    }
  }

  /** Watches the folder that now stands at the path. */
  #follow(inode: string): void {
    this.#watcher?.close();
    this.#inode = inode;
    this.#watcher = watch(this.dir, () => {
      this.#settle ??= setTimeout(() => {
        this.#settle = undefined;
        this.#scan();
      }, SETTLE_MS);
    });
    this.#watcher.on("error", () => {
      this.#watcher?.close();
      this.#watcher = undefined;
    });
  }
}
