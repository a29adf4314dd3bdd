// Signals: a handler that is removed brings the default back, one that stays is called each time, and SIGPIPE ends nobody.

import { writeSync } from "node:fs";

export default async function signals(how: string) {
  let heard = 0;
  const end = Promise.withResolvers<void>();
  process[how === "once" ? "once" : "on"]("SIGTERM", () => {
    writeSync(3, `heard ${++heard}\n`);
    if (heard === 3) end.resolve();
  });
  // A handler alone keeps nothing alive.
  const alive = setInterval(() => {}, 1 << 30);
  writeSync(3, "ready\n");
  await end.promise;
  clearInterval(alive);
  return { heard };
}
