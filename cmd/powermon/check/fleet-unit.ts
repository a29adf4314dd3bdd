// Whether systemd lets the unit talk to the fleet's etcd: as packaged it talks to nobody, and fleet.conf opens it.

import type { FleetConfig } from "../../../internal/config/fleet.ts";
import { runCommand } from "../../../internal/os/spawn.ts";
import { isIp } from "../../../internal/values/listen.ts";
import { type Finding, note, problem, warning } from "./finding.ts";

const UNIT = "powermon.service";
/** How long systemd, and a resolver, may take, ms. */
const LIMIT_MS = 2000;
const ASKED = [
  "LoadState",
  "NeedDaemonReload",
  "RestrictAddressFamilies",
  "IPAddressAllow",
  "IPAddressDeny",
  "ProtectHome",
];

/** Returns what the unit lacks for this fleet; nothing where systemd is not there or has no such unit. */
export async function checkUnit(fleet: FleetConfig): Promise<Finding[]> {
  const shown = await runCommand(["systemctl", "show", UNIT, ...ASKED.flatMap((key) => ["-p", key])], {
    limitMs: LIMIT_MS,
  });
  if (!shown.ok || shown.value.status !== 0) return [];
  const unit = new Map(
    shown.value.stdout.split("\n").map((line): [string, string] => {
      const at = line.indexOf("=");
      return [line.slice(0, at), line.slice(at + 1)];
    }),
  );
  if (unit.get("LoadState") !== "loaded") return [];
  const hosts = fleet.endpoints.map((one) => new URL(one).hostname.replace(/^\[|\]$/g, ""));
  const known = await Promise.all([...new Set(hosts)].map(addressesOf));
  const { ca, cert, key, passwordFile } = fleet;
  const files = [ca, cert, key, passwordFile].filter((one) => one !== undefined);
  return judgeUnit(unit, new Map(known), files);
}

async function addressesOf(host: string): Promise<readonly [string, readonly string[]]> {
  if (isIp(host)) return [host, [host]];
  const { lookup } = process.getBuiltinModule("node:dns/promises");
  const late = Bun.sleep(LIMIT_MS).then(() => []);
  const found = lookup(host, { all: true }).catch(() => []);
  return [host, (await Promise.race([found, late])).map(({ address }) => address)];
}

/**
 * Returns what a unit keeps from powermon.
 * @param unit properties as `systemctl show` has them @param hosts addresses of each endpoint's host; none when it has none now
 * @param files what [fleet] names
 */
export function judgeUnit(
  unit: ReadonlyMap<string, string>,
  hosts: ReadonlyMap<string, readonly string[]>,
  files: readonly string[],
): Finding[] {
  const findings: Finding[] = [];
  const addresses = [...new Set([...hosts.values()].flat())];
  const shut = addresses.filter((one) => !mayTalk(unit, one));
  if (shut.length > 0) {
    const what = `${UNIT} lets powermon not talk to ${shut.join(", ")}.`;
    const allow = `IPAddressAllow=${addresses.join(" ")}`;
    const todo = `Put fleet.conf of powermon's examples into /etc/systemd/system/${UNIT}.d/ with ${allow}, then \`systemctl daemon-reload\` and restart powermon.`;
    findings.push(problem("fleet", what, todo));
  } else if (addresses.length > 0) {
    findings.push(note("fleet", `${UNIT} lets powermon talk to ${addresses.join(", ")}.`));
  }
  for (const [host, found] of hosts)
    if (found.length === 0) {
      const todo = "Write it into /etc/hosts, or an address into fleet.endpoints.";
      findings.push(problem("fleet", `The name ${host} has no address here.`, todo));
    }
  if (unit.get("NeedDaemonReload") === "yes")
    findings.push(
      warning(
        "fleet",
        `Files of ${UNIT} have changed since systemd read them.`,
        "`systemctl daemon-reload`.",
      ),
    );
  const home = files.filter((file) => /^\/(home|root|run\/user)\//.test(file));
  if (home.length > 0 && unit.get("ProtectHome") === "yes")
    findings.push(
      problem("fleet", `${UNIT} does not see ${home.join(", ")}.`, "Keep it in /etc/powermon, or the like."),
    );
  return findings;
}

/** Source: systemd.resource-control(5) and systemd.exec(5): what is allowed goes before what is denied, "~" before a list turns it round. */
function mayTalk(unit: ReadonlyMap<string, string>, address: string): boolean {
  const family = address.includes(":") ? "AF_INET6" : "AF_INET";
  const families = unit.get("RestrictAddressFamilies") ?? "";
  const isListed = families.replace(/^~/, "").split(" ").includes(family);
  if (families !== "" && isListed === families.startsWith("~")) return false;
  return isWithin(unit.get("IPAddressAllow"), address) || !isWithin(unit.get("IPAddressDeny"), address);
}

function isWithin(list = "", address: string): boolean {
  const { BlockList } = process.getBuiltinModule("node:net");
  const nets = new BlockList();
  const familyOf = (one: string) => (one.includes(":") ? "ipv6" : "ipv4");
  for (const net of list.split(" ")) {
    const [base = "", bits = ""] = net.split("/");
    if (isIp(base)) nets.addSubnet(base, Number(bits), familyOf(base));
  }
  return nets.check(address, familyOf(address));
}
