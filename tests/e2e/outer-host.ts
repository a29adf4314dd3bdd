// powermon on the outer machine with a machine made of files, for live pinning and foreign guests.
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Subprocess } from "bun";
import { makeTree, type Tree } from "../helpers/tree.ts";
import { type Domain, readDomains } from "./domains.ts";
import { DIST } from "./scenario.ts";

/** A running powermon: channels in `channels`, /sys a fixture tree, /proc the real one. */
export class OuterHost {
  readonly channels: string;
  /** Its control socket. */
  readonly socket: string;
  readonly #dir: string;
  readonly #tree: Tree;
  readonly #logPath: string;
  readonly #powermon: Subprocess;

  /**
   * Starts powermon on tree `tree` (see tests/helpers/tree.ts) with more `flags`; `channels` is a folder of its own unless given.
   * @param under words of a program that becomes powermon
   */
  constructor(tree: string, flags: readonly string[], channels?: string, under: readonly string[] = []) {
    this.#dir = mkdtempSync(join(tmpdir(), "powermon-e2e-"));
    this.channels = channels ?? join(this.#dir, "channels");
    mkdirSync(this.channels, { recursive: true });
    this.#tree = makeTree(tree);
    this.#logPath = join(this.#dir, "powermon.log");
    const state = join(this.#dir, "state");
    this.socket = join(state, "control.sock");
    const where = ["--dir", this.channels, "--state-dir", state, "--sysfs-root", this.#tree.sys];
    // setpriv: powermon ends with the test run, however that ends
    this.#powermon = Bun.spawn(
      ["setpriv", "--pdeathsig", "KILL", ...under, join(DIST, "powermon"), "run", ...where, ...flags],
      { stdin: "ignore", stdout: "ignore", stderr: Bun.file(this.#logPath) },
    );
  }

  /** What stands for its /sys. */
  get sys(): string {
    return this.#tree.sys;
  }

  /** Every cpufreq domain of the tree as it is now; `cur` stands still, for no kernel is behind it. */
  domains(): Promise<Record<string, Domain>> {
    return readDomains((command) => Bun.$`bash -c ${command}`.text(), this.#tree.sys);
  }

  /** Asks the running powermon by its control socket and returns what the command printed; throws unless its status is 0. */
  async ask(...words: readonly string[]): Promise<string> {
    const run = Bun.spawn([join(DIST, "powermon"), ...words, "--socket", this.socket], { stderr: "pipe" });
    const [out, error, status] = await Promise.all([run.stdout.text(), run.stderr.text(), run.exited]);
    if (status !== 0) throw new Error(`powermon ${words.join(" ")}: status ${status}: ${error}`);
    return out;
  }

  /** Everything that powermon has said. */
  log(): Promise<string> {
    return Bun.file(this.#logPath).text();
  }

  /** Stops powermon by SIGTERM and removes what was made. Throws with its log if it does not end well within 5 s. */
  async end(): Promise<void> {
    this.#powermon.kill("SIGTERM");
    const late = setTimeout(() => this.#powermon.kill("SIGKILL"), 5000);
    const status = await this.#powermon.exited;
    clearTimeout(late);
    const log = await this.log();
    this.#remove();
    if (status !== 0) throw new Error(`powermon ended with status ${status} after SIGTERM. Its log: ${log}`);
  }

  /** Ends powermon as a crash does, and removes what was made. */
  async kill(): Promise<void> {
    this.#powermon.kill("SIGKILL");
    await this.#powermon.exited;
    this.#remove();
  }

  #remove(): void {
    this.#tree.remove();
    rmSync(this.#dir, { recursive: true });
  }
}
