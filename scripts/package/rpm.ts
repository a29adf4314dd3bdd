// An RPM package, by rpmbuild from the same tree.

import { mkdirSync, renameSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { type Draft, type Hook, hookBody, hookVariables, runTool, writeTree } from "./tree.ts";

/** Writes the package into the folder `out` and returns its path. `work` is a folder to use. */
export function buildRpm(draft: Draft, arch: string, work: string, out: string): string {
  const { packaged, contents, version, epoch } = draft;
  const top = join(work, "rpm");
  const tree = join(top, "tree");
  writeTree(contents.entries, tree);
  for (const folder of ["BUILD", "RPMS"]) mkdirSync(join(top, folder), { recursive: true });
  const hook = (section: string, body: Hook, condition = "") =>
    `${section}\nroot=''\n${hookVariables(draft)}\n${condition}${hookBody(body)}\n`;
  const files = contents.entries.map(({ to, isConfig }) => {
    const kind = isConfig ? "%config(noreplace) " : to.startsWith("usr/share/doc/") ? "%doc " : "";
    return `${kind}/${to}`;
  });
  const folders = new Set(contents.entries.flatMap(({ to }) => ownFolders(to, packaged.name)));
  const spec = `# Plain copies of the files: a stripped executable would be an empty Bun.
%global debug_package %{nil}
%global __os_install_post %{nil}
%global _build_id_links none
%global _binary_payload w1.xzdio
%global source_date_epoch_from_changelog 0
%global clamp_mtime_to_source_date_epoch 1
%global use_source_date_epoch_as_buildtime 1
Name: ${packaged.name}
Version: ${version}
Release: 1
Summary: ${packaged.summary}
License: MIT
AutoReqProv: no
Requires: libc.so.6(GLIBC_2.17)(64bit)
%description
${packaged.description.join("\n")}
%install
mkdir -p %{buildroot}
cp -a ${tree}/. %{buildroot}/
${hook("%post", "after-install")}
${hook("%preun", "before-remove", '[ "$1" = 0 ] || exit 0\n')}
${hook("%postun", "after-remove", '[ "$1" = 0 ] || exit 0\n')}
%files
%defattr(-,root,root,-)
${[...folders].map((folder) => `%dir /${folder}`).join("\n")}
${files.join("\n")}
`;
  writeFileSync(join(top, "package.spec"), spec);
  const defines = [`_topdir ${top}`, "_rpmfilename package.rpm", "_buildhost localhost"];
  runTool(
    [
      "rpmbuild",
      "-bb",
      "--quiet",
      `--target=${arch}`,
      ...defines.map((define) => `--define=${define}`),
      "package.spec",
    ],
    top,
    epoch,
  );
  const file = join(out, `${packaged.name}-${version}-1.${arch}.rpm`);
  renameSync(join(top, "RPMS/package.rpm"), file);
  return file;
}

/** Returns the folders above the file `path` that are the package's own: the first that is named for it, and all within. */
function ownFolders(path: string, name: string): readonly string[] {
  const folder = dirname(path);
  return folder.includes(`/${name}`) ? [...ownFolders(folder, name), folder] : [];
}
