// Whether standard error is the journal, in processes whose standard error is a file of ours.

import { expect, test } from "bun:test";
import { closeSync, mkdtempSync, openSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const SOURCE = join(import.meta.dir, "../../internal/os/standard-error.ts");

/** Returns what isJournal() says in a process whose standard error is a new file. @param stream JOURNAL_STREAM, from that file's DEVICE:INODE */
function askIn(stream: (file: string) => string): string {
  const dir = mkdtempSync(join(tmpdir(), "powermon-stderr-"));
  try {
    const file = join(dir, "log");
    const fd = openSync(file, "w");
    const { dev, ino } = statSync(file, { bigint: true });
    const code = `import { isJournal } from ${JSON.stringify(SOURCE)}; console.log(isJournal(process.env.JOURNAL_STREAM));`;
    const asked = Bun.spawnSync([process.execPath, "-e", code], {
      env: { ...process.env, JOURNAL_STREAM: stream(`${dev}:${ino}`) },
      stderr: fd,
    });
    closeSync(fd);
    return asked.stdout.toString().trim();
  } finally {
    rmSync(dir, { recursive: true });
  }
}

test("isJournal() is true when JOURNAL_STREAM names the file that standard error is", () => {
  expect(askIn((file) => file)).toBe("true");
});

test("isJournal() is false when JOURNAL_STREAM names another file, or nothing that can be one", () => {
  for (const stream of ["1:1", "", "x"]) expect(askIn(() => stream)).toBe("false");
  expect(askIn((file) => `${file}0`)).toBe("false");
});
