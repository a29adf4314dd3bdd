// A control server on a socket of its own, with what it logged.

import { mkdtempSync, rmSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { type ControlOptions, startControl } from "../../internal/control/server.ts";
import { Log } from "../../internal/log.ts";
import { testMachine } from "./machine.ts";

/** Starts a server in front of a test machine. */
export async function serve(options: Partial<ControlOptions> = {}) {
  const dir = mkdtempSync(`${tmpdir()}/control-`);
  const socket = `${dir}/control.sock`;
  const log: string[] = [];
  const machine = testMachine();
  const started = await startControl({
    socket,
    group: "",
    operations: machine,
    metrics: () => "# HELP powermon_vms VMs.\n# TYPE powermon_vms gauge\npowermon_vms 2\n",
    log: new Log("debug", "text", false, (line) => log.push(line)),
    ...options,
  });
  if (!started.ok) throw new Error(started.error);
  const { value: server } = started;
  return {
    dir,
    socket,
    log,
    machine,
    server,
    [Symbol.dispose]() {
      server.stop();
      rmSync(dir, { recursive: true });
    },
  };
}

/** Sends `text` as it is and resolves to everything that comes back until the server closes. */
export function raw(socket: string, text: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let back = "";
    const connection = connect(socket, () => connection.write(text));
    connection.on("data", (bytes) => (back += bytes.toString()));
    connection.on("close", () => resolve(back));
    connection.on("error", (error: NodeJS.ErrnoException) => error.code === "EPIPE" || reject(error));
  });
}
