// The build takes the Bun that was tried, and no other.

import { expect, test } from "bun:test";
import { devDependencies } from "../../package.json";
import { wrongBun } from "../../scripts/compile.ts";

test("wrongBun() takes the pinned version and refuses another, also as the executable of another machine", () => {
  expect(wrongBun()).toBeUndefined();
  expect(wrongBun(process.execPath)).toBeUndefined();
  expect(wrongBun(undefined, "1.4.4")).toContain(
    `This is Bun 1.4.4, and package.json pins ${devDependencies.bun}`,
  );
  expect(wrongBun("/bin/true")).toContain("/bin/true is not Bun");
});

test("scripts/build.ts builds nothing with another Bun", () => {
  const build = Bun.spawnSync(
    [process.execPath, "scripts/build.ts", "--bun", "/bin/true", "--suffix=-never"],
    {
      cwd: `${import.meta.dir}/../..`,
    },
  );
  expect(build.exitCode).toBe(1);
  expect(build.stdout.toString()).toBe("");
  expect(build.stderr.toString()).toContain("/bin/true is not Bun");
});
