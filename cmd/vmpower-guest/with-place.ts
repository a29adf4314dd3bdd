// What commands do with a place and its rows: it is opened, used and closed, and they are printed, in one way.

import type { Io } from "../../internal/cli/command.ts";
import { STATUS, type Status } from "../../internal/cli/status.ts";
import { json } from "../../internal/output/json.ts";
import { failWith } from "../fail.ts";
import { channelOf, worst } from "./channel.ts";
import { choosePlace } from "./place/choose.ts";
import type { Place, Row } from "./place/place.ts";

/** Runs `use` with the place that PLACE_ARGS choose. Errors: UsageError for wrong flags. */
export async function withPlace(
  args: object,
  io: Io,
  use: (place: Place) => Promise<Status>,
): Promise<Status> {
  const place = await choosePlace(channelOf(args));
  if (!place.ok) {
    return failWith({ args, io, before: "" }, STATUS.unsupported, [place.error]);
  }
  try {
    return await use(place.value);
  } finally {
    place.value.close();
  }
}

/** Prints one line for each row, `done` or why not, or with --json the rows after `head`. Returns the status for all. */
export function tellRows(
  rows: readonly Row[],
  { json: asJson, done, head }: { readonly json: boolean; readonly done: string; readonly head?: object },
  io: Io,
): Status {
  if (asJson) {
    const vcpus = rows.map(({ vcpu, port, outcome, message }) => ({ vcpu, port, outcome, message }));
    io.out(json({ ...head, vcpus }));
  }
  for (const { vcpu, message } of asJson ? [] : rows) {
    if (message === null) io.out(`vCPU ${vcpu}: ${done}`);
    else io.err(`vCPU ${vcpu}: ${message}`);
  }
  return worst(rows.map((row) => row.status));
}
