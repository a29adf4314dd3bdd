// A folder for one test's configuration files, gone after it.

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

/** Returns a new folder that `using` removes, and a way to write files into it. */
export function configFolder() {
  const dir = mkdtempSync(join(tmpdir(), "powermon-config-"));
  return {
    dir,
    write(name: string, text: string): string {
      const path = join(dir, name);
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, text);
      return path;
    },
    [Symbol.dispose]: () => rmSync(dir, { recursive: true, force: true }),
  };
}
