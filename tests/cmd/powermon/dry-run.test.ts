import { expect, test } from "bun:test";
import { POWERMON } from "../../../cmd/powermon/commands.ts";
import { showDryRun } from "../../../cmd/powermon/dry-run.ts";
import { everyCommand, loadTree } from "../../../scripts/program-tree.ts";

/** Commands that show, print, run or try, and change nothing of the machine. */
const LOOKS = new Set(
  `run status explain events top metrics check shell capabilities energy budget/show budget/check budget/simulate
  vm/list vm/show vm/metadata/show fleet/status fleet/hosts fleet/top fleet/budget/show fleet/vm/show channel/list channel/xml channel/qemu freq/show policy/list policy/show policy/simulate
  profile/list profile/show profile/recommend profile/status profile/verify`.split(/\s+/),
);

const all = everyCommand(await loadTree(POWERMON)).flatMap(({ words, args }) =>
  args === undefined ? [] : [[words.join("/"), args] as const],
);

test("LOOKS names commands that there are", () => {
  expect([...LOOKS].filter((name) => !all.some(([path]) => path === name))).toEqual([]);
});

test.each(all.filter(([path]) => !LOOKS.has(path)))("powermon %s can be tried with --dry-run", (_, args) => {
  expect(Object.keys(args)).toContain("dry-run");
});

test("showDryRun() has a line for each change, clock and warning", () => {
  const clock = (before: object, after: object) => ({ domain: 2, cpus: [2, 3], before, after });
  const guest = { khz: 2_400_000, by: "guest", vm: "vm1", vcpu: 0, clippedBy: "site" } as const;
  const changes = [
    { what: "operator's claim on CPU 2", after: "800000 kHz" },
    { what: "channel vm1.0", before: "connected" },
    { what: "requests of channel vm1.1", before: "served", after: "ignored" },
  ];
  const clocks = [
    clock(guest, { khz: 800_000, by: "operator" }),
    clock({ khz: 800_000, by: "policy", vm: "vm2", vcpu: 1, clippedBy: "vm" }, {}),
  ];
  expect(showDryRun({ changes, clocks, warnings: ["No clock is there."] }).split("\n")).toEqual([
    "operator's claim on CPU 2: none -> 800000 kHz",
    "channel vm1.0: connected -> none",
    "requests of channel vm1.1: served -> ignored",
    "clock 2 (CPUs 2-3): 2400000 kHz (guest of vCPU 0 of VM vm1, cut by the site's limits) -> 800000 kHz (operator)",
    "clock 2 (CPUs 2-3): 800000 kHz (policy of vCPU 1 of VM vm2, cut by the VM's limits) -> as the machine's operator had it",
    "warning: No clock is there.",
  ]);
  expect(showDryRun({ changes: [], clocks: [], warnings: ["No."] })).toBe(
    "Nothing would change.\nwarning: No.",
  );
});
