// Makes dist/packages: .deb, .rpm where rpmbuild is there, tarballs with install.sh, and SHA256SUMS of them all.
//
//   bun scripts/package.ts                                      this machine's kind, built anew
//   bun scripts/package.ts --no-build                           what lies in dist/
//   bun scripts/package.ts --target linux-arm64 --bun PATH      another kind: PATH is that kind's bun executable
//   bun scripts/package.ts --only deb,tar                       some of deb, rpm, tar
//
// The Debian packages' maintainer is DEBFULLNAME <DEBEMAIL>; times are SOURCE_DATE_EPOCH, or the last commit's.

import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { version } from "../package.json";
import { contentsOf } from "./package/contents.ts";
import { buildDeb } from "./package/deb.ts";
import { PACKAGED, type Packaged, TARGETS, type Target } from "./package/programs.ts";
import { buildRpm } from "./package/rpm.ts";
import { billOfMaterials } from "./package/sbom.ts";
import { buildTarball } from "./package/tarball.ts";
import type { Draft } from "./package/tree.ts";

export const FORMATS = ["deb", "rpm", "tar"] as const;
export type Format = (typeof FORMATS)[number];

export interface PackageOptions {
  readonly target: string;
  readonly formats: readonly Format[];
  /** Folder that the packages go to. */
  readonly out: string;
  /** Returns where the built program is. */
  readonly executable: (name: Packaged["name"]) => string;
  readonly version: string;
  readonly epoch: number;
  /** Name and address, as in a mail's From. */
  readonly maintainer: string;
  /** True for a .deb that is not compressed, for machines that take long to unpack. */
  readonly isPlain?: boolean;
}

/** Writes the packages of all programs and returns their paths. Errors: thrown with the failed tool's words. */
export async function makePackages(options: PackageOptions): Promise<readonly string[]> {
  const { epoch, out, target } = options;
  const names: Target | undefined = TARGETS[target];
  if (names === undefined)
    throw new Error(`no target ${target}; the targets are ${Object.keys(TARGETS).join(", ")}`);
  const date = new Date(epoch * 1000).toISOString().slice(0, 10);
  const files: string[] = [];
  mkdirSync(out, { recursive: true });
  for (const packaged of PACKAGED) {
    const executable = options.executable(packaged.name);
    const contents = await contentsOf(packaged, executable, billOfMaterials(packaged.name, date), date);
    const draft: Draft = { packaged, contents, version: options.version, epoch };
    for (const format of options.formats) {
      const work = mkdtempSync(join(tmpdir(), "powermon-package-"));
      try {
        if (format === "deb" && names.deb !== undefined)
          files.push(buildDeb(draft, names.deb, options.maintainer, options.isPlain ?? false, work, out));
        if (format === "rpm" && names.rpm !== undefined) files.push(buildRpm(draft, names.rpm, work, out));
        if (format === "tar") files.push(buildTarball(draft, target, work, out));
      } finally {
        rmSync(work, { recursive: true });
      }
    }
  }
  const packages = readdirSync(out).filter((file) => /\.(deb|rpm|gz)$/.test(file));
  const sums = packages.sort().map((file) => {
    const sum = new Bun.CryptoHasher("sha256").update(readFileSync(join(out, file))).digest("hex");
    return `${sum}  ${file}\n`;
  });
  writeFileSync(join(out, "SHA256SUMS"), sums.join(""));
  return files;
}

/** Returns the time that everything in a package gets: SOURCE_DATE_EPOCH, the last commit's, or now. */
export function packageEpoch(): number {
  const given = process.env["SOURCE_DATE_EPOCH"];
  if (given !== undefined) return Number(given);
  const git = Bun.spawnSync(["git", "log", "-1", "--format=%ct"], { cwd: import.meta.dir, stderr: "ignore" });
  return git.success ? Number(git.stdout.toString()) : Math.floor(Date.now() / 1000);
}

/** Returns this machine's kind. */
export function ownTarget(): string {
  const musl = existsSync("/etc/alpine-release") ? "-musl" : "";
  return `linux-${process.arch}${musl}`;
}

async function run(): Promise<void> {
  const { values } = parseArgs({
    allowNegative: true,
    options: {
      build: { type: "boolean", default: true },
      bun: { type: "string" },
      target: { type: "string", default: ownTarget() },
      only: { type: "string" },
    },
  });
  const root = new URL("..", import.meta.url).pathname;
  const out = `${root}dist/packages`;
  const { target } = values;
  const suffix = target === ownTarget() ? "" : `-${target}`;
  const wanted =
    values.only?.split(",") ?? FORMATS.filter((format) => format !== "rpm" || Bun.which("rpmbuild") !== null);
  const formats = FORMATS.filter((format) => wanted.includes(format));
  if (formats.length !== wanted.length) throw new Error(`--only takes some of ${FORMATS.join(",")}`);
  if (!formats.includes("rpm")) console.log("no .rpm: rpmbuild is not installed or not wanted");
  if (values.build) {
    const bun = values.bun === undefined ? [] : ["--bun", values.bun];
    if (suffix !== "" && bun.length === 0)
      throw new Error(`${target} needs --bun, the bun executable of that kind`);
    const build = [process.execPath, `${root}scripts/build.ts`, `--suffix=${suffix}`, ...bun];
    if (!Bun.spawnSync(build, { stdout: "inherit", stderr: "inherit" }).success)
      throw new Error("the build failed");
  }
  const { DEBFULLNAME = "The powermon authors", DEBEMAIL = "powermon@localhost" } = process.env;
  const files = await makePackages({
    target,
    formats,
    out,
    executable: (name) => `${root}dist/${name}${suffix}`,
    version,
    epoch: packageEpoch(),
    maintainer: `${DEBFULLNAME} <${DEBEMAIL}>`,
  });
  for (const file of files)
    console.log(`${file.slice(root.length)}  ${(statSync(file).size / 1e6).toFixed(0)} MB`);
}

if (import.meta.main) await run();
