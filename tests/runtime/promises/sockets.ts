// Sockets: their descriptors, partial and zero writes, whose the chunks are, and the order of what is told.

import { readlinkSync } from "node:fs";
import { connect, createServer } from "node:net";
import type { Socket } from "bun";

/** More than the kernel holds for one unix socket. */
const MUCH = 8 << 20;

export default async function sockets(dir: string) {
  const path = `${dir}/bun.sock`;
  const told: string[] = [];
  const kept: Uint8Array[] = [];
  const copies: string[] = [];
  let taken = 0;
  const peer = Promise.withResolvers<Socket>();
  const all = Promise.withResolvers<void>();
  const listener = Bun.listen({
    unix: path,
    socket: {
      open: (socket) => peer.resolve(socket),
      data(_socket, bytes) {
        taken += bytes.length;
        if (kept.length < 16) {
          kept.push(bytes);
          copies.push(Bun.hash(bytes).toString());
        }
        if (taken === MUCH) all.resolve();
      },
      end: () => void told.push("end"),
      close: () => void told.push("close"),
    },
  });
  const drained = Promise.withResolvers<void>();
  const ended = Promise.withResolvers<void>();
  const client = await Bun.connect({
    unix: path,
    socket: {
      data() {},
      drain: () => drained.resolve(),
      close: () => ended.resolve(),
    },
  });
  const server = await peer.promise;
  const isSocket = (fd: unknown) =>
    typeof fd === "number" && readlinkSync(`/proc/self/fd/${fd}`).startsWith("socket:");
  const fds = [client, server].map((socket) => isSocket(Reflect.get(socket, "fd")));

  // Nobody reads while nothing is awaited.
  const bytes = crypto.getRandomValues(new Uint8Array(65_536));
  const much = Buffer.concat(Array.from({ length: MUCH / bytes.length }, () => bytes));
  const first = client.write(much);
  const second = client.write(much.subarray(first));
  await drained.promise;
  let sent = first + second;
  while (sent < MUCH) {
    const written = client.write(much.subarray(sent));
    if (written > 0) sent += written;
    else await new Promise((resolve) => setImmediate(resolve));
  }
  await all.promise;
  const chunksAreOurs = kept.every((chunk, i) => Bun.hash(chunk).toString() === copies[i]);
  client.end();
  await ended.promise;
  while (!told.includes("close")) await new Promise((resolve) => setImmediate(resolve));
  listener.stop(true);

  return {
    fds,
    isPartial: first > 0 && first < MUCH,
    thenNothing: second,
    taken,
    chunksAreOurs,
    told,
    nodeFd: await nodeFd(`${dir}/node.sock`),
  };
}

/** Whether a connection that node:net took tells its descriptor, by a way that node's API does not name. */
function nodeFd(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer((socket) => {
      const fd: unknown = Reflect.get(Reflect.get(socket, "_handle") as object, "fd");
      resolve(typeof fd === "number" && readlinkSync(`/proc/self/fd/${fd}`).startsWith("socket:"));
      socket.destroy();
      server.close();
    }).listen(path, () => connect(path).on("error", () => {}));
  });
}
