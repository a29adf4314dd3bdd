import { expect, test } from "bun:test";
import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { startControl } from "../../internal/control/server.ts";
import { Log } from "../../internal/log.ts";
import { peerCredentials } from "../../internal/os/libc.ts";
import { testMachine } from "./machine.ts";
import { raw, serve } from "./serve.ts";

const QUIET = new Log("error", "text", false, () => {});

/** Asks and returns status and body. */
async function ask(socket: string, method: string, path: string, body?: string) {
  const response = await fetch(`http://powermon${path}`, {
    method,
    unix: socket,
    ...(body !== undefined && { body }),
  });
  expect(response.headers.get("content-type")).toBe("application/json");
  return { status: response.status, body: await response.json(), allow: response.headers.get("allow") };
}

test("startControl() answers every read with what the machine reports", async () => {
  using it = await serve();
  const as = (value: unknown) => JSON.parse(JSON.stringify(value));
  expect(await ask(it.socket, "GET", "/v1/status")).toMatchObject({
    status: 200,
    body: as(it.machine.status()),
  });
  expect((await ask(it.socket, "GET", "/v1/vms")).body).toEqual(as(it.machine.vms()));
  expect((await ask(it.socket, "GET", "/v1/vms/vm1")).body).toEqual(as(it.machine.vms()[0]));
  expect((await ask(it.socket, "GET", "/v1/channels")).body).toEqual(as(it.machine.channels()));
  expect((await ask(it.socket, "GET", "/v1/policies")).body).toEqual(as(it.machine.policies()));
  expect((await ask(it.socket, "GET", "/v1/vms/vm1/policy")).body).toEqual(as(it.machine.policies()));
  expect((await ask(it.socket, "GET", "/v1/live")).body).toEqual(as(it.machine.live()));
  expect((await ask(it.socket, "GET", "/v1/freq")).body).toHaveLength(4);
  expect((await ask(it.socket, "GET", "/v1/freq/1,3")).body).toMatchObject([{ cpu: 1 }, { cpu: 3 }]);
  expect((await ask(it.socket, "GET", "/v1/explain/2")).body).toMatchObject({ cpu: 2, clippedBy: "vm" });
  expect((await ask(it.socket, "GET", "/v1/capabilities")).body).toMatchObject({ arch: "x86_64" });
  expect((await ask(it.socket, "GET", "/v1/profiles")).body).toEqual(as(it.machine.power.profiles()));
  expect((await ask(it.socket, "GET", "/v1/profile/verify")).body).toMatchObject({ profile: "balanced" });
  expect(it.machine.calls).toEqual([]);
});

/** What a suspend is without anything optional. */
const SLEEP = { target: "mem", force: false, dryRun: false, prepare: "none", logind: true };

