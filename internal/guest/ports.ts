// Which ports a VM has: without it a person would have to know their names to find out that one is missing.

import { readdirSync } from "node:fs";
import { portNumber } from "./port.ts";

/** Returns the numbers of the poweragent ports in the folder `dir`, ascending; none when the folder isn't there. */
export function listPorts(dir: string): readonly number[] {
  let names: string[];
  try {
    names = readdirSync(dir);
  } catch {
    return [];
  }
  return names
    .map(portNumber)
    .filter((n) => n !== undefined)
    .sort((a, b) => a - b);
}
