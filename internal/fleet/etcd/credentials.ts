// Who asks etcd: certificate, key and password from files, which nobody else may read.

import { closeSync, fstatSync, openSync, readFileSync } from "node:fs";
import { codeOf } from "../../os/error-code.ts";
import { err, ok, type Result } from "../../values/result.ts";
import type { EtcdOptions } from "./etcd.ts";

/** Larger files are no certificates, bytes. */
const MAX_BYTES = 256 << 10;

/** Files and a name, as [fleet] has them. */
export interface CredentialFiles {
  readonly endpoints: readonly string[];
  readonly ca?: string | undefined;
  readonly cert?: string | undefined;
  readonly key?: string | undefined;
  readonly user?: string | undefined;
  readonly passwordFile?: string | undefined;
}

/**
 * Returns how etcd is asked. Errors, a sentence: a file that can't be read or is too large; a key or a password that others may read, or that
 * belongs to neither root nor this user.
 */
export function readCredentials(files: CredentialFiles): Result<EtcdOptions, string> {
  const texts: { ca?: string; cert?: string; key?: string; password?: string } = {};
  for (const [name, path, isSecret] of [
    ["ca", files.ca, false],
    ["cert", files.cert, false],
    ["key", files.key, true],
    ["password", files.passwordFile, true],
  ] as const) {
    if (path === undefined) continue;
    const text = readChecked(path, isSecret);
    if (!text.ok) return text;
    texts[name] = text.value;
  }
  const { password, ...tls } = texts;
  const hasTls = Object.keys(tls).length > 0;
  return ok({
    endpoints: files.endpoints,
    ...(hasTls && { tls }),
    ...(files.user !== undefined &&
      password !== undefined && { account: { user: files.user, password: password.replace(/\r?\n$/, "") } }),
  });
}

function readChecked(path: string, isSecret: boolean): Result<string, string> {
  let fd: number | undefined;
  try {
    fd = openSync(path, "r");
    const { mode, uid, size } = fstatSync(fd);
    if (size > MAX_BYTES) return err(`"${path}" has ${size} bytes, and at most ${MAX_BYTES} are read.`);
    if (isSecret && (mode & 0o077) !== 0)
      return err(`"${path}" may be read by others than its owner; do chmod 600 on it.`);
    if (isSecret && uid !== 0 && uid !== process.getuid?.())
      return err(
        `"${path}" belongs to user ${uid}, who can read it and put another in its place; give it to root.`,
      );
    return ok(readFileSync(fd, "utf8"));
  } catch (thrown) {
    return err(`Cannot read "${path}": ${codeOf(thrown)}.`);
  } finally {
    if (fd !== undefined) closeSync(fd);
  }
}
