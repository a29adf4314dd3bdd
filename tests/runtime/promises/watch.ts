// A watched folder: changes are told, and those of a folder that was made anew at its path are not.

import { mkdirSync, rmdirSync, watch, writeFileSync } from "node:fs";

export default async function watchFolder(dir: string) {
  const [path, other] = [`${dir}/watched`, `${dir}/other`];
  mkdirSync(path);
  mkdirSync(other);
  let changes = 0;
  const first = Promise.withResolvers<void>();
  const watcher = watch(path, () => {
    changes++;
    first.resolve();
  });
  watcher.on("error", () => {});
  rmdirSync(path);
  await first.promise;
  mkdirSync(path);
  const before = changes;
  writeFileSync(`${path}/unseen`, "");
  // What is told of another folder later comes after what would have been told of this one.
  const later = Promise.withResolvers<void>();
  const second = watch(other, () => later.resolve());
  writeFileSync(`${other}/seen`, "");
  await later.promise;
  watcher.close();
  second.close();
  return { told: before > 0, deaf: changes === before, absent: await absent(`${dir}/nowhere`) };
}

async function absent(path: string): Promise<string | undefined> {
  try {
    watch(path, () => {}).close();
    return undefined;
  } catch (cause) {
    return (cause as NodeJS.ErrnoException).code;
  }
}
