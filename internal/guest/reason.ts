// Why a host said no: a NACK has no room for it, so a host that knows our own words is asked again in them.

import type { Step } from "../values/frequency.ts";
import { DONE, type Result } from "../values/result.ts";
import type { GuestFailure } from "./failure.ts";
import type { Session, Speaker } from "./session.ts";

/** A host that doesn't know our words is waited for so long, in ms, or so many times as long as its NACK took, where that is more. */
const PATIENCE = { ms: 100, times: 4 };

/** Returns how long, in ms, an answer in our own words is waited for when one in DPDK's took `tookMs`. */
export const patienceFor = (tookMs: number, timeoutMs: number): number =>
  Math.min(timeoutMs, Math.max(PATIENCE.ms, PATIENCE.times * tookMs));

/**
 * Moves a vCPU by one step. Errors: those of Session.ask(); `refused` has the host's sentence where it speaks the extension, and costs
 * one more wait where it doesn't.
 */
export async function scaleOrWhy(
  session: Session,
  vcpu: number,
  step: Step,
  { vmName, timeoutMs }: Speaker,
): Promise<Result<void, GuestFailure>> {
  const askedAt = performance.now();
  const done = await session.ask({ kind: "scale", vcpu, vmName, physical: false, step });
  if (done.ok) return DONE;
  if (done.error.kind !== "refused") return done;
  const agreed = await session.hello(vcpu, {}, patienceFor(performance.now() - askedAt, timeoutMs));
  // Under a wrong name HELLO itself is refused, with the same reason.
  if (!agreed.ok) return agreed.error.kind === "refused" ? agreed : done;
  const again = await session.say({ do: "scale", step }, vcpu);
  return again.ok ? DONE : again;
}
