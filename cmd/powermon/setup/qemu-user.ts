// Who QEMU runs as on this host: the channel folder is his, since he makes the sockets in it.

import { readFileSync } from "node:fs";
import { codeOf } from "../../../internal/os/error-code.ts";
import { err, ok, type Result } from "../../../internal/values/result.ts";

/** A user of the host. */
export interface User {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
}

/** Names that distributions give QEMU's user: Debian's, then Fedora's and SUSE's. */
const NAMES = ["libvirt-qemu", "qemu"];

/**
 * Returns the user `name`, or whoever QEMU runs as by the distributions' names. Errors: a sentence when there is none.
 * Source: passwd(5).
 */
export function findUser(passwdFile: string, name: string | undefined): Result<User, string> {
  let text: string;
  try {
    text = readFileSync(passwdFile, "utf8");
  } catch (cause) {
    return err(`Cannot read ${passwdFile}: ${codeOf(cause)}.`);
  }
  const users = new Map<string, User>();
  for (const line of text.split("\n")) {
    const [user = "", , uid = "", gid = ""] = line.split(":");
    if (/^\d+$/.test(uid) && /^\d+$/.test(gid))
      users.set(user, { name: user, uid: Number(uid), gid: Number(gid) });
  }
  for (const wanted of name === undefined ? NAMES : [name]) {
    const user = users.get(wanted);
    if (user !== undefined) return ok(user);
  }
  return err(
    name === undefined
      ? `${passwdFile} has neither ${NAMES.join(" nor ")}; name the user that QEMU runs as with --user.`
      : `${passwdFile} has no user ${JSON.stringify(name)}.`,
  );
}
