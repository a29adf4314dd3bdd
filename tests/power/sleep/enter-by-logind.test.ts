// The order to logind and what is made of its answers; the bus and systemd's programs are a stand-in, which keeps their order.

import { expect, test } from "bun:test";
import type { Run } from "../../../internal/os/spawn.ts";
import { enterByLogind } from "../../../internal/power/sleep/enter-by-logind.ts";
import { DONE, err, ok } from "../../../internal/values/result.ts";
import { error, value } from "../../sysfs/machine.ts";

const PATIENCE = { startMs: 200, awakeMs: 200, lookMs: 1 };

/** What a test plays: whether delays can be had, what becomes of the order, how the service ends, how long it takes to begin and to end. */
interface Play {
  readonly delays?: boolean;
  readonly refuses?: string;
  readonly begins?: boolean;
  readonly ends?: boolean;
  readonly result?: string;
}

/** logind with one delay of ours: it sleeps once nobody delays it any more. */
function logind({ delays = true, refuses, begins = true, ends = true, result = "success" }: Play) {
  const log: string[] = [];
  let delayed = false;
  let preparing = false;
  const said = (stdout: string, status = 0, stderr = "") => ok({ status, stdout, stderr });
  const sleep = () => {
    log.push("asleep");
    preparing = !ends;
  };
  const run: Run = async (argv, { signal }) => {
    const [program = ""] = argv;
    if (program === "systemd-inhibit") {
      if (!delays) return err({ code: "ENOENT", says: "there is no systemd-inhibit" });
      delayed = true;
      await new Promise((resolve) => signal?.addEventListener("abort", resolve));
      delayed = false;
      log.push("delay ends");
      if (preparing) sleep();
      return err({ code: "ECANCELED", says: "it is not wanted any more" });
    }
    if (program === "systemctl") return said(`${result}\n`);
    if (argv.includes("PreparingForSleep")) return said(JSON.stringify({ type: "b", data: preparing }));
    if (argv.includes("ListInhibitors")) {
      const ours = ["sleep", "powermon", "gives clocks back", "delay", 0, 7];
      return said(JSON.stringify({ type: "a(ssssuu)", data: [delayed ? [ours] : []] }));
    }
    log.push(`order ${argv.at(-3)}`);
    if (refuses !== undefined) return said("", 1, refuses);
    preparing = begins;
    if (begins && !delayed) sleep();
    return said("");
  };
  const steps = {
    soon: async () => void log.push("soon"),
    arm: () => (log.push("arm"), DONE),
  };
  return { log, run, steps };
}

test("enterByLogind() gives clocks back when the sleep is on its way, and lets it go on then", async () => {
  const { log, run, steps } = logind({});
  value(await enterByLogind("mem", run, PATIENCE)(steps));
  expect(log).toEqual(["order Suspend", "soon", "arm", "delay ends", "asleep"]);
});

test("enterByLogind() gives clocks back first where the sleep can't be delayed", async () => {
  const { log, run, steps } = logind({ delays: false });
  value(await enterByLogind("disk", run, PATIENCE)(steps));
  expect(log).toEqual(["soon", "arm", "order Hibernate", "asleep"]);
});

// each row: what happens, what is said, what was done by then
test.each([
  ["logind refuses", { refuses: "Access denied\n" }, /^Access denied$/, ["order Hibernate", "delay ends"]],
  [
    "nothing begins",
    { begins: false },
    /took the order, and did not begin/,
    ["order Hibernate", "delay ends"],
  ],
  [
    "the service fails",
    { result: "exit-code" },
    /^systemd-hibernate.service did not sleep \(exit-code\); journalctl -u/,
    ["order Hibernate", "soon", "arm", "delay ends", "asleep"],
  ],
  [
    "it never ends",
    { ends: false },
    /has not come to an end/,
    ["order Hibernate", "soon", "arm", "delay ends", "asleep"],
  ],
] as const)("enterByLogind() tells why when %s", async (_, play, why, done) => {
  const { log, run, steps } = logind(play);
  expect(error(await enterByLogind("disk", run, PATIENCE)(steps))).toMatch(why);
  expect(log).toEqual([...done]);
});

test("enterByLogind() orders nothing once it is not wanted any more", async () => {
  const { log, run, steps } = logind({});
  error(await enterByLogind("mem", run, PATIENCE)({ ...steps, signal: AbortSignal.abort() }));
  expect(log).toEqual([]);
});
