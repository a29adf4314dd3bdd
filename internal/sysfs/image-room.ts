// Room for a hibernation image: how large it will be, and how much swap is free for it.

import { all, ok, type Result } from "../values/result.ts";
import type { SysfsError } from "../values/sysfs-error.ts";
import { readText } from "./attr.ts";
import type { MachineRoots } from "./cpufreq/originals.ts";
import { powerDir } from "./power-state.ts";

/** What an image meets on this machine. Source: Documentation/admin-guide/pm/sleep-states.rst, hibernation. */
export interface ImageRoom {
  /** Free swap in kB; undefined on a kernel without swap. */
  readonly freeSwapKb: number | undefined;
  /** Anonymous memory in use, kB, which nothing but swap can take; undefined when the kernel does not tell. */
  readonly anonKb: number | undefined;
  /** What the image will be about, kB: memory in use, cut to power/image_size; undefined when the kernel does not tell. */
  readonly imageKb: number | undefined;
  /** Whether the kernel knows where it will find the image at the next boot; undefined when it does not tell. */
  readonly resumes: boolean | undefined;
}

/** An image must leave a rest of the swap. Source: systemd, src/shared/hibernate-util.c, HIBERNATION_SWAP_THRESHOLD. */
const MOST_OF_SWAP = 0.98;
/** An image is written no faster than this, bytes a second: what a slow disk does. */
const WRITE_RATE = 50e6;
/** Seconds to freeze processes and devices, and to free memory for the image. */
const FREEZE_S = 60;

/** Returns the free swap in kB from the text of /proc/swaps: 0 without any; zram is memory itself and doesn't count. */
export function parseFreeSwapKb(text: string): number {
  let free = 0;
  for (const line of text.split("\n").slice(1)) {
    const [path = "", , size, used] = line.split(/\s+/);
    if (path === "" || path.startsWith("/dev/zram")) continue;
    free += Math.max(0, Number(size) - Number(used)) || 0;
  }
  return free;
}

/** Reads what an image would meet now. Errors: as AttrDir.read. */
export function readImageRoom({ sysfsRoot, procRoot }: MachineRoots): Result<ImageRoom, SysfsError> {
  const dir = powerDir(sysfsRoot);
  const read = all({
    swaps: readText(`${procRoot}/swaps`),
    meminfo: readText(`${procRoot}/meminfo`),
    limit: dir.readNumber("image_size"),
    resume: dir.read("resume"),
  });
  if (!read.ok) return read;
  const { swaps, meminfo = "", limit, resume } = read.value;
  const total = memoryKb(meminfo, "MemTotal");
  const free = memoryKb(meminfo, "MemAvailable");
  const used = total === undefined || free === undefined ? undefined : Math.max(0, total - free);
  return ok({
    freeSwapKb: swaps === undefined ? undefined : parseFreeSwapKb(swaps),
    anonKb: memoryKb(meminfo, "Active(anon)"),
    imageKb: used === undefined || limit === undefined ? used : Math.min(used, Math.floor(limit / 1024)),
    resumes: resume === undefined ? undefined : resume !== "0:0",
  });
}

/** Returns why the image has no room, as the middle of a sentence; undefined when it has. */
export function lacksRoom({ freeSwapKb, anonKb = 0, imageKb = 0 }: ImageRoom): string | undefined {
  if (!freeSwapKb) return "there is no free swap for the memory's image";
  const needKb = Math.max(anonKb / MOST_OF_SWAP, imageKb);
  if (needKb <= freeSwapKb) return undefined;
  return `free swap is too small for the memory's image: ${mib(freeSwapKb)} MiB of about ${mib(needKb)}`;
}

/** Returns the least number of seconds after which an alarm finds the image written. */
export const leastImageS = ({ imageKb = 0 }: ImageRoom): number =>
  FREEZE_S + Math.ceil((imageKb * 1024) / WRITE_RATE);

const mib = (kb: number): number => Math.ceil(kb / 1024);

function memoryKb(meminfo: string, name: string): number | undefined {
  const line = meminfo.split("\n").find((one) => one.startsWith(`${name}:`));
  const kb = /:\s+(\d{1,15}) kB/.exec(line ?? "")?.[1];
  return kb === undefined ? undefined : Number(kb);
}