test.each([
  ["PUT", "/v1/vms/web.1", undefined, ["addVm", "web.1"]],
  ["PUT", "/v1/vms/a%20b%23c", undefined, ["addVm", "a b#c"]],
  ["DELETE", "/v1/vms/vm1", undefined, ["removeVm", "vm1"]],
  [
    "PATCH",
    "/v1/vms/vm1",
    { queries: true, floor: "base", burst: 5 },
    ["changeVm", "vm1", { queries: true, floor: "base", burst: 5 }, false],
  ],
  ["PATCH", "/v1/vms/vm1", { ceiling: 2400000, save: true }, ["changeVm", "vm1", { ceiling: 2400000 }, true]],
  ["PUT", "/v1/vms/vm1/vcpus/1/pin", { pcpus: [2, 3, 2] }, ["pinVcpu", "vm1", 1, [2, 3]]],
  ["PUT", "/v1/vms/vm1/channels/0-2,5", undefined, ["addChannels", "vm1", [0, 1, 2, 5]]],
  ["DELETE", "/v1/vms/vm1/channels/all", undefined, ["removeChannels", "vm1", "all"]],
  ["PATCH", "/v1/vms/vm1/channels/3", { enabled: false }, ["enableChannels", "vm1", [3], false]],
  ["PUT", "/v1/freq/0-1", { target: "max" }, ["setFreq", [0, 1], "max"]],
  ["PUT", "/v1/freq/2", { target: 1800000 }, ["setFreq", [2], 1800000]],
  ["DELETE", "/v1/freq/all", undefined, ["releaseFreq", "all"]],
  [
    "PUT",
    "/v1/vms/vm1/policy",
    { policy: { type: "branch-ratio" } },
    ["setPolicy", "vm1", { type: "branch-ratio" }, false],
  ],
  [
    "PUT",
    "/v1/vms/new/policy",
    { policy: { type: "workload" }, save: true },
    ["setPolicy", "new", { type: "workload" }, true],
  ],
  ["DELETE", "/v1/vms/vm1/policy", undefined, ["removePolicy", "vm1", false]],
  ["DELETE", "/v1/vms/vm1/policy", { save: true }, ["removePolicy", "vm1", true]],
  ["PUT", "/v1/profile", { name: "night", cpus: "0-3" }, ["applyProfile", "night", "0-3", false]],
  ["PUT", "/v1/profile", { name: "night", dryRun: true }, ["applyProfile", "night", undefined, true]],
  ["DELETE", "/v1/profile", undefined, ["profileOff"]],
  ["POST", "/v1/suspend", { target: "mem", durationS: 60 }, ["suspend", { ...SLEEP, wake: { inS: 60 } }]],
  [
    "POST",
    "/v1/suspend",
    { target: "mem", until: "2026-12-01T05:00Z", variant: "deep", prepare: "shutdown" },
    ["suspend", { ...SLEEP, wake: { at: "2026-12-01T05:00Z" }, variant: "deep", prepare: "shutdown" }],
  ],
  [
    "POST",
    "/v1/suspend",
    { target: "mem", wake: "none", force: true, dryRun: true, logind: false },
    ["suspend", { ...SLEEP, wake: "none", force: true, dryRun: true, logind: false }],
  ],
  ["POST", "/v1/resumed", undefined, ["resumed"]],
  ["POST", "/v1/reload", undefined, ["reload"]],
] as const)("startControl() turns %s %s into the one call", async (method, path, body, call) => {
  using it = await serve();
  const answer = await ask(it.socket, method, path, body === undefined ? undefined : JSON.stringify(body));
  expect(answer.status).toBe(200);
  expect(it.machine.calls).toEqual([call]);
});

