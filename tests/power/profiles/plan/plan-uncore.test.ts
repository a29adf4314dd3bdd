// The clock outside of the cores by per cents and by part, on a machine of files.

import { expect, test } from "bun:test";
import { mkdirSync } from "node:fs";
import { applyProfile } from "../../../../internal/power/profiles/apply.ts";
import { explainProfile } from "../../../../internal/power/profiles/outcome.ts";
import { readCpuSets } from "../../../../internal/power/profiles/cpu-selector.ts";
import type { HostProfile } from "../../../../internal/power/profiles/host-profile.ts";
import { restoreProfile } from "../../../../internal/power/profiles/off.ts";
import { verifyProfile } from "../../../../internal/power/profiles/verify.ts";
import { err } from "../../../../internal/values/result.ts";
import { error, machine, value } from "../../../sysfs/machine.ts";
import { changed, snapshot } from "../../snapshot.ts";
import { own } from "../coupled.ts";

const FOLDER = "intel_uncore_frequency";
const apply = (at: ReturnType<typeof machine>, uncore: HostProfile["uncore"]) =>
  applyProfile(at.roots, own({ uncore }), {
    sets: value(readCpuSets(at.roots.sysfsRoot, () => err("none"))),
    now: "2026-07-01T10:00:00.000Z",
  });

/** Two packages with a domain of cores and one of I/O each, as TPMI shows them, beside the folders that stand for all of a die. */
function tpmi() {
  const at = machine("intel-server-8cpu");
  for (const [n, agents] of ["core cache memory", "io", "core cache memory", "io"].entries()) {
    const folder = `${FOLDER}/uncore0${n}`;
    mkdirSync(at.path(folder));
    at.put(`${folder}/package_id`, n < 2 ? "0" : "1");
    at.put(`${folder}/domain_id`, `${n % 2}`);
    at.put(`${folder}/agent_types`, agents);
    for (const name of ["initial_min", "min"]) at.put(`${folder}/${name}_freq_khz`, "800000");
    for (const name of ["initial_max", "max"]) at.put(`${folder}/${name}_freq_khz`, "2500000");
  }
  return at;
}

test("planUncore() takes per cents of each domain's range, and a part wins over the whole", () => {
  const at = tpmi();
  const before = snapshot(at.path(FOLDER));
  value(
    apply(at, {
      ceiling: "80%",
      of: { "1": { ceiling: "50%" }, io: { floor: "min", ceiling: 1_250_000 }, uncore03: { ceiling: "max" } },
    }),
  );
  // 800000 + 80 % of 1700000, in steps of 100 MHz; domains of their own are set, and not their sum too.
  expect(changed(before, snapshot(at.path(FOLDER)))).toEqual([
    "uncore00/max_freq_khz: 2500000 > 2200000",
    "uncore01/max_freq_khz: 2500000 > 1200000",
    "uncore02/max_freq_khz: 2500000 > 1700000",
  ]);
  expect(value(verifyProfile(at.roots)).drift).toEqual([]);
  at.put(`${FOLDER}/uncore01/max_freq_khz`, "2500000");
  expect(value(verifyProfile(at.roots)).drift).toMatchObject([{ knob: "uncore ceiling", found: "2500000" }]);
  expect(restoreProfile(at.roots).failed).toEqual([]);
  expect(changed(before, snapshot(at.path(FOLDER)))).toEqual([]);
});

test("planUncore() sets one die of several packages, and tells kHz that the hardware has not", () => {
  const at = machine("intel-server-8cpu");
  const before = snapshot(at.path(FOLDER));
  const done = value(apply(at, { of: { "1.0": { ceiling: 1_650_000 } } }));
  expect(changed(before, snapshot(at.path(FOLDER)))).toEqual([
    "package_01_die_00/max_freq_khz: 2400000 > 1600000",
  ]);
  expect(done.rounded).toMatchObject([{ asked: "1650000", held: "1600000" }]);
});

test.each([
  [
    { of: { "2": { ceiling: "max" as const } } },
    /uncore of 2: no uncore domain is of it: there are package_00_die_00 \(0.0\)/,
  ],
  [{ of: { io: { ceiling: "max" as const } } }, /uncore of io: no uncore domain is of it/],
  [
    { floor: "80%" as const, ceiling: "20%" as const },
    /2100000-1100000 kHz is no range within 800000-2400000/,
  ],
])("planUncore() of %j is refused before the first write", (uncore, why) => {
  const at = machine("intel-server-8cpu");
  const before = snapshot(at.tree.root);
  expect(explainProfile(error(apply(at, uncore))).join("\n")).toMatch(why);
  expect(changed(before, snapshot(at.tree.root))).toEqual([]);
});
