// One executable of small programs, each of which tries what powermon leans on; nothing of powermon is in it.
// `PROGRAM NAME [WORDS]` prints one line of JSON: what was found.

import { writeSync } from "node:fs";

type Program = { readonly default: (...words: string[]) => unknown };

const PROGRAMS: Readonly<Record<string, () => Promise<Program>>> = {
  sockets: () => import("./promises/sockets.ts"),
  files: () => import("./promises/files.ts"),
  fifos: () => import("./promises/fifos.ts"),
  watch: () => import("./promises/watch.ts"),
  children: () => import("./promises/children.ts"),
  signals: () => import("./promises/signals.ts"),
  ends: () => import("./promises/ends.ts"),
  outputs: () => import("./promises/outputs.ts"),
  clocks: () => import("./promises/clocks.ts"),
  idle: () => import("./promises/idle.ts"),
  surroundings: () => import("./promises/surroundings.ts"),
};

const [name = "", ...words] = process.argv.slice(2);
const found = await (await PROGRAMS[name]?.())?.default(...words);
if (found !== undefined) writeSync(3, `${JSON.stringify(found)}\n`);
