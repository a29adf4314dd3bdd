// The Debian packages as they are published: judged by lintian, installed, and the installed executables run.

import { afterAll, beforeAll, describe, expect, setDefaultTimeout } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { version } from "../../package.json";
import { makePackages, ownTarget, packageEpoch } from "../../scripts/package.ts";
import { testNeeding } from "../helpers/needing.ts";
import { emptyDpkgRoot } from "../packaging/dpkg-root.ts";
import { DIST } from "./scenario.ts";

setDefaultTimeout(180_000);

/** What lintian remarks on as information, of Bun's own build and words, and of there being no script for SysV's init. */
const INFO =
  /^I: \S+: (spelling-error-in-binary|hardening-no-bindnow|package-supports-alternative-init-but-no-init.d-script) .*\n/gm;

describe("the Debian packages", () => {
  const dir = mkdtempSync(join(tmpdir(), "powermon-debs-"));
  let files: readonly string[] = [];
  beforeAll(async () => {
    if (Bun.which("dpkg-deb") === null) return;
    files = await makePackages({
      target: ownTarget(),
      formats: ["deb"],
      out: dir,
      executable: (name) => join(DIST, name),
      version,
      epoch: packageEpoch(),
      maintainer: "The powermon authors <powermon@localhost>",
    });
  });
  afterAll(() => rmSync(dir, { recursive: true }));

  testNeeding(
    ["dpkg-deb", "lintian"],
    "are clean for lintian but for the overrides that state why",
    () => {
      const words = ["--allow-root", "--display-info", "--fail-on=error,warning"];
      const lintian = Bun.spawnSync(["lintian", ...words, ...files], {
        env: { ...process.env, LC_ALL: "C.UTF-8" },
      });
      expect(
        lintian.stdout
          .toString()
          .replace(/^N:.*\n/gm, "")
          .replace(INFO, ""),
      ).toBe("");
      expect(lintian.exitCode).toBe(0);
    },
    120_000,
  );

  testNeeding(
    ["dpkg-deb", "root"],
    "bring executables that run where they are installed",
    () => {
      const root = join(dir, "root");
      emptyDpkgRoot(root)("-i", ...files);
      for (const name of ["powermon", "vmpower-guest"]) {
        const run = Bun.spawnSync([join(root, "usr/bin", name), "--version"], { cwd: "/" });
        expect(run.stdout.toString()).toBe(`${name} ${version}\n`);
      }
    },
    60_000,
  );
});