test.each([
  ["GET", "/v1/vms/nobody", undefined, 404, "not-found", 'There is no VM "nobody".'],
  ["GET", "/v1/freq/4", undefined, 404, "not-found", "There is no CPU 4."],
  ["PUT", "/v1/vms/full", undefined, 503, "busy", "There is no room for another VM."],
  ["PUT", "/v1/freq/0", '{"target":"turbo-on"}', 501, "unsupported", "CPU 0 has no turbo frequencies."],
  ["PUT", "/v1/vms/vm1/vcpus/9/pin", '{"pcpus":[1]}', 403, "refused", 'VM "vm1" has no vCPU 9.'],
  ["GET", "/", undefined, 404, "not-found", 'There is nothing at "/".'],
  ["GET", "/v1", undefined, 404, "not-found", 'There is nothing at "/v1".'],
  ["GET", "/v1/", undefined, 404, "not-found", 'There is nothing at "/v1/".'],
  ["GET", "/v1/toString", undefined, 404, "not-found", 'There is nothing at "/v1/toString".'],
  ["GET", "/v2/status", undefined, 404, "not-found", 'There is nothing at "/v2/status".'],
  ["GET", "/v1/status/", undefined, 404, "not-found", 'There is nothing at "/v1/status/".'],
  ["GET", "/v1/status?x=1", undefined, 404, "not-found", 'There is nothing at "/v1/status?x=1".'],
  ["GET", "/v1/vms/", undefined, 404, "not-found", 'There is nothing at "/v1/vms/".'],
  ["GET", "/v1/vms/%ff", undefined, 404, "not-found", 'There is nothing at "/v1/vms/%ff".'],
  ["GET", "/v1/vms/..%2f", undefined, 400, "invalid", "\"../\" can't be a VM's name."],
  ["GET", "/v1/vms/..%2fstatus", undefined, 400, "invalid", "\"../status\" can't be a VM's name."],
  ["DELETE", "/v1/vms/a%00b", undefined, 400, "invalid", "\"a\\u0000b\" can't be a VM's name."],
  ["GET", "/v1/vms/toString", undefined, 404, "not-found", 'There is no VM "toString".'],
  ["GET", "/v1/vms/__proto__", undefined, 404, "not-found", 'There is no VM "__proto__".'],
  ["GET", "/v1/explain/-1", undefined, 400, "invalid", 'A CPU is a number from 0 to 8191, not "-1".'],
  ["GET", "/v1/explain/0x1", undefined, 400, "invalid", 'A CPU is a number from 0 to 8191, not "0x1".'],
  ["GET", "/v1/freq/5-1", undefined, 400, "invalid", 'CPUs are a list such as 0-3,8, or all, not "5-1".'],
  [
    "PUT",
    "/v1/freq/all",
    '{"target":"max"}',
    400,
    "invalid",
    "Name the CPUs to set, such as 0-3; all is not taken here.",
  ],
  [
    "PUT",
    "/v1/vms/vm1/channels/1024",
    undefined,
    400,
    "invalid",
    'Channels are a list of numbers from 0 to 1023 such as 0-3,5, or all, not "1024".',
  ],
  [
    "PATCH",
    "/v1/vms/vm1",
    "{}",
    400,
    "invalid",
    "The body changes nothing; name a setting, such as queries or floor.",
  ],
  ["PATCH", "/v1/vms/vm1", '{"querys":true}', 400, "invalid", '"querys" is not known here.'],
  ["PATCH", "/v1/vms/vm1", '{"queries":"on"}', 400, "invalid", '"queries" must be true or false.'],
  [
    "PATCH",
    "/v1/vms/vm1",
    '{"floor":1}',
    400,
    "invalid",
    '"floor" must be kHz (10000 to 20000000), "min", "base" or "max".',
  ],
  [
    "PATCH",
    "/v1/vms/vm1",
    '{"queries":tru',
    400,
    "invalid",
    'The body is no JSON; write one object, such as {"queries": true}.',
  ],
  ["PUT", "/v1/freq/0", undefined, 400, "invalid", "The body must be a JSON object."],
  ["PUT", "/v1/freq/0", "[]", 400, "invalid", '"target" is missing.'],
  ["PUT", "/v1/freq/0", "{}", 400, "invalid", '"target" is missing.'],
  ["PUT", "/v1/vms/vm1/vcpus/0/pin", '{"pcpus":[]}', 400, "invalid", '"pcpus" must name at least one pCPU.'],
  [
    "PUT",
    "/v1/vms/vm1/vcpus/0/pin",
    '{"pcpus":[-1]}',
    400,
    "invalid",
    '"pcpus.0" must be a whole number from 0 to 8191.',
  ],
  ["GET", "/v1/vms/vm2/policy", undefined, 404, "not-found", 'VM "vm2" has no policy.'],
  ["DELETE", "/v1/vms/vm2/policy", undefined, 404, "not-found", 'VM "vm2" has no operator\'s policy.'],
  ["GET", "/v1/vms/%2ffifo2/policy", undefined, 400, "invalid", "\"/fifo2\" can't be a VM's name."],
  ["PUT", "/v1/vms/vm1/policy", '{"policy":{}}', 400, "invalid", "the policy: type is missing."],
  ["PUT", "/v1/vms/vm1/policy", undefined, 400, "invalid", "The body must be a JSON object."],
  ["PUT", "/v1/vms/vm1/policy", '{"type":"time"}', 400, "invalid", '"policy" is missing.'],
  [
    "PUT",
    "/v1/vms/vm1/policy",
    '{"policy":[]}',
    400,
    "invalid",
    '"policy" must be a policy as [vm.NAME.policy] of powermon.toml has it.',
  ],
  ["PUT", "/v1/vms/vm1/policy", '{"policy":{},"save":1}', 400, "invalid", '"save" must be true or false.'],
  ["DELETE", "/v1/vms/vm1/policy", '{"sav":true}', 400, "invalid", '"sav" is not known here.'],
  ["PUT", "/v1/profile", "{}", 400, "invalid", '"name" is missing.'],
  ["PUT", "/v1/profile", '{"name":"x","cpu":"0"}', 400, "invalid", '"cpu" is not known here.'],
  ["PUT", "/v1/profile", '{"name":"x"}', 400, "invalid", 'There is no profile "x".'],
  [
    "POST",
    "/v1/suspend",
    '{"target":"mem"}',
    400,
    "invalid",
    'The body must have one of durationS, until and "wake": "none".',
  ],
  [
    "POST",
    "/v1/suspend",
    '{"target":"mem","durationS":60,"wake":"none"}',
    400,
    "invalid",
    'The body must have one of durationS, until and "wake": "none".',
  ],
  [
    "POST",
    "/v1/suspend",
    '{"target":"freeze","durationS":60,"variant":"deep"}',
    400,
    "invalid",
    "The body can have a variant with mem and disk only.",
  ],
  [
    "POST",
    "/v1/suspend",
    '{"target":"mem","until":"soon"}',
    400,
    "invalid",
    '"until" must be a date and time such as "2026-12-01T05:00:00Z".',
  ],
  [
    "POST",
    "/v1/suspend",
    '{"target":"freeze","wake":"none"}',
    403,
    "refused",
    "VM vm1 runs and has 1 claim.",
  ],
  ["POST", "/v1/resumed", "{}", 400, "invalid", "The body must be empty."],
  ["POST", "/v1/reload", '{"now":1}', 400, "invalid", "The body must be empty."],
] as const)("startControl() refuses %s %s %s", async (method, path, body, status, code, message) => {
  using it = await serve();
  const answer = await ask(it.socket, method, path, body);
  expect(answer).toMatchObject({ status, body: { error: { code, message } } });
});

