import { afterAll, beforeAll, beforeEach, expect, test } from "bun:test";
import { existsSync, statSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { peerOf } from "../../internal/control/peer.ts";
import { type ControlOptions, startControl } from "../../internal/control/server.ts";
import { EventFeed } from "../../internal/events.ts";
import { Log } from "../../internal/log.ts";
import { userName } from "../../internal/os/user-name.ts";
import { CODES, no } from "../../internal/values/answer.ts";
import { API } from "../../internal/api/table.ts";
import { HTTP_STATUS } from "../../internal/api/problem.ts";
import { raw, serve } from "./serve.ts";

const QUIET = new Log("error", "text", false, () => {});
/** What a server needs beside its socket and who answers. */
const REST = { group: "", events: new EventFeed(), metrics: () => "", log: QUIET };

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

/** vm1 with two channels and vCPUs that have a place, vm2 with one that has none. */
const GUESTS = ["vm1.0", "vm1.1", "vm2.0"];
const as = (value: unknown) => JSON.parse(JSON.stringify(value));

/** For all that leaves no trace; `shared.calls` begins anew with each test. */
let shared: Awaited<ReturnType<typeof serve>>;
beforeAll(async () => {
  // Nobody's kernel is asked to sleep.
  shared = await serve({ guests: GUESTS, rows: () => ({ suspend: () => no("unsupported", "It can't.") }) });
});
beforeEach(() => void (shared.calls.length = 0));
afterAll(() => shared[Symbol.dispose]());

test("startControl() answers every read with what the host reports", async () => {
  using it = await serve({ guests: GUESTS });
  const { asks } = it;
  const read = async (path: string) => (await ask(it.socket, "GET", `/v1/${path}`)).body;
  asks.setPolicy({ vm: "vm1", policy: { type: "workload", workload: "low" }, save: false });
  expect(await read("status")).toEqual(as(asks.status().value));
  expect(await read("vms")).toEqual(as(asks.vms().value));
  expect(await read("vms/vm1")).toEqual(as(asks.vms().value[0]));
  expect(await read("channels")).toEqual(as(asks.channels().value));
  expect(await read("policies")).toEqual(as(asks.policies().value));
  expect(await read("vms/vm1/policy")).toMatchObject([{ vm: "vm1", type: "workload" }]);
  const { at: _, ...live } = (await asks.live()).value;
  expect(await read("live")).toMatchObject(as(live));
  expect(await read("freq")).toHaveLength(4);
  expect(await read("freq/1,3")).toMatchObject([{ cpu: 1 }, { cpu: 3 }]);
  expect(await read("explain/2")).toMatchObject({ cpu: 2, winner: { vm: "vm1", vcpu: 0 } });
  expect(await read("capabilities")).toMatchObject({ arch: "x86_64" });
  expect(await read("profiles")).toEqual(as(asks.profiles().value));
  expect(await read("profile/verify")).toEqual({ state: "none", drift: [], held: [] });
  expect(it.calls).toEqual([]);
});

/** What a suspend is without anything optional. */
const SLEEP = { target: "mem", force: false, dryRun: false, prepare: "none", logind: true };
const LOW = { type: "workload", workload: "low" };

test.each([
  ["PUT", "/v1/vms/web.1", undefined, 404, ["addVm", { vm: "web.1" }]],
  ["PUT", "/v1/vms/a%20b%23c", undefined, 404, ["addVm", { vm: "a b#c" }]],
  ["DELETE", "/v1/vms/vm1", undefined, 200, ["removeVm", { vm: "vm1" }]],
  ["PUT", "/v1/vms/vm1", undefined, 200, ["addVm", { vm: "vm1" }]],
  [
    "PATCH",
    "/v1/vms/vm1",
    { queries: true, floor: "base", burst: 5 },
    200,
    ["changeVm", { vm: "vm1", queries: true, floor: "base", burst: 5, save: false, dryRun: false }],
  ],
  [
    "PATCH",
    "/v1/vms/vm1",
    { ceiling: 2400000, save: true },
    200,
    ["changeVm", { vm: "vm1", ceiling: 2400000, save: true, dryRun: false }],
  ],
  [
    "PUT",
    "/v1/vms/vm1/vcpus/1/pin",
    { pcpus: [2, 3, 2] },
    500,
    ["pinVcpu", { vm: "vm1", vcpu: 1, pcpus: [2, 3] }],
  ],
  ["DELETE", "/v1/vms/vm1/channels/all", undefined, 200, ["removeChannels", { vm: "vm1", channels: "all" }]],
  ["PUT", "/v1/vms/vm1/channels/0-1", undefined, 200, ["addChannels", { vm: "vm1", channels: [0, 1] }]],
  [
    "PUT",
    "/v1/vms/vm1/channels/0-2,5",
    undefined,
    404,
    ["addChannels", { vm: "vm1", channels: [0, 1, 2, 5] }],
  ],
  [
    "PATCH",
    "/v1/vms/vm1/channels/1",
    { enabled: false },
    200,
    ["enableChannels", { vm: "vm1", channels: [1], enabled: false }],
  ],
  ["PUT", "/v1/freq/0-1", { target: "max" }, 200, ["setFreq", { cpus: [0, 1], target: "max" }]],
  ["PUT", "/v1/freq/2", { target: 1800000 }, 200, ["setFreq", { cpus: [2], target: 1800000 }]],
  ["DELETE", "/v1/freq/all", undefined, 200, ["releaseFreq", { cpus: "all" }]],
  ["PUT", "/v1/vms/vm1/policy", { policy: LOW }, 200, ["setPolicy", { vm: "vm1", policy: LOW, save: false }]],
  [
    "PUT",
    "/v1/vms/new/policy",
    { policy: LOW, save: true },
    200,
    ["setPolicy", { vm: "new", policy: LOW, save: true }],
  ],
  ["DELETE", "/v1/vms/vm1/policy", undefined, 200, ["removePolicy", { vm: "vm1", save: false }]],
  ["DELETE", "/v1/vms/vm1/policy", { save: true }, 404, ["removePolicy", { vm: "vm1", save: true }]],
  [
    "PUT",
    "/v1/profile",
    { name: "balanced", cpus: "0-3" },
    200,
    ["applyProfile", { name: "balanced", cpus: "0-3", dryRun: false }],
  ],
  [
    "PUT",
    "/v1/profile",
    { name: "balanced", dryRun: true },
    200,
    ["applyProfile", { name: "balanced", dryRun: true }],
  ],
  ["DELETE", "/v1/profile", undefined, 200, ["profileOff", {}]],
  [
    "POST",
    "/v1/suspend",
    { target: "mem", durationS: 60 },
    501,
    ["suspend", { ...SLEEP, wake: { inS: 60 } }],
  ],
  [
    "POST",
    "/v1/suspend",
    { target: "mem", until: "2026-12-01T05:00Z", variant: "deep", prepare: "shutdown" },
    501,
    ["suspend", { ...SLEEP, wake: { at: "2026-12-01T05:00Z" }, variant: "deep", prepare: "shutdown" }],
  ],
  [
    "POST",
    "/v1/suspend",
    { target: "mem", wake: "none", force: true, dryRun: true, logind: false },
    501,
    ["suspend", { ...SLEEP, wake: "none", force: true, dryRun: true, logind: false }],
  ],
  ["POST", "/v1/resumed", undefined, 200, ["resumed", {}]],
  ["POST", "/v1/reload", undefined, 200, ["reload", { dryRun: false }]],
  ["POST", "/v1/reload", { dryRun: true }, 200, ["reload", { dryRun: true }]],
] as const)("startControl() turns %s %s into the one call", async (method, path, body, status, call) => {
  const answer = await ask(
    shared.socket,
    method,
    path,
    body === undefined ? undefined : JSON.stringify(body),
  );
  expect(answer.status).toBe(status);
  expect(as(shared.calls)).toEqual([call]);
});

test.each(CODES)("startControl() answers %s with its status and the sentence", async (code) => {
  using it = await serve({ rows: () => ({ status: () => no(code, "So it is.") }) });
  expect(await ask(it.socket, "GET", "/v1/status")).toMatchObject({
    status: HTTP_STATUS[code],
    body: { error: { code, message: "So it is." } },
  });
});

test.each([
  ["GET", "/v1/vms/nobody", undefined, 404, "not-found", 'There is no VM "nobody"; there are vm1, vm2.'],
  ["GET", "/v1/freq/4", undefined, 404, "not-found", "CPU 4 is not there; this machine has CPUs 0-3."],
  ["PUT", "/v1/freq/0", '{"target":"turbo-on"}', 501, "unsupported", "CPU 0 has no turbo frequencies."],
  [
    "PUT",
    "/v1/vms/vm1/vcpus/9/pin",
    '{"pcpus":[1]}',
    404,
    "not-found",
    'VM "vm1" has no vCPU 9 that is known of.',
  ],
  ["GET", "/", undefined, 404, "not-found", 'There is nothing at "/".'],
  ["GET", "/v1/", undefined, 404, "not-found", 'There is nothing at "/v1/".'],
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
  ["GET", "/v1/vms/toString", undefined, 404, "not-found", 'There is no VM "toString"; there are vm1, vm2.'],
  [
    "GET",
    "/v1/vms/__proto__",
    undefined,
    404,
    "not-found",
    'There is no VM "__proto__"; there are vm1, vm2.',
  ],
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
  ["PUT", "/v1/freq/0", "[]", 400, "invalid", "The body must be a JSON object."],
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
  [
    "PUT",
    "/v1/vms/vm1/policy",
    '{"policy":{}}',
    400,
    "invalid",
    expect.stringMatching(/^the policy: type is missing\. Write it; /),
  ],
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
  [
    "PUT",
    "/v1/profile",
    '{"name":"x"}',
    400,
    "invalid",
    'There is no profile "x"; the profiles are performance, balanced, powersave, latency.',
  ],
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
    "PUT",
    "/v1/vms/vm1/policy",
    '{"policy":{"type":"workload","workload":"low","vcpus":[9]}}',
    403,
    "refused",
    'vCPU 9 of VM "vm1" has no known pCPU: static pins of VM "vm1" do not name vCPU 9',
  ],
  ["POST", "/v1/resumed", `{"at": 1}`, 400, "invalid", `"at" is not known here.`],
  ["POST", "/v1/resumed", "[]", 400, "invalid", "The body must be a JSON object."],
  ["POST", "/v1/reload", '{"now":1}', 400, "invalid", '"now" is not known here.'],
] as const)("startControl() refuses %s %s %s", async (method, path, body, status, code, message) => {
  const answer = await ask(shared.socket, method, path, body);
  expect(answer).toMatchObject({ status, body: { error: { code, message } } });
});

