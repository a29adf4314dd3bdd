// Which file of a package comes from where: .deb, .rpm and tarball are made of this one list.

import { existsSync, readFileSync } from "node:fs";
import { completions, SHELL_FOLDERS } from "../completions.ts";
import { manPages } from "../man.ts";
import { type Installed, installedDocument } from "./documents.ts";
import type { Packaged } from "./programs.ts";
import { version } from "../../package.json";

const root = new URL("../..", import.meta.url).pathname;

export interface Entry {
  /** Without the first slash. */
  readonly to: string;
  readonly mode: number;
  readonly content: { readonly file: string } | { readonly text: string | Uint8Array };
  /** A person's to change: kept over upgrades. */
  readonly isConfig?: true;
}

export interface Contents {
  readonly entries: readonly Entry[];
  /** Names of what the system has to take up, for the hooks. */
  readonly units: readonly string[];
  readonly sysusers: readonly string[];
  readonly tmpfiles: readonly string[];
  readonly rules: readonly string[];
}

/** Files of the system's own folders belong to the program whose name theirs begins with, an order number left out. */
const SYSTEM_FOLDERS = {
  units: { glob: "*.{service,socket,timer,path}", to: "usr/lib/systemd/system" },
  sysusers: { glob: "sysusers.d/*.conf", to: "usr/lib/sysusers.d" },
  tmpfiles: { glob: "tmpfiles.d/*.conf", to: "usr/lib/tmpfiles.d" },
  rules: { glob: "udev/*.rules", to: "usr/lib/udev/rules.d" },
} as const;

/**
 * Returns what is in the package.
 * @param executable the built program
 * @param sbom the bill of materials, as JSON
 */
export async function contentsOf(
  packaged: Packaged,
  executable: string,
  sbom: string,
  date: string,
): Promise<Contents> {
  const { name } = packaged;
  const doc = `usr/share/doc/${name}`;
  const system = (kind: keyof typeof SYSTEM_FOLDERS) =>
    [...new Bun.Glob(SYSTEM_FOLDERS[kind].glob).scanSync(`${root}packaging`)]
      .filter((file) => ownerOf(file) === name)
      .sort();
  const own = {
    units: system("units"),
    sysusers: system("sysusers"),
    tmpfiles: system("tmpfiles"),
    rules: system("rules"),
  };
  const man = await manPages(date);
  const scripts = await completions();
  const text = (to: string, content: string | Uint8Array): Entry => ({
    to,
    mode: 0o644,
    content: { text: content },
  });
  const file = (to: string, from: string): Entry => ({
    to,
    mode: 0o644,
    content: { file: `${root}${from}` },
  });
  const installed: Installed = new Map([
    ...packaged.documents.map((name) => [`docs/${name}`, `${doc}/${name}`] as const),
    ...packaged.examples
      .flatMap((folder) => [...new Bun.Glob(`${folder}/**`).scanSync(`${root}packaging`)].sort())
      .map((name) => [`packaging/${name}`, `${doc}/examples/${name}`] as const),
    ...Object.entries(packaged.others),
  ]);
  const example = `packaging/${name}.toml.example`;
  const entries: Entry[] = [
    { to: `usr/bin/${name}`, mode: 0o755, content: { file: executable } },
    {
      to: `usr/lib/${name}/cpu-check`,
      mode: 0o755,
      content: { file: `${root}packaging/cpu-check.sh` },
    },
    ...(Object.keys(own) as (keyof typeof own)[]).flatMap((kind) =>
      own[kind].map((path) => file(`${SYSTEM_FOLDERS[kind].to}/${baseOf(path)}`, `packaging/${path}`)),
    ),
    ...packaged.manuals.map((page) =>
      text(
        `usr/share/man/man${page.at(-1)}/${page}.gz`,
        Bun.gzipSync(Buffer.from(man.get(page) ?? missing(page)), { level: 9 }),
      ),
    ),
    ...Object.values(SHELL_FOLDERS).map((place) =>
      text(`usr/share/${place(name)}`, scripts.get(place(name)) ?? missing(place(name))),
    ),
    ...(existsSync(`${root}${example}`)
      ? [
          { ...file(packaged.config, example), isConfig: true } as const,
          file(`${doc}/examples/${name}.toml`, example),
        ]
      : []),
    ...[...installed].map(([from, to]) =>
      from.endsWith(".md")
        ? text(to, installedDocument(from, readFileSync(`${root}${from}`, "utf8"), installed))
        : file(to, from),
    ),
    text(`${doc}/copyright`, copyright()),
    text(`${doc}/changelog.gz`, Bun.gzipSync(readFileSync(`${root}CHANGELOG.md`), { level: 9 })),
    text(`${doc}/sbom.cdx.json`, sbom),
  ];
  const names = (paths: readonly string[]) => paths.map(baseOf);
  return {
    entries: entries.sort((a, b) => (a.to < b.to ? -1 : 1)),
    units: names(own.units),
    sysusers: names(own.sysusers),
    tmpfiles: names(own.tmpfiles),
    rules: names(own.rules),
  };
}

const baseOf = (path: string): string => path.slice(path.lastIndexOf("/") + 1);

function ownerOf(path: string): string {
  return baseOf(path).replace(/^\d+-/, "").startsWith("vmpower-guest") ? "vmpower-guest" : "powermon";
}

function missing(what: string): never {
  throw new Error(`nothing makes ${what}`);
}

/** Our licence, and those of what the executables contain. */
function copyright(): string {
  const { dependencies, devDependencies } = JSON.parse(readFileSync(`${root}package.json`, "utf8"));
  const parts = Object.entries<string>(dependencies).map(([name, at]) => {
    const folder = `${root}node_modules/${name}`;
    const license =
      ["LICENSE", "LICENSE.md"].find((file) => existsSync(`${folder}/${file}`)) ??
      missing(`${name}'s licence`);
    return `${name} ${at}:\n\n${readFileSync(`${folder}/${license}`, "utf8").trim()}`;
  });
  return (
    [
      `powermon ${version}`,
      readFileSync(`${root}LICENSE`, "utf8").trim(),
      "The executables contain the following.",
      ...parts,
      `Bun ${devDependencies.bun}: MIT License; it links JavaScriptCore, which is under the GNU Library General Public License,\nversion 2 (on Debian: /usr/share/common-licenses/LGPL-2). Source and notices: https://github.com/oven-sh/bun`,
    ].join("\n\n---\n\n") + "\n"
  );
}
