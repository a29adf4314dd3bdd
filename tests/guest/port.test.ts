import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openPort } from "../../internal/guest/open-port.ts";
import { listPorts, portNumber, portPath } from "../../internal/guest/port.ts";
import { openSession } from "../../internal/guest/session.ts";
import { fakeHost } from "./fake-host.ts";

let folder = "";
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "ports-"));
  writeFileSync(join(folder, "file"), "");
  // A socket file whose listener is gone, as a killed QEMU leaves it.
  const listener = Bun.listen({ unix: join(folder, "live"), socket: { data() {} } });
  renameSync(join(folder, "live"), join(folder, "left"));
  listener.stop(true);
});
afterAll(() => rmSync(folder, { recursive: true }));

test("portPath() and portNumber() are each other's inverse", () => {
  expect(portPath(7)).toBe("/dev/virtio-ports/virtio.serial.port.poweragent.7");
  expect(portPath(7, "/x")).toBe("/x/virtio.serial.port.poweragent.7");
  expect(portNumber(portPath(12))).toBe(12);
  for (const name of [
    "",
    "unix:/a/vm1.0",
    "virtio.serial.port.poweragent.",
    "virtio.serial.port.poweragent.01",
    "virtio.serial.port.other.1",
  ]) {
    expect(portNumber(name)).toBeUndefined();
  }
});

test("listPorts() returns poweragent ports by number and nothing else", () => {
  const dir = mkdtempSync(join(folder, "dev-"));
  for (const n of [10, 2, 0]) symlinkSync("/dev/null", portPath(n, dir));
  writeFileSync(join(dir, "org.qemu.guest_agent.0"), "");
  expect(listPorts(dir)).toEqual([0, 2, 10]);
  expect(listPorts(join(dir, "none"))).toEqual([]);
});

test.each([
  ["none", { kind: "no-port" }],
  ["file/below", { kind: "no-port" }],
  ["file", { kind: "not-a-port", what: "a regular file" }],
  ["", { kind: "not-a-port", what: "a folder" }],
  ["left", { kind: "not-a-port", what: "a socket" }],
  ["unix:none", { kind: "no-port" }],
  ["unix:file/below", { kind: "no-port" }],
  ["unix:file", { kind: "not-a-port", what: "a regular file" }],
  ["unix:", { kind: "not-a-port", what: "a folder" }],
  ["unix:left", { kind: "absent-host" }],
  [`unix:${"x".repeat(120)}`, { kind: "open-failed", code: "EINVAL" }],
])("openPort() of %p says what stands there", async (name, error) => {
  const port = name.startsWith("unix:") ? `unix:${join(folder, name.slice(5))}` : join(folder, name);
  expect(await openPort(port)).toMatchObject({ ok: false, error: { ...error, port } });
});

// Character devices that every machine has, in the place of a port whose host is absent (read gives 0) or whose write fails.
test.each([
  ["/dev/null", { kind: "absent-host", port: "/dev/null" }],
  ["/dev/full", { kind: "write-failed", port: "/dev/full", code: "ENOSPC", written: 0 }],
] as const)("openSession() on %s fails as the device does", async (port, error) => {
  expect(await openSession(port, { vmName: "", timeoutMs: 100 })).toEqual({ ok: false, error });
});

test("write() says how much went out when the host stops reading", async () => {
  using host = fakeHost(() => {});
  const port = await openPort(host.port);
  if (!port.ok) throw new Error(port.error.kind);
  const frame = new Uint8Array(464);
  let sent = port.value.write(frame);
  // The host shares this thread, so it reads nothing until this loop has ended.
  for (let i = 0; i < 100_000 && sent.ok; i++) sent = port.value.write(frame);
  expect(sent).toMatchObject({ ok: false, error: { kind: "write-failed", port: host.port } });
  port.value.close();
});

test("read() says that the host went when it resets the connection with our bytes unread", async () => {
  const host = fakeHost(() => {});
  const port = await openPort(host.port);
  if (!port.ok) throw new Error(port.error.kind);
  port.value.write(new Uint8Array(464));
  host[Symbol.dispose]();
  let answer = port.value.read();
  while (answer.ok) {
    await port.value.wait(1000);
    answer = port.value.read();
  }
  expect(answer.error).toEqual({ kind: "absent-host", port: host.port });
});
