// vmpower-guest scale: moves the clock of this VM's vCPUs.

import * as v from "valibot";
import { cpuNumbers, parseArgs } from "../../internal/cli/args.ts";
import { defineCommand } from "../../internal/cli/command.ts";
import { openSession } from "../../internal/guest/session.ts";
import { json } from "../../internal/output/json.ts";
import { STEPS, type Step } from "../../internal/request.ts";
import {
  CHANNEL_ARGS,
  CHANNEL_SCHEMA,
  DONE_ENDING,
  type Ending,
  endingOf,
  portOf,
  worst,
} from "./channel.ts";

export default defineCommand({
  meta: {
    name: "scale",
    summary: "Move the clock of vCPUs one step, to an end, or in and out of turbo",
    details:
      "Prints one line for each vCPU. The status is the highest of theirs: 0 done, 1 failed, 3 refused by the host, 4 no answer, 5 no port.\n" +
      'JSON: {"step", "vcpus": [{"vcpu", "port", "outcome", "message"}]}; outcome is "done" or the kind of failure.',
    examples: ["vmpower-guest scale up --vcpu 0", "vmpower-guest scale min --vcpu 1,3,5-7 --json"],
  },
  args: {
    step: { type: "positional", options: STEPS, description: "Where the clock goes" },
    vcpu: {
      type: "string",
      valueHint: "list",
      required: true,
      description: "vCPUs of this VM, such as 1,3,5-7",
    },
    ...CHANNEL_ARGS,
  },
  async run({ args, io }) {
    const { vcpu: vcpus, ...channel } = parseArgs(v.object({ vcpu: cpuNumbers, ...CHANNEL_SCHEMA }), args);
    const { step } = args;
    const { port, vmName, timeoutMs } = channel;
    const move = (through: string, some: readonly number[]) => scale(through, step, some, vmName, timeoutMs);
    const endings =
      port === undefined
        ? await Promise.all(vcpus.map((vcpu) => move(portOf(vcpu, channel), [vcpu])))
        : [await move(port, vcpus)];
    const rows = endings.flat();
    if (args.json) {
      const shown = rows.map(({ vcpu, outcome, message }) => ({
        vcpu,
        port: portOf(vcpu, channel),
        outcome,
        message,
      }));
      io.out(json({ step, vcpus: shown }));
    } else {
      for (const { vcpu, message } of rows) {
        if (message === null) io.out(`vCPU ${vcpu}: ${step} done`);
        else io.err(`vCPU ${vcpu}: ${message}`);
      }
    }
    return worst(rows.map((row) => row.status));
  },
});

interface Row extends Ending {
  readonly vcpu: number;
}

/** Moves `vcpus` through one port, one after the other, and returns how each ended. */
async function scale(
  port: string,
  step: Step,
  vcpus: readonly number[],
  vmName: string,
  timeoutMs: number,
): Promise<readonly Row[]> {
  const session = await openSession(port);
  if (!session.ok) return vcpus.map((vcpu) => ({ vcpu, ...endingOf(session.error) }));
  try {
    const rows: Row[] = [];
    for (const vcpu of vcpus) {
      const reply = await session.value.ask(
        { kind: "scale", vcpu, vmName, physical: false, step },
        timeoutMs,
      );
      rows.push({ vcpu, ...(reply.ok ? DONE_ENDING : endingOf(reply.error)) });
    }
    return rows;
  } finally {
    session.value.close();
  }
}
