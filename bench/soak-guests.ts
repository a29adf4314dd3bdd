// The bad neighbours of the soak, in a process of their own: guests that send anything, floods, VMs that come and go, hostile operators' clients.
//
//   bun bench/soak-guests.ts CHANNEL-DIR CONTROL-SOCKET SEED

import { rmSync } from "node:fs";
import type { Socket, UnixSocketListener } from "bun";
import { EXTENSION_PACKETS, PACKETS } from "../tests/fixtures/packet/golden.ts";
import { random } from "../tests/fixtures/packet/random.ts";

const [dir = "", control = "", seed = "1"] = process.argv.slice(2);
const next = random(Number(seed));
/** Every packet that a guest of any generation sends. */
const REQUESTS = [...PACKETS, ...EXTENSION_PACKETS]
  .filter(({ generation }) => !["reply", "answer"].includes(generation))
  .map(({ hex }) => Uint8Array.fromHex(hex));
const COMMAND_AT = 12;

/** A channel that the host may connect to; `go` is called for each connection and each time it takes more. */
class Channel {
  readonly #path: string;
  readonly #go: (socket: Socket<undefined>) => void;
  #listener: UnixSocketListener<undefined> | undefined;
  socket: Socket<undefined> | undefined;

  constructor(name: string, go: (socket: Socket<undefined>) => void = () => {}) {
    this.#path = `${dir}/${name}`;
    this.#go = go;
    this.open();
  }

  open(): void {
    rmSync(this.#path, { force: true });
    const go = this.#go;
    this.#listener = Bun.listen({
      unix: this.#path,
      socket: {
        open: (socket) => {
          this.socket = socket;
          go(socket);
        },
        drain: go,
        data: () => {},
        close: () => (this.socket = undefined),
        error: () => {},
      },
    });
  }

  /** Ends as QEMU does. */
  close(): void {
    this.#listener?.stop(true);
    this.socket = undefined;
    rmSync(this.#path, { force: true });
  }
}

const noise = (length: number): Uint8Array => Uint8Array.from({ length }, () => next(256));

/** Returns a request as it is, with bytes changed, with any command or code of the extension, cut off, or bytes that are none. */
function anything(): Uint8Array {
  const bytes = (REQUESTS[next(REQUESTS.length)] ?? noise(464)).slice();
  switch (next(6)) {
    case 0:
      for (let n = 1 + next(8); n > 0; n--) bytes[next(bytes.length)] = next(256);
      return bytes;
    case 1:
      if (bytes.length >= 16) bytes.set([next(256), next(2), 0x4d, 0x56], COMMAND_AT);
      return bytes;
    case 2:
      return bytes.subarray(0, next(bytes.length));
    case 3:
      return noise(1 + next(2000));
    default:
      return bytes;
  }
}

/** Sends anything, in any pieces; now and then its VM ends and comes back. */
function fuzz(name: string): void {
  const channel = new Channel(name);
  setInterval(() => {
    if (next(400) === 0) {
      channel.close();
      setTimeout(() => channel.open(), next(300));
      return;
    }
    for (let n = next(20); n > 0; n--) channel.socket?.write(anything());
  }, 5);
}

/** Sends whatever the host takes, in bursts with pauses that let it breathe. */
function flood(name: string): void {
  const request = REQUESTS.filter(({ length }) => length === 464)[next(8)] ?? noise(464);
  const burst = new Uint8Array(100 * request.length);
  for (let at = 0; at < burst.length; at += request.length) burst.set(request, at);
  let [on, sent] = [true, 0];
  const go = (socket: Socket<undefined>) => {
    for (let taken = 1; on && taken > 0; sent += Math.max(0, taken)) {
      taken = socket.write(burst.subarray(sent % burst.length));
    }
  };
  const channel = new Channel(name, go);
  setInterval(
    () => {
      on = !on;
      if (on && channel.socket !== undefined) go(channel.socket);
    },
    200 + next(2000),
  );
}

/** VMs with a channel each that come, ask a little and go. */
function churn(count: number): void {
  for (let n = 0; n < count; n++) {
    let channel: Channel | undefined;
    const turn = () => {
      if (channel === undefined) channel = new Channel(`churn${n}.0`);
      else if (next(3) > 0) channel.socket?.write(anything());
      else {
        channel.close();
        channel = undefined;
      }
      setTimeout(turn, 20 + next(300));
    };
    turn();
  }
}

/** What clients of the control socket do that mean no good. */
const HOSTILE: readonly ((socket: Socket<undefined>) => void)[] = [
  (socket) => void socket.write("GET /v1/status HTTP/1.1\r\nHost: x\r\nX-Slow: "),
  (socket) => void socket.write("GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n".repeat(20)),
  (socket) => void socket.write(noise(1 + next(4000))),
  (socket) =>
    void socket.write(
      `PUT /v1/vms/fuzz0 HTTP/1.1\r\nHost: x\r\nContent-Length: 9000\r\n\r\n${"[".repeat(5000)}`,
    ),
  (socket) => void socket.write(`GET /${"a".repeat(next(9000))} HTTP/1.1\r\nHost: x\r\n\r\n`),
  (socket) => void socket.write("GET /v1/events HTTP/1.1\r\nHost: x\r\n\r\n"),
  (socket) => void socket.end("POST /v1/reload HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n"),
];

/** Clients of the control socket that never read, say half of something, or nonsense, and leave when they like. */
function operators(count: number): void {
  const turn = async () => {
    const handlers = {
      data: (socket: Socket<undefined>) => socket.pause(),
      error: () => {},
      connectError: () => {},
    };
    try {
      const socket = await Bun.connect({ unix: control, socket: handlers });
      HOSTILE[next(HOSTILE.length)]?.(socket);
      setTimeout(() => socket.terminate(), next(5000));
    } catch {
      // powermon is not there just now.
    }
    setTimeout(() => void turn(), 50 + next(500));
  };
  for (let n = 0; n < count; n++) void turn();
}

for (let n = 0; n < 8; n++) for (const number of [0, 1]) fuzz(`fuzz${n}.${number}`);
for (let n = 0; n < 2; n++) for (let number = 0; number < 8; number++) flood(`flood${n}.${number}`);
churn(12);
operators(8);
