// Who has to do without when files run short: a process with a limit of its own tells.

import { expect } from "bun:test";
import { join } from "node:path";
import { testNeeding } from "../helpers/needing.ts";

const MODULE = join(import.meta.dir, "../../internal/os/descriptors.ts");

testNeeding(
  ["prlimit"],
  "isPastRoom() refuses operators before guests, and both before the limit",
  async () => {
    const script = `import { isPastRoom } from ${JSON.stringify(MODULE)};
    const first = (whose) => Array.from({ length: 200 }, (_, fd) => fd).find((fd) => isPastRoom(fd, whose));
    console.log(first("operator"), first("guest"), isPastRoom(undefined, "guest"));`;
    const child = Bun.spawn(["prlimit", "--nofile=200:200", process.execPath, "-e", script], {
      stdout: "pipe",
    });
    expect(await child.stdout.text()).toBe("150 175 false\n");
  },
);
