// Certificates and keys as PEM files have them, looked into before anybody is shown them.

import { codeOf } from "../../os/error-code.ts";

/** When a certificate holds, in ms since 1970. */
export interface Validity {
  readonly fromMs: number;
  readonly toMs: number;
}

/** Loaded when it is needed: most starts need none of it. */
const crypto = () => process.getBuiltinModule("node:crypto");

/** Returns when the first certificate of a text holds; undefined for a text without one. */
export function validityOf(pem: string): Validity | undefined {
  try {
    const { validFrom, validTo } = new (crypto().X509Certificate)(pem);
    return { fromMs: Date.parse(validFrom), toMs: Date.parse(validTo) };
  } catch {
    return undefined;
  }
}

/** Returns whether a key is a certificate's own, or why it can't be told. */
export function matchKey(cert: string, key: string): "own" | "another's" | "locked" | "no key" {
  const { X509Certificate, createPrivateKey } = crypto();
  try {
    return new X509Certificate(cert).checkPrivateKey(createPrivateKey(key)) ? "own" : "another's";
  } catch (thrown) {
    return codeOf(thrown) === "ERR_MISSING_PASSPHRASE" ? "locked" : "no key";
  }
}

/** Returns how a certificate's time is over, or has not come, such as "expired on 2025-02-01"; undefined while it holds. */
export function staleness({ fromMs, toMs }: Validity, nowMs: number): string | undefined {
  const day = (ms: number) => new Date(ms).toISOString().slice(0, 10);
  if (nowMs > toMs) return `expired on ${day(toMs)}`;
  return nowMs < fromMs ? `holds from ${day(fromMs)} on, not yet` : undefined;
}
