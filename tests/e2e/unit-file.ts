// The unit's own command lines as a user's systemd would run them.
import { readFileSync } from "node:fs";
import { join } from "node:path";

/** What the test needs of packaging/powermon.service. */
export interface UnitFile {
  readonly start: string;
  readonly stopPost: string;
  readonly reload: string;
  /** Environment= as words of env(1). */
  readonly environment: string;
}

/** Reads packaging/powermon.service. */
export function readUnit(): UnitFile {
  const text = readFileSync(join(import.meta.dir, "../../packaging/powermon.service"), "utf8");
  const value = (key: string): string => {
    const found = new RegExp(`^${key}=(.+)$`, "m").exec(text)?.[1];
    if (found === undefined) throw new Error(`packaging/powermon.service has no ${key}=`);
    return found;
  };
  return {
    start: value("ExecStart"),
    stopPost: value("ExecStopPost"),
    reload: value("ExecReload"),
    environment: value("Environment"),
  };
}
