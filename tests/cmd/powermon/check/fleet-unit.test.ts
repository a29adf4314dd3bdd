// What a unit keeps from the fleet, by properties as systemd shows them.

import { expect, test } from "bun:test";
import { judgeUnit } from "../../../../cmd/powermon/check/fleet-unit.ts";

const PACKAGED = {
  NeedDaemonReload: "no",
  RestrictAddressFamilies: "AF_NETLINK AF_UNIX",
  IPAddressAllow: "",
  IPAddressDeny: "::/0 0.0.0.0/0",
  ProtectHome: "yes",
};
const OPENED = { ...PACKAGED, RestrictAddressFamilies: "AF_INET AF_INET6 AF_NETLINK AF_UNIX" };
const ETCD = { etcd1: ["192.0.2.11"], etcd2: ["192.0.2.12", "2001:db8::12"] };

const judge = (
  unit: Readonly<Record<string, string>>,
  hosts: Readonly<Record<string, readonly string[]>> = ETCD,
  files: readonly string[] = [],
) =>
  judgeUnit(new Map(Object.entries(unit)), new Map(Object.entries(hosts)), files).map(
    ({ severity, what }) => `${severity}: ${what}`,
  );
const all = ["problem: powermon.service lets powermon not talk to 192.0.2.11, 192.0.2.12, 2001:db8::12."];

test.each([
  ["the unit as packaged", PACKAGED, all],
  ["families alone", OPENED, all],
  ["addresses alone", { ...PACKAGED, IPAddressAllow: "192.0.2.0/24 2001:db8::/32" }, all],
  [
    "one address of three",
    { ...OPENED, IPAddressAllow: "192.0.2.11/32" },
    ["problem: powermon.service lets powermon not talk to 192.0.2.12, 2001:db8::12."],
  ],
  [
    "networks of both kinds",
    { ...OPENED, IPAddressAllow: "192.0.2.0/24 2001:db8::/32" },
    ["note: powermon.service lets powermon talk to 192.0.2.11, 192.0.2.12, 2001:db8::12."],
  ],
  [
    "no limits at all",
    {},
    ["note: powermon.service lets powermon talk to 192.0.2.11, 192.0.2.12, 2001:db8::12."],
  ],
  [
    "a list of families turned round",
    { RestrictAddressFamilies: "~AF_INET6 AF_PACKET" },
    ["problem: powermon.service lets powermon not talk to 2001:db8::12."],
  ],
])("judgeUnit() judges %s", (_, unit, said) => {
  expect(judge(unit)).toEqual(said);
});

test("judgeUnit() names files in homes, names without address, and files that systemd has not read", () => {
  const files = ["/etc/powermon/fleet.key", "/root/fleet.key", "/home/anna/password"];
  expect(judge({ ...PACKAGED, NeedDaemonReload: "yes" }, { etcd1: [] }, files)).toEqual([
    "problem: The name etcd1 has no address here.",
    "warning: Files of powermon.service have changed since systemd read them.",
    "problem: powermon.service does not see /root/fleet.key, /home/anna/password.",
  ]);
  expect(judge({ ProtectHome: "no" }, {}, files)).toEqual([]);
});
