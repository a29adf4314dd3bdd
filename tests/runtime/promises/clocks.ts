// Clocks and zones: the zone is looked at once and follows process.env.TZ alone; Temporal knows zones and when they turn.

export default function clocks() {
  const zone = () => [
    Intl.DateTimeFormat().resolvedOptions().timeZone,
    Temporal.Now.timeZoneId(),
    new Date(0).getHours(),
  ];
  const given = zone();
  process.env["TZ"] = "Asia/Tokyo";
  const assigned = zone();
  const berlin = Temporal.Instant.fromEpochMilliseconds(Date.UTC(2026, 6, 1)).toZonedDateTimeISO(
    "Europe/Berlin",
  );
  const before = performance.now();
  return {
    given,
    assigned,
    offset: berlin.offset,
    turns: berlin.getTimeZoneTransition("next")?.toInstant().toString(),
    neverBack: Array.from({ length: 1000 }, () => performance.now()).every(
      (now, i, all) => now >= (all[i - 1] ?? before),
    ),
  };
}
