// A way to a TCP port that can be cut: what is open ends, what is new is refused.

import type { Socket } from "bun";

/** What one end has for the other, until that takes it. */
interface End {
  peer: Socket<End> | undefined;
  waiting: Uint8Array[];
}

export class Cut {
  readonly #listener: Bun.TCPSocketListener<End>;
  readonly #open = new Set<Socket<End>>();
  #isCut = false;

  /** @param port of 127.0.0.1, where the way leads */
  constructor(port: number) {
    const flush = (socket: Socket<End>) => {
      for (
        let chunk = socket.data.waiting.shift();
        chunk !== undefined;
        chunk = socket.data.waiting.shift()
      ) {
        const taken = socket.write(chunk);
        if (taken >= chunk.length) continue;
        if (taken >= 0) socket.data.waiting.unshift(chunk.subarray(taken));
        return;
      }
    };
    const pass = (to: Socket<End> | undefined, bytes: Uint8Array) => {
      if (to === undefined) return;
      to.data.waiting.push(Uint8Array.from(bytes));
      flush(to);
    };
    const closed = (socket: Socket<End>) => {
      this.#open.delete(socket);
      socket.data.peer?.end();
    };
    this.#listener = Bun.listen<End>({
      hostname: "127.0.0.1",
      port: 0,
      socket: {
        open: (client) => {
          const waiting: Uint8Array[] = [];
          client.data = { peer: undefined, waiting: [] };
          if (this.#isCut) return client.terminate();
          this.#open.add(client);
          early.set(client, waiting);
          void Bun.connect<End>({
            hostname: "127.0.0.1",
            port,
            data: { peer: client, waiting },
            socket: {
              open: (server) => {
                client.data.peer = server;
                this.#open.add(server);
                early.delete(client);
                flush(server);
              },
              data: (server, bytes) => pass(server.data.peer, bytes),
              drain: flush,
              close: closed,
            },
          }).catch(() => client.terminate());
        },
        data: (client, bytes) => {
          const waiting = early.get(client);
          if (waiting === undefined) pass(client.data.peer, bytes);
          else waiting.push(Uint8Array.from(bytes));
        },
        drain: flush,
        close: closed,
      },
    });
    const early = new Map<Socket<End>, Uint8Array[]>();
  }

  get port(): number {
    return this.#listener.port;
  }

  cut(): void {
    this.#isCut = true;
    for (const socket of this.#open) socket.terminate();
  }

  heal(): void {
    this.#isCut = false;
  }

  stop(): void {
    this.#listener.stop(true);
  }
}
