import { afterAll, beforeAll, expect, test } from "bun:test";
import { join } from "node:path";
import document from "../../internal/api/openapi.json";
import { API } from "../../internal/api/table.ts";
import { testNeeding } from "../helpers/needing.ts";
import { serve } from "./serve.ts";

const CLIENT = join(import.meta.dir, "../../packaging/examples/powermon_client.py");

let it: Awaited<ReturnType<typeof serve>>;
beforeAll(async () => {
  it = await serve({ guests: ["vm1.0"] });
});
afterAll(() => it[Symbol.dispose]());

const says = (path: string, init?: RequestInit) =>
  fetch(`http://powermon${path}`, { unix: it.socket, ...init });

test("GET /v1/openapi.json answers with the document that ships", async () => {
  const answer = await says("/v1/openapi.json");
  expect([answer.status, answer.headers.get("content-type")]).toEqual([200, "application/json"]);
  expect(await answer.json()).toEqual(document);
});

test("GET /v1 lists every request", async () => {
  const { routes } = (await (await says("/v1")).json()) as {
    routes: { method: string; path: string; about: string }[];
  };
  const listed = routes.map(({ method, path }) => `${method} ${path}`);
  expect(listed).toEqual([
    "GET /v1",
    "GET /v1/openapi.json",
    "GET /v1/events",
    "GET /metrics",
    ...Object.values(API).map(({ method, path }) => `${method} /v1/${path}`),
  ]);
  expect(routes.every(({ about }) => about.endsWith("."))).toBe(true);
});

test.each(["/v1", "/v1/openapi.json"])(
  "POST %s is answered with the method that would be right",
  async (path) => {
    const answer = await says(path, { method: "POST" });
    expect([answer.status, answer.headers.get("allow")]).toEqual([405, "GET"]);
  },
);

test.each(["/v1/", "/v1/openapi.json/", "/v1/toString", "/v1/openapi.json?x"])(
  "GET %s is nothing",
  async (path) => {
    expect((await says(path)).status).toBe(404);
  },
);

/** Runs the example and returns what it printed. */
async function python(...words: readonly string[]) {
  const child = Bun.spawn(["python3", CLIENT, it.socket, ...words], { stdout: "pipe", stderr: "pipe" });
  const [out, err] = await Promise.all([child.stdout.text(), child.stderr.text()]);
  return { status: await child.exited, out, err };
}

testNeeding(["python3"], "powermon_client.py reads and changes what the document names", async () => {
  const status = await python("status");
  expect({ ...status, out: "" }).toEqual({ status: 0, out: "", err: "" });
  expect(JSON.parse(status.out)).toMatchObject({ vms: 1, version: expect.any(String) });
  const changed = await python("changeVm", "vm=vm1", 'ceiling="base"', "queries=true");
  expect({ status: changed.status, err: changed.err }).toEqual({ status: 0, err: "" });
  expect(JSON.parse(changed.out).settings).toMatchObject({
    ceiling: { value: "base", from: "runtime" },
    queries: { value: true, from: "runtime" },
  });
  expect(it.calls.at(-1)).toEqual([
    "changeVm",
    { vm: "vm1", ceiling: "base", queries: true, save: false, dryRun: false },
  ]);
});

testNeeding(["python3"], "powermon_client.py raises powermon's own sentence", async () => {
  const { status, err } = await python("vm", "vm=a b/c");
  expect(status).toBe(1);
  expect(err).toContain("RuntimeError: invalid: \"a b/c\" can't be a VM's name.");
});
