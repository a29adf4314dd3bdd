// Who is at the other end of a connection to the control socket, as the kernel knows it.

import { peerCredentials } from "../os/libc.ts";
import { userName } from "../os/user-name.ts";

export interface Peer {
  readonly pid: number;
  readonly uid: number;
  /** The user's name, or `user N` where this machine's own users have none of that number. */
  readonly user: string;
}

/** Returns the peer of the connected unix socket `fd`; undefined where it can't be read. Source: unix(7), SO_PEERCRED. */
export function peerOf(fd: number): Peer | undefined {
  const peer = peerCredentials(fd);
  if (!peer.ok) return undefined;
  const { pid, uid } = peer.value;
  return { pid, uid, user: userName(uid) ?? `user ${uid}` };
}
