import { afterAll, afterEach, beforeEach, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { serve } from "../../control/serve.ts";
import { call } from "./call.ts";

const TEXT = "# HELP powermon_vms VMs.\n# TYPE powermon_vms gauge\npowermon_vms 2";
const it = await serve({ metrics: () => `${TEXT}\n` });
afterAll(() => it[Symbol.dispose]());
let dir: string;
beforeEach(() => {
  dir = mkdtempSync(`${tmpdir()}/metrics-`);
});
afterEach(() => rmSync(dir, { recursive: true }));

const metrics = (...words: readonly string[]) => call("metrics", ...words, "--socket", it.socket);

test("powermon metrics prints them", async () => {
  expect(await metrics()).toEqual({ status: 0, out: TEXT, err: "" });
});

test("powermon metrics --output puts a whole file, readable by all, in place of the old one", async () => {
  const file = `${dir}/powermon.prom`;
  writeFileSync(file, "old");
  const before = process.umask(0o077);
  try {
    expect(await metrics("--output", file)).toEqual({ status: 0, out: "", err: "" });
  } finally {
    process.umask(before);
  }
  expect(readFileSync(file, "utf8")).toBe(`${TEXT}\n`);
  expect(statSync(file).mode & 0o777).toBe(0o644);
  expect(readdirSync(dir)).toEqual(["powermon.prom"]);
});

test("powermon metrics --output leaves nothing behind when it can't write", async () => {
  mkdirSync(`${dir}/powermon.prom`);
  const full = await metrics("--output", `${dir}/powermon.prom`);
  expect(full).toMatchObject({ status: 1, out: "" });
  expect(full.err).toStartWith(`Cannot write "${dir}/powermon.prom": EISDIR; `);
  expect(readdirSync(dir)).toEqual(["powermon.prom"]);
  const nowhere = await metrics("--output", `${dir}/none/x.prom`);
  expect(nowhere.err).toContain("ENOENT");
});

test("powermon metrics names what node_exporter reads, and who does not answer", async () => {
  const other = await metrics("--output", `${dir}/powermon.txt`);
  expect(other).toMatchObject({ status: 2, out: "" });
  expect(other.err).toContain("--output must end in .prom");
  expect((await call("metrics", "--socket", `${dir}/none.sock`)).status).toBe(4);
});
