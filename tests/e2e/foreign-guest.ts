// Talks to dpdk-guest.c line by line.
import { join } from "node:path";
import type { Subprocess } from "bun";

/** The files of dpdk-guest. */
const GUEST = ["dpdk-guest.c", "dpdk-policy.c", "dpdk-patience.c"];

/** Compiles dpdk-guest, or other `sources` of this folder, against Debian's librte_power to the file `out`. */
export async function compileForeignGuest(out: string, sources: readonly string[] = GUEST): Promise<void> {
  const paths = sources.map((file) => join(import.meta.dir, file));
  const flags = (which: string) =>
    Bun.$`pkg-config ${which} libdpdk`.text().then((text) => text.trim().split(/\s+/));
  const [cflags, libs] = await Promise.all([flags("--cflags"), flags("--libs")]);
  await Bun.$`gcc -Wall -Wextra -Werror -O1 -DALLOW_EXPERIMENTAL_API ${cflags} ${paths} -o ${out} ${libs}`.quiet();
}

/** Words that make dpdk-guest VM `name` with lcores 0 to `ports` - 1, all on CPU 0, without hugepages or devices. */
export function foreignGuestWords(name: string, ports: number): string[] {
  const lcores = Array.from({ length: ports }, (_, lcore) => `${lcore}@0`).join(",");
  return [
    name,
    "--no-huge",
    "-m",
    "64",
    "--no-pci",
    "--no-shconf",
    "--no-telemetry",
    "--log-level=error",
    "--lcores",
    lcores,
  ];
}

/** A running dpdk-guest behind lab/dpdk-bridge.sh. */
export class ForeignGuest {
  readonly #process: Subprocess<"pipe", "pipe", "inherit">;
  readonly #lines: AsyncIterator<string>;

  /**
   * Starts `program` as VM `name` with `ports` channels in `dir`; it runs once powermon has connected to each.
   * @param keep it runs at once, and its channels outlive powermon, as QEMU's do
   */
  constructor(program: string, name: string, ports: number, dir: string, keep = false) {
    const bridge = join(import.meta.dir, "lab/dpdk-bridge.sh");
    this.#process = Bun.spawn(
      ["bash", bridge, dir, name, `${ports}`, program, ...foreignGuestWords(name, ports)],
      { stdin: "pipe", stdout: "pipe", stderr: "inherit", env: { ...process.env, KEEP: keep ? "1" : "" } },
    );
    this.#lines = answers(this.#process.stdout);
  }

  /** Gives one command (see dpdk-guest.c) and returns its answer without the mark. */
  async do(command: string): Promise<string> {
    this.#process.stdin.write(`${command}\n`);
    await this.#process.stdin.flush();
    const { value, done } = await this.#lines.next();
    if (done) throw new Error(`dpdk-guest ended with status ${await this.#process.exited} at: ${command}`);
    return value;
  }

  /** Ends it by closing its stdin and returns its exit status. */
  async end(): Promise<number> {
    await this.#process.stdin.end();
    return this.#process.exited;
  }
}

async function* answers(stdout: ReadableStream<Uint8Array>): AsyncGenerator<string, void> {
  const decoder = new TextDecoder();
  let text = "";
  for await (const chunk of stdout) {
    const lines = (text + decoder.decode(chunk, { stream: true })).split("\n");
    text = lines.pop() ?? "";
    for (const line of lines) if (line.startsWith("= ")) yield line.slice(2);
  }
}
