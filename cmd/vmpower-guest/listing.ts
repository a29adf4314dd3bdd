// A command that asks about all vCPUs at once and prints the rows wanted of the answer, as freq and caps do.

import * as v from "valibot";
import { cpuList, parseArgs } from "../../internal/cli/args.ts";
import { defineCommand, type Io, type Leaf, type Meta } from "../../internal/cli/command.ts";
import { STATUS, type Status } from "../../internal/cli/status.ts";
import { json } from "../../internal/output/json.ts";
import { table } from "../../internal/output/table.ts";
import { MAX_V1_VCPUS } from "../../internal/values/request.ts";
import { DONE_ENDING, type Ending, endingOf, PLACE_ARGS, worst } from "./channel.ts";
import type { Lists } from "../../internal/guest/vcpu-list.ts";
import { withPlace } from "./with-place.ts";

/** What a listing shows of each vCPU: the columns for people, the keys for JSON. */
interface View<K extends keyof Lists> {
  readonly question: K;
  readonly headings: readonly string[];
  cells(entry: Lists[K]): readonly string[];
  keys(entry: Lists[K]): object;
}

/** Returns the command that shows `view`. */
export function listing<K extends keyof Lists>(
  meta: Omit<Meta, "details">,
  keys: string,
  view: View<K>,
): Leaf {
  return defineCommand({
    meta: {
      ...meta,
      details:
        "The host must allow this VM to query (there: powermon vm query VM on), else DPDK's says nothing (status 4) and powermon why (status 3).\n" +
        `JSON: {"port", "outcome", "message", "vmVcpus", "vcpus": [{"vcpu", ${keys}`,
    },
    args: {
      vcpu: { type: "string", valueHint: "list|all", default: "all", description: "vCPUs to show" },
      ...PLACE_ARGS,
    },
    run: ({ args, io }) => list(view, parseArgs(v.object({ vcpu: cpuList }), args).vcpu, args, io),
  });
}

async function list<K extends keyof Lists>(
  view: View<K>,
  vcpus: "all" | readonly number[],
  args: { readonly json: boolean },
  io: Io,
): Promise<Status> {
  return await withPlace(args, io, async (place) => {
    const { port, outcome, message, status, count, entries } = await place.list(view.question, vcpus);
    if (outcome !== "done") {
      if (args.json) io.out(json({ port, outcome, message, vmVcpus: null, vcpus: [] }));
      else io.err(message ?? "");
      return status;
    }
    const wanted = vcpus === "all" ? [...entries.keys()] : vcpus;
    const rows = wanted.map((vcpu) => ({
      vcpu,
      entry: entries[vcpu],
      ending: rowEnding(port, vcpu, entries.length, count),
    }));
    if (args.json) {
      const shown = rows.map(({ vcpu, entry, ending }) => ({
        vcpu,
        ...(entry !== undefined && view.keys(entry)),
        outcome: ending.outcome,
        message: ending.message,
      }));
      io.out(json({ port, outcome, message: null, vmVcpus: count, vcpus: shown }));
    } else {
      const shown = rows.flatMap(({ vcpu, entry }) =>
        entry === undefined ? [] : [[String(vcpu), ...view.cells(entry)]],
      );
      if (shown.length > 0) io.out(table([["VCPU", ...view.headings], ...shown]));
      for (const { ending } of rows) if (ending.message !== null) io.err(ending.message);
      if (vcpus === "all" && count > entries.length) {
        io.err(
          `This VM has ${count} vCPUs; an answer of DPDK's format has room for the first ${entries.length}.`,
        );
      }
    }
    return worst(rows.map(({ ending }) => ending.status));
  });
}

function rowEnding(port: string, vcpu: number, listed: number, count: number): Ending {
  if (vcpu < listed) return DONE_ENDING;
  if (vcpu < count || (vcpu >= MAX_V1_VCPUS && listed <= MAX_V1_VCPUS)) {
    const message = `vCPU ${vcpu} can't be asked about: an answer of DPDK's format has room for vCPUs 0 to ${MAX_V1_VCPUS - 1}.`;
    return { outcome: "not-listed", message, status: STATUS.unsupported };
  }
  return endingOf({ kind: "no-such-vcpu", port, vcpu, known: count });
}