test("startControl() answers GET /metrics as text for Prometheus", async () => {
  using it = await serve();
  const response = await fetch("http://powermon/metrics", { unix: it.socket });
  expect(response.headers.get("content-type")).toBe("text/plain; version=0.0.4; charset=utf-8");
  expect(await response.text()).toContain("\npowermon_vms 2\n");
  expect((await ask(it.socket, "POST", "/metrics")).allow).toBe("GET");
});

test("startControl() names the methods that would be taken", async () => {
  using it = await serve();
  const answer = await ask(it.socket, "DELETE", "/v1/status");
  expect(answer).toEqual({
    status: 405,
    allow: "GET",
    body: { error: { code: "invalid", message: "DELETE is not taken here; GET would be." } },
  });
  expect((await ask(it.socket, "POST", "/v1/vms/vm1")).allow).toBe("GET, PUT, DELETE, PATCH");
  expect((await ask(it.socket, "POST", "/v1/events")).allow).toBe("GET");
});

test("startControl() refuses a body past 64 KiB, declared or not, and serves the next request", async () => {
  using it = await serve();
  const message = "The body has more than 65536 bytes.";
  const big = "x".repeat(70_000);
  expect(await ask(it.socket, "PATCH", "/v1/vms/vm1", big)).toMatchObject({
    status: 413,
    body: { error: { code: "invalid", message } },
  });
  const chunked = `${(70_000).toString(16)}\r\n${big}\r\n0\r\n\r\n`;
  const back = await raw(
    it.socket,
    `PATCH /v1/vms/vm1 HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n${chunked}`,
  );
  expect(back).toStartWith("HTTP/1.1 413 ");
  expect(back).toContain(message);
  // A length alone is enough: nothing of the body is waited for.
  const declared = await raw(
    it.socket,
    "PATCH /v1/vms/vm1 HTTP/1.1\r\nHost: x\r\nContent-Length: 999999999\r\n\r\n",
  );
  expect(declared).toStartWith("HTTP/1.1 413 ");
  expect(it.machine.calls).toEqual([]);
  expect((await ask(it.socket, "GET", "/v1/status")).status).toBe(200);
});

test.each([
  ["no HTTP at all", "hello\r\n\r\n"],
  ["a method that does not exist", "FETCH /v1/status HTTP/1.1\r\nHost: x\r\n\r\n"],
  ["endless headers", `GET /v1/status HTTP/1.1\r\nX: ${"y".repeat(20_000)}\r\n\r\n`],
  [
    "two lengths",
    "PUT /v1/vms/a HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
  ],
] as const)("startControl() answers %s with one JSON error and closes", async (_what, text) => {
  using it = await serve();
  const back = await raw(it.socket, text);
  expect(back).toStartWith("HTTP/1.1 400 ");
  expect(JSON.parse(back.slice(back.indexOf("{")))).toEqual({
    error: { code: "invalid", message: "That is not HTTP as this server speaks it." },
  });
  expect(it.machine.calls).toEqual([]);
});

test("startControl() takes a path as it is sent: dots never climb", async () => {
  using it = await serve();
  for (const path of [
    "/v1/vms/../status",
    "/v1/./status",
    "//v1/status",
    "http://x/v1/status",
    "/v1/vms/..",
  ]) {
    const back = await raw(it.socket, `GET ${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`);
    expect(back).toMatch(path === "/v1/vms/.." ? /^HTTP\/1.1 400 / : /^HTTP\/1.1 404 /);
  }
});

