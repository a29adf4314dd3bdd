// What can be a control socket's path: an empty one would make some servers listen on a TCP port instead.

/** Longest path that bind() takes, without the NUL. Source: unix(7), sun_path. */
const MAX_PATH = 107;

/** Returns why `path` can't be a control socket, or undefined when it can. */
export function wrongSocketPath(path: string): string | undefined {
  if (!path.startsWith("/")) return `${JSON.stringify(path)} is no whole path`;
  const bytes = Buffer.byteLength(path);
  if (bytes > MAX_PATH) return `${path} has ${bytes} bytes, and a socket's path ends at ${MAX_PATH}`;
  if (path.includes("\0") || path.endsWith("/")) return `${JSON.stringify(path)} can't name a socket`;
  return undefined;
}
