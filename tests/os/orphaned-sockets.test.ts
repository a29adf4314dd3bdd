import { expect, test } from "bun:test";
import { endSocketsOf } from "../../internal/os/orphaned-sockets.ts";
import { until } from "../helpers/until.ts";

// What it does to a process that is killed and hangs on is held by tests/smoke/hung.smoke.ts.
test("endSocketsOf() leaves a process alone that was not killed, and one that is not there", async () => {
  const script = `const l = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data() {} } }); console.log(l.port)`;
  const child = Bun.spawn([process.execPath, "-e", script], { stdout: "pipe" });
  const { value } = await child.stdout.getReader().read();
  const port = Number(new TextDecoder().decode(value));
  expect(endSocketsOf(child.pid)).toEqual({ ok: true, value: 0 });
  let open = false;
  const socket = await Bun.connect({
    hostname: "127.0.0.1",
    port,
    socket: { data() {}, open: () => void (open = true) },
  });
  await until("it is connected", () => open);
  socket.end();
  child.kill("SIGKILL");
  await child.exited;
  expect(endSocketsOf(child.pid)).toEqual({ ok: true, value: 0 });
});
