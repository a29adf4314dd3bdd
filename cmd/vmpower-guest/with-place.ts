// What commands do with a place and its rows: without it each would open, close and print in its own way.

import type { Io } from "../../internal/cli/command.ts";
import { STATUS, type Status } from "../../internal/cli/status.ts";
import { channelOf } from "./channel.ts";
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
    io.err(place.error);
    return STATUS.unsupported;
  }
  try {
    return await use(place.value);
  } finally {
    place.value.close();
  }
}

/** Returns a row as --json shows it. */
export function shown({ vcpu, port, outcome, message }: Row): object {
  return { vcpu, port, outcome, message };
}

/** Prints one line for each row: `done`, or why not. */
export function tellRows(rows: readonly Row[], done: string, io: Io): void {
  for (const { vcpu, message } of rows) {
    if (message === null) io.out(`vCPU ${vcpu}: ${done}`);
    else io.err(`vCPU ${vcpu}: ${message}`);
  }
}
