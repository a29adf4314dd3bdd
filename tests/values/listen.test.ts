import { expect, test } from "bun:test";
import { isIp, isLoopback, parseListen } from "../../internal/values/listen.ts";

test.each([
  ["127.0.0.1:9560", { host: "127.0.0.1", port: 9560 }, true],
  ["127.255.0.9:0", { host: "127.255.0.9", port: 0 }, true],
  ["[::1]:9560", { host: "::1", port: 9560 }, true],
  ["localhost:80", { host: "localhost", port: 80 }, true],
  ["0.0.0.0:9560", { host: "0.0.0.0", port: 9560 }, false],
  ["[::]:9560", { host: "::", port: 9560 }, false],
  ["[fe80::1]:9560", { host: "fe80::1", port: 9560 }, false],
  ["192.168.1.255:65535", { host: "192.168.1.255", port: 65_535 }, false],
])("parseListen(%j) names an address, loopback or not", (text, address, loopback) => {
  expect(parseListen(text)).toEqual(address);
  expect(isLoopback(address.host)).toBe(loopback);
});

test.each([
  "",
  ":9560",
  "9560",
  "127.0.0.1",
  "127.0.0.1:65536",
  "127.0.0.1:-1",
  "256.0.0.1:1",
  "127.0.0:1",
  "127.0.0.1.:1",
  "::1:9560",
  "[127.0.0.1]:1",
  "example.org:80",
  "127.evil.example:80",
  " 127.0.0.1:80",
])("parseListen() takes no %j", (text) => {
  expect(parseListen(text)).toBeUndefined();
});

test("isLoopback() is not taken in by names that look like addresses", () => {
  expect(["127.evil.example", "127.0.0.1.example", "localhost.example"].map(isLoopback)).toEqual([
    false,
    false,
    false,
  ]);
  expect(["127.0.0.1", "::1", "fe80::1"].every(isIp)).toBe(true);
  expect(["1.2.3", "a.b.c.d", "localhost", "::1%eth0", ":"].some(isIp)).toBe(false);
});
