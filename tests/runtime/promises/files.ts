// Positions of reads and writes: with a number they are pread and pwrite, without one they go on from where they were.

import { closeSync, openSync, readFileSync, readSync, writeFileSync, writeSync } from "node:fs";

export default function files(dir: string) {
  const path = `${dir}/file`;
  writeFileSync(path, "0123456789");
  const fd = openSync(path, "r+");
  const buffer = Buffer.alloc(2);
  const read = (position: number | null) => {
    const size = readSync(fd, buffer, 0, 2, position);
    return buffer.toString("latin1", 0, size);
  };
  const reads = [read(null), read(0), read(8), read(null)];
  writeSync(fd, Buffer.from("ab"), 0, 2, 0);
  writeSync(fd, Buffer.from("cd"), 0, 2, null);
  closeSync(fd);
  Bun.spawnSync(["mkfifo", `${dir}/fifo`]);
  const pipe = openSync(`${dir}/fifo`, "r+");
  const seek = codeOf(() => writeSync(pipe, Buffer.from("x"), 0, 1, 0));
  closeSync(pipe);
  return { reads, written: readFileSync(path, "latin1"), seek };
}

function codeOf(work: () => unknown): unknown {
  try {
    return work();
  } catch (cause) {
    return (cause as NodeJS.ErrnoException).code;
  }
}
