// A /proc of processes whose threads and pins a test decides.

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";

/** Makes an empty /proc in a temporary folder. */
export function makeProc() {
  const root = mkdtempSync(`${tmpdir()}/proc-`);
  return {
    root,
    /** Writes one thread of process `pid`. */
    thread(pid: number, tid: number, comm: string, cpus: string): void {
      const dir = `${root}/${pid}/task/${tid}`;
      mkdirSync(dir, { recursive: true });
      writeFileSync(`${dir}/comm`, `${comm}\n`);
      writeFileSync(`${dir}/status`, `Name:\t${comm}\nState:\tS (sleeping)\nCpus_allowed_list:\t${cpus}\n`);
    },
    /** Ends process `pid`. */
    end(pid: number): void {
      rmSync(`${root}/${pid}`, { recursive: true });
    },
    remove(): void {
      rmSync(root, { recursive: true });
    },
  };
}
