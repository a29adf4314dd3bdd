// Our tables against a C compiler's: a wrong offset here would be wrong on every wire.

import { expect, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  capsListPacket,
  channelPacket16,
  channelPacket456,
  channelPacket464,
  freqListPacket,
} from "../../internal/packet/dpdk.ts";
import { STRUCTS } from "../fixtures/packet/golden.ts";

const FIXTURES = join(import.meta.dir, "../fixtures/packet");
const TABLES = [channelPacket464, channelPacket456, channelPacket16, freqListPacket, capsListPacket];

test.each(TABLES.map((table, i) => [table.name, table, STRUCTS[i]] as const))(
  "%s has the members that the C compiler laid out",
  (_, table, struct) => {
    const members = Object.entries(table.fields).map(
      ([name, { offset, bytes }]) => `${name}@${offset}+${bytes}`,
    );
    expect({ name: table.name, size: table.size, members }).toEqual({
      name: struct?.name ?? "",
      size: struct?.size ?? 0,
      members: struct?.members ?? [],
    });
  },
);

test("golden.txt has a struct for every table", () => {
  expect(STRUCTS.length).toBe(TABLES.length);
});

const cflags = Bun.which("pkg-config") ? Bun.spawnSync(["pkg-config", "--cflags", "libdpdk"]) : undefined;
const canCompile = Bun.which("gcc") !== null && cflags?.success === true;

test.skipIf(!canCompile)(
  "golden.txt is what oracle.c prints (needs gcc, pkg-config and libdpdk-dev)",
  async () => {
    const folder = await mkdtemp(join(tmpdir(), "oracle-"));
    try {
      const program = join(folder, "oracle");
      const flags = cflags?.stdout.toString().trim().split(/\s+/) ?? [];
      const gcc = Bun.spawnSync([
        "gcc",
        "-Wall",
        "-Werror",
        ...flags,
        "-o",
        program,
        join(FIXTURES, "oracle.c"),
      ]);
      expect(gcc.stderr.toString()).toBe("");
      const printed = Bun.spawnSync([program]).stdout.toString();
      expect(printed).toBe(await Bun.file(join(FIXTURES, "golden.txt")).text());
    } finally {
      await rm(folder, { recursive: true });
    }
  },
);
