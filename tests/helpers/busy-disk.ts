// A disk that is kept busy with synced writes: whoever waits for it waits long.

/** Keeps the disk under `folder` busy, with one file of `mib` MiB written over and over; returns what ends that. */
export function keepDiskBusy(folder: string, mib = 32): () => Promise<void> {
  const writes = `while :; do dd if=/dev/zero of=${folder}/busy bs=1M count=${mib} conv=fsync; done`;
  const child = Bun.spawn(["sh", "-c", writes], { stdout: "ignore", stderr: "ignore", detached: true });
  return async () => {
    process.kill(-child.pid, "SIGKILL");
    await child.exited;
  };
}
