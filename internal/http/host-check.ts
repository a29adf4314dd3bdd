// Who a request says it is for: without it any web page could point a name of its own at this listener and read it (DNS rebinding).

import { isIp } from "../values/listen.ts";

/**
 * Returns whether a request's Host names us: localhost, an IP address, which no one can rebind, or one of `names`. The port does
 * not matter: a forwarded one is another.
 */
export function isOurHost(header: string | undefined, names: readonly string[]): boolean {
  const [, bracketed, plain] = /^(?:\[([^\]]+)\]|([^:[\]]+))(?::\d{1,5})?$/.exec(header ?? "") ?? [];
  if (bracketed !== undefined) return bracketed.includes(":") && isIp(bracketed);
  const name = (plain ?? "").toLowerCase();
  return name === "localhost" || isIp(name) || names.includes(name);
}
