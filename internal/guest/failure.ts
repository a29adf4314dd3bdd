// Every way a request can come to nothing in the guest, with the sentence that says what to do next.

import type { Stats } from "node:fs";
import type { Holder } from "./holder.ts";
import { MAX_SOCKET_PATH } from "../os/unix-socket.ts";

/** What a port's name starts with when it is a listening socket rather than a device. */
export const UNIX = "unix:";

/** Why there was no done. `port` is the path as it was asked for. */
export type GuestFailure =
  | { readonly kind: "no-port"; readonly port: string }
  | { readonly kind: "not-a-port"; readonly port: string; readonly what: string }
  | { readonly kind: "busy"; readonly port: string; readonly holder: Holder | undefined }
  | { readonly kind: "open-failed"; readonly port: string; readonly code: string }
  | { readonly kind: "absent-host"; readonly port: string }
  | {
      readonly kind: "no-answer";
      readonly port: string;
      readonly asked: "scale" | "query";
      readonly timeoutMs: number;
    }
  /** `text` is the host's own sentence, where it speaks the extension; `about` what was refused, where it is not one vCPU's request. */
  | {
      readonly kind: "refused";
      readonly port: string;
      readonly vcpu: number;
      readonly about?: string;
      readonly text?: string;
    }
  /** A vCPU past those that the host knows. */
  | {
      readonly kind: "no-such-vcpu";
      readonly port: string;
      readonly vcpu: number;
      readonly known: number;
    }
  /** The host wanted to, and its kernel said no. */
  | { readonly kind: "host-failed"; readonly port: string; readonly text: string }
  | { readonly kind: "not-understood"; readonly port: string; readonly text: string }
  /** The host knows no such request: it is an older powermon, or as far as it answers DPDK's own. */
  | { readonly kind: "host-too-old"; readonly port: string }
  /** The host has no meter, or can't tell this VM's part. */
  | { readonly kind: "no-meter"; readonly port: string; readonly text: string }
  /** DPDK's packets can't say it, and the host did not answer in our own words. */
  | { readonly kind: "v1-only"; readonly port: string; readonly timeoutMs: number }
  /** The same, for a policy of a VM without a name: DPDK's host takes an empty one for that of every VM that has none. */
  | { readonly kind: "no-name"; readonly port: string }
  | { readonly kind: "read-failed"; readonly port: string; readonly code: string }
  | {
      readonly kind: "write-failed";
      readonly port: string;
      readonly code: string;
      /** Bytes that went out before. */
      readonly written: number;
    };

/** Returns the sentences that tell what was wrong and what to do. */
export function explainFailure(no: GuestFailure): string {
  switch (no.kind) {
    case "no-port":
      return no.port.startsWith(UNIX)
        ? `There is no socket ${quote(no.port.slice(UNIX.length))}; is the VM or the host program that makes it running?`
        : `This VM has no poweragent port ${quote(no.port)}; add a virtio-serial channel of that name to the VM, one for each vCPU.`;
    case "not-a-port":
      return no.port.startsWith(UNIX)
        ? `${quote(no.port.slice(UNIX.length))} is ${no.what}, not a socket.`
        : `${quote(no.port)} is ${no.what}, not a virtio-serial port${no.what === "a socket" ? `; write ${UNIX}${no.port} to connect to it` : ""}.`;
    case "busy":
      return `Port ${quote(no.port)} is in use${holderText(no.holder)}; only one program can hold a port at a time, stop that one first.`;
    case "open-failed":
      return `Cannot open ${quote(no.port)}: ${no.code}${OPEN_ADVICE[no.code] ?? ""}.`;
    case "absent-host":
      return `No host program is connected to ${quote(no.port)}; start powermon (or DPDK's vm_power_manager) on the host for this VM's channel.`;
    case "no-answer":
      return no.asked === "query"
        ? `The host did not answer the query on ${quote(no.port)} within ${no.timeoutMs} ms: either it does not let this VM query, or not under this --vm-name (there: powermon vm query VM on), or it is too slow or not reading (try a longer --timeout-ms).`
        : `The host did not answer on ${quote(no.port)} within ${no.timeoutMs} ms: either it does not serve this channel (disabled, held by another client, or a DPDK before 19.11, which never answers), or it is too slow (try a longer --timeout-ms).`;
    case "refused":
      return no.text === undefined
        ? `The host refused ${refusedIn(no)} on ${quote(no.port)}; its log and \`powermon explain\` say why.`
        : `The host refused ${refusedIn(no)} on ${quote(no.port)}: ${no.text}`;
    case "no-such-vcpu":
      return `vCPU ${no.vcpu}: the host knows ${no.known} vCPUs of this VM (0 to ${no.known - 1}).`;
    case "host-failed":
      return `The host behind ${quote(no.port)} could not do it: ${no.text}`;
    case "not-understood":
      return `The host behind ${quote(no.port)} did not understand: ${no.text}`;
    case "host-too-old":
      return `The host behind ${quote(no.port)} is too old for this: it is a powermon that does not know the request, or DPDK's vm_power_manager; it takes a newer powermon on the host.`;
    case "no-meter":
      return `The host behind ${quote(no.port)} can't tell this VM's joules: ${no.text}`;
    case "v1-only":
      return `The host behind ${quote(no.port)} did not answer in powermon's own words within ${no.timeoutMs} ms, and DPDK's packets can't say this; what was set stays.`;
    case "no-name":
      return `The host behind ${quote(no.port)} has not answered in powermon's own words; DPDK's host keeps policies by the VM's name, and one without a name changes those of other VMs for good: give --vm-name NAME (the agent: vm_name), as the host calls this VM.`;
    case "read-failed":
      return `Cannot read ${quote(no.port)}: ${no.code}.`;
    case "write-failed":
      return no.code === "EAGAIN"
        ? `Cannot write ${quote(no.port)}: it is full after ${no.written} bytes, the host holds the channel but does not read it.`
        : `Cannot write ${quote(no.port)}: ${no.code} after ${no.written} bytes.`;
  }
}

const refusedIn = (no: Extract<GuestFailure, { kind: "refused" }>): string => no.about ?? `vCPU ${no.vcpu}`;

const OPEN_ADVICE: Readonly<Record<string, string>> = {
  EACCES:
    "; run as root, or be in the group of the port and of the agent's socket (`usermod -aG vmpower NAME`, then log in anew)",
  EINVAL: `; a socket's path has at most ${MAX_SOCKET_PATH} bytes`,
};

function holderText(holder: Holder | undefined): string {
  return holder === undefined
    ? " by a program this user can't see"
    : ` by ${holder.name} (pid ${holder.pid})`;
}

function quote(path: string): string {
  return JSON.stringify(path);
}

/** Returns the words for the kind of file `stats` tells of, with its article. */
export function fileKind(stats: Stats): string {
  if (stats.isDirectory()) return "a folder";
  if (stats.isSocket()) return "a socket";
  if (stats.isFIFO()) return "a FIFO";
  return stats.isFile() ? "a regular file" : "a device";
}
