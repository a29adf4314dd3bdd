// Ends of the process: by itself with exitCode, not held by a timer without a reference, which still runs while something else holds.

export default function ends(how: string) {
  process.exitCode = 7;
  process.on("SIGTERM", () => {});
  if (how === "thrown") {
    process.on("uncaughtException", () => {
      process.exitCode = 9;
    });
    setTimeout(() => {
      throw new Error("nobody catches this");
    });
    return;
  }
  if (how === "forever") {
    // A delay past 31 bits is one of 1 ms.
    setTimeout(() => (process.exitCode = 11), 2 ** 31);
    return;
  }
  setTimeout(() => process.exit(8), 20).unref();
  if (how === "held") setInterval(() => {}, 1 << 30);
}
