// Why a host said no: a NACK has no room for it, so a host that knows our own words is asked again in them.

import type { Step } from "../values/frequency.ts";
import { DONE, type Result } from "../values/result.ts";
import type { GuestFailure } from "./failure.ts";
import type { Session, Speaker } from "./session.ts";

/** A host that doesn't know our words is not waited for any longer, in ms. */
const PATIENCE_MS = 100;

/**
 * Moves a vCPU by one step. Errors: those of Session.ask(); `refused` has the host's sentence where it speaks the extension, and costs
 * 100 ms more, at most, where it doesn't.
 */
export async function scaleOrWhy(
  session: Session,
  vcpu: number,
  step: Step,
  { vmName, timeoutMs }: Speaker,
): Promise<Result<void, GuestFailure>> {
  const done = await session.ask({ kind: "scale", vcpu, vmName, physical: false, step });
  if (done.ok) return DONE;
  if (done.error.kind !== "refused") return done;
  const agreed = await session.hello(vcpu, {}, Math.min(timeoutMs, PATIENCE_MS));
  // Under a wrong name HELLO itself is refused, with the same reason.
  if (!agreed.ok) return agreed.error.kind === "refused" ? agreed : done;
  const again = await session.say({ do: "scale", step }, vcpu);
  return again.ok ? DONE : again;
}
