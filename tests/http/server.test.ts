// The listener as browsers, scrapers and attackers meet it: over real connections.

import { afterAll, afterEach, beforeEach, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { connect } from "node:net";
import { type HttpListener, startHttp } from "../../internal/http/server.ts";
import { Log } from "../../internal/log.ts";
import { ask, frame, Lab } from "../helpers/lab.ts";
import { until } from "../helpers/until.ts";

const log: string[] = [];
const lab = new Lab();
const options = {
  listen: { host: "127.0.0.1", port: 0 },
  names: ["host.example"],
  asks: lab.asks(),
  clocks: () => lab.host.cpufreq.domains,
  metrics: () => "powermon_vms 2\n",
  log: new Log("debug", "text", false, (line) => log.push(line)),
};
// A guest that was refused something.
const vm1 = await lab.guest("vm1.0");
await ask(vm1, frame({ step: "max", vcpu: 7 }));
afterAll(() => lab.end());
let it: HttpListener;
beforeEach(async () => {
  log.length = 0;
  const started = await startHttp(options);
  if (!started.ok) throw new Error(started.error);
  it = started.value;
});
afterEach(() => it.stop());

/** Sends `text` as it is and resolves to everything that comes back until `enough`, or the end. */
function raw(text: string, enough = /$^/): Promise<string> {
  return new Promise((resolve, reject) => {
    let back = "";
    const connection = connect(Number(new URL(it.url).port), "127.0.0.1", () => connection.write(text));
    connection.on("data", (bytes) => {
      back += bytes.toString();
      if (enough.test(back)) connection.destroy();
    });
    connection.on("close", () => resolve(back));
    connection.on("error", reject);
  });
}
const get = (path: string, host = "localhost") =>
  raw(`GET ${path} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`);

test("startHttp() serves one page that loads nothing and runs only its own script", async () => {
  const response = await fetch(it.url);
  expect(response.status).toBe(200);
  expect(response.headers.get("content-type")).toBe("text/html; charset=utf-8");
  const page = await response.text();
  const policy = response.headers.get("content-security-policy") ?? "";
  expect(policy).toStartWith("default-src 'none'; ");
  expect(policy).not.toMatch(/unsafe|\*|https?:/);
  for (const [tag, directive] of [
    ["style", "style-src"],
    ["script", "script-src"],
  ]) {
    const inner = new RegExp(`<${tag}>([^]*?)</${tag}>`).exec(page)?.[1] ?? "";
    expect(inner.length).toBeGreaterThan(1000);
    const hash = createHash("sha256").update(inner).digest("base64");
    expect(policy).toContain(`${directive} 'sha256-${hash}'`);
  }
  expect(page.match(/\b(?:src|href)="[^"]*"/g)).toEqual(['href="data:,"', 'href="/metrics"']);
  expect(page).not.toMatch(/url\(|@import|\son\w+="|style="/);
  for (const [name, value] of [
    ["x-content-type-options", "nosniff"],
    ["cross-origin-resource-policy", "same-origin"],
    ["referrer-policy", "no-referrer"],
    ["cache-control", "no-store"],
  ] as const) {
    expect(response.headers.get(name)).toBe(value);
  }
  expect(response.headers.get("access-control-allow-origin")).toBeNull();
});

test("startHttp() serves metrics and explanations", async () => {
  const metrics = await fetch(`${it.url}metrics`);
  expect(metrics.headers.get("content-type")).toBe("text/plain; version=0.0.4; charset=utf-8");
  expect(await metrics.text()).toBe("powermon_vms 2\n");
  const explained = await fetch(`${it.url}explain/2`);
  expect(await explained.json()).toMatchObject({ cpu: 2, why: expect.any(Array) });
  const nobody = await fetch(`${it.url}explain/77`);
  expect(nobody.status).toBe(404);
  expect(await nobody.json()).toMatchObject({ error: { code: "not-found" } });
});

test("startHttp() serves one VM, and says which ranges there are", async () => {
  expect(await (await fetch(`${it.url}vm/vm1`)).json()).toMatchObject({
    vm: "vm1",
    vcpus: expect.any(Array),
  });
  const nobody = await fetch(`${it.url}vm/no%20body`);
  expect([nobody.status, await nobody.json()]).toMatchObject([404, { error: { code: "not-found" } }]);
  for (const path of ["vm/..", "vm/%2e%2e", "vm/a%2fb", "vm/%zz", "vm/", "vm/vm1/x"])
    expect((await get(`/${path}`)).slice(0, 13), path).toBe("HTTP/1.1 404 ");
  for (const range of ["", "2h", "__proto__", "1h&x"]) {
    const back = await get(`/live?range=${range}`);
    expect(back).toStartWith("HTTP/1.1 400 ");
    expect(back).toContain("A range is one of 10m, 1h, 24h, as in /live?range=1h.");
  }
  const live = await fetch(`${it.url}live?range=24h`);
  expect(live.status).toBe(200);
  await live.body?.cancel();
});

test.each(["evil.example", "localhost.evil.example", "", "127.0.0.1.evil.example:9560"])(
  "startHttp() tells nothing to a request for %j, as by DNS rebinding",
  async (host) => {
    for (const path of ["/", "/metrics", "/live", "/live?range=1h", "/explain/2", "/vm/vm1"]) {
      const back = await get(path, host);
      expect(back).toStartWith("HTTP/1.1 421 ");
      expect(back).not.toMatch(/powermon_vms|vm1|<html/);
    }
  },
);

test.each(["localhost:1234", "127.0.0.1", "[::1]:9", "HOST.example"])(
  "startHttp() answers a request for %j",
  async (host) => {
    expect(await get("/metrics", host)).toStartWith("HTTP/1.1 200 ");
  },
);

test.each(["POST", "PUT", "DELETE", "PATCH", "OPTIONS"])("startHttp() takes no %s", async (method) => {
  const response = await fetch(`${it.url}explain/2`, { method });
  expect([response.status, response.headers.get("allow")]).toEqual([405, "GET"]);
});

test.each([
  "/nowhere",
  "/explain/",
  "/explain/x",
  "/explain/-1",
  "/explain/99999",
  "/metrics?x",
  "//",
  "/v1/status",
])("startHttp() has nothing at %s", async (path) => {
  expect(await get(path)).toStartWith("HTTP/1.1 404 ");
});

test("startHttp() streams the whole and then changes", async () => {
  const first = await raw("GET /live HTTP/1.1\r\nHost: localhost\r\n\r\n", /event: change\ndata: [^\n]+\n\n/);
  expect(first).toMatch(/content-type: text\/event-stream/i);
  expect(first).toContain("event: whole\ndata: ");
});

test("startHttp() has room for 16 pages", async () => {
  const pages = await Promise.all(
    Array.from({ length: 16 }, async () => {
      const response = await fetch(`${it.url}live`);
      expect(response.status).toBe(200);
      return response;
    }),
  );
  const full = await fetch(`${it.url}live`);
  expect([full.status, full.headers.get("retry-after")]).toEqual([503, "10"]);
  await pages[0]?.body?.cancel();
  await until("there is room again", async () => {
    const again = await fetch(`${it.url}live`);
    await again.body?.cancel();
    return again.status === 200;
  });
  for (const page of pages.slice(1)) await page.body?.cancel();
});

test("startHttp() cuts off a page that does not read, and serves the others", async () => {
  it.stop();
  const live = (await options.asks.live()).value;
  const [refusal] = live.refusals;
  if (refusal === undefined) throw new Error("the machine has a refusal");
  const long = { ...live, refusals: [{ ...refusal, message: "x".repeat(500_000) }] };
  const started = await startHttp({
    ...options,
    asks: { ...options.asks, live: () => Promise.resolve({ value: long }) },
    feedMs: 5,
  });
  if (!started.ok) throw new Error(started.error);
  it = started.value;
  const deaf = connect(Number(new URL(it.url).port), "127.0.0.1");
  deaf.on("error", () => {});
  deaf.pause();
  deaf.write("GET /live HTTP/1.1\r\nHost: localhost\r\n\r\n");
  await until("it is cut off", () => log.join("").includes("A page was too slow"));
  expect(await get("/metrics")).toContain("powermon_vms 2");
  deaf.destroy();
});

test("startHttp() says why it can't listen", async () => {
  const port = Number(new URL(it.url).port);
  expect(await startHttp({ ...options, listen: { host: "127.0.0.1", port } })).toEqual({
    ok: false,
    error: `No page and no metrics by HTTP: cannot listen on http://127.0.0.1:${port}/: EADDRINUSE; another program listens there, give http.listen another port and start powermon anew.`,
  });
});
