import { afterEach, beforeEach, expect, test } from "bun:test";
import { ask, frame, Lab, STATIC } from "../../helpers/lab.ts";
import { message, value } from "../../helpers/answer.ts";

let lab: Lab;
beforeEach(() => {
  lab = new Lab();
});
afterEach(() => lab.end());

test("status() counts VMs, channels, claims and what was asked", async () => {
  const asks = lab.asks();
  const vm1 = await lab.guest("vm1.0");
  await ask(vm1, frame({ step: "max" }));
  await ask(vm1, frame({ step: "max", vcpu: 7 }));
  expect(asks.status().value).toMatchObject({
    version: "1.2.3",
    domains: 4,
    drivers: ["acpi-cpufreq"],
    vms: 1,
    channels: { total: 1, connected: 1 },
    claims: 1,
    counts: { received: 2, done: 1, refused: 1 },
  });
});

test("reload() keeps the old configuration when the new one is bad", async () => {
  let good = true;
  const asks = lab.asks(STATIC, {}, (runtime) =>
    good
      ? lab.load({ ...STATIC, "vm-defaults": { ceiling: 1400000 } }, runtime)
      : { ok: false, error: [{ file: "x.toml", key: "floor", wrong: "is 7", right: "Write kHz." }] },
  );
  const vm1 = await lab.guest("vm1.0");
  await ask(vm1, frame({ step: "max" }));
  good = false;
  expect(message(asks.reload())).toBe("invalid: x.toml: floor is 7. Write kHz.");
  expect(lab.speed(2)).toBe(2600000);
  expect(message(asks.reload({ dryRun: true }))).toBe("invalid: x.toml: floor is 7. Write kHz.");
  good = true;
  expect(value(asks.reload({ dryRun: true }))).toMatchObject({
    reloaded: false,
    warnings: [],
    changes: ["+ vm-defaults.ceiling = 1400000"],
  });
  expect(lab.speed(2)).toBe(2600000);
  expect(value(asks.reload())).toMatchObject({
    reloaded: true,
    changes: ["+ vm-defaults.ceiling = 1400000"],
  });
  expect(lab.speed(2)).toBe(1400000);
  expect(value(asks.reload())).toMatchObject({ changes: [] });
});

test("reload() tells and logs what is probably not meant, as a start does", () => {
  const asks = lab.asks(STATIC, {}, (runtime) => {
    const loaded = lab.load(STATIC, runtime);
    const warning = {
      file: "x.toml",
      line: 3,
      key: "vm.x.pins",
      wrong: "count for nothing",
      right: "Add static.",
    };
    return loaded.ok ? { ok: true, value: { ...loaded.value, warnings: [warning] } } : loaded;
  });
  const said = "x.toml:3: vm.x.pins count for nothing. Add static.";
  expect(value(asks.reload())).toMatchObject({ warnings: [said] });
  expect(lab.log.filter((line) => line.includes(said))).toHaveLength(1);
});
