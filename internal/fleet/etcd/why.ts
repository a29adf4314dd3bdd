// Why etcd did not answer, or said no, in words that say what to mend.

import { printableLine } from "../../values/printable.ts";
import { staleness, validityOf } from "./pem.ts";
import type { Condition, Op } from "./wire.ts";

/** Who asks, as far as it matters for what went wrong. */
interface Asker {
  readonly tls?: { readonly ca?: string; readonly cert?: string };
  readonly account?: { readonly user: string };
}

/** What a runtime's error says by itself. Sources: OpenSSL's X509_verify_cert_error_string(3), connect(2), getaddrinfo(3). */
const WORDS: Readonly<Record<string, string>> = {
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: "no CA of fleet.ca has signed its certificate",
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: "no CA of fleet.ca has signed its certificate",
  SELF_SIGNED_CERT_IN_CHAIN: "no CA of fleet.ca has signed its certificate",
  DEPTH_ZERO_SELF_SIGNED_CERT: "its certificate is signed by itself, and is not in fleet.ca",
  CERT_HAS_EXPIRED: "its certificate has expired, or this machine's clock is wrong",
  CERT_NOT_YET_VALID: "its certificate is not valid yet, or this machine's clock is wrong",
  ERR_TLS_CERT_ALTNAME_INVALID: "its certificate is for another name or address",
  ECONNREFUSED: "nothing listens there, or a firewall or the unit's IPAddressDeny= refuses it",
  ENOTFOUND: "that name has no address",
};

/** Returns why a request failed, without a full stop. @param thrown what fetch() threw */
export function whyNoAnswer(thrown: unknown, endpoint: string, asker: Asker): string {
  if (!(thrown instanceof Error)) return String(thrown);
  if (thrown.name === "TimeoutError") return "it took too long";
  const code = "code" in thrown && typeof thrown.code === "string" ? thrown.code : thrown.message;
  const isTls = endpoint.startsWith("https:");
  const words =
    code === "EPROTO" || (isTls && code === "ECONNRESET")
      ? whyNoTls(asker.tls?.cert)
      : code === "ECONNRESET"
        ? "it closed the connection, as one that speaks TLS does: then write https"
        : WORDS[code];
  return words === undefined ? code.slice(0, 200) : `${words} (${code})`;
}

/** A handshake fails without a reason: what etcd thinks of our certificate it does not say. */
function whyNoTls(cert: string | undefined): string {
  if (cert === undefined)
    return "the TLS handshake failed: it wants a certificate (fleet.cert), or speaks plain http";
  const validity = validityOf(cert);
  const stale = validity === undefined ? undefined : staleness(validity, Date.now());
  return stale === undefined
    ? "the TLS handshake failed: it does not know the CA that signed fleet.cert, or speaks plain http"
    : `the TLS handshake failed: the certificate in fleet.cert ${stale}`;
}

/** All of a cluster says so when one node's database is as large as its quota, until somebody mends it. */
export const FULL = "database space exceeded";

/** Returns what etcd's own no means, without a full stop. Source: etcd 3.4 etcdserver/api/v3rpc/rpctypes/error.go. @param text its words, hostile */
export function whyRefused(text: string, { account }: Asker): string {
  const said = printableLine(text.slice(0, 200).trim());
  const means = meaningOf(said, account?.user);
  return means === undefined ? said : `${means} (${said})`;
}

function meaningOf(said: string, user: string | undefined): string | undefined {
  if (said.includes(FULL))
    return "its database is full: compact and defragment it, then `etcdctl alarm disarm`";
  if (said.includes("user name is empty"))
    return "it asks who you are: write fleet.user and fleet.password_file";
  if (said.includes("authentication failed"))
    return `it has no user ${JSON.stringify(user)} with the password in fleet.password_file`;
  if (said.includes("authentication is not enabled"))
    return "it has no users (`etcdctl auth enable`): take fleet.user out";
  if (said.includes("CommonName"))
    return "where it has users, the certificate in fleet.cert must have no common name";
  if (said.includes("permission denied")) return `user ${JSON.stringify(user)} has no right to this`;
  return undefined;
}

/** Returns what would be done, such as `write "/powermon/vms/web1"`. */
export function wordsOf(op: Op): string {
  if ("put" in op) return `write ${JSON.stringify(op.put)}`;
  if ("remove" in op) return `remove ${JSON.stringify(op.remove)}`;
  if ("read" in op) return `read ${JSON.stringify(op.read)}`;
  return `read all below ${JSON.stringify("readAll" in op ? op.readAll : op.countAll)}`;
}

/** Returns what a condition has to read. */
export const readsOf = (one: Condition): Op => ("all" in one ? { countAll: one.all } : { read: one.key });