test("startControl() of a socket that only shows takes GET, and refuses every row that is something else", async () => {
  using it = await serve({ readOnly: true });
  const ask = (method: string, path: string) =>
    fetch(`http://powermon${path}`, { unix: it.socket, method, ...(method !== "GET" && { body: "{}" }) });
  for (const path of ["/v1/status", "/v1/freq/2", "/metrics"])
    expect((await ask("GET", path)).status).toBe(200);
  const changes = Object.values(API).filter(({ method }) => method !== "GET");
  expect(changes.length).toBeGreaterThan(10);
  for (const { method, path } of changes) {
    const whole = path.replace("{vm}", "vm1").replaceAll(/\{\w+\}/g, "0");
    const response = await ask(method, `/v1/${whole}`);
    expect([path, response.status]).toEqual([path, 403]);
    expect(await response.json()).toMatchObject({ error: { code: "refused" } });
  }
  expect(it.calls).toEqual([]);
});

test("startControl() answers GET /metrics as text for Prometheus", async () => {
  using it = await serve();
  const response = await fetch("http://powermon/metrics", { unix: it.socket });
  expect(response.headers.get("content-type")).toBe("text/plain; version=0.0.4; charset=utf-8");
  expect(await response.text()).toContain("\npowermon_vms 0\n");
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
  expect(it.calls).toEqual([]);
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
  expect(it.calls).toEqual([]);
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
    guests: GUESTS,
    peerOf,
  });
  await ask(it.socket, "GET", "/v1/status");
  await ask(it.socket, "PATCH", "/v1/vms/vm1", '{"queries":true}');
  await ask(it.socket, "DELETE", "/v1/vms/x%0ainfo:%20forged");
  await ask(it.socket, "DELETE", "/v1/vms/nobody");
  await ask(it.socket, "DELETE", "/v1/vms/vm1", '{"dryRun":true}');
  await ask(it.socket, "DELETE", "/v1/vms/nobody", '{"dryRun":true}');
  const who = `user=${userName(process.getuid?.() ?? 0)} uid=${process.getuid?.()} pid=${process.pid}`;
  expect(it.log).toEqual([
    `info: Control request done request="PATCH /v1/vms/vm1" body="{\\"queries\\":true}" ${who}\n`,
    `info: Control request not done request="DELETE /v1/vms/x%0ainfo:%20forged" ${who} code=invalid\n`,
    `info: Control request not done request="DELETE /v1/vms/nobody" ${who} code=not-found\n`,
    `info: Control request tried request="DELETE /v1/vms/vm1" body="{\\"dryRun\\":true}" ${who}\n`,
    `info: Control request not tried request="DELETE /v1/vms/nobody" body="{\\"dryRun\\":true}" ${who} code=not-found\n`,
  ]);
});

