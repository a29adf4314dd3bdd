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

test.each(Object.entries(METRICS))("%s is named in node_exporter's style", (name, { type, help, labels }) => {
  expect(name).toMatch(/^(powermon|process)_[a-z_]+$/);
  expect(name.endsWith("_total")).toBe(type === "counter");
  expect(name).not.toMatch(/khz|_ms|milli|micro/);
  expect(help).toMatch(/^[A-Z][^]*[^.]$/);
  for (const label of labels) expect(label).toMatch(/^[a-z]+$/);
});
