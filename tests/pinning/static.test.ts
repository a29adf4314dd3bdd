import { expect, test } from "bun:test";
import { parsePins, staticPins } from "../../internal/pinning/static.ts";
import { pcpu } from "../../internal/values/units.ts";

test("parsePins() takes pins of several VMs, dots and colons in their names", () => {
  const pins = parsePins(["vm1:0=2,1=3", "a.b:c:0=7", "vm1:2=4"]);
  if (!pins.ok) throw new Error(pins.error);
  const source = staticPins((vm) => pins.value.get(vm));
  expect(source.pins({ vm: "vm1", pid: undefined }, 2)).toEqual({ kind: "known", pcpus: [pcpu(4)] });
  expect(source.pins({ vm: "a.b:c", pid: undefined }, 0)).toEqual({ kind: "known", pcpus: [pcpu(7)] });
  expect(source.pins({ vm: "vm1", pid: undefined }, 9).kind).toBe("unknown");
  expect(source.pins({ vm: "vm2", pid: undefined }, 0).kind).toBe("unknown");
});

test.each([
  "vm1",
  "vm1:",
  ":0=1",
  "vm1:0",
  "vm1:0=x",
  "vm1:0=1,",
  "vm1:0=1,0=2",
  "vm1:0=9999",
  "vm1:-1=0",
  "vm1:0=0,1=1,vm2:0=4",
])("parsePins() names what is wrong with %p", (word) => {
  const pins = parsePins([word]);
  expect(pins.ok ? "" : pins.error).toContain(JSON.stringify(word));
  expect(pins.ok ? "" : pins.error).toContain("VM:VCPU=PCPU");
});
