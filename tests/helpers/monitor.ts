// Orders to QEMU's monitor: pause, go on, reset.
import { until } from "./until.ts";

/** A command of QMP. Source: QEMU qapi/. */
export interface Order {
  readonly execute: string;
  readonly arguments?: object;
}

/** Gives `orders` to the monitor at the socket `path` one after the other and returns what each returned; throws when one is refused. */
export async function order(path: string, orders: readonly Order[]): Promise<readonly unknown[]> {
  let said = "";
  const answers = () => said.split("\n").filter((line) => /^\{"(return|error)"/.test(line));
  const socket = await Bun.connect({ unix: path, socket: { data: (_, bytes) => void (said += bytes) } });
  try {
    for (const [n, one] of [{ execute: "qmp_capabilities" }, ...orders].entries()) {
      socket.write(`${JSON.stringify(one)}\n`);
      await until(`QEMU answers ${one.execute}`, () => answers().length > n, 10_000);
    }
  } finally {
    socket.end();
  }
  if (answers().some((line) => line.startsWith('{"error"'))) throw new Error(`QEMU refused: ${said}`);
  return answers()
    .slice(1)
    .map((line) => (JSON.parse(line) as { return: unknown }).return);
}
