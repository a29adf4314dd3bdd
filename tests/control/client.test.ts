import { afterAll, expect, test } from "bun:test";
import { chmodSync, mkdtempSync, renameSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { API, type Name } from "../../internal/api/table.ts";
import { watchSocketOf } from "../../internal/control/watch-socket.ts";
import { ControlClient } from "../../internal/control/client.ts";
import { no } from "../../internal/values/answer.ts";
import { serve } from "./serve.ts";

const dir = mkdtempSync(`${tmpdir()}/client-`);
afterAll(() => rmSync(dir, { recursive: true }));

/** Serves `answer` to every request on a socket and resolves to what a client makes of it. */
async function withAnswer<T>(
  answer: () => Response | Promise<Response>,
  use: (client: ControlClient) => Promise<T>,
) {
  const socket = `${dir}/fake.sock`;
  const server = Bun.serve({ unix: socket, fetch: answer });
  try {
    return await use(new ControlClient(socket, 200));
  } finally {
    await server.stop(true);
  }
}

const NOT_SLEPT = no("unsupported", "It can't.");

test("ControlClient brings back what the host reports, by every row of the API", async () => {
  using it = await serve({ guests: ["vm1.0", "vm1.1", "vm2.0"], rows: () => ({ suspend: () => NOT_SLEPT }) });
  const client = new ControlClient(it.socket);
  const done = { ok: true, value: { done: true } };
  const asked = new Set<Name>();
  const ask: typeof client.ask = (name, ...given) => {
    asked.add(name);
    return client.ask(name, ...given);
  };
  expect(await ask("status")).toMatchObject({ ok: true, value: { version: "1.2.3", pid: process.pid } });
  expect(await ask("vms")).toEqual(JSON.parse(JSON.stringify(it.asks.vms())));
  expect(await ask("vm", { vm: "vm1" })).toMatchObject({ ok: true, value: { vm: "vm1" } });
  expect(await ask("addVm", { vm: "ä b#.." })).toMatchObject({ ok: false, error: { code: "not-found" } });
  expect(await ask("changeVm", { vm: "vm1", queries: true, floor: undefined, save: true })).toMatchObject({
    ok: true,
    value: { settings: { queries: { value: true } } },
  });
  expect(await ask("pinVcpu", { vm: "vm1", vcpu: 0, pcpus: [2, 3] })).toMatchObject({
    ok: false,
    error: { code: "failed" },
  });
  expect(await ask("channels")).toMatchObject({ ok: true, value: [{}, {}, {}] });
  expect(await ask("enableChannels", { vm: "vm1", channels: [1], enabled: false })).toMatchObject(done);
  expect(await ask("removeChannels", { vm: "vm1", channels: "all" })).toMatchObject(done);
  expect(await ask("addChannels", { vm: "vm1", channels: [0, 1] })).toMatchObject({
    ok: true,
    value: [{}, {}],
  });
  expect(await ask("allFreq")).toMatchObject({ ok: true, value: [{}, {}, {}, {}] });
  expect(await ask("freq", { cpus: "all" })).toEqual(await ask("allFreq"));
  expect(await ask("setFreq", { cpus: [0, 1], target: "max" })).toMatchObject({
    ok: true,
    value: [{ targetKhz: 2600000 }, {}],
  });
  expect(await ask("releaseFreq", { cpus: "all" })).toMatchObject({ ok: true });
  expect(await ask("retryFreq", { cpus: "all" })).toEqual({ ok: true, value: [] });
  expect(await ask("explain", { cpu: 2 })).toMatchObject({ ok: true, value: { cpu: 2 } });
  expect(await ask("live")).toMatchObject({ ok: true, value: { vms: [{ vm: "vm1" }, { vm: "vm2" }] } });
  expect(await client.metrics()).toMatchObject({
    ok: true,
    value: expect.stringContaining("powermon_vms 2"),
  });
  const policy = { type: "workload", workload: "high" };
  expect(await ask("setPolicy", { vm: "vm1", policy, save: true })).toMatchObject({
    ok: true,
    value: [{ vm: "vm1", rule: { workload: "high" } }],
  });
  expect(await ask("policies")).toMatchObject({
    ok: true,
    value: [{ vm: "vm1", origin: "operator", wishes: [{ vcpu: 0, level: "max" }, { vcpu: 1 }] }],
  });
  expect(await ask("policy", { vm: "vm1" })).toEqual(await ask("policies"));
  expect(await ask("removePolicy", { vm: "vm1", save: true })).toMatchObject(done);
  expect(await ask("capabilities")).toMatchObject({ ok: true, value: { sleep: {}, cpufreq: {} } });
  expect(await ask("budget")).toMatchObject({ ok: true, value: { origin: "file", meter: "rapl" } });
  expect(await ask("setBudget", { watts: 0 })).toMatchObject({ ok: true, value: { origin: "operator" } });
  expect(await ask("releaseBudget")).toMatchObject({ ok: true, value: { origin: "file" } });
  expect(await ask("profiles")).toMatchObject({
    ok: true,
    value: [{ name: "performance", inForce: false }, {}, {}, {}],
  });
  expect(await ask("applyProfile", { name: "balanced", cpus: "vm:vm1", dryRun: true })).toMatchObject({
    ok: true,
    value: { profile: "balanced", applied: false },
  });
  expect(await ask("verifyProfile")).toMatchObject({ ok: true, value: { drift: [], held: [] } });
  expect(await ask("profileOff")).toMatchObject({ ok: true, value: { stale: false, restored: [] } });
  const sleep = { force: true, dryRun: false, prepare: "none", logind: true } as const;
  expect(await ask("suspend", { ...sleep, target: "disk", durationS: 60 })).toEqual(NOT_SLEPT);
  expect(await ask("resumed")).toMatchObject(done);
  expect(await ask("reload", { dryRun: false })).toMatchObject({
    ok: true,
    value: { files: [`${it.lab.dropIns}/saved.toml`] },
  });
  expect(await ask("removeVm", { vm: "vm1" })).toMatchObject(done);
  expect([...asked].sort()).toEqual((Object.keys(API) as Name[]).sort());
  expect(JSON.parse(JSON.stringify(it.calls))).toEqual([
    ["addVm", { vm: "ä b#.." }],
    ["changeVm", { vm: "vm1", queries: true, save: true, dryRun: false }],
    ["pinVcpu", { vm: "vm1", vcpu: 0, pcpus: [2, 3] }],
    ["enableChannels", { vm: "vm1", channels: [1], enabled: false }],
    ["removeChannels", { vm: "vm1", channels: "all" }],
    ["addChannels", { vm: "vm1", channels: [0, 1] }],
    ["setFreq", { cpus: [0, 1], target: "max" }],
    ["releaseFreq", { cpus: "all" }],
    ["retryFreq", { cpus: "all" }],
    ["setPolicy", { vm: "vm1", policy, save: true }],
    ["removePolicy", { vm: "vm1", save: true }],
    ["setBudget", { watts: 0 }],
    ["releaseBudget", {}],
    ["applyProfile", { name: "balanced", cpus: "vm:vm1", dryRun: true }],
    ["profileOff", {}],
    ["suspend", { ...sleep, target: "disk", wake: { inS: 60 } }],
    ["resumed", {}],
    ["reload", { dryRun: false }],
    ["removeVm", { vm: "vm1" }],
  ]);
});

test("ControlClient hands on powermon's own reasons", async () => {
  using it = await serve();
  expect(await new ControlClient(it.socket).ask("vm", { vm: "vm9" })).toEqual({
    ok: false,
    error: { code: "not-found", message: 'There is no VM "vm9"; none is connected.' },
  });
});

test("ControlClient says that nobody answers when the socket is absent or stale", async () => {
  const socket = `${dir}/absent.sock`;
  expect(await new ControlClient(socket).ask("status")).toEqual({
    ok: false,
    error: { code: "no-answer", message: `powermon does not answer on ${socket} (ENOENT); is it running?` },
  });
});

test.each(["", "control.sock"])("ControlClient takes no socket path such as %j", async (socket) => {
  expect(await new ControlClient(socket).ask("status")).toEqual({
    ok: false,
    error: {
      code: "invalid",
      message: `${JSON.stringify(socket)} is no whole path; name powermon's socket.`,
    },
  });
});

test("ControlClient gives up on a powermon that is silent", async () => {
  const silent = Promise.withResolvers<Response>();
  const asked = await withAnswer(
    () => silent.promise,
    (client) => client.ask("status"),
  );
  silent.resolve(new Response());
  expect(asked).toEqual({
    ok: false,
    error: {
      code: "no-answer",
      message: `powermon on ${dir}/fake.sock did not answer within 200 ms; its log may say why.`,
    },
  });
});

test("ControlClient waits for a suspend as long as it takes", async () => {
  const awake = Promise.withResolvers<void>();
  const asked = await withAnswer(
    async () => {
      await awake.promise;
      return Response.json({ error: { code: "busy", message: "Somebody does." } }, { status: 503 });
    },
    async (client) => {
      const suspended = client.ask("suspend", { target: "mem", wake: "none" });
      // The same client gives up on anything else meanwhile.
      expect(await client.ask("status")).toMatchObject({ ok: false, error: { code: "no-answer" } });
      awake.resolve();
      return await suspended;
    },
  );
  expect(asked).toEqual({ ok: false, error: { code: "busy", message: "Somebody does." } });
});

test("ControlClient keeps the keys that a newer powermon sends", async () => {
  const asked = await withAnswer(
    () => Response.json({ files: ["a"], reloaded: true, warnings: [], changes: [], runtime: [], more: 1 }),
    (client) => client.ask("reload", { dryRun: false }),
  );
  expect(asked).toMatchObject({ ok: true, value: { files: ["a"], more: 1 } });
});

test.each([
  ["text", () => new Response("hello"), ""],
  ["another shape", () => Response.json({ files: [1] }), " (files.0)"],
  ["nothing", () => new Response(), ""],
] as const)(
  "ControlClient says where an answer of %s is not what it expected",
  async (_what, answer, where) => {
    expect(await withAnswer(answer, (client) => client.ask("reload", { dryRun: false }))).toEqual({
      ok: false,
      error: {
        code: "failed",
        message: `powermon on ${dir}/fake.sock answered something unexpected${where}; is it of another version?`,
      },
    });
  },
);

test.each([
  [() => new Response("oops", { status: 502 }), "failed", "powermon answered with HTTP status 502."],
  [
    () => Response.json({ error: { code: "tired", message: "Not today." } }, { status: 500 }),
    "failed",
    "Not today.",
  ],
  [() => Response.json({ error: { code: "busy", message: "Later." } }, { status: 503 }), "busy", "Later."],
  [() => Response.redirect("http://127.0.0.1:9/"), "failed", "powermon answered with HTTP status 302."],
] as const)("ControlClient makes an error of %p", async (answer, code, message) => {
  expect(await withAnswer(answer, (client) => client.ask("status"))).toEqual({
    ok: false,
    error: { code, message },
  });
});

/** Somebody who is neither root nor in the socket's group: needs root to become him. */
const asNobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"];

async function askAsNobody(socket: string, question: string): Promise<unknown> {
  const client = `${import.meta.dir}/../../internal/control/client.ts`;
  const script = `const { ControlClient } = await import(${JSON.stringify(client)});
    console.log(JSON.stringify(await new ControlClient(${JSON.stringify(socket)}).ask(${question})));`;
  const child = Bun.spawn([...asNobody, process.execPath, "-e", script], { cwd: "/", stdout: "pipe" });
  return JSON.parse(await child.stdout.text());
}

test.skipIf(process.getuid?.() !== 0 || Bun.which("setpriv") === null)(
  "ControlClient looks by the socket beside, where the control socket is not for its user (needs root and util-linux)",
  async () => {
    using it = await serve({ group: "nogroup", readOnly: true });
    chmodSync(it.dir, 0o711);
    renameSync(it.socket, watchSocketOf(it.socket));
    const others = Bun.listen({ unix: it.socket, socket: { data() {} } });
    chmodSync(it.socket, 0o600);
    try {
      expect(await askAsNobody(it.socket, '"status"')).toMatchObject({
        ok: true,
        value: { version: "1.2.3" },
      });
      expect(await askAsNobody(it.socket, '"changeVm", { vm: "vm1", queries: true }')).toMatchObject({
        error: { code: "refused", message: expect.stringContaining("shows and changes nothing") },
      });
      expect(it.calls).toEqual([]);
    } finally {
      others.stop();
    }
  },
);

test.skipIf(process.getuid?.() !== 0 || Bun.which("setpriv") === null)(
  "ControlClient names the group when it may not use the socket (needs root and util-linux)",
  async () => {
    using it = await serve();
    chmodSync(it.dir, 0o711);
    expect(await askAsNobody(it.socket, '"status"')).toEqual({
      ok: false,
      error: {
        code: "forbidden",
        message: `You may not use ${it.socket}: run this as root, or have root add you to the group powermon (\`usermod -aG powermon NAME\`), or to powermon-watch to look only, and log in anew.`,
      },
    });
  },
);
