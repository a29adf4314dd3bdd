// The files of a machine: a captured tree, with the driver's own files laid over it as they come and go.

import { parseCpuList } from "../../internal/values/cpulist.ts";
import { Errno, type ErrnoName, Hangs, refuse } from "./errno.ts";

/** A file of /sys: what it shows and what it does with a text; one that lacks either refuses with EACCES, root too. */
export interface Attribute {
  /** Permissions; by default everybody reads and root writes. */
  readonly mode?: number;
  readonly show?: () => string;
  readonly store?: (text: string) => void;
}

/** A file, or a link. */
export type Entry = Attribute | { readonly link: string };

/** What goes wrong with a file, set by a test: errors, calls that do not return, a write that the firmware swallows, or a text that hides the real one. */
export interface Fault {
  readonly read?: ErrnoName | "hangs";
  readonly write?: ErrnoName | "ignored" | "hangs";
  readonly text?: string;
}

/** Where the CPUs are, below sys. */
export const CPU = "devices/system/cpu";

/** Paths start below sys, those of interrupts with proc/irq. Folders are there while they have entries. */
export class Files {
  private readonly entries = new Map<string, Entry>();
  private readonly faults = new Map<string, Fault>();

  /** Reads the lines of a tree: those below sys, and interrupts, become files that keep what is written to them. */
  constructor(lines: readonly string[]) {
    for (const line of lines) {
      const [kind = "", full = "", ...rest] = line.split(" ");
      if (!/^(?:sys|proc\/irq)\//.test(full)) continue;
      const text: string = JSON.parse(rest.join(" "));
      this.set(
        full.replace(/^sys\//, ""),
        kind === "link" ? { link: text } : plain(Number.parseInt(kind, 8), text),
      );
    }
  }

  set(path: string, entry: Entry): void {
    this.entries.set(path, entry);
  }

  /** Takes `path` away, and all below it. */
  remove(path: string): void {
    for (const known of this.entries.keys())
      if (known === path || known.startsWith(`${path}/`)) this.entries.delete(known);
  }

  entry(path: string): Entry | undefined {
    return this.entries.get(path);
  }

  /** Returns the names in folder `path`, "" being the root; undefined when there is none. */
  names(path: string): string[] | undefined {
    const prefix = path === "" ? "" : `${path}/`;
    const names = new Set<string>();
    for (const known of this.entries.keys())
      if (known.startsWith(prefix)) names.add(known.slice(prefix.length).split("/", 1)[0] ?? "");
    return names.size > 0 || path === "" ? [...names].sort() : undefined;
  }

  /** Returns the paths of all files below folder `path`, as seen from it. */
  below(path: string): string[] {
    const prefix = `${path}/`;
    return [...this.entries.keys()].flatMap((known) =>
      known.startsWith(prefix) ? [known.slice(prefix.length)] : [],
    );
  }

  setFault(path: string, fault: Fault): void {
    this.faults.set(path, fault);
  }

  /** Source for a file that has gone while it was open: kernfs_get_active() in fs/kernfs. */
  read(path: string): string {
    const fault = this.faults.get(path);
    if (fault?.read === "hangs") throw new Hangs();
    if (fault?.read) throw new Errno(fault.read);
    const entry = this.attribute(path);
    return fault?.text ?? (entry.show ?? (() => refuse("EACCES")))();
  }

  write(path: string, text: string): void {
    const fault = this.faults.get(path);
    if (fault?.write === "ignored") return;
    if (fault?.write === "hangs") throw new Hangs();
    if (fault?.write) throw new Errno(fault.write);
    (this.attribute(path).store ?? (() => refuse("EACCES")))(text);
  }

  /** Returns the text of a file of the tree, without its newline; undefined when there is none. */
  line(path: string): string | undefined {
    const entry = this.entries.get(path);
    return entry && "show" in entry ? entry.show?.().split("\n", 1)[0] : undefined;
  }

  /** Returns the CPUs in a list such as 0-3 or 0 2. */
  cpus(path: string): number[] {
    const parsed = parseCpuList(this.line(path) ?? "");
    return parsed.ok ? parsed.value : [];
  }

  private attribute(path: string): Attribute {
    const entry = this.entries.get(path);
    if (!entry || "link" in entry) return refuse("ENODEV");
    return entry;
  }
}

/** A file that keeps its text. */
function plain(mode: number, first: string): Attribute {
  let text = first;
  return {
    mode,
    ...(mode & 0o444 && { show: () => text }),
    ...(mode & 0o222 && {
      store: (next: string) => {
        text = next.endsWith("\n") ? next : `${next}\n`;
      },
    }),
  };
}
