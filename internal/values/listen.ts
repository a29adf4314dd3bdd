// Where a TCP listener stands, and whether other machines can reach it.

/** An address to listen on. */
export interface ListenAddress {
  /** An IPv4 or IPv6 address, or localhost. */
  readonly host: string;
  readonly port: number;
}

const IPV4 = /^(?:(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)(?:\.(?!$)|$)){4}$/;
const IPV6 = /^(?=.*:.*:)[\da-f:]{2,39}$/i;

/** Returns whether `text` is an IP address, IPv6 without brackets. */
export function isIp(text: string): boolean {
  return IPV4.test(text) || IPV6.test(text);
}

/** Returns what `127.0.0.1:9560`, `[::1]:9560` or `localhost:9560` names; undefined for anything else. Port 0 is any free one. */
export function parseListen(text: string): ListenAddress | undefined {
  const [, bracketed, plain, digits = ""] = /^(?:\[([^\]]+)\]|([^:[\]]+)):(\d{1,5})$/.exec(text) ?? [];
  const host = bracketed ?? plain ?? "";
  const good = bracketed === undefined ? IPV4.test(host) || host === "localhost" : IPV6.test(host);
  return good && Number(digits) <= 65_535 ? { host, port: Number(digits) } : undefined;
}

/** Returns whether only programs on this host can reach `host`. Source: RFC 1122 3.2.1.3 (g), RFC 4291 2.5.3. */
export function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || (IPV4.test(host) && host.startsWith("127."));
}
