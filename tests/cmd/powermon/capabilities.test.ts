// powermon capabilities: words in, status and documents out, on a machine of files.

import { expect, test } from "bun:test";
import { runPowermon } from "./power-main.ts";
import { machine } from "../../sysfs/machine.ts";

const flags = (tree: { sys: string; proc: string }) => ["--sysfs-root", tree.sys, "--proc-root", tree.proc];

test.each([
  ["text", /^WHAT/],
  ["json", /^\{\n {2}"arch"/],
  ["xml", /<suspend_hybrid\/>/],
  ["rfc", /<S3\/>\n {6}<S4\/>/],
] as const)("capabilities --format %s writes that form", async (format, shape) => {
  const { tree } = machine("intel-server-8cpu");
  const ran = await runPowermon(["capabilities", "--format", format, ...flags(tree)]);
  expect(ran).toMatchObject({ status: 0, err: "" });
  expect(ran.out).toMatch(shape);
});

test("capabilities --json is --format json", async () => {
  const { tree } = machine("arm64-server-4cpu");
  const ran = await runPowermon(["capabilities", "--json", ...flags(tree)]);
  expect(JSON.parse(ran.out)).toMatchObject({ cpuidle: { driver: "psci_idle" }, problems: [] });
});

test("capabilities names a part that can't be read and fails", async () => {
  const { tree, put } = machine("intel-server-8cpu");
  put("cpu0/power/energy_perf_bias", "many");
  const ran = await runPowermon(["capabilities", "--json", ...flags(tree)]);
  expect(ran.status).toBe(1);
  expect(ran.err).toContain("energy_perf_bias");
  expect(JSON.parse(ran.out)).not.toHaveProperty("epb");
});

test("capabilities refuses a format it does not know", async () => {
  expect(await runPowermon(["capabilities", "--format", "yaml"])).toMatchObject({ status: 2, out: "" });
});
