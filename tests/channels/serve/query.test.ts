// A query for a vCPU that no list of DPDK's can have: silence for the guest, and the truth for the log.

import { afterEach, beforeEach, expect, test } from "bun:test";
import { decodeReply } from "../../../internal/packet/reply.ts";
import { encodeRequest } from "../../../internal/packet/request.ts";
import { ask, frame, Lab } from "../../helpers/lab.ts";

let lab: Lab;
beforeEach(() => {
  lab = new Lab();
});
afterEach(() => lab.end());

const query = (vcpu: number) =>
  encodeRequest({ kind: "query-freq", vcpu, vmName: "", physical: false, all: false }, "18.11");
const pins = (vcpus: readonly number[]) => ({
  pinning: { sources: ["static"] },
  vm: { vm20: { pins: Object.fromEntries(vcpus.map((vcpu) => [vcpu, vcpu % 4])), queries: true } },
});
const TWENTY = Array.from({ length: 20 }, (_, vcpu) => vcpu);

test.each([
  ["past the list", TWENTY, 12, 'vCPU 12 of VM "vm20" is past the 8 (0 to 7)'],
  ["past the VM", TWENTY, 25, 'VM "vm20" has no vCPU 25; it has 20 (0 to 19).'],
  ["past a VM of three", [0, 1, 2], 3, 'VM "vm20" has no vCPU 3; it has 3 (0 to 2).'],
  ["in a gap before a later one", [0, 8], 5, 'vCPU 5 of VM "vm20" has no known pCPU'],
])("queryFreq() is silent about a vCPU %s, and says what is so", async (_, vcpus, vcpu, said) => {
  lab.start(pins(vcpus));
  const guest = await lab.guest("vm20.0");
  guest.send(query(vcpu));
  expect(await ask(guest, frame({ step: "min" }))).toBe("ack");
  expect(lab.log.join("\n")).toContain(said);
  expect(lab.log.join("\n")).not.toContain("it has 8");
  expect(decodeReply(await guest.ask(query(0), 88)).kind).toBe("freq-list");
});
