// The channel folder through what happens to it: gone, made anew, and unreadable for a while.

import { expect, onTestFinished, test } from "bun:test";
import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { ChannelFolder } from "../../internal/channels/folder.ts";
import { QemuSocket } from "../helpers/qemu.ts";
import { until } from "../helpers/until.ts";

/** A folder with vm1's channel, and what is told of it. */
function world() {
  const root = mkdtempSync(`${tmpdir()}/folder-`);
  const dir = `${root}/channels`;
  mkdirSync(dir);
  const sockets = [new QemuSocket(`${dir}/vm1.0`)];
  const told: string[] = [];
  const name = (path: string) => path.slice(dir.length + 1);
  const folder = new ChannelFolder(
    dir,
    (path) => void told.push(`found ${name(path)}`),
    (path) => void told.push(`gone ${name(path)}`),
    (code) => void told.push(code),
    () => {},
  );
  folder.start();
  onTestFinished(() => {
    folder.stop();
    for (const socket of sockets) socket.quit();
    rmSync(root, { recursive: true });
  });
  return { root, dir, told, folder, sockets };
}

test("ChannelFolder keeps what it knows while the folder can't be read, and reads it whole after", async () => {
  const { root, dir, told, sockets } = world();
  expect(told).toEqual(["found vm1.0"]);
  // As unreadable as without a free descriptor, for root too.
  renameSync(dir, `${root}/away`);
  symlinkSync(dir, dir);
  await until("the folder can't be read", () => told.includes("ELOOP"));
  sockets.push(new QemuSocket(`${root}/away/vm2.0`));
  rmSync(dir);
  renameSync(`${root}/away`, dir);
  await until("the second is found", () => told.includes("found vm2.0"));
  expect(told.filter((line) => line.startsWith("gone"))).toEqual([]);
}, 10_000);

test("ChannelFolder takes the channels of a folder that is gone for gone", async () => {
  const { root, dir, told } = world();
  renameSync(dir, `${root}/away`);
  await until("it is told", () => told.includes("ENOENT"));
  expect(told).toEqual(["found vm1.0", "ENOENT", "gone vm1.0"]);
}, 10_000);
