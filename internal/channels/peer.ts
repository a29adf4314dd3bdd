// Who is at the other end of a channel.

/** A connected socket: its descriptor, where there is one to ask, and the path it is connected to. */
export interface Peer {
  readonly fd: number | undefined;
  readonly path: string;
}
