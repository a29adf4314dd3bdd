import { expect, test } from "bun:test";
import { isOurHost } from "../../internal/http/host-check.ts";

test.each([
  "localhost",
  "LOCALHOST:9560",
  "127.0.0.1:9560",
  "127.0.0.1",
  "[::1]:9560",
  "[::1]",
  "192.168.1.7:80",
  "host.example:9560",
])("isOurHost() takes %s", (header) => {
  expect(isOurHost(header, ["host.example"])).toBe(true);
});

test.each([
  undefined,
  "",
  "evil.example",
  "localhost.evil.example",
  "127.0.0.1.evil.example:9560",
  "host.example.evil",
  "[evil.example]",
  "::1",
  "localhost:9560:1",
  "localhost evil",
])("isOurHost() refuses %s", (header) => {
  expect(isOurHost(header, ["host.example"])).toBe(false);
});
