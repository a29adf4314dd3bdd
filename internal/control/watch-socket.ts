// Where the socket is that only shows: beside the control socket, so that nobody has to be told of it.

import { dirname, join } from "node:path";

/** Returns the path of the socket for those who may look and not touch. @param control the control socket's whole path */
export function watchSocketOf(control: string): string {
  return join(dirname(control), "watch.sock");
}
