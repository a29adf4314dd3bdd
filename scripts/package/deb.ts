// A Debian package, by dpkg-deb alone.

import { chmodSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Entry } from "./contents.ts";
import { type Draft, type Hook, hookBody, hookVariables, runTool, writeTree } from "./tree.ts";

const root = new URL("../..", import.meta.url).pathname;

/** When Debian calls which of our hooks. Source: Debian Policy 6.5. */
const SCRIPTS: Readonly<Record<string, readonly (readonly [when: string, hook: Hook])[]>> = {
  postinst: [["configure", "after-install"]],
  prerm: [["remove", "before-remove"]],
  postrm: [
    ["remove", "after-remove"],
    ["purge", "after-purge"],
  ],
};

/**
 * Writes the package into the folder `out` and returns its path. `work` is a folder to use.
 * @param maintainer name and address, as in a mail's From
 * @param isPlain true to compress nothing
 */
export function buildDeb(
  draft: Draft,
  arch: string,
  maintainer: string,
  isPlain: boolean,
  work: string,
  out: string,
): string {
  const { packaged, contents, version, epoch } = draft;
  const { name } = packaged;
  const date = new Date(epoch * 1000).toUTCString().replace("GMT", "+0000");
  const changelog = `${name} (${version}-1) unstable; urgency=medium\n\n  * What changed is in changelog.gz.\n\n -- ${maintainer}  ${date}\n`;
  const entries: Entry[] = [
    // Debian's zsh looks for packages' completions elsewhere than zsh's own default.
    ...contents.entries.map((entry) => ({
      ...entry,
      to: entry.to.replace("zsh/site-functions", "zsh/vendor-completions"),
    })),
    {
      to: `usr/share/doc/${name}/changelog.Debian.gz`,
      mode: 0o644,
      content: { text: Bun.gzipSync(Buffer.from(changelog), { level: 9 }) },
    },
    {
      to: `usr/share/lintian/overrides/${name}`,
      mode: 0o644,
      content: { text: overridesOf(name) },
    },
  ];
  const tree = join(work, "deb");
  writeTree(entries, tree);
  const control = (file: string, text: string, mode = 0o644) => {
    writeFileSync(join(tree, "DEBIAN", file), text);
    chmodSync(join(tree, "DEBIAN", file), mode);
  };
  mkdirSync(join(tree, "DEBIAN"), { mode: 0o755 });
  control("control", controlFile(draft, arch, maintainer, tree, entries));
  const sums = entries.map(({ to }) => `${md5(join(tree, to))}  ${to}\n`);
  control("md5sums", sums.join(""));
  const configs = entries.filter(({ isConfig }) => isConfig);
  if (configs.length > 0) control("conffiles", configs.map(({ to }) => `/${to}\n`).join(""));
  for (const [script, calls] of Object.entries(SCRIPTS)) {
    const text = scriptOf(draft, calls);
    if (text !== undefined) control(script, text, 0o755);
  }
  const file = join(out, `${name}_${version}-1_${arch}.deb`);
  // Level 1: a tenth of the time of the default for a tenth more bytes.
  const packing = isPlain ? ["-Znone"] : ["-Zxz", "-z1"];
  runTool(["dpkg-deb", "--root-owner-group", ...packing, "--build", tree, file], work, epoch);
  return file;
}

function controlFile(
  draft: Draft,
  arch: string,
  maintainer: string,
  tree: string,
  entries: readonly Entry[],
) {
  const { packaged, version } = draft;
  const bytes = entries.reduce((sum, { to }) => sum + statSync(join(tree, to)).size, 0);
  return `${[
    `Package: ${packaged.name}`,
    `Version: ${version}-1`,
    "Section: admin",
    "Priority: optional",
    `Architecture: ${arch}`,
    `Maintainer: ${maintainer}`,
    `Installed-Size: ${Math.ceil(bytes / 1024)}`,
    // Of what the executable calls, memfd_create and the like are looked up when it runs. Source: objdump -T.
    "Depends: libc6 (>= 2.17)",
    ...(packaged.suggests.length > 0 ? [`Suggests: ${packaged.suggests.join(", ")}`] : []),
    `Description: ${packaged.summary}`,
    ...packaged.description.map((line) => ` ${line}`),
  ].join("\n")}\n`;
}

/** Nothing for a package that the system need not take up. */
function scriptOf(draft: Draft, calls: (typeof SCRIPTS)[string]): string | undefined {
  const { units, sysusers, tmpfiles, rules } = draft.contents;
  if ([units, sysusers, tmpfiles, rules].every((list) => list.length === 0)) return undefined;
  const cases = calls.map(([when, hook]) => `if [ "$1" = ${when} ]; then\n${hookBody(hook)}\nfi\n`);
  return `#!/bin/sh\nset -e\nroot=\${DPKG_ROOT:-}\n${hookVariables(draft)}\n${cases.join("")}`;
}

function md5(path: string): string {
  return new Bun.CryptoHasher("md5").update(readFileSync(path)).digest("hex");
}

/** Returns lintian's overrides for package `name`: those of every package, and its own. */
function overridesOf(name: string): string {
  const all = readFileSync(`${root}packaging/lintian/overrides`, "utf8").replaceAll("@name@", name);
  const lines = all.split("\n").filter((line) => line.startsWith("#") || line.startsWith(`${name}: `));
  // A reason alone, whose override is another package's, is left out.
  const used = lines.filter(
    (line, i) => !line.startsWith("#") || lines[i + 1]?.startsWith(`${name}: `) === true,
  );
  return `${used.join("\n")}\n`;
}
