import { expect, test } from "bun:test";
import { explainFailure, type GuestFailure } from "../../internal/guest/failure.ts";

const port = "/dev/virtio-ports/virtio.serial.port.poweragent.0";
const rows: readonly (readonly [GuestFailure, readonly string[]])[] = [
  [{ kind: "no-port", port }, [port, "add a virtio-serial channel"]],
  [{ kind: "no-port", port: "unix:/x" }, ['no socket "/x"']],
  [
    { kind: "not-a-port", port: "/x", what: "a socket" },
    ["a socket, not a virtio-serial port; write unix:/x"],
  ],
  [{ kind: "not-a-port", port: "unix:/x", what: "a folder" }, ['"/x" is a folder, not a socket']],
  [{ kind: "busy", port, holder: { pid: 7, name: "l3fwd" } }, ["in use by l3fwd (pid 7)", "stop that one"]],
  [{ kind: "busy", port, holder: undefined }, ["this user can't see"]],
  [{ kind: "open-failed", port, code: "EACCES" }, ["EACCES", "run as root"]],
  [{ kind: "open-failed", port, code: "EIO" }, ["Cannot open", "EIO."]],
  [{ kind: "absent-host", port }, ["No host program is connected", "start powermon"]],
  [
    { kind: "no-answer", port, asked: "query", timeoutMs: 9 },
    ["within 9 ms", "does not let this VM query", "too slow"],
  ],
  [{ kind: "no-answer", port, asked: "scale", timeoutMs: 9 }, ["within 9 ms", "does not serve", "too slow"]],
  [{ kind: "refused", port, vcpu: 3 }, ["refused vCPU 3", "powermon explain"]],
  [{ kind: "refused", port, vcpu: 3, text: "This VM may not." }, ["refused vCPU 3", ": This VM may not."]],
  [{ kind: "host-failed", port, text: "EBUSY." }, ["could not do it: EBUSY."]],
  [{ kind: "not-understood", port, text: "version is 0." }, ["did not understand: version is 0."]],
  [{ kind: "read-failed", port, code: "EIO" }, ["Cannot read", "EIO"]],
  [{ kind: "write-failed", port, code: "ENOSPC", written: 5 }, ["Cannot write", "ENOSPC after 5 bytes"]],
  [{ kind: "write-failed", port, code: "EAGAIN", written: 0 }, ["full", "does not read"]],
];

test.each(rows.map(([no, parts]) => [no.kind, no, parts] as const))(
  "explainFailure() of %s says what to do",
  (_kind, no, parts) => {
    const text = explainFailure(no);
    for (const part of parts) expect(text).toContain(part);
    expect(text).toMatch(/[.?]$/);
  },
);

test("explainFailure() gives every failure its own sentence", () => {
  expect(new Set(rows.map(([no]) => explainFailure(no))).size).toBe(rows.length);
});