test("startControl() tells the host who asks for a change, by name, or that nobody knows", async () => {
  const setBy = async (peer: NonNullable<ControlOptions["peerOf"]> | undefined) => {
    using it = await serve(peer && { peerOf: peer });
    await ask(it.socket, "PUT", "/v1/freq/3", '{"target":"max"}');
    const { events } = it.lab.host;
    return events.kept(events.last)?.fields;
  };
  expect(await setBy(peerOf)).toMatchObject({ by: "operator", user: userName(process.getuid?.() ?? 0) });
  expect(await setBy(() => undefined)).toMatchObject({ by: "operator", user: "an operator" });
  expect(await setBy(undefined)).toMatchObject({ by: "operator", user: "an operator" });
});

test("startControl() answers a bug with 500, logs it and goes on", async () => {
  using it = await serve({
    rows: () => ({
      vms: () => {
        throw new Error("impossible");
      },
    }),
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
  using it = await serve({ group: "no-such-group" });
  const { socket } = it;
  expect(statSync(socket).mode & 0o777).toBe(0o660);
  expect(it.log.join("")).toContain('There is no group "no-such-group"');
  const second = await startControl({ ...REST, handlers: it.asks, rehearsals: it.lab.rehearsals, socket });
  expect(second).toEqual({
    ok: false,
    error: `Cannot listen: another powermon answers on ${socket}; stop it first.`,
  });
  it.server.stop();
  expect(existsSync(socket)).toBe(false);
});

test("startControl() replaces a socket that nobody listens on, and nothing else", async () => {
  using it = await serve();
  const { dir } = it;
  const socket = `${dir}/left.sock`;
  // A process that dies leaves its socket's file behind.
  const left = Bun.spawnSync([
    process.execPath,
    "-e",
    `require("node:net").createServer().listen(${JSON.stringify(socket)}, () => process.kill(process.pid, "SIGKILL"))`,
  ]);
  expect(left.signalCode).toBe("SIGKILL");
  expect(existsSync(socket)).toBe(true);
  const options = { ...REST, handlers: it.asks, rehearsals: it.lab.rehearsals };
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
});

test.each([
  ["", '"" is no whole path'],
  ["control.sock", '"control.sock" is no whole path'],
  [`/${"x".repeat(107)}`, `/${"x".repeat(107)} has 108 bytes, and a socket's path ends at 107`],
  ["/run/", '"/run/" can\'t name a socket'],
])("startControl() takes no socket path such as %j", async (socket, why) => {
  using it = await serve();
  expect(await startControl({ ...REST, handlers: it.asks, rehearsals: it.lab.rehearsals, socket })).toEqual({
    ok: false,
    error: `Cannot listen: ${why}.`,
  });
});
