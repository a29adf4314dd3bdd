// Packages in roots of their own: installed, upgraded, removed, purged, with a small stand-in for the executables.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import {
  appendFileSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Format, makePackages } from "../../scripts/package.ts";
import { PACKAGED, TARGETS } from "../../scripts/package/programs.ts";
import { testNeeding } from "../helpers/needing.ts";
import { emptyDpkgRoot } from "./dpkg-root.ts";

const EPOCH = 1_750_000_000;
const dir = mkdtempSync(join(tmpdir(), "powermon-packages-"));
afterAll(() => rmSync(dir, { recursive: true }));

function run(command: readonly string[], env: Record<string, string> = {}) {
  const done = Bun.spawnSync([...command], { env: { ...process.env, LC_ALL: "C", ...env }, timeout: 20_000 });
  return { status: done.exitCode, text: `${done.stdout}${done.stderr}` };
}

/** Runs a command that has to succeed and returns what it said. */
function done(command: readonly string[], env?: Record<string, string>): string {
  const { status, text } = run(command, env);
  if (status !== 0) throw new Error(`${command.join(" ")}: ${text}`);
  return text;
}

/** Makes packages of `version` around a stand-in and returns those of powermon and vmpower-guest. */
async function made(format: Format, version: string, out = join(dir, `${format}-${version}`)) {
  const files = await makePackages({
    target: "linux-x64",
    formats: [format],
    out,
    executable: () => "/bin/true",
    version,
    epoch: EPOCH,
    maintainer: "A packager <packager@localhost>",
  });
  const [host = "", guest = ""] = files;
  return { host, guest, files, out };
}

/** Returns every path in `root` but those that `skip` matches. */
function everything(root: string, skip = /^$/): string[] {
  return readdirSync(root, { recursive: true, encoding: "utf8" })
    .filter((path) => !skip.test(path))
    .sort();
}

/** What each format has to bring. */
const HOST_FILES = [
  "usr/bin/powermon",
  "usr/lib/powermon/cpu-check",
  "usr/lib/systemd/system/powermon.service",
  "usr/lib/sysusers.d/powermon.conf",
  "usr/lib/tmpfiles.d/powermon.conf",
  "usr/share/man/man1/powermon.1.gz",
  "usr/share/man/man5/powermon.toml.5.gz",
  "usr/share/man/man7/powermon-control.7.gz",
  "usr/share/bash-completion/completions/powermon",
  "usr/share/fish/vendor_completions.d/powermon.fish",
  "usr/share/doc/powermon/copyright",
  "usr/share/doc/powermon/sbom.cdx.json",
  "usr/share/doc/powermon/examples/powermon.toml",
  "usr/share/doc/powermon/openapi.json",
  "usr/share/doc/powermon/examples/powermon_client.py",
  "usr/share/doc/powermon/examples/fleet.conf",
  "etc/powermon/powermon.toml",
];
const GUEST_FILES = [
  "usr/bin/vmpower-guest",
  "usr/lib/vmpower-guest/cpu-check",
  "usr/lib/systemd/system/vmpower-guest-agent.service",
  "usr/lib/sysusers.d/vmpower-guest.conf",
  "usr/lib/udev/rules.d/60-vmpower-guest.rules",
  "usr/share/man/man1/vmpower-guest.1.gz",
  "usr/share/man/man3/libvmpower.3.gz",
  "usr/include/libvmpower.h",
  "usr/share/doc/vmpower-guest/examples/hold.c",
  "etc/vmpower-guest.toml",
];

