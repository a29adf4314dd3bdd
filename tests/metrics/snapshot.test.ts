import { expect, test } from "bun:test";
import { METRICS } from "../../internal/metrics/metrics.ts";
import { MAX_SERIES, Snapshot } from "../../internal/metrics/snapshot.ts";

test("add() keeps at most 1024 series of a metric and tells how many it left out", () => {
  const snapshot = new Snapshot();
  for (let n = 0; n < MAX_SERIES + 7; n++) snapshot.add("powermon_vcpu_wanted_hertz", n, "vm1", n);
  snapshot.add("powermon_vms", 1);
  const readings = [...snapshot.readings()];
  expect(readings.map(({ name }) => name)).toEqual([
    "powermon_vms",
    "powermon_vcpu_wanted_hertz",
    "powermon_dropped_series",
  ]);
  const samples = readings.map((reading) => (reading.type === "histogram" ? [] : reading.samples));
  expect(samples[1]).toHaveLength(MAX_SERIES);
  expect(samples[2]).toEqual([{ labels: ["powermon_vcpu_wanted_hertz"], value: 7 }]);
});

test("addZero() takes no other series' place, and is not told as left out", () => {
  const snapshot = new Snapshot();
  for (let n = 0; n < MAX_SERIES - 1; n++) snapshot.add("powermon_vcpu_wanted_hertz", 5, "vm1", n);
  for (let n = 0; n < 9; n++) snapshot.addZero("powermon_vcpu_wanted_hertz", "vm2", n);
  const [reading, ...others] = snapshot.readings();
  expect(others).toEqual([]);
  const samples = reading?.type === "gauge" ? reading.samples : [];
  expect(samples).toHaveLength(MAX_SERIES);
  expect(samples.at(-1)).toEqual({ labels: ["vm2", "0"], value: 0 });
});

test.each(Object.entries(METRICS))("%s is named in node_exporter's style", (name, { type, help, labels }) => {
  expect(name).toMatch(/^(powermon|process)_[a-z_]+$/);
  expect(name.endsWith("_total")).toBe(type === "counter");
  expect(name).not.toMatch(/khz|_ms|milli|micro/);
  expect(help).toMatch(/^[A-Z][^]*[^.]$/);
  for (const label of labels) expect(label).toMatch(/^[a-z]+$/);
});
