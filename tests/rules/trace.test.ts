// Traces: rates that become counts, and what is said to a line that is none.

import { describe, expect, test } from "bun:test";
import { parseTrace, Trace } from "../../internal/rules/trace.ts";

const FROM = Date.parse("2026-03-28T10:00:00Z");

function trace(text: string, columns = 1): Trace {
  const parsed = parseTrace(text, columns, FROM);
  if (!parsed.ok) throw new Error(parsed.error);
  return parsed.value;
}

describe("Trace.totals()", () => {
  test("counts each rate from its line to the next, and the last one on", () => {
    const counts = trace("seconds,pps\n1,100\n# a pause\n3,0\n\n10,5.5\n");
    const at = (seconds: number) => counts.totals(FROM + seconds * 1000)[0];
    expect([0, 1, 1.5, 3, 9, 10, 12, 12].map(at)).toEqual([0, 0, 50, 200, 200, 200, 211, 211]);
  });

  test("counts every column, over lines that are skipped in one step", () => {
    expect(trace("0,10,1\r\n1,20,2\r\n2,0,0\r\n", 2).totals(FROM + 60_000)).toEqual([30, 3]);
  });

  test("takes times with an offset", () => {
    expect(trace("2026-03-28T11:00:00+01:00,7").totals(FROM + 2000)).toEqual([14]);
  });
});

describe("parseTrace()", () => {
  test.each([
    ["", 1, "no line with a time"],
    ["time,pps\n", 1, "no line with a time"],
    ["0,1\nsoon,2", 1, "line 2 starts with no time"],
    [
      "0,1\n1,2,3",
      1,
      "line 2 has other than 1 numbers from 0 on: a line is a time and 1 rate per second, such as 60,1500",
    ],
    [
      "0,1",
      2,
      "line 1 has other than 2 numbers from 0 on: a line is a time and 2 rates per second, such as 60,1500,3",
    ],
    ["0,-1", 1, "line 1 has other"],
    ["0,", 1, "line 1 has other"],
    ["0,Infinity", 1, "line 1 has other"],
    ["5,1\n4,1", 1, "line 2 is earlier"],
    ["2026-03-28T10:00:00,7", 1, "line 1 starts with no time"],
    ["nan,nan\n0,1", 1, "line 1 starts with no time"],
    ["-1,5\n0,1", 1, "line 1 starts with no time"],
    ["time,7\n0,1", 1, "line 1 starts with no time"],
  ])("says to %p what is wrong", (text, columns, why) => {
    const parsed = parseTrace(text, columns, FROM);
    expect(parsed.ok ? "" : parsed.error).toContain(why);
  });
});
