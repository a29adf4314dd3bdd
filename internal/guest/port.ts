// The guest's end of a channel: what a port can do, how ports are named, and which ones this VM has.

import { readdirSync } from "node:fs";
import type { Result } from "../values/result.ts";
import type { GuestFailure } from "./failure.ts";

/** An open channel to the host. Nothing here blocks. */
export interface Port {
  /** As it was asked for. */
  readonly name: string;
  /** Hands one frame over in one write. Errors: absent-host; write-failed with what had gone out. */
  write(frame: Uint8Array): Result<void, GuestFailure>;
  /** Returns the bytes that wait, none if none do. Errors: absent-host once all was read and nobody is there; read-failed. */
  read(): Result<Uint8Array, GuestFailure>;
  /** True when a host that went may come back on this same port; else it is to be opened anew. */
  readonly heals: boolean;
  /** Waits until a read may find more or say something else, `ms` at most (Infinity: for ever). */
  wait(ms: number): Promise<void>;
  /** Ends a wait early. */
  interrupt(): void;
  close(): void;
}

export const DEFAULT_PORT_DIR = "/dev/virtio-ports";
const PREFIX = "virtio.serial.port.poweragent.";

/** Returns the path of the port of lcore `n`. Source: DPDK drivers/power/kvm_vm/kvm_vm.c, FD_PATH. */
export function portPath(n: number, dir: string = DEFAULT_PORT_DIR): string {
  return `${dir}/${PREFIX}${n}`;
}

/** Returns the port number in the last part of `path`, or undefined when it isn't named as one. */
export function portNumber(path: string): number | undefined {
  const name = path.slice(path.lastIndexOf("/") + 1);
  const digits = name.startsWith(PREFIX) ? name.slice(PREFIX.length) : "";
  return /^(0|[1-9][0-9]{0,4})$/.test(digits) ? Number(digits) : undefined;
}

/** Returns the numbers of the poweragent ports in the folder `dir`, ascending; none when the folder isn't there. */
export function listPorts(dir: string): readonly number[] {
  let names: string[];
  try {
    names = readdirSync(dir);
  } catch {
    return [];
  }
  return names
    .map(portNumber)
    .filter((n) => n !== undefined)
    .sort((a, b) => a - b);
}
