// Which of a libvirt VM's definitions a command changes: the running one, the one of its next start, or both.

import { type Definitions, type Scope } from "../../internal/pinning/domain-devices.ts";
import { err, ok, type Result } from "../../internal/values/result.ts";

/** When a definition holds, in words. */
export const WHEN: Readonly<Record<Scope, string>> = { live: "now", persistent: "from its next start" };
const SCOPES: readonly Scope[] = ["persistent", "live"];

/** The flags that say which, and whether it is tried only. */
export const SCOPE_ARGS = {
  live: { type: "boolean", description: "change the running VM; without --persistent that alone" },
  persistent: {
    type: "boolean",
    description: "change what holds from its next start; without --live that alone",
  },
  "dry-run": { type: "boolean", description: "show what would change and change nothing" },
  json: { type: "boolean", description: "print one JSON document instead of text" },
} as const;

/** Returns which of the definitions of `vm` are meant, both where none is named. Errors: a sentence, where it does not have one that is. */
export function askedScopes(
  { vm, live, persistent }: { readonly vm: string; readonly live: boolean; readonly persistent: boolean },
  definitions: Definitions,
): Result<readonly Scope[], string> {
  if (live && definitions.live === undefined) return err(`${vm} does not run: only --persistent can be.`);
  if (persistent && definitions.persistent === undefined)
    return err(`${vm} is transient, nothing of it is kept for a next start: only --live can be.`);
  const isAsked = { live: live || !persistent, persistent: persistent || !live };
  return ok(SCOPES.filter((scope) => isAsked[scope] && definitions[scope] !== undefined));
}
