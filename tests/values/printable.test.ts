import { describe, expect, test } from "bun:test";
import { printable, printableLine } from "../../internal/values/printable.ts";

describe("printable()", () => {
  test("escapes what a terminal acts on or what turns writing, and keeps lines and columns", () => {
    expect(printable("a\tb\nc")).toBe("a\tb\nc");
    expect(printable("\u001b[31m\r\u0007\u0000\u007f")).toBe("\\u001b[31m\\u000d\\u0007\\u0000\\u007f");
    expect(printable("\u009b2J \u202egnp \u2066 \u200b \u061c \ufeff")).toBe(
      "\\u009b2J \\u202egnp \\u2066 \\u200b \\u061c \\ufeff",
    );
    expect(printable("Müller 日本 🖥")).toBe("Müller 日本 🖥");
  });

  test("leaves JSON what it says", () => {
    const said = { vm: "a\u009b\u202eb\n\u001b" };
    expect(JSON.parse(printable(JSON.stringify(said)))).toEqual(said);
  });
});

test("printableLine() has no line's end in it", () => {
  expect(printableLine("a\n<0>b\tc\u009b")).toBe("a\\u000a<0>b\\u0009c\\u009b");
});
