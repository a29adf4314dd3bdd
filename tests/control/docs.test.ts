import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { API } from "../../internal/api/table.ts";
import { ok } from "../../internal/values/result.ts";
import { serve } from "./serve.ts";

const text = readFileSync(join(import.meta.dir, "../../docs/control.md"), "utf8");
const examples = [...text.matchAll(/^```sh\n(.*?)^```/gms)]
  .flatMap(([, block = ""]) => block.trim().split("\n"))
  // A stream that never ends.
  .filter((line) => !line.endsWith("/v1/events"));

const NO_VCPU = { vcpu: 0, pcpus: [], domains: [] };
const SLEPT = {
  target: "mem",
  via: "kernel",
  slept: true,
  blockers: [],
  warnings: [],
  prepared: [],
  notRestored: [],
} as const;

test("docs/control.md names every route and no other", () => {
  const told = [...text.matchAll(/`(GET|PUT|PATCH|POST|DELETE) \/v1\/([^`]*)`/g)].map(
    ([, method, path]) => `${method} ${path}`,
  );
  const routes = [
    ...Object.values(API).map(({ method, path }) => `${method} ${path}`),
    "GET events",
    "GET openapi.json",
  ];
  expect([...new Set(told)].sort()).toEqual(routes.sort());
});

test.skipIf(Bun.which("curl") === null)(
  "docs/control.md has only examples that work (needs curl)",
  async () => {
    using it = await serve({
      guests: ["vm1.0", "vm1.1"],
      // This machine's threads are not pinned, and it is not put to sleep.
      rows: ({ vms }) => ({
        pinVcpu: () => ok(vms().value[0]?.vcpus[0] ?? NO_VCPU),
        suspend: () => ok(SLEPT),
      }),
    });
    expect(examples.length).toBeGreaterThan(10);
    for (const line of examples) {
      expect(line).toStartWith("curl -sS --unix-socket /run/powermon/control.sock ");
      const command = line
        .replace("/run/powermon/control.sock", it.socket)
        .replace("curl ", "curl --fail-with-body ");
      const curl = Bun.spawn(["sh", "-c", command], { stdout: "pipe", stderr: "pipe" });
      const [out, err] = await Promise.all([curl.stdout.text(), curl.stderr.text()]);
      expect({ line, err, status: await curl.exited }).toEqual({ line, err: "", status: 0 });
      expect(() => JSON.parse(out), line).not.toThrow();
    }
  },
);
