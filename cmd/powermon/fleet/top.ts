// powermon fleet top: a group as it is, again and again.

import { defineCommand } from "../../../internal/cli/command.ts";
import { STATUS } from "../../../internal/cli/status.ts";
import { readGroup } from "../../../internal/fleet/view.ts";
import { untilEnd } from "../../../internal/os/end-signals.ts";
import { ENTER, LEAVE, redraw } from "../../../internal/top/screen.ts";
import { AGAIN_ARGS, againOf, JSON_AGAIN, streamAgain } from "../again.ts";
import { askedOf, FLEET_ARGS, GROUP_ARG, refuse } from "./asked.ts";
import { groupText, hostsText } from "./show.ts";

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
    ...AGAIN_ARGS,
    ...FLEET_ARGS,
    json: JSON_AGAIN,
  },
  async run(context) {
    const { args, io } = context;
    const again = againOf(args);
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
    if (args.json)
      return await streamAgain(
        again,
        io,
        first.value,
        look,
        ({ view }) => view,
        (error) => refuse(context, error),
      );
    let now: Awaited<ReturnType<typeof look>> = first;
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
        await Promise.race([end, Bun.sleep(again.intervalMs)]);
        now = await look();
      }
    } finally {
      process.stdout.write(LEAVE);
    }
    return STATUS.done;
  },
});
