import { expect, test } from "bun:test";
import { bootMs } from "../../internal/os/boot-time.ts";

test("bootMs() goes forward with the clock", async () => {
  const [began, at] = [bootMs(), performance.now()];
  await Bun.sleep(50);
  const passed = bootMs() - began;
  expect(passed).toBeGreaterThanOrEqual(30);
  expect(passed).toBeLessThanOrEqual(performance.now() - at + 20);
});
