import { afterEach, beforeEach, expect, test } from "bun:test";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { call } from "./call.ts";

/** The user that starts QEMU: anybody when root runs the tests, else whoever does. */
const IS_ROOT = process.getuid?.() === 0;
const UID = IS_ROOT ? 64055 : (process.getuid?.() ?? 0);
const GID = IS_ROOT ? 107 : (process.getgid?.() ?? 0);
const CHANNELS = "/srv/channels";

let root = "";
beforeEach(() => {
  root = mkdtempSync(`${tmpdir()}/setup-`);
  mkdirSync(`${root}/etc`);
  passwd(`root:x:0:0::/root:/bin/sh\nlibvirt-qemu:x:${UID}:${GID}::/:/bin/false\n`);
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

function passwd(text: string): void {
  writeFileSync(`${root}/etc/passwd`, text);
}
const setupFor = (...words: readonly string[]) => call("setup", "--root", root, ...words);
const setup = (...words: readonly string[]) => setupFor("--user", "libvirt-qemu", ...words);

const TMPFILES = `# Written by powermon setup: the folders of QEMU's channels, made at every boot. Source: tmpfiles.d(5).
d /run/powermon 0755 root root -
d /srv/channels 0750 ${UID} ${GID} -
`;

test("powermon setup makes the channel folder for the user that is named and the snippet for every boot", async () => {
  const { status, err } = await setup("--dir", CHANNELS);
  expect({ status, err }).toEqual({ status: 0, err: "" });
  const stats = statSync(`${root}${CHANNELS}`);
  expect([stats.uid, stats.gid, stats.mode & 0o7777]).toEqual([UID, GID, 0o750]);
  expect(readFileSync(`${root}/etc/tmpfiles.d/powermon.conf`, "utf8")).toBe(TMPFILES);
});

test("powermon setup leaves alone what is right and mends what is not", async () => {
  await setup("--dir", CHANNELS);
  const again = await setup("--dir", CHANNELS, "--json");
  expect(JSON.parse(again.out)).toMatchObject({
    user: { name: "libvirt-qemu", uid: UID, gid: GID },
    steps: [{ outcome: "was so" }, { outcome: "was so" }],
  });
  chmodSync(`${root}${CHANNELS}`, 0o777);
  writeFileSync(`${root}${CHANNELS}/vm1.0`, "");
  const mended = await setup("--dir", CHANNELS);
  expect(mended.out.split("\n")[0]).toBe(
    `done: ${root}${CHANNELS}: folder of libvirt-qemu (${UID}:${GID}), mode 0750`,
  );
  expect(statSync(`${root}${CHANNELS}`).mode & 0o7777).toBe(0o750);
  expect(existsSync(`${root}${CHANNELS}/vm1.0`)).toBe(true);
});

test("powermon setup --dry-run says the same steps and does nothing", async () => {
  const { status, out } = await setup("--dir", CHANNELS, "--dry-run");
  expect(status).toBe(0);
  expect(out).toBe(
    [
      `would be done: ${root}${CHANNELS}: folder of libvirt-qemu (${UID}:${GID}), mode 0750`,
      `would be done: ${root}/etc/tmpfiles.d/powermon.conf: this text`,
      ...TMPFILES.trimEnd()
        .split("\n")
        .map((line) => `  ${line}`),
    ].join("\n"),
  );
  expect(existsSync(`${root}/srv`)).toBe(false);
  expect(existsSync(`${root}/etc/tmpfiles.d`)).toBe(false);
});

test.skipIf(!IS_ROOT)(
  "powermon setup makes /run/powermon root's and open to look in (needs root)",
  async () => {
    expect((await setupFor()).status).toBe(0);
    const stats = statSync(`${root}/run/powermon`);
    expect([stats.uid, stats.mode & 0o7777]).toEqual([0, 0o755]);
    const channels = statSync(`${root}/run/powermon/channels`);
    expect([channels.uid, channels.gid, channels.mode & 0o7777]).toEqual([0, 0, 0o755]);
    expect(readFileSync(`${root}/etc/tmpfiles.d/powermon.conf`, "utf8")).toContain(
      "d /run/powermon/channels 0755 0 0 -",
    );
  },
);

test("powermon setup makes root's folder unless a user is named, whatever users there are", async () => {
  const { out } = await setupFor("--dir", CHANNELS, "--dry-run");
  expect(out).toContain(`${CHANNELS}: folder of root (0:0), mode 0755`);
  expect(out).toContain("d /srv/channels 0755 0 0 -");
});

test("powermon setup follows no link that somebody put in the folder's place", async () => {
  mkdirSync(`${root}/srv`);
  mkdirSync(`${root}/victim`, { mode: 0o700 });
  symlinkSync(`${root}/victim`, `${root}${CHANNELS}`);
  const { status, err } = await setup("--dir", CHANNELS);
  expect(status).toBe(1);
  expect(err).toMatch(/^Cannot make .*: (ENOTDIR|ELOOP)\.$/);
  expect(statSync(`${root}/victim`).mode & 0o7777).toBe(0o700);
  expect(existsSync(`${root}/etc/tmpfiles.d`)).toBe(false);
});

test("powermon setup says what is in the way", async () => {
  mkdirSync(`${root}/srv`);
  writeFileSync(`${root}${CHANNELS}`, "a file");
  const { status, err } = await setup("--dir", CHANNELS);
  expect({ status, err }).toEqual({ status: 1, err: `Cannot make ${root}${CHANNELS}: EEXIST.` });
});

test.each([
  [["--user", "nobody-here"], 'etc/passwd has no user "nobody-here".'],
  [["--user", "toString"], 'etc/passwd has no user "toString".'],
] as const)("powermon setup %p needs a user that is there", async (words, err) => {
  passwd("root:x:0:0::/root:/bin/sh\nbroken line\n::::\n");
  expect(await setupFor(...words)).toEqual({ status: 1, out: "", err: `${root}/${err}` });
});

test("powermon setup takes no folder that tmpfiles.d could not name", async () => {
  expect(await setup("--dir", "/srv/my channels")).toEqual({
    status: 2,
    out: "",
    err: 'powermon: --dir must be a path without blanks and % signs, for tmpfiles.d, not "/srv/my channels".',
  });
});
