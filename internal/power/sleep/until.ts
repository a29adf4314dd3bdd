// When a sleep is to end, as people write it.

/**
 * Returns the moment that `text` means, in ms as Date.now() counts: HH:MM or HH:MM:SS is the next time the local clock shows that,
 * anything longer an ISO 8601 date and time, local unless it names a zone. Undefined for other text.
 */
export function parseUntil(text: string, nowMs: number): number | undefined {
  const clock = /^([01]\d|2[0-3]):([0-5]\d)(?::([0-5]\d))?$/.exec(text);
  if (clock) {
    const at = new Date(nowMs);
    at.setHours(Number(clock[1]), Number(clock[2]), Number(clock[3] ?? 0), 0);
    if (at.getTime() <= nowMs) at.setDate(at.getDate() + 1);
    return at.getTime();
  }
  if (!/^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d)?(Z|[+-]\d\d:\d\d)?$/.test(text)) return undefined;
  const at = Date.parse(text);
  return Number.isNaN(at) ? undefined : at;
}
