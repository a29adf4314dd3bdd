// A command that is one row of the API: what its words mean is asked of a running powermon, and the answer is printed.

import * as v from "valibot";
import { type Ask, isRehearsed, type Name, type Report } from "../../internal/api/table.ts";
import { parseArgs } from "../../internal/cli/args.ts";
import { type ArgsDef, defineCommand, type Leaf, type Meta } from "../../internal/cli/command.ts";
import type { Given } from "../../internal/control/client.ts";
import { clientOf, CONTROL_ARGS, tell } from "./control.ts";
import { DRY_RUN_ARG, showDryRun } from "./dry-run.ts";

interface AskDef<K extends Name> {
  readonly meta: Meta;
  /** Its words beside those of every command that asks. */
  readonly args?: ArgsDef;
  /** Makes of its words what is asked; left out where nothing is said beside the row's name. */
  readonly means?: v.GenericSchema<unknown, Ask<K>>;
  /** Returns the answer as text for people. */
  show(answer: Report<K>, said: Ask<K>): string;
}

/** Returns the command that asks the row `row`; a change can be tried with --dry-run. */
export function askCommand<K extends Name>(row: K, { meta, args, means, show }: AskDef<K>): Leaf {
  return defineCommand({
    meta,
    args: { ...args, ...(isRehearsed(row) && DRY_RUN_ARG), ...CONTROL_ARGS },
    run(context) {
      const said = parseArgs(means ?? v.object({}), context.args) as Ask<K>;
      const client = clientOf(context.args);
      if (isRehearsed(row) && context.args["dry-run"] === true)
        return tell(client.rehearse(row, said), context, showDryRun);
      const asked = client.ask(row, ...([said] as Given<K>));
      return tell(asked, context, (answer) => show(answer, said));
    },
  });
}
