import { expect, test } from "bun:test";
import { parseChannelName } from "../../internal/channels/folder.ts";

test.each([
  ["vm1.0", { vm: "vm1", index: 0 }],
  ["a.b.7", { vm: "a.b", index: 7 }],
  ["Müller 日本.3", { vm: "Müller 日本", index: 3 }],
])("parseChannelName() splits %j at its last dot", (file, name) => {
  expect(parseChannelName(file)).toEqual(name);
});

test.each([
  "vm1",
  "vm1.",
  ".0",
  "..0",
  "vm1.99999",
  "vm1.-1",
  "x\n.0",
  "x\u001b[2J.0",
  `${"ä".repeat(128)}.0`,
])("parseChannelName() knows no channel in %j", (file) => expect(parseChannelName(file)).toBeUndefined());
