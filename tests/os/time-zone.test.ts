// The host's zone out of every form of TZ and /etc/localtime.

import { afterAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { readTimeZone } from "../../internal/os/time-zone.ts";

const dir = mkdtempSync(`${tmpdir()}/zone-`);
afterAll(() => rmSync(dir, { recursive: true }));
const at = (name: string) => `${dir}/${name}`;
symlinkSync("/usr/share/zoneinfo/Asia/Tokyo", at("link"));
symlinkSync("link", at("chain"));
symlinkSync("loop", at("loop"));
symlinkSync("/nowhere/zoneinfo/right/Europe/Paris", at("right"));
writeFileSync(at("other"), "TZif of nobody");

const BERLIN = "Europe/Berlin";
const zoneOf = (tz: string | undefined, file: string) => readTimeZone(tz, at(file));

test.each([
  [BERLIN, "link", BERLIN],
  [`:${BERLIN}`, "link", BERLIN],
  ["/usr/share/zoneinfo/posix/Europe/Berlin", "link", BERLIN],
  ["", "link", "UTC"],
  [undefined, "link", "Asia/Tokyo"],
  [undefined, "chain", "Asia/Tokyo"],
  [undefined, "right", "Europe/Paris"],
  [undefined, "absent", "UTC"],
  [at("chain"), "absent", "Asia/Tokyo"],
])("readTimeZone() takes TZ %j and %s for %s", (tz, file, zone) => {
  expect(zoneOf(tz, file)).toEqual({ zone, problem: undefined });
});

test.each([
  ["CET-1CEST,M3.5.0,M10.5.0/3", "link", 'TZ is "CET-1CEST,M3.5.0,M10.5.0/3"'],
  ["Europe/Berlim", "link", 'TZ is "Europe/Berlim"'],
  [":/nowhere", "link", 'TZ is ":/nowhere"'],
  [undefined, "other", `${at("other")} is none of /usr/share/zoneinfo`],
  [undefined, "loop", `${at("loop")} is none of /usr/share/zoneinfo`],
])("readTimeZone() says that TZ %j and %s name no zone", (tz, file, why) => {
  const problem = `The host's time zone can't be told: ${why}; UTC is taken`;
  expect(zoneOf(tz, file)).toEqual({ zone: "UTC", problem });
});
