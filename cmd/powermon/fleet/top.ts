// powermon fleet top: a group as it is, again and again.

import * as v from "valibot";
import { integer, parseArgs } from "../../../internal/cli/args.ts";
import { defineCommand } from "../../../internal/cli/command.ts";
import { STATUS } from "../../../internal/cli/status.ts";
import { readGroup } from "../../../internal/fleet/view.ts";
import { untilEnd } from "../../../internal/os/end-signals.ts";
import { ENTER, LEAVE, redraw } from "../../../internal/top/screen.ts";
import { askedOf, FLEET_ARGS, GROUP_ARG, refuse } from "./asked.ts";
import { groupText, hostsText } from "./show.ts";

const Words = v.object({ interval: integer(1, 3600), count: v.optional(integer(1, 1_000_000_000)) });

export const TOP = defineCommand({
  meta: {
    name: "top",
    summary: "watch a group: watts against grants, host by host",
    details:
      "On a terminal the group is drawn again each interval until Ctrl-C. Elsewhere it is printed once; with --json one line of JSON for each interval, until interrupted or --count of them.",
    examples: ["powermon fleet top", "powermon fleet top --json --count 10"],
  },
  args: {
    group: GROUP_ARG,
    interval: {
      type: "string",
      alias: "i",
      default: "2",
      valueHint: "SECONDS",
      description: "time between two looks, 1 to 3600",
    },
    count: { type: "string", valueHint: "n", description: "with --json: how many lines (default: no end)" },
    ...FLEET_ARGS,
    json: { type: "boolean", description: "print one line of JSON for each interval" },
  },
  async run(context) {
    const { args, io } = context;
    const { interval, count = Infinity } = parseArgs(Words, args);
    const { etcd, keys, group } = askedOf(args);
    const look = async () => {
      const read = await readGroup(etcd, keys, group);
      return read.ok
        ? { ...read, text: `${groupText(read.value.view)}\n\n${hostsText(read.value.view)}` }
        : read;
    };
    const first = await look();
    if (!first.ok) return refuse(context, first.error);
    if (!args.json && !io.isTTY) {
      io.out(first.text);
      return STATUS.done;
    }
    let now: Awaited<ReturnType<typeof look>> = first;
    if (args.json) {
      for (let left = count; ; left--) {
        if (!now.ok) return refuse(context, now.error);
        io.out(JSON.stringify(now.value.view));
        if (left <= 1 || io.isCut?.()) return STATUS.done;
        await Bun.sleep(interval * 1000);
        now = await look();
      }
    }
    let ended = false;
    const end = untilEnd({ reload: () => {}, again: () => {}, giveUp: () => {} }).then(() => (ended = true));
    let drawn: readonly string[] | undefined;
    process.stdout.write(ENTER);
    try {
      while (!ended) {
        const [width, height] = [process.stdout.columns || 80, process.stdout.rows || 24];
        const text = now.ok ? now.text : `${now.error.message} Trying again.`;
        const lines = text
          .split("\n")
          .slice(0, height)
          .map((line) => line.slice(0, width));
        process.stdout.write(redraw(drawn, lines));
        drawn = lines;
        await Promise.race([end, Bun.sleep(interval * 1000)]);
        now = await look();
      }
    } finally {
      process.stdout.write(LEAVE);
    }
    return STATUS.done;
  },
});
