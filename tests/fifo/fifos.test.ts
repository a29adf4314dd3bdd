// Real FIFOs: written by other processes, in pieces, in floods, by writers that leave.

import { afterEach, describe, expect, test } from "bun:test";
import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { open } from "node:fs/promises";
import { tmpdir } from "node:os";
import { Fifos, type FifoOptions } from "../../internal/fifo/fifos.ts";
import { Turns } from "../../internal/os/turns.ts";
import { until } from "../helpers/until.ts";

const opened: Fifos[] = [];
const made: string[] = [];
afterEach(async () => {
  for (const fifos of opened.splice(0)) await fifos.close();
  for (const dir of made.splice(0)) rmSync(dir, { recursive: true });
});

function world(more: Partial<FifoOptions> = {}) {
  const dir = mkdtempSync(`${tmpdir()}/fifo-`);
  made.push(dir);
  const heard: string[] = [];
  const problems: string[] = [];
  const fifos = new Fifos({
    dir,
    cores: [0, 7],
    mode: 0o660,
    owner: "",
    group: "",
    turns: new Turns(),
    onRequest: (core, { command }) =>
      heard.push(`${core} ${command.kind === "scale" ? command.step : command.kind}`),
    onProblem: (core, why) => problems.push(`${core} ${why}`),
    ...more,
  });
  opened.push(fifos);
  return { dir, heard, problems, fifos };
}

const scale = (unit: string) => `{"instruction": {"command": "power", "unit": "SCALE_${unit}"}}\n`;

/** Writes as a script does: open, write, close. Rejects when that takes longer than a second. */
async function write(path: string, ...texts: readonly string[]): Promise<void> {
  const shell = Bun.spawn(["sh", "-c", texts.map((text) => `printf %s '${text}' > ${path}`).join("\n")], {
    timeout: 1000,
  });
  if ((await shell.exited) !== 0) throw new Error(`writing to ${path} failed or was blocked`);
}

describe("Fifos.open()", () => {
  test("makes one FIFO per core with the mode that is asked for, whatever the umask", async () => {
    const { dir, fifos } = world();
    const old = process.umask(0o077);
    expect(await fifos.open()).toEqual({ ok: true, value: undefined });
    process.umask(old);
    expect(readdirSync(dir).sort()).toEqual(["fifo0", "fifo7"]);
    expect(statSync(`${dir}/fifo7`).isFIFO()).toBe(true);
    expect(statSync(`${dir}/fifo7`).mode & 0o7777).toBe(0o660);
  });

  test.skipIf(process.getuid?.() !== 0)(
    "gives them to the owner and group that are asked for (needs root)",
    async () => {
      const { dir, fifos } = world({ owner: "nobody", group: "daemon" });
      expect((await fifos.open()).ok).toBe(true);
      const { uid, gid } = statSync(`${dir}/fifo0`);
      expect([uid, gid]).toEqual([65_534, 1]);
    },
  );

  test("says which user is not known, and leaves no FIFO behind", async () => {
    const { dir, fifos } = world({ group: "no-such-group" });
    const done = await fifos.open();
    expect(done.ok ? "" : done.error).toContain("no-such-group");
    expect(readdirSync(dir)).toEqual([]);
  });

  test("takes the place of an old FIFO and of nothing else", async () => {
    const first = world();
    await first.fifos.open();
    const { ino } = statSync(`${first.dir}/fifo0`);
    const again = world({ dir: first.dir, mode: 0o600 });
    expect((await again.fifos.open()).ok).toBe(true);
    expect(statSync(`${first.dir}/fifo0`).mode & 0o777).toBe(0o600);
    expect(ino).toBeGreaterThan(0);
    const { dir, fifos } = world();
    writeFileSync(`${dir}/fifo7`, "precious");
    const done = await fifos.open();
    expect(done.ok ? "" : done.error).toBe(
      `Cannot make a FIFO at "${dir}/fifo7": something else is there; remove it.`,
    );
    expect(readdirSync(dir)).toEqual(["fifo7"]);
  });

  test("names a folder that is not there", async () => {
    const { fifos } = world({ dir: "/nowhere" });
    const done = await fifos.open();
    expect(done.ok ? "" : done.error).toContain("/nowhere/fifo0");
  });
});

describe("Fifos", () => {
  test("hears each object once, of several writers that come and go, each for its own core", async () => {
    const { dir, fifos, heard, problems } = world();
    await fifos.open();
    await write(`${dir}/fifo0`, scale("MAX"), scale("MIN") + scale("UP"));
    await write(`${dir}/fifo7`, '{"policy": {"command": "destr', 'oy"}}');
    await until("all is heard", () => heard.length === 4);
    await write(`${dir}/fifo7`, scale("DOWN"));
    await until("the last is heard", () => heard.length === 5);
    expect(heard.filter((line) => line.startsWith("0"))).toEqual(["0 max", "0 min", "0 up"]);
    expect(heard.filter((line) => line.startsWith("7"))).toEqual(["7 policy-remove", "7 down"]);
    expect(problems).toEqual([]);
  });

  test("tells of what it does not understand, applies nothing of it, and hears what follows", async () => {
    const { dir, fifos, heard, problems } = world();
    await fifos.open();
    await write(
      `${dir}/fifo7`,
      'nonsense {"instruction": {"command": "power", "unit": "SCALE_MAXX"}}',
      scale("MAX"),
    );
    await until("the last is heard", () => heard.length === 1);
    expect(heard).toEqual(["7 max"]);
    expect(problems).toHaveLength(2);
    expect(problems[1]).toStartWith('7 "unit" is "SCALE_MAXX"; it may be SCALE_UP');
  });

  test("lets others have a turn while a writer floods it", async () => {
    let [inARow, most, heard, over] = [0, 0, 0, false];
    const { dir, fifos } = world({
      onRequest: () => {
        heard++;
        most = Math.max(most, ++inARow);
      },
    });
    await fifos.open();
    const turn = () => {
      inARow = 0;
      if (!over) setImmediate(turn);
    };
    turn();
    const writer = await open(`${dir}/fifo0`, "w");
    await writer.write(scale("MAX").repeat(1000));
    await until("the flood is heard", () => heard === 1000);
    over = true;
    await writer.close();
    expect(most).toBeLessThanOrEqual(64);
  });

  test("close() removes its FIFOs and hears nothing more", async () => {
    const { dir, fifos, heard } = world();
    await fifos.open();
    const writer = await open(`${dir}/fifo0`, "w");
    await fifos.close();
    expect(readdirSync(dir)).toEqual([]);
    expect(fifos.paths).toEqual([]);
    await writer.write(scale("MAX")).catch(() => {}); // EPIPE: nobody reads
    await writer.close();
    expect(heard).toEqual([]);
  });
});
