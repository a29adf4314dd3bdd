// Runs commands inside a VM and brings back what they said.
import type { Socket } from "bun";

/** What a command in a VM ended with; status is bash's, 124 if it ran past its limit. */
export interface Outcome {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

interface Waiting {
  readonly resolve: (outcome: Outcome) => void;
  readonly reject: (error: Error) => void;
}

const unpack = (base64: string | undefined) => Buffer.from(base64 ?? "", "base64").toString();

/** The outer end of lab/vm-exec-loop: one line out a command, one line back an outcome, in order. */
export class ExecChannel {
  readonly #name: string;
  readonly #waiting = new Map<number, Waiting>();
  readonly #ready = Promise.withResolvers<void>();
  #socket: Socket | undefined;
  #text = "";
  #next = 1;

  constructor(name: string) {
    this.#name = name;
    this.#ready.promise.catch(() => {}); // a VM that dies before anybody waits is reported by run()
  }

  /** Connects to QEMU's socket at `path`; rejects while nobody listens there. */
  async connect(path: string): Promise<void> {
    this.#socket = await Bun.connect({
      unix: path,
      socket: {
        data: (_, bytes) => this.#take(bytes.toString("latin1")),
        close: () => this.#fail(new Error(`VM ${this.#name} ended`)),
        error: (_, error) => this.#fail(error),
      },
    });
  }

  /** Hangs up. */
  end(): void {
    this.#socket?.end();
  }

  /** Resolves when the loop in the VM has said it is there. */
  get ready(): Promise<void> {
    return this.#ready.promise;
  }

  /** Runs `command` in bash as root; rejects if the VM ends or nothing comes back 10 s after the limit. */
  run(command: string, limitSeconds: number): Promise<Outcome> {
    const id = this.#next++;
    const { promise, resolve, reject } = Promise.withResolvers<Outcome>();
    const line = `${id}:${limitSeconds}:${Buffer.from(command).toString("base64")}\n`;
    if (this.#socket?.write(line) !== line.length) {
      reject(new Error(`VM ${this.#name} does not take the command: ${command}`));
      return promise;
    }
    this.#waiting.set(id, { resolve, reject });
    const late = setTimeout(
      () => reject(new Error(`VM ${this.#name} did not answer: ${command}`)),
      (limitSeconds + 10) * 1000,
    );
    return promise.finally(() => {
      clearTimeout(late);
      this.#waiting.delete(id);
    });
  }

  #take(text: string): void {
    const lines = (this.#text + text).split("\n");
    this.#text = lines.pop() ?? "";
    for (const line of lines) {
      if (line === "ready") {
        this.#ready.resolve();
        continue;
      }
      const [id, status, stdout, stderr] = line.split(":");
      const outcome = { status: Number(status), stdout: unpack(stdout), stderr: unpack(stderr) };
      this.#waiting.get(Number(id))?.resolve(outcome);
    }
  }

  #fail(error: Error): void {
    this.#socket = undefined;
    this.#ready.reject(error);
    for (const { reject } of this.#waiting.values()) reject(error);
  }
}
