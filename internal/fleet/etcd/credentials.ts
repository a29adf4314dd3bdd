// Who asks etcd: certificate, key and password from files, which nobody else may read.

import { closeSync, constants, fstatSync, openSync, readFileSync } from "node:fs";
import { codeOf } from "../../os/error-code.ts";
import { err, ok, type Result } from "../../values/result.ts";
import type { EtcdOptions } from "./etcd.ts";
import { matchKey, validityOf } from "./pem.ts";

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
 * belongs to neither root nor this user; what is no certificate or no key, and a key that is another certificate's.
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
  const wrong = wrongPem(files, tls);
  if (wrong !== undefined) return err(wrong);
  const hasTls = Object.keys(tls).length > 0;
  return ok({
    endpoints: files.endpoints,
    ...(hasTls && { tls }),
    ...(files.user !== undefined &&
      password !== undefined && { account: { user: files.user, password: password.replace(/\r?\n$/, "") } }),
  });
}

/** The runtime would say no more than that it can't connect. */
function wrongPem(files: CredentialFiles, tls: EtcdOptions["tls"] = {}): string | undefined {
  for (const name of ["ca", "cert"] as const) {
    const text = tls[name];
    if (text !== undefined && validityOf(text) === undefined)
      return `"${files[name]}" holds no certificate in PEM, which fleet.${name} needs.`;
  }
  const { cert, key } = tls;
  switch (cert === undefined || key === undefined ? "own" : matchKey(cert, key)) {
    case "own":
      return undefined;
    case "another's":
      return `The key in "${files.key}" is not the one of the certificate in "${files.cert}".`;
    case "locked":
      return `The key in "${files.key}" has a passphrase, and nobody could be asked for it: write it without.`;
    case "no key":
      return `"${files.key}" holds no private key in PEM, which fleet.key needs.`;
  }
}

function readChecked(path: string, isSecret: boolean): Result<string, string> {
  let fd: number | undefined;
  try {
    fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    const stats = fstatSync(fd);
    const { mode, uid, size } = stats;
    // A FIFO would make the reader wait for its writer.
    if (!stats.isFile()) return err(`"${path}" is no plain file.`);
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
