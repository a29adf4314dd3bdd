// What the keys of powermon top do: pure, so that every key can be tried without a terminal.

/** How clocks can be sorted. */
const DOMAIN_SORTS = ["number", "frequency", "claims", "busy"] as const;
/** How VMs can be sorted. */
const VM_SORTS = ["name", "requests", "refused"] as const;

/** What a person chose. */
export interface TopState {
  readonly pane: "clocks" | "vms";
  readonly clockSort: (typeof DOMAIN_SORTS)[number];
  readonly vmSort: (typeof VM_SORTS)[number];
  /** First row shown of the clocks, and the row of the VMs that Enter shows alone. */
  readonly clockRow: number;
  readonly vmRow: number;
  /** All, or the last refusals and changes alone. */
  readonly view: "host" | "told";
  /** The VM that is shown alone. */
  readonly vm?: string | undefined;
  readonly filter: string;
  /** True while the filter is being typed. */
  readonly typing: boolean;
  readonly paused: boolean;
  readonly help: boolean;
}

/** How it starts. */
export const START: TopState = {
  pane: "clocks",
  clockSort: "number",
  vmSort: "name",
  clockRow: 0,
  vmRow: 0,
  view: "host",
  filter: "",
  typing: false,
  paused: false,
  help: false,
};

/** Most characters of a filter. */
const MAX_FILTER = 40;
/** Rows that page-up and page-down move. */
const PAGE = 10;

/** Keys and what they do, as the help shows them. */
export const KEYS = [
  ["q, Ctrl-C", "quit"],
  ["Tab", "go to the clocks or to the VMs"],
  ["arrows, j, k, Page Up, Page Down, Home", "move through the rows there"],
  ["s", "sort them by something else"],
  ["/", "show only what has these letters: a VM's name, a CPU; Enter ends, Esc clears"],
  ["Enter", "show the VM that is marked alone (Tab goes to the VMs); Esc goes back"],
  ["c", "show the last refusals and changes alone, and all again"],
  ["p, Space", "pause and go on"],
  ["r", "draw everything anew"],
  ["?, h", "show and hide this help"],
] as const;

/** Cuts what a terminal sent into keys: escape sequences whole, other characters one by one. */
export function keysOf(text: string): readonly string[] {
  // oxlint-disable-next-line no-control-regex
  return text.match(/\u001b\[[0-9;]*[A-Za-z~]|\u001bO[A-Z]|[^]/gu) ?? [];
}

const MOVES: Readonly<Record<string, number>> = {
  "\u001b[A": -1,
  k: -1,
  "\u001b[B": 1,
  j: 1,
  "\u001b[5~": -PAGE,
  "\u001b[6~": PAGE,
  "\u001b[H": -Infinity,
};

/** Returns what follows from `key`. @param rows how many rows the pane in use has @param marked the VM in the row that is marked */
export function press(state: TopState, key: string, rows: number, marked?: string): TopState | "quit" {
  if (key === "\u0003") return "quit";
  if (state.typing) return typed(state, key);
  const move = MOVES[key];
  if (move !== undefined) return moved(state, move, rows);
  switch (key) {
    case "q":
      return "quit";
    case "\t":
      return { ...state, pane: state.pane === "clocks" ? "vms" : "clocks" };
    case "s":
      return state.pane === "clocks"
        ? { ...state, clockSort: after(DOMAIN_SORTS, state.clockSort), clockRow: 0 }
        : { ...state, vmSort: after(VM_SORTS, state.vmSort), vmRow: 0 };
    case "/":
      return { ...state, typing: true };
    case "\r":
    case "\n":
      return state.pane === "vms" ? { ...state, vm: marked, view: "host", help: false } : state;
    case "c":
      return { ...state, view: state.view === "told" ? "host" : "told" };
    case "\u001b":
      if (state.help || state.view === "told" || state.vm !== undefined)
        return { ...state, help: false, view: "host", vm: undefined };
      return { ...state, filter: "" };
    case "p":
    case " ":
      return { ...state, paused: !state.paused };
    case "?":
    case "h":
      return { ...state, help: !state.help };
    default:
      return state;
  }
}

function typed(state: TopState, key: string): TopState {
  const { filter } = state;
  if (key === "\r" || key === "\n") return { ...state, typing: false };
  if (key === "\u001b") return { ...state, typing: false, filter: "" };
  if (key === "\u007f" || key === "\b") return { ...state, filter: [...filter].slice(0, -1).join("") };
  if (key.length > 2 || key < " " || [...filter].length >= MAX_FILTER) return state;
  return { ...state, filter: filter + key, clockRow: 0, vmRow: 0 };
}

function moved(state: TopState, by: number, rows: number): TopState {
  const to = (row: number) => Math.max(0, Math.min(rows - 1, row + by));
  return state.pane === "clocks"
    ? { ...state, clockRow: to(state.clockRow) }
    : { ...state, vmRow: to(state.vmRow) };
}

function after<T>(all: readonly T[], one: T): T {
  return all[(all.indexOf(one) + 1) % all.length] as T;
}
