// The host's time zone, found anew when asked: the runtime looks once, and takes what it does not understand for UTC.

import { readFileSync, readlinkSync } from "node:fs";

/** TZ as the process was given it. */
const GIVEN = process.env["TZ"];
const LOCALTIME = "/etc/localtime";
/** Links in a row that the kernel follows. Source: path_resolution(7). */
const MAX_LINKS = 40;
const ZONEINFO = "/usr/share/zoneinfo";

/** A zone to go by, and why the host's own could not be told where it could not. */
export interface HostZone {
  /** IANA name; UTC when it can't be told. */
  readonly zone: string;
  readonly problem: string | undefined;
}

/**
 * Returns the zone that `tz` names, as glibc takes it: a name, with or without a colon, or a file; undefined means the file
 * `localtime`, and no such file means UTC. A rule such as CET-1CEST,M3.5.0,M10.5.0/3 names no zone. Source: tzset(3).
 */
export function readTimeZone(tz = GIVEN, localtime = LOCALTIME): HostZone {
  const text = tz === undefined ? localtime : tz.replace(/^:/, "");
  if (text === "") return { zone: "UTC", problem: undefined };
  const zone = text.startsWith("/") ? zoneOfFile(text) : text;
  if (zone !== undefined && isZone(zone)) return { zone, problem: undefined };
  if (tz === undefined && zone === undefined) return { zone: "UTC", problem: undefined };
  const what = tz === undefined ? `${localtime} is none of ${ZONEINFO}` : `TZ is ${JSON.stringify(tz)}`;
  return {
    zone: "UTC",
    problem: `The host's time zone can't be told: ${what}; UTC is taken`,
  };
}

/** What to do about a zone that can't be told. */
export const ZONE_TODO = "Name one such as Europe/Berlin, by timedatectl or TZ.";

/** Lets the whole process go by the host's zone of now. Returns why it can't be told, if so. */
export function followTimeZone(): string | undefined {
  const { zone, problem } = readTimeZone();
  if (process.env["TZ"] !== zone) process.env["TZ"] = zone;
  return problem;
}

/** Returns the zone that the process goes by. */
export const ownZone = (): string => Temporal.Now.timeZoneId();

/** Returns the name of the zone whose file, or link to it, is `path`; undefined when there is no such file, empty when it is another. */
function zoneOfFile(path: string, links = 0): string | undefined {
  const named = path.split("/zoneinfo/")[1];
  if (links > MAX_LINKS) return "";
  if (named !== undefined) return named.replace(/^(?:posix|right)\//, "");
  let target: string;
  try {
    target = readlinkSync(path);
  } catch (thrown) {
    return (thrown as NodeJS.ErrnoException).code === "EINVAL" ? zoneOfCopy(path) : undefined;
  }
  const folder = path.slice(0, path.lastIndexOf("/"));
  return zoneOfFile(target.startsWith("/") ? target : `${folder}/${target}`, links + 1);
}

/** Returns the name of the zone that `path` is a copy of. */
function zoneOfCopy(path: string): string {
  const bytes = readFileSync(path);
  const isSame = (zone: string) => {
    try {
      return readFileSync(`${ZONEINFO}/${zone}`).equals(bytes);
    } catch {
      return false;
    }
  };
  return ["UTC", ...Intl.supportedValuesOf("timeZone")].find(isSame) ?? "";
}

function isZone(zone: string): boolean {
  try {
    return Intl.DateTimeFormat("en", { timeZone: zone }).resolvedOptions().timeZone !== "";
  } catch {
    return false;
  }
}
