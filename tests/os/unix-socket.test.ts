import { expect, test } from "bun:test";
import { existsSync, mkdtempSync, renameSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import {
  atSocketFile,
  clearStale,
  gidOf,
  MAX_SOCKET_PATH,
  shareSocket,
  wrongSocketPath,
} from "../../internal/os/unix-socket.ts";

test("gidOf() finds a group by its whole name, and none in a machine without /etc/group", () => {
  const dir = mkdtempSync(`${tmpdir()}/group-`);
  const file = `${dir}/group`;
  expect(gidOf("powermon", file)).toBeUndefined();
  writeFileSync(file, "power:x:7:\npowermon:x:990:a,b\nodd:x:-1:\n");
  expect([gidOf("powermon", file), gidOf("mon", file), gidOf("odd", file)]).toEqual([
    990,
    undefined,
    undefined,
  ]);
  rmSync(dir, { recursive: true });
});

test("shareSocket() leaves the file to its owner, and says so, when there is no group to give it to", () => {
  const dir = mkdtempSync(`${tmpdir()}/group-`);
  const path = `${dir}/s`;
  writeFileSync(path, "", { mode: 0o600 });
  expect(shareSocket(path, "powermon", `${dir}/absent`)).toContain('There is no group "powermon"');
  expect(statSync(path).mode & 0o777).toBe(0o660);
  expect(shareSocket(path, "")).toBeUndefined();
  rmSync(dir, { recursive: true });
});

test.each([
  ["", "no whole path"],
  ["a/b", "no whole path"],
  ["/a/", "can't name a socket"],
  ["/a\0b", "can't name a socket"],
  [`/${"é".repeat(53)}x`, "108 bytes"],
])("wrongSocketPath() says what is wrong with %j", (path, why) => {
  expect(wrongSocketPath(path)).toContain(why);
});

test("wrongSocketPath() takes what the kernel takes, to the byte", () => {
  const dir = mkdtempSync(`${tmpdir()}/path-`);
  const longest = `${dir}/${"x".repeat(MAX_SOCKET_PATH - dir.length - 1)}`;
  expect(wrongSocketPath(longest)).toBeUndefined();
  const server = Bun.listen({ unix: longest, socket: { data() {} } });
  expect(statSync(longest).isSocket()).toBe(true);
  server.stop();
  rmSync(dir, { recursive: true });
});

test("clearStale() removes a dead one's socket only", async () => {
  const dir = mkdtempSync(`${tmpdir()}/stale-`);
  const path = `${dir}/s`;
  expect((await clearStale(path, "another powermon")).ok).toBe(true);
  const script = `Bun.listen({unix:${JSON.stringify(path)},socket:{data(){}}});process.kill(process.pid,"SIGKILL")`;
  await Bun.spawn([process.execPath, "-e", script]).exited;
  expect(statSync(path).isSocket()).toBe(true);
  expect((await clearStale(path, "another powermon")).ok).toBe(true);
  expect(existsSync(path)).toBe(false);
  const server = Bun.listen({ unix: path, socket: { data() {} } });
  expect(await clearStale(path, "another powermon")).toEqual({
    ok: false,
    error: `another powermon answers on ${path}; stop it first.`,
  });
  expect(existsSync(path)).toBe(true);
  server.stop(true);
  rmSync(path, { force: true });
  writeFileSync(path, "");
  expect(await clearStale(path, "another powermon")).toEqual({
    ok: false,
    error: `${path} is there and is no socket; move it away.`,
  });
  expect(existsSync(path)).toBe(true);
  rmSync(dir, { recursive: true });
});

test("atSocketFile() leads to the socket that was there, whatever takes its place", async () => {
  const dir = mkdtempSync(`${tmpdir()}/socket-`);
  const answering = (name: string) =>
    Bun.listen({ unix: `${dir}/${name}`, socket: { open: (socket) => void socket.end(name), data() {} } });
  const listeners = [answering("a"), answering("b")];
  symlinkSync(`${dir}/b`, `${dir}/link`);
  writeFileSync(`${dir}/file`, "");
  const heard = new Promise<string>((resolve) => {
    const there = atSocketFile(`${dir}/a`, (unix) => {
      renameSync(`${dir}/a`, `${dir}/moved`);
      symlinkSync(`${dir}/b`, `${dir}/a`);
      void Bun.connect({ unix, socket: { data: (_, bytes) => resolve(String(bytes)) } });
    });
    expect(there.ok).toBe(true);
  });
  expect(await heard).toBe("a");
  const never = () => {
    throw new Error("used");
  };
  for (const name of ["a", "link", "file", "."])
    expect(atSocketFile(`${dir}/${name}`, never)).toEqual({ ok: false, error: "ENOTSOCK" });
  expect(atSocketFile(`${dir}/absent`, never)).toEqual({ ok: false, error: "ENOENT" });
  for (const listener of listeners) listener.stop(true);
  rmSync(dir, { recursive: true });
});
