// The examples of docs/agent-socket.md, run as they stand there: any language can ask the agent in three lines.

import { expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseLocalAsk } from "../../../internal/guest/agent/local-ask.ts";
import { serveLocal } from "../../../internal/guest/agent/local-server.ts";

const DOC = await Bun.file(join(import.meta.dir, "../../../docs/agent-socket.md")).text();

/** Returns the code after the line that starts with `title`. */
function block(title: string): string {
  const after = DOC.slice(DOC.indexOf(`\n${title}`));
  return /^```\w*\n([\s\S]*?)^```/m.exec(after)?.[1] ?? "";
}

/** Runs `command` with the agent's path of its text replaced by a socket that answers ok, and returns what was asked and printed. */
async function tryOut(make: (text: (title: string) => string, folder: string) => readonly string[]) {
  const folder = mkdtempSync(`${tmpdir()}/examples-`);
  const path = `${folder}/agent.sock`;
  const asked: unknown[] = [];
  const server = await serveLocal(path, "no-such-group", () => ({
    async answer(line) {
      asked.push(JSON.parse(line));
      return { ok: true };
    },
    left() {},
  }));
  if (!server.ok) throw new Error(server.error);
  try {
    const command = make((title) => block(title).replaceAll("/run/vmpower-guest.sock", path), folder);
    const child = Bun.spawn([...command], { stdout: "pipe", stderr: "pipe", timeout: 20_000 });
    const [out, err] = await Promise.all([child.stdout.text(), child.stderr.text()]);
    return { status: await child.exited, out, err, asked };
  } finally {
    server.value.stop();
    rmSync(folder, { recursive: true });
  }
}

test.skipIf(Bun.which("socat") === null)("the shell's lines ask (needs socat)", async () => {
  const held = await tryOut((text) => ["bash", "-c", `${text("In a shell")}\nexec 3>&-; wait $!`]);
  expect(held).toMatchObject({ status: 0, asked: [{ do: "scale", vcpus: "0-1", step: "max" }] });
  const asking = await tryOut((text) => ["bash", "-c", text("or only to ask")]);
  expect(asking).toMatchObject({ status: 0, out: '{"ok":true}\n', asked: [{ do: "state", vcpus: 0 }] });
});

test.skipIf(Bun.which("python3") === null)("Python's lines ask (needs python3)", async () => {
  const done = await tryOut((text) => ["python3", "-c", text("In Python")]);
  expect(done).toMatchObject({ status: 0, out: "{'ok': True}\n", asked: [{ do: "set", khz: 2_200_000 }] });
});

test.skipIf(Bun.which("gcc") === null)("C's lines ask (needs gcc)", async () => {
  const done = await tryOut((text, folder) => {
    writeFileSync(`${folder}/ask.c`, text("In C"));
    return ["sh", "-c", `gcc -Wall -o ${folder}/ask ${folder}/ask.c && ${folder}/ask`];
  });
  expect(done).toMatchObject({
    status: 0,
    out: '{"ok":true}\n',
    err: "",
    asked: [{ do: "scale", step: "max" }],
  });
});

test("every line of the table is understood", () => {
  const lines = [...DOC.matchAll(/`(\{"do":.*?\})`/g)].map((match) => match[1] ?? "");
  expect(lines.length).toBeGreaterThan(8);
  for (const line of lines)
    expect({ line, asked: parseLocalAsk(JSON.parse(line)) }).toMatchObject({ asked: { ok: true } });
});
