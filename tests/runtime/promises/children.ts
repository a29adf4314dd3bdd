// Children that lead a group: ending the group ends what they started, and closes the pipes that it held.

import { existsSync, readFileSync } from "node:fs";

export default async function children() {
  const spawn = (detached: boolean) =>
    Bun.spawn(["/bin/sh", "-c", "sleep 1000 & echo $!; wait"], { stdin: "ignore", stdout: "pipe", detached });
  const child = spawn(true);
  const reader = child.stdout.getReader();
  const grandchild = Number(Buffer.from((await reader.read()).value ?? []).toString());
  const [, , group, session] = statOf(child.pid);
  const ownGroup = statOf(process.pid)[2];
  process.kill(-child.pid, "SIGKILL");
  const { done } = await reader.read();
  await child.exited;
  while (isRunning(grandchild)) await new Promise((resolve) => setImmediate(resolve));
  // Without a group of its own the pipe stays open with the grandchild.
  const other = spawn(false);
  const lines = other.stdout.getReader();
  const left = Number(Buffer.from((await lines.read()).value ?? []).toString());
  const isOurs = statOf(other.pid)[2] === ownGroup;
  other.kill("SIGKILL");
  await other.exited;
  const stays = isRunning(left);
  process.kill(left, "SIGKILL");
  await lines.read();
  return { leads: group === child.pid && session === child.pid, pipeEnds: done, isOurs, stays };
}

/** Returns fields 3 on of a process's stat: state, parent, group, session. Source: proc_pid_stat(5). */
function statOf(pid: number): (number | string)[] {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  return stat
    .slice(stat.lastIndexOf(")") + 2)
    .split(" ")
    .map((word) => (/^\d+$/.test(word) ? Number(word) : word));
}

const isRunning = (pid: number): boolean => existsSync(`/proc/${pid}`) && statOf(pid)[0] !== "Z";
