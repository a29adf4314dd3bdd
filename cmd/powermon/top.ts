// powermon top: the host's clocks and VMs as they are, again and again.

import { defineCommand } from "../../internal/cli/command.ts";
import { STATUS } from "../../internal/cli/status.ts";
import { isTerminal } from "../../internal/os/terminal.ts";
import { frame } from "../../internal/top/frame.ts";
import { glance } from "../../internal/top/glance.ts";
import { START } from "../../internal/top/state.ts";
import { AGAIN_ARGS, againOf, JSON_AGAIN, streamAgain } from "./again.ts";
import { clientOf, CONTROL_ARGS, fail } from "./control.ts";
import { watch } from "./top/watch.ts";

/** Columns of a frame that goes to no terminal. */
const PLAIN_WIDTH = 120;
/** Time between the two looks that a single frame's rates come from, in ms. */
const PLAIN_MS = 1000;

export default defineCommand({
  meta: {
    name: "top",
    summary: "watch clocks, who holds them, whether they are used, and what the VMs ask",
    details:
      "For each clock how busy its CPUs are, a bar from its lowest to its highest frequency (what powermon told it, or in faint letters what the kernel holds of one that nobody claims), what the hardware ran at where that can be read at no cost, its floor and ceiling, and whose wish decides. For each VM its requests per second, refusals, policy; Enter shows one alone. Below them the last refusals, and the last changes and who made them. The last line says what there is no room for. The key ? shows what keys do. Where the output is no terminal one frame is printed; with --json one line of JSON for each interval, until interrupted or --count of them.",
    examples: ["powermon top", "powermon top --interval 5", "powermon top --json --count 10"],
  },
  args: {
    ...AGAIN_ARGS,
    ...CONTROL_ARGS,
    json: JSON_AGAIN,
  },
  async run({ args, io }) {
    const again = againOf(args);
    const client = clientOf(args);
    const first = await client.ask("live");
    if (!first.ok) return fail(first.error, args.json, io);
    const env = io.env ?? {};
    if (args.json)
      return await streamAgain(
        again,
        io,
        first.value,
        () => client.ask("live"),
        (now, before) => glance(before, now),
        (error) => fail(error, true, io),
      );
    if (io.isTTY && isTerminal(0)) {
      return await watch(client, first.value, { intervalMs: again.intervalMs, blocks: hasBlocks(env), io });
    }
    await Bun.sleep(PLAIN_MS);
    const now = await client.ask("live");
    if (!now.ok) return fail(now.error, false, io);
    const options = { width: PLAIN_WIDTH, height: Infinity, blocks: hasBlocks(env), styled: false };
    const lines = frame(glance(first.value, now.value), START, options);
    io.out(lines.map((line) => line.trimEnd()).join("\n"));
    return STATUS.done;
  },
});

/** Returns whether the locale says that text is UTF-8. Source: locale(7). */
function hasBlocks(env: Readonly<Record<string, string | undefined>>): boolean {
  return /utf-?8/i.test(env["LC_ALL"] || env["LC_CTYPE"] || env["LANG"] || "");
}
