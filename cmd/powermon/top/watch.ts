// The terminal of powermon top: keys in, changed lines out, and everything as it was when it ends.

import type { Io } from "../../../internal/cli/command.ts";
import { STATUS, type Status } from "../../../internal/cli/status.ts";
import type { ControlClient } from "../../../internal/control/client.ts";
import type { LiveReport } from "../../../internal/api/live.ts";
import type { VmReport } from "../../../internal/api/vms.ts";
import { frame } from "../../../internal/top/frame.ts";
import { glance, type Glance } from "../../../internal/top/glance.ts";
import { vmRows } from "../../../internal/top/vm-lines.ts";
import { ENTER, LEAVE, redraw } from "../../../internal/top/screen.ts";
import { keysOf, press, START } from "../../../internal/top/state.ts";

export interface WatchOptions {
  readonly intervalMs: number;
  readonly blocks: boolean;
  readonly io: Io;
}

/** Shows what `client` tells until a person quits or a signal comes. Returns the exit status. */
export async function watch(
  client: ControlClient,
  first: LiveReport,
  { intervalMs, blocks }: WatchOptions,
): Promise<Status> {
  const { stdin, stdout } = process;
  let state = START;
  let last = first;
  let shown: Glance = glance(undefined, first);
  let trouble: string | undefined;
  let drawn: readonly string[] | undefined;
  let vm: VmReport | undefined;
  const draw = () => {
    const [width, height] = [stdout.columns || 80, stdout.rows || 24];
    const lines = frame(shown, state, { width, height, blocks, styled: true, trouble, vm });
    const text = redraw(drawn, lines);
    drawn = lines;
    if (text !== "") stdout.write(text);
  };
  const resized = () => {
    drawn = undefined;
    draw();
  };
  const lookAtVm = async (name: string) => {
    const found = await client.ask("vm", { vm: name });
    if (found.ok) vm = found.value;
  };
  let asking = false;
  const look = async () => {
    if (state.paused || asking) return;
    asking = true;
    const next = await client.ask("live");
    if (state.vm !== undefined) await lookAtVm(state.vm);
    asking = false;
    if (next.ok) {
      shown = glance(last, next.value);
      last = next.value;
    }
    trouble = next.ok ? undefined : `${next.error.message} Trying again.`;
    draw();
  };
  const end = Promise.withResolvers<void>();
  const typed = (text: Buffer) => {
    for (const key of keysOf(text.toString())) {
      if (key === "r" && !state.typing) drawn = undefined;
      const rows = state.pane === "clocks" ? shown.domains.length : shown.vms.length;
      const next = press(state, key, rows, vmRows(shown, state)[state.vmRow]?.vm);
      if (next === "quit") return end.resolve();
      if (next.vm !== undefined && next.vm !== state.vm) void lookAtVm(next.vm).then(draw);
      state = next;
    }
    draw();
  };
  const stop = () => end.resolve();
  stdout.write(ENTER);
  stdin.setRawMode(true);
  stdin.resume();
  stdin.on("data", typed);
  stdin.on("end", stop);
  stdout.on("resize", resized);
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.once(signal, stop);
  const timer = setInterval(() => void look(), intervalMs);
  try {
    draw();
    await end.promise;
  } finally {
    clearInterval(timer);
    stdin.off("data", typed);
    stdin.setRawMode(false);
    stdin.pause();
    stdout.off("resize", resized);
    stdout.write(LEAVE);
  }
  return STATUS.done;
}
