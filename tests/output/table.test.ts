import { expect, test } from "bun:test";
import { json } from "../../internal/output/json.ts";
import { table } from "../../internal/output/table.ts";

test("table() pads every column to its widest cell and leaves no trailing blanks", () => {
  expect(
    table([
      ["VCPU", "KHZ"],
      ["0", "1200000"],
      ["11", ""],
    ]),
  ).toBe("VCPU  KHZ\n0     1200000\n11");
  expect(table([])).toBe("");
});

test("json() is one document that reads back", () => {
  const document = { vcpus: [{ vcpu: 0, khz: null }], name: 'a"b' };
  expect(JSON.parse(json(document))).toEqual(document);
});
