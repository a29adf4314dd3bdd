import { afterAll, expect, test } from "bun:test";
import { chmodSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { ControlClient } from "../../internal/control/client.ts";
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

test("ControlClient brings back what the machine reports, by every method", async () => {
  using it = await serve();
  const client = new ControlClient(it.socket);
  const done = { ok: true, value: { done: true } };
  expect(await client.status()).toMatchObject({ ok: true, value: { pid: 99 } });
  expect(await client.vms()).toMatchObject({ ok: true, value: [{ vm: "vm1" }, { vm: "vm2" }] });
  expect(await client.vm("vm1")).toMatchObject({ ok: true, value: { vm: "vm1" } });
  expect(await client.addVm("ä b#..")).toMatchObject(done);
  expect(await client.removeVm("vm1")).toMatchObject(done);
  expect(await client.changeVm("vm1", { queries: true, floor: undefined }, true)).toMatchObject({
    ok: true,
    value: { settings: { queries: { value: true, from: "runtime" } } },
  });
  expect(await client.pinVcpu("vm1", 0, [2, 3])).toMatchObject({ ok: true, value: { pcpus: [2, 3] } });
  expect(await client.channels()).toMatchObject({ ok: true, value: [{}, {}, {}] });
  expect(await client.addChannels("vm1", [0, 1, 4])).toMatchObject({ ok: true, value: [{}, {}, {}] });
  expect(await client.removeChannels("vm1", "all")).toMatchObject(done);
  expect(await client.enableChannels("vm1", [1], false)).toMatchObject(done);
  expect(await client.freq("all")).toMatchObject({ ok: true, value: [{}, {}, {}, {}] });
  expect(await client.setFreq([0, 1], "max")).toMatchObject({
    ok: true,
    value: [{ targetKhz: 2400000 }, {}],
  });
  expect(await client.releaseFreq("all")).toMatchObject({ ok: true });
  expect(await client.explain(2)).toMatchObject({ ok: true, value: { cpu: 2 } });
  expect(await client.live()).toEqual({ ok: true, value: JSON.parse(JSON.stringify(it.machine.live())) });
  expect(await client.metrics()).toMatchObject({
    ok: true,
    value: expect.stringContaining("powermon_vms 2"),
  });
  expect(await client.policies()).toMatchObject({
    ok: true,
    value: [
      { vm: "vm1", origin: "operator", wishes: [{ vcpu: 0, level: "min" }] },
      { origin: "guest", inForce: false, pps: 1234.4 },
    ],
  });
  expect(await client.policy("vm1")).toMatchObject({
    ok: true,
    value: [{}, { problem: "nothing counts yet" }],
  });
  expect(await client.setPolicy("vm2", { type: "workload", workload: "high" }, true)).toMatchObject({
    ok: true,
    value: [{ vm: "vm2", rule: { workload: "high" } }],
  });
  expect(await client.removePolicy("vm2", true)).toMatchObject(done);
  expect(await client.capabilities()).toMatchObject({ ok: true, value: { sleep: { mem: {} } } });
  expect(await client.profiles()).toMatchObject({ ok: true, value: [{ inForce: true }, { name: "night" }] });
  expect(await client.applyProfile("night", "vm:web", true)).toMatchObject({
    ok: true,
    value: { profile: "night", applied: false, changes: [{ from: "1", text: "0" }] },
  });
  expect(await client.verifyProfile()).toMatchObject({
    ok: true,
    value: { drift: [{ found: "1" }], held: [2] },
  });
  expect(await client.profileOff()).toMatchObject({ ok: true, value: { profile: "balanced" } });
  const asked = { force: true, dryRun: false, prepare: "none", logind: true } as const;
  expect(await client.suspend({ ...asked, target: "disk", wake: { inS: 60 } })).toMatchObject({
    ok: true,
    value: { slept: true, record: { sleptS: 29.5 } },
  });
  expect(await client.resumed()).toMatchObject(done);
  expect(await client.reload()).toEqual({ ok: true, value: { files: ["/etc/powermon/powermon.toml"] } });
  expect(it.machine.calls).toEqual([
    ["addVm", "ä b#.."],
    ["removeVm", "vm1"],
    ["changeVm", "vm1", { queries: true }, true],
    ["pinVcpu", "vm1", 0, [2, 3]],
    ["addChannels", "vm1", [0, 1, 4]],
    ["removeChannels", "vm1", "all"],
    ["enableChannels", "vm1", [1], false],
    ["setFreq", [0, 1], "max"],
    ["releaseFreq", "all"],
    ["setPolicy", "vm2", { type: "workload", workload: "high" }, true],
    ["removePolicy", "vm2", true],
    ["applyProfile", "night", "vm:web", true],
    ["profileOff"],
    ["suspend", { ...asked, target: "disk", wake: { inS: 60 } }],
    ["resumed"],
    ["reload"],
  ]);
});

test("ControlClient hands on powermon's own reasons", async () => {
  using it = await serve();
  expect(await new ControlClient(it.socket).vm("vm9")).toEqual({
    ok: false,
    error: { code: "not-found", message: 'There is no VM "vm9".' },
  });
});

test("ControlClient says that nobody answers when the socket is absent or stale", async () => {
  const socket = `${dir}/absent.sock`;
  expect(await new ControlClient(socket).status()).toEqual({
    ok: false,
    error: { code: "no-answer", message: `powermon does not answer on ${socket} (ENOENT); is it running?` },
  });
});

test.each(["", "control.sock"])("ControlClient takes no socket path such as %j", async (socket) => {
  expect(await new ControlClient(socket).status()).toEqual({
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
    (client) => client.status(),
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
      const suspended = client.suspend({
        target: "mem",
        wake: "none",
        force: false,
        dryRun: false,
        prepare: "none",
        logind: true,
      });
      // The same client gives up on anything else meanwhile.
      expect(await client.status()).toMatchObject({ ok: false, error: { code: "no-answer" } });
      awake.resolve();
      return await suspended;
    },
  );
  expect(asked).toEqual({ ok: false, error: { code: "busy", message: "Somebody does." } });
});

test("ControlClient keeps the keys that a newer powermon sends", async () => {
  const asked = await withAnswer(
    () => Response.json({ files: ["a"], more: 1 }),
    (client) => client.reload(),
  );
  expect(asked).toEqual({ ok: true, value: { files: ["a"], more: 1 } } as typeof asked);
});

test.each([
  ["text", () => new Response("hello"), ""],
  ["another shape", () => Response.json({ files: [1] }), " (files.0)"],
  ["nothing", () => new Response(), ""],
] as const)(
  "ControlClient says where an answer of %s is not what it expected",
  async (_what, answer, where) => {
    expect(await withAnswer(answer, (client) => client.reload())).toEqual({
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
  expect(await withAnswer(answer, (client) => client.status())).toEqual({
    ok: false,
    error: { code, message },
  });
});

/** Somebody who is neither root nor in the socket's group: needs root to become him. */
const asNobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"];

test.skipIf(process.getuid?.() !== 0 || Bun.which("setpriv") === null)(
  "ControlClient names the group when it may not use the socket (needs root and util-linux)",
  async () => {
    using it = await serve();
    chmodSync(it.dir, 0o711);
    const client = `${import.meta.dir}/../../internal/control/client.ts`;
    const script = `const { ControlClient } = await import(${JSON.stringify(client)});
      console.log(JSON.stringify(await new ControlClient(${JSON.stringify(it.socket)}).status()));`;
    const child = Bun.spawn([...asNobody, process.execPath, "-e", script], { cwd: "/", stdout: "pipe" });
    expect(JSON.parse(await child.stdout.text())).toEqual({
      ok: false,
      error: {
        code: "forbidden",
        message: `You may not use ${it.socket}: run this as root, or be in the group that owns it (powermon by default).`,
      },
    });
  },
);
