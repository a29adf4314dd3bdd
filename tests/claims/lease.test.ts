// Whom the host may speak to unasked: bytes for a program that is gone would be read by the next one at the port.

import { expect, test } from "bun:test";
import { Lease } from "../../internal/claims/lease.ts";

test("isTold() is true from a HELLO that asks for notices to a CONNECT or a HELLO that doesn't", () => {
  const lease = new Lease();
  const told = () => lease.isTold(1e9);
  expect(told()).toBe(false);
  for (const end of [() => lease.connect(), () => lease.agree(1, 0, false)]) {
    lease.agree(1, 0, true);
    expect(told()).toBe(true);
    end();
    expect(told()).toBe(false);
  }
});

test("isTold() is false once a guest with a lease was silent for four of them", () => {
  const lease = new Lease();
  lease.agree(1, 10, true);
  lease.renew(5000);
  expect([44_999, 45_000].map((nowMs) => lease.isTold(nowMs))).toEqual([true, false]);
  lease.renew(50_000);
  expect(lease.isTold(50_000)).toBe(true);
});
