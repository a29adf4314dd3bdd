import { expect, test } from "bun:test";
import { Histogram } from "../../internal/metrics/histogram.ts";
import { Snapshot } from "../../internal/metrics/snapshot.ts";
import { prometheus } from "../../internal/output/prometheus.ts";

test("prometheus() writes help, type and each series, values of labels escaped", () => {
  const snapshot = new Snapshot();
  snapshot.add("powermon_frames_dropped_total", 3, 'a\\b"c');
  snapshot.add("powermon_frames_dropped_total", 0, "vm.2");
  snapshot.add("powermon_vms", 2);
  expect(prometheus(snapshot)).toBe(`# HELP powermon_vms VMs with a channel.
# TYPE powermon_vms gauge
powermon_vms 2
# HELP powermon_frames_dropped_total Frames given up because they stayed incomplete.
# TYPE powermon_frames_dropped_total counter
powermon_frames_dropped_total{vm="a\\\\b\\"c"} 3
powermon_frames_dropped_total{vm="vm.2"} 0
`);
});

test("prometheus() writes a histogram's buckets as running sums that end in its count", () => {
  const snapshot = new Snapshot();
  const histogram = new Histogram();
  for (const ms of [0.02, 0.02, 0.3, 5000]) histogram.observe(ms);
  snapshot.addHistogram("powermon_request_duration_seconds", histogram);
  const lines = prometheus(snapshot).split("\n");
  expect(lines).toContain('powermon_request_duration_seconds_bucket{le="0.00001"} 0');
  expect(lines).toContain('powermon_request_duration_seconds_bucket{le="0.000025"} 2');
  expect(lines).toContain('powermon_request_duration_seconds_bucket{le="0.0005"} 3');
  expect(lines).toContain('powermon_request_duration_seconds_bucket{le="1"} 3');
  expect(lines).toContain('powermon_request_duration_seconds_bucket{le="+Inf"} 4');
  expect(lines).toContain("powermon_request_duration_seconds_count 4");
  expect(Number(lines.find((line) => line.includes("_sum"))?.split(" ")[1])).toBeCloseTo(5.00034, 9);
});
