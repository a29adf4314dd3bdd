// A FIFO as a stream: bytes come as they are written, writers that leave end nothing, and cancelling lets the process end.

import { closeSync, constants, openSync, readSync, writeFileSync } from "node:fs";

export default async function fifos(dir: string) {
  const path = `${dir}/fifo`;
  Bun.spawnSync(["mkfifo", path]);
  const fd = openSync(path, constants.O_RDWR | constants.O_NONBLOCK);
  const empty = codeOf(() => readSync(fd, Buffer.alloc(1), 0, 1, null));
  const reader = Bun.file(fd).stream().getReader();
  const next = async () => {
    const { value, done } = await reader.read();
    return done ? "done" : Buffer.from(value ?? []).toString();
  };
  const told: string[] = [];
  for (const text of ["one", "two"]) {
    const coming = next();
    writeFileSync(path, text);
    told.push(await coming);
  }
  const waiting = next();
  await reader.cancel();
  told.push(await waiting);
  closeSync(fd);
  return { empty, told };
}

function codeOf(work: () => unknown): unknown {
  try {
    return work();
  } catch (cause) {
    return (cause as NodeJS.ErrnoException).code;
  }
}