test("startControl() logs a change with who asked for it, and no reads", async () => {
  using it = await serve({
    peerOf: (fd) => {
      const peer = peerCredentials(fd);
      return peer.ok ? peer.value : undefined;
    },
  });
  await ask(it.socket, "GET", "/v1/status");
  await ask(it.socket, "PATCH", "/v1/vms/vm1", '{"queries":true}');
  await ask(it.socket, "DELETE", "/v1/vms/x%0ainfo:%20forged");
  await ask(it.socket, "DELETE", "/v1/vms/nobody");
  const who = `uid=${process.getuid?.()} pid=${process.pid}`;
  expect(it.log).toEqual([
    `info: Control request done request="PATCH /v1/vms/vm1" body="{\\"queries\\":true}" ${who}\n`,
    `info: Control request not done request="DELETE /v1/vms/x%0ainfo:%20forged" ${who} code=invalid\n`,
    `info: Control request not done request="DELETE /v1/vms/nobody" ${who} code=not-found\n`,
  ]);
});

test("startControl() answers a bug with 500, logs it and goes on", async () => {
  const machine = testMachine();
  using it = await serve({
    operations: {
      ...machine,
      vms: () => {
        throw new Error("impossible");
      },
    },
  });
  expect(await ask(it.socket, "GET", "/v1/vms")).toMatchObject({
    status: 500,
    body: { error: { code: "failed" } },
  });
  expect(it.log.join("")).toContain("impossible");
  expect((await ask(it.socket, "GET", "/v1/status")).status).toBe(200);
});

test("startControl() refuses more than 64 connections with 503", async () => {
  using it = await serve();
  const held = await Promise.all(
    Array.from({ length: 64 }, async () => {
      const connection = connect(it.socket);
      await new Promise((resolve) => connection.once("connect", resolve));
      return connection;
    }),
  );
  expect(await raw(it.socket, "GET /v1/status HTTP/1.1\r\nHost: x\r\n\r\n")).toStartWith("HTTP/1.1 503 ");
  for (const connection of held) connection.destroy();
});

test("startControl() makes the socket 0660, gives it to its group, and removes it on stop", async () => {
  const dir = mkdtempSync(`${tmpdir()}/control-`);
  const socket = `${dir}/control.sock`;
  const warnings: string[] = [];
  const options = {
    socket,
    operations: testMachine(),
    metrics: () => "",
    log: new Log("debug", "text", false, (line) => warnings.push(line)),
  };
  const started = await startControl({ ...options, group: "no-such-group" });
  if (!started.ok) throw new Error(started.error);
  expect(statSync(socket).mode & 0o777).toBe(0o660);
  expect(warnings.join("")).toContain('There is no group "no-such-group"');
  const second = await startControl({ ...options, group: "" });
  expect(second).toEqual({
    ok: false,
    error: `Cannot listen: another powermon answers on ${socket}; stop it first.`,
  });
  started.value.stop();
  expect(existsSync(socket)).toBe(false);
  rmSync(dir, { recursive: true });
});

test("startControl() replaces a socket that nobody listens on, and nothing else", async () => {
  const dir = mkdtempSync(`${tmpdir()}/control-`);
  const socket = `${dir}/control.sock`;
  // A process that dies leaves its socket's file behind.
  const left = Bun.spawnSync([
    process.execPath,
    "-e",
    `require("node:net").createServer().listen(${JSON.stringify(socket)}, () => process.kill(process.pid, "SIGKILL"))`,
  ]);
  expect(left.signalCode).toBe("SIGKILL");
  expect(existsSync(socket)).toBe(true);
  const options = { group: "", operations: testMachine(), metrics: () => "", log: QUIET };
  const started = await startControl({ ...options, socket });
  expect(started.ok).toBe(true);
  if (started.ok) started.value.stop();
  writeFileSync(`${dir}/file`, "precious");
  expect(await startControl({ ...options, socket: `${dir}/file` })).toEqual({
    ok: false,
    error: `Cannot listen: ${dir}/file is there and is no socket; move it away.`,
  });
  expect(await startControl({ ...options, socket: `${dir}/none/control.sock` })).toEqual({
    ok: false,
    error: `Cannot listen on ${dir}/none/control.sock: ENOENT.`,
  });
  rmSync(dir, { recursive: true });
});

test.each([
  ["", '"" is no whole path'],
  ["control.sock", '"control.sock" is no whole path'],
  [`/${"x".repeat(107)}`, `/${"x".repeat(107)} has 108 bytes, and a socket's path ends at 107`],
  ["/run/", '"/run/" can\'t name a socket'],
])("startControl() takes no socket path such as %j", async (socket, why) => {
  const options = { socket, group: "", operations: testMachine(), metrics: () => "", log: QUIET };
  expect(await startControl(options)).toEqual({ ok: false, error: `Cannot listen: ${why}.` });
});
