// A user of this host by name: whose the channel folder shall be where root's own does not do.

import { readFileSync } from "node:fs";
import { codeOf } from "../../../internal/os/error-code.ts";
import { err, ok, type Result } from "../../../internal/values/result.ts";

/** A user of the host. */
export interface User {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
}

/** Returns the user `name`. Errors: a sentence when there is none. Source: passwd(5). */
export function findUser(passwdFile: string, name: string): Result<User, string> {
  let text: string;
  try {
    text = readFileSync(passwdFile, "utf8");
  } catch (cause) {
    return err(`Cannot read ${passwdFile}: ${codeOf(cause)}.`);
  }
  for (const line of text.split("\n")) {
    const [user = "", , uid = "", gid = ""] = line.split(":");
    if (user === name && /^\d+$/.test(uid) && /^\d+$/.test(gid))
      return ok({ name, uid: Number(uid), gid: Number(gid) });
  }
  return err(`${passwdFile} has no user ${JSON.stringify(name)}.`);
}
