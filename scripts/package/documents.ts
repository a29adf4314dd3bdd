// A document as a package brings it: its links lead to what is installed beside it, and paths of the repository to where their files went.

import { dirname, join, normalize, relative } from "node:path";

/** Where each file of the repository is installed, both without a first slash. */
export type Installed = ReadonlyMap<string, string>;

/**
 * Returns `text`, the document at `path` of the repository, with its links made for where it is installed. Of a link to what the package
 * does not bring its words stay.
 */
export function installedDocument(path: string, text: string, installed: Installed): string {
  const here = dirname(installed.get(path) ?? path);
  const linked = text.replace(/!?\[([^\]]*)\]\(([^)#]*)(#[^)]*)?\)/g, (link, words, target, part = "") => {
    if (target === "" || /^\w+:/.test(target)) return link;
    const place = placeOf(normalize(join(dirname(path), target)), installed);
    if (place === undefined) return words;
    return link.replace(`(${target}${part})`, `(${relative(here, place)}${part})`);
  });
  const named = [...installed].filter(([from]) => !from.startsWith("docs/"));
  return named.reduce((told, [from, to]) => told.replaceAll(from, `/${to}`), linked);
}

/** Returns where a file went, or a folder of which anything was brought. */
function placeOf(path: string, installed: Installed): string | undefined {
  const file = installed.get(path);
  if (file !== undefined) return file;
  for (const [from, to] of installed) {
    const tail = from.startsWith(`${path}/`) ? from.slice(path.length) : undefined;
    if (tail !== undefined && to.endsWith(tail)) return to.slice(0, -tail.length);
  }
  return undefined;
}
