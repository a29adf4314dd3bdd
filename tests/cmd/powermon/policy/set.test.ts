// powermon policy set: what is in the file reaches powermon as it is written, or is told with its line.

import { afterAll, beforeEach, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { serve } from "../../../control/serve.ts";
import { call } from "../call.ts";
import { MAIN, runWith } from "../run.ts";

const dir = mkdtempSync(`${tmpdir()}/policy-set-`);
const it = await serve();
beforeEach(() => void (it.calls.length = 0));
afterAll(() => {
  it[Symbol.dispose]();
  rmSync(dir, { recursive: true });
});

function file(name: string, text: string): string {
  writeFileSync(`${dir}/${name}`, text);
  return `${dir}/${name}`;
}
const set = (path: string, ...more: readonly string[]) =>
  call("policy", "set", "vm2", "--file", path, "--socket", it.socket, ...more);

const NIGHT = { type: "time", vcpus: "0-1", windows: [{ from: "22:00", to: "06:00", level: "min" }] };
const NIGHT_TOML = 'type = "time"\nvcpus = "0-1"\n[[windows]]\nfrom = "22:00"\nto = "06:00"\nlevel = "min"\n';

describe("powermon policy set", () => {
  test.each([
    ["night.toml", NIGHT_TOML],
    ["night.json", JSON.stringify(NIGHT)],
    ["night", `\n ${JSON.stringify(NIGHT)}\n`],
  ])("sends what %s says, and shows what stands then", async (name, text) => {
    const { status, out, err } = await set(file(name, text));
    expect({ status, err }).toEqual({ status: 0, err: "" });
    expect(out).toStartWith("vm2: time policy of an operator, in force\n");
    expect(out).toContain("vCPUs      0-1\n");
    expect(it.calls).toEqual([["setPolicy", { vm: "vm2", policy: NIGHT, save: false }]]);
  });

  test("keeps it with --save, and prints JSON with --json", async () => {
    const { status, out } = await set(file("night.toml", NIGHT_TOML), "--save", "--json");
    expect(status).toBe(0);
    expect(JSON.parse(out)).toMatchObject([{ vm: "vm2", vcpus: [0, 1], rule: { type: "time" } }]);
    expect(it.calls).toEqual([["setPolicy", { vm: "vm2", policy: NIGHT, save: true }]]);
  });

  test.each([
    ["a.toml", 'type = "time"\n\ndefualt = "min"\n', "a.toml:3: defualt is not a key that powermon knows."],
    [
      "b.toml",
      'type = "workload"\nworkload = "low"\nmacs = ["52:54:00:12:34:56"]\n',
      "b.toml:3: macs does not belong",
    ],
    ["c.toml", "type = \n", "c.toml:1: Is not TOML"],
    ["d.json", "[]", "d.json: Is not an object. Write one JSON object."],
    ["e.json", '{"type": "workload", "workload": "low",}', "e.json: Is not JSON"],
  ])("tells what is wrong with %s, and asks nobody", async (name, text, why) => {
    const { status, out, err } = await set(file(name, text));
    expect({ status, out }).toEqual({ status: 2, out: "" });
    expect(err).toStartWith(`${dir}/${why}`);
    expect(it.calls).toEqual([]);
  });

  test("tells every problem, one a line, or as one JSON error", async () => {
    const path = file("two.toml", 'type = "traffic"\nmacs = ["x"]\nmedium_pps = -1\n');
    const text = await set(path);
    expect(text.err.split("\n").map((line) => line.slice(dir.length + 1, dir.length + 11))).toEqual([
      "two.toml:2",
      "two.toml:3",
    ]);
    const { status, out, err } = await set(path, "--json");
    expect({ status, err }).toEqual({ status: 2, err: "" });
    expect(JSON.parse(out)).toEqual({ error: { code: "invalid", message: text.err } });
  });

  test("says so when there is no such file", async () => {
    const { status, err } = await set(`${dir}/none.toml`);
    expect(status).toBe(2);
    expect(err).toStartWith(`${dir}/none.toml: Cannot read it: ENOENT.`);
  });

  test("reads a megabyte of standard input at most, and waits for no more", async () => {
    const words = ["policy", "set", "vm2", "--file", "-", "--socket", it.socket];
    const child = Bun.spawn([process.execPath, MAIN, ...words], { stdin: "pipe", stderr: "pipe" });
    child.stdin.write(" ".repeat(1_100_000));
    await child.stdin.flush();
    expect(await child.exited).toBe(2);
    expect(await child.stderr.text()).toBe(
      "standard input: Has more than 1048576 bytes. Keep it under 1048576 bytes.\n",
    );
    expect(it.calls).toEqual([]);
  });

  test("reads TOML and JSON from standard input", async () => {
    const words = ["policy", "set", "vm2", "--file", "-", "--socket", it.socket];
    for (const text of [NIGHT_TOML, JSON.stringify(NIGHT)])
      expect((await runWith(text, ...words)).status).toBe(0);
    expect(it.calls).toEqual([
      ["setPolicy", { vm: "vm2", policy: NIGHT, save: false }],
      ["setPolicy", { vm: "vm2", policy: NIGHT, save: false }],
    ]);
    expect(await runWith('type = "workload"\n', ...words)).toEqual({
      status: 2,
      out: "",
      err: 'standard input: workload is missing. Write "high", "medium" or "low".',
    });
  });
});
