// A root in which dpkg knows of nothing but a C library: packages go in and out of it as on a machine, without one.

import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/**
 * Makes the folder `root` such a root and returns dpkg for it. Maintainer scripts run outside, with DPKG_ROOT set.
 * Errors: the returned function throws with dpkg's words.
 */
export function emptyDpkgRoot(root: string): (...words: readonly string[]) => string {
  for (const folder of ["info", "updates", "triggers"])
    mkdirSync(join(root, "var/lib/dpkg", folder), { recursive: true });
  mkdirSync(join(root, "etc"));
  const arch = Bun.spawnSync(["dpkg", "--print-architecture"]).stdout.toString().trim();
  writeFileSync(
    join(root, "var/lib/dpkg/status"),
    `Package: libc6\nStatus: install ok installed\nMaintainer: nobody <nobody@localhost>\nArchitecture: ${arch}\nVersion: 2.36-1\nDescription: C library\n`,
  );
  return (...words) => {
    const dpkg = Bun.spawnSync(
      ["dpkg", `--root=${root}`, "--force-script-chrootless", "--force-confold", ...words],
      { env: { ...process.env, LC_ALL: "C" }, timeout: 60_000 },
    );
    if (!dpkg.success) throw new Error(`dpkg ${words.join(" ")}: ${dpkg.stdout}${dpkg.stderr}`);
    return dpkg.stdout.toString();
  };
}