describe("deb", () => {
  let old: Awaited<ReturnType<typeof made>>;
  let young: Awaited<ReturnType<typeof made>>;
  beforeAll(async () => {
    if (Bun.which("dpkg-deb") === null) return;
    old = await made("deb", "0.0.1");
    young = await made("deb", "0.0.2");
  }, 30_000);

  testNeeding(
    ["dpkg-deb", "root"],
    "the .deb is installed, upgraded, removed and purged, and leaves nothing",
    () => {
      const root = join(dir, "dpkg");
      const dpkg = emptyDpkgRoot(root);
      const before = everything(root, DPKG_OWN);
      const config = join(root, "etc/powermon/powermon.toml");

      dpkg("-i", old.host, old.guest);
      for (const file of [...HOST_FILES, ...GUEST_FILES])
        expect(lstatSync(join(root, file)).isFile()).toBe(true);
      expect(statSync(join(root, "usr/bin/powermon")).mode & 0o7777).toBe(0o755);
      expect(dpkg("-V")).toBe("");
      expect(dpkg("-s", "powermon")).toContain("Version: 0.0.1-1");
      if (Bun.which("systemd-sysusers") !== null)
        expect(readFileSync(join(root, "etc/group"), "utf8").match(/^powermon:/gm)).toHaveLength(1);

      appendFileSync(config, "# an operator was here\n");
      mkdirSync(join(root, "var/lib/powermon/powermon.d"), { recursive: true });
      writeFileSync(join(root, "var/lib/powermon/policy0.json"), "{}");
      dpkg("-i", young.host, young.guest);
      expect(dpkg("-s", "powermon")).toContain("Version: 0.0.2-1");
      expect(readFileSync(config, "utf8")).toEndWith("# an operator was here\n");
      dpkg("-i", young.host);

      dpkg("-r", "powermon", "vmpower-guest");
      expect(existsSync(join(root, "usr/bin/powermon"))).toBe(false);
      expect(existsSync(config)).toBe(true);
      expect(existsSync(join(root, "var/lib/powermon/policy0.json"))).toBe(true);

      mkdirSync(join(root, "run/powermon/originals"), { recursive: true });
      writeFileSync(join(root, "run/powermon/originals/policy0.json"), "{}");
      writeFileSync(join(root, "run/vmpower-guest.sock"), "");
      dpkg("-P", "powermon", "vmpower-guest");
      rmdirSync(join(root, "run"));
      expect(everything(root, DPKG_OWN)).toEqual(before);
    },
  );

  testNeeding(
    ["dpkg-deb"],
    "the .deb says what it depends on, and keeps its configuration as a conffile",
    () => {
      const field = (name: string) => done(["dpkg-deb", "-f", old.host, name]).trim();
      expect(field("Depends")).toMatch(/^libc6 \(>= /);
      expect(field("Architecture")).toBe(TARGETS["linux-x64"]?.deb ?? "");
      expect(done(["dpkg-deb", "-I", old.host, "conffiles"])).toBe("/etc/powermon/powermon.toml\n");
    },
  );

  testNeeding(["dpkg-deb"], "the same source makes the same bytes", async () => {
    const again = await made("deb", "0.0.1", join(dir, "again"));
    expect(readFileSync(again.host).equals(readFileSync(old.host))).toBe(true);
    expect(readFileSync(join(again.out, "SHA256SUMS"), "utf8")).toBe(
      readFileSync(join(old.out, "SHA256SUMS"), "utf8"),
    );
  });

  testNeeding(["dpkg-deb", "shellcheck"], "the maintainer scripts are plain shell without a mistake", () => {
    for (const script of ["postinst", "prerm", "postrm"]) {
      const file = join(dir, script);
      writeFileSync(file, done(["dpkg-deb", "-I", old.host, script]));
      // SC2034: each script is told all variables, and reads some of them.
      expect(done(["shellcheck", "--exclude=SC2034", file])).toBe("");
    }
  });
});

/** What dpkg itself and the accounts' tools leave in a root. */
const DPKG_OWN = /^(var\/lib\/dpkg|var\/log|etc\/(group|gshadow|passwd|shadow|\.pwd\.lock)-?|etc$)/;

testNeeding(
  ["rpmbuild", "root"],
  "the .rpm is installed and removed, keeps a changed configuration, and leaves nothing else",
  async () => {
    const { host, guest } = await made("rpm", "0.0.1");
    const root = join(dir, "rpm-root");
    mkdirSync(root);
    // The scripts would run in the root, which has no shell.
    const rpm = (...words: string[]) => done(["rpm", "--root", root, "--nodeps", "--noscripts", ...words]);
    rpm("-i", "--ignorearch", host, guest);
    for (const file of [...HOST_FILES, ...GUEST_FILES])
      expect(lstatSync(join(root, file)).isFile()).toBe(true);
    expect(rpm("-V", "powermon")).toBe("");
    appendFileSync(join(root, "etc/powermon/powermon.toml"), "# an operator was here\n");
    rpm("-e", "powermon", "vmpower-guest");
    const left = everything(root).filter((path) => path.includes("powermon") || path.includes("vmpower"));
    expect(left.filter((path) => !path.startsWith("var/lib/rpm"))).toEqual([
      "etc/powermon",
      "etc/powermon/powermon.toml.rpmsave",
    ]);
    for (const section of done([
      "rpm",
      "-qp",
      "--qf",
      "%{POSTIN}\n---\n%{PREUN}\n---\n%{POSTUN}",
      host,
    ]).split("---")) {
      expect(section).toContain("units='powermon.service'");
      expect(run(["sh", "-n", "-c", section])).toEqual({ status: 0, text: "" });
    }
  },
  30_000,
);

describe("tarball", () => {
  const unpacked = join(dir, "unpacked");
  const root = join(dir, "tar-root");
  const script = (word: string) => done(["sh", join(unpacked, "install.sh"), word], { DESTDIR: root });
  const config = join(root, "etc/powermon/powermon.toml");
  beforeAll(async () => {
    const { host } = await made("tar", "0.0.1");
    mkdirSync(unpacked);
    done(["tar", "-xf", host, "-C", unpacked, "--strip-components=1"]);
    // Folders that are there before stay.
    mkdirSync(join(root, "usr/share/fish/vendor_completions.d"), { recursive: true });
    mkdirSync(join(root, "etc"));
  }, 30_000);

  test("install.sh installs, installs again over a changed configuration, and uninstalls without leaving a file", () => {
    const before = everything(root, DPKG_OWN);
    script("install");
    for (const file of [...HOST_FILES, "usr/share/zsh/site-functions/_powermon"])
      expect(lstatSync(join(root, file)).isFile()).toBe(true);
    expect(statSync(join(root, "usr/bin/powermon")).mode & 0o7777).toBe(0o755);
    expect(statSync(config).mode & 0o7777).toBe(0o644);
    script("install");
    script("uninstall");
    expect(everything(root, DPKG_OWN)).toEqual(before);
  });

  test("install.sh keeps a changed configuration at uninstall, and purge removes it with what was left behind", () => {
    const before = everything(root, DPKG_OWN);
    script("install");
    appendFileSync(config, "# an operator was here\n");
    expect(script("install")).toContain(`kept ${root}/etc/powermon/powermon.toml`);
    expect(readFileSync(config, "utf8")).toEndWith("# an operator was here\n");
    expect(script("uninstall")).toContain(`kept ${root}/etc/powermon/powermon.toml`);
    expect(existsSync(config)).toBe(true);
    script("install");
    mkdirSync(join(root, "var/lib/powermon"), { recursive: true });
    script("purge");
    expect(existsSync(join(root, "var/lib/powermon"))).toBe(false);
    rmSync(join(root, "var"), { recursive: true });
    expect(everything(root, DPKG_OWN).filter((path) => path !== "etc/powermon")).toEqual(before);
    rmSync(join(root, "etc/powermon"), { recursive: true, force: true });
  });

  test("install.sh refuses other words, and to remove what it did not install", () => {
    const wrong = run(["sh", join(unpacked, "install.sh"), "remove"], { DESTDIR: root });
    expect([wrong.status, wrong.text]).toEqual([2, expect.stringContaining("usage:")]);
    const absent = run(["sh", join(unpacked, "install.sh"), "uninstall"], { DESTDIR: root });
    expect([absent.status, absent.text]).toEqual([1, expect.stringContaining("was not installed here")]);
  });

  test("the bill of materials names what the executables contain, and nothing that only tests use", () => {
    const bom = JSON.parse(readFileSync(join(unpacked, "root/usr/share/doc/powermon/sbom.cdx.json"), "utf8"));
    expect([bom.bomFormat, bom.metadata.component.name]).toEqual(["CycloneDX", "powermon"]);
    const names = bom.components.map(({ name }: { name: string }) => name).sort();
    expect(names).toEqual(["bun", "citty", "consola", "valibot"]);
    for (const { purl, licenses } of bom.components) {
      expect(purl).toStartWith("pkg:npm/");
      expect(licenses.length).toBeGreaterThan(0);
    }
  });

  test("the licences of what the executables contain are in the package", () => {
    const text = readFileSync(join(unpacked, "root/usr/share/doc/powermon/copyright"), "utf8");
    for (const name of ["citty", "consola", "valibot", "Bun"])
      expect(text).toMatch(new RegExp(`^${name} \\d`, "m"));
  });
});

testNeeding(["shellcheck"], "install.sh, its hooks and cpu-check are plain shell without a mistake", () => {
  const packaging = join(import.meta.dir, "../../packaging");
  const hooks = readdirSync(join(packaging, "hooks")).map((file) => join(packaging, "hooks", file));
  const scripts = ["install.sh", "cpu-check.sh"].map((file) => join(packaging, file));
  expect(done(["shellcheck", ...scripts, ...hooks])).toBe("");
});

test("makePackages() names the targets when one is not known", async () => {
  const options = {
    formats: ["tar"] as const,
    out: dir,
    executable: () => "/bin/true",
    version: "1",
    epoch: EPOCH,
    maintainer: "",
  };
  expect(makePackages({ ...options, target: "plan9" })).rejects.toThrow("linux-arm64-musl");
});

test("every document that a package names is there", () => {
  for (const path of PACKAGED.flatMap(({ documents }) => documents))
    expect(existsSync(join(import.meta.dir, "../../docs", path)), path).toBe(true);
});
