import { expect, test } from "bun:test";
import { parseLocalAsk } from "../../../internal/guest/agent/local-ask.ts";

test.each([
  [
    { do: "scale", vcpus: "0,2-3", step: "max" },
    { do: "scale", vcpus: [0, 2, 3], step: "max", keep: false },
  ],
  [
    { id: 9, do: "set", vcpus: [1], khz: 1000, turbo: true, keep: true },
    { do: "set", vcpus: [1], khz: 1000, turbo: true, keep: true },
  ],
  [
    { do: "state", vcpus: 4 },
    { do: "state", vcpus: [4] },
  ],
  [{ do: "status" }, { do: "status" }],
  [
    { do: "freqs", vcpus: 0, timeoutMs: 60_000 },
    { do: "freqs", vcpus: [0], timeoutMs: 60_000 },
  ],
  [{ do: "listen" }, { do: "listen" }],
  [
    { do: "policy", policy: { type: "TIME", vcpus: "0", busyHours: "8-9,17", quietHours: [0, 1] } },
    {
      do: "policy",
      policy: {
        type: "time",
        vcpus: [0],
        macs: [],
        traffic: { min: 0, avg: 0, max: 0 },
        busyHours: [8, 9, 17],
        quietHours: [0, 1],
        trafficHours: [],
        workload: "high",
        turbo: false,
      },
    },
  ],
  [
    {
      do: "policy",
      policy: { type: "traffic", vcpus: 2, mac: "52:54:00:12:34:56,FE:DC:BA:98:76:54", avg: 10, max: 20 },
    },
    {
      do: "policy",
      policy: {
        type: "traffic",
        vcpus: [2],
        macs: ["52:54:00:12:34:56", "fe:dc:ba:98:76:54"],
        traffic: { min: 0, avg: 10, max: 20 },
        busyHours: [],
        quietHours: [],
        trafficHours: [],
        workload: "high",
        turbo: false,
      },
    },
  ],
] as const)("parseLocalAsk() understands %p", (said, asked) => {
  expect(parseLocalAsk(said)).toEqual({ ok: true, value: asked } as never);
});

test("parseLocalAsk() takes release, freq and caps without vCPUs for all", () => {
  for (const what of ["release", "freq", "caps"]) {
    expect(parseLocalAsk({ do: what })).toMatchObject({ ok: true, value: { vcpus: { length: 8192 } } });
  }
});

test.each([
  [{}, '"do" is missing'],
  [{ do: "reboot" }, '"do" is "reboot"; it may be scale, set'],
  [{ do: "scale", vcpus: 0, step: "sideways" }, '"step" is "sideways"; it may be up, down'],
  [{ do: "scale", step: "up" }, '"vcpus" is missing; write a number'],
  [{ do: "scale", vcpus: "", step: "up" }, '"vcpus" is ""'],
  [{ do: "scale", vcpus: [0, -1], step: "up" }, '"vcpus" is [0,-1]'],
  [
    { do: "scale", vcpus: 0, step: "up", kept: true },
    '"kept" is unknown in "scale"; it takes id, do, timeoutMs, vcpus, step, keep.',
  ],
  [{ do: "scale", vcpus: 0, step: "up", keep: 1 }, '"keep" is 1; it may be true or false.'],
  [{ do: "set", vcpus: 0, khz: 1.5 }, '"khz" is 1.5; it may be a whole number'],
  [{ do: "set", vcpus: 0 }, '"khz" is missing'],
  [{ do: "status", timeoutMs: 0 }, '"timeoutMs" is 0; it may be a whole number from 1 to 60000.'],
  [{ do: "policy" }, '"policy" must be an object'],
  [{ do: "policy", policy: { type: "tim" } }, '"type" is "tim"; it may be traffic'],
  [{ do: "policy", policy: { type: "time", vcpus: "0-8" } }, '"vcpus" has 9 entries'],
  [{ do: "policy", policy: { type: "time", vcpus: 0, busyHours: [24] } }, '"busyHours" is [24]'],
  [{ do: "policy", policy: { type: "time", vcpus: 0, busyHours: "8-24" } }, '"busyHours" is "8-24"'],
  [{ do: "policy", policy: { type: "traffic", vcpus: 0, mac: ["52:54"] } }, '"mac" is ["52:54"]'],
  [{ do: "policy", policy: { type: "traffic", vcpus: 0, mac: "52:54" } }, '"mac" is "52:54"'],
  [{ do: "policy", policy: { type: "workload", vcpus: 0 } }, '"workload" is missing; "type" "workload"'],
  [
    { do: "policy", policy: { type: "workload", vcpus: 0, workload: "low", avg: 1 } },
    '"avg" means nothing with "type" "workload"',
  ],
  [{ do: "policy", policy: { type: "time", vcpus: 0, busyHour: [8] } }, '"busyHour" is unknown in "policy"'],
  [{ do: "policy", policy: { type: "time", vcpus: 0, busyHours: [8], turbo: 1 } }, '"turbo" is 1'],
  [{ do: "policy", policy: { type: "time", vcpus: 0 } }, 'needs "busyHours", "quietHours" or'],
  [
    { do: "policy", policy: { type: "time", vcpus: 0, busyHours: "8", quietHours: "7-9" } },
    'Hour 8 is in "busyHours" and in "quietHours"',
  ],
])("parseLocalAsk() says what is wrong in %p", (said, message) => {
  expect(parseLocalAsk(said)).toMatchObject({ ok: false, error: expect.stringContaining(message) });
});
