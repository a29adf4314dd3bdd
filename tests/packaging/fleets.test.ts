// The examples for fleets: as far as they can be judged without a fleet.

import { expect, test } from "bun:test";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DEFAULTS } from "../../internal/config/defaults.ts";
import { readConfigFile } from "../../internal/config/read.ts";
import { testNeeding } from "../helpers/needing.ts";

const PACKAGING = join(import.meta.dir, "../../packaging");

/** Returns what is wrong with `toml` as a configuration. */
function problemsOf(toml: string): unknown {
  const dir = mkdtempSync(join(tmpdir(), "powermon-fleets-"));
  try {
    writeFileSync(join(dir, "p.toml"), toml);
    const read = readConfigFile(join(dir, "p.toml"));
    return read.ok ? [] : read.error;
  } finally {
    rmSync(dir, { recursive: true });
  }
}

testNeeding(
  ["ansible-lint"],
  "ansible-lint finds nothing in the role and its playbook",
  () => {
    const lint = Bun.spawnSync(
      ["ansible-lint", "--offline", "--nocolor", "-q", "site.yml", "roles/powermon"],
      {
        cwd: join(PACKAGING, "ansible"),
        env: { ...process.env, LC_ALL: "C.UTF-8" },
      },
    );
    expect(`${lint.stdout}${lint.stderr}`.replace(/^WARNING.*\n/gm, "")).toBe("");
    expect(lint.exitCode).toBe(0);
  },
  60_000,
);

/** Runs the playbook with --check on this machine, which it leaves as it is, from a folder that has pk/p.deb. */
function dryRun(words: readonly string[], programs = ""): { readonly status: number; readonly text: string } {
  const dir = mkdtempSync(join(tmpdir(), "powermon-ansible-"));
  try {
    mkdirSync(join(dir, "pk"));
    writeFileSync(join(dir, "pk/p.deb"), "");
    mkdirSync(join(dir, "bin"));
    if (programs !== "") writeFileSync(join(dir, "bin/powermon"), programs, { mode: 0o755 });
    writeFileSync(join(dir, "hosts"), "[kvm_hosts]\nlocalhost ansible_connection=local\n");
    const site = join(PACKAGING, "ansible/site.yml");
    const run = Bun.spawnSync(
      ["ansible-playbook", "--check", "-i", "hosts", site, "-e", "ansible_become=false", ...words],
      {
        cwd: dir,
        env: {
          ...process.env,
          LC_ALL: "C.UTF-8",
          ANSIBLE_NOCOLOR: "1",
          PWD: dir,
          PATH: `${dir}/bin:/usr/bin:/bin`,
        },
        timeout: 60_000,
      },
    );
    return { status: run.exitCode, text: `${run.stdout}${run.stderr}` };
  } finally {
    rmSync(dir, { recursive: true });
  }
}

testNeeding(
  ["ansible-playbook"],
  "the role passes --check on a host without powermon, with a package from where it was called",
  () => {
    const { status, text } = dryRun(["-e", "powermon_package=pk/p.deb"]);
    expect({ status, text }).toEqual({ status: 0, text: expect.stringMatching(/changed=1 .* failed=0/) });
    const absent = dryRun(["-e", "powermon_package=pk/q.deb"]);
    expect(absent.status).not.toBe(0);
    expect(absent.text).toContain("There is no file pk/q.deb, neither from ");
  },
  120_000,
);

testNeeding(
  ["ansible-playbook"],
  "the role asks an installed powermon with --check, and has it change nothing",
  () => {
    const powermon = `#!/bin/sh\nexec ${process.execPath} ${join(PACKAGING, "../cmd/powermon.ts")} "$@"\n`;
    const words = ["powermon_package=pk/p.deb", "powermon_qemu_user=nobody", '{"powermon_config":""}'];
    const channels = `powermon_channel_dir=${join(tmpdir(), "no-channels-here")}`;
    const { text } = dryRun(
      [...words, channels].flatMap((word) => ["-e", word]),
      powermon,
    );
    // Where systemd is not process 1 the last task has nobody to ask.
    expect(text).toMatch(/channel folder belongs to QEMU's user\] \**\nchanged:/);
    expect(text).toMatch(/configuration is valid\] \**\nok:/);
    expect(existsSync(join(tmpdir(), "no-channels-here"))).toBe(false);
  },
  120_000,
);

test("the playbook's configuration is one that powermon takes", () => {
  const [play] = Bun.YAML.parse(readFileSync(join(PACKAGING, "ansible/site.yml"), "utf8")) as [
    { roles: [{ vars: { powermon_config: string } }] },
  ];
  expect(problemsOf(play.roles[0].vars.powermon_config)).toEqual([]);
});

interface Pod {
  readonly hostPID: boolean;
  readonly initContainers: readonly Container[];
  readonly containers: readonly Container[];
  readonly volumes: readonly { readonly name: string; readonly hostPath?: { readonly path: string } }[];
}
interface Container {
  readonly args: readonly string[];
  readonly volumeMounts: readonly { readonly name: string; readonly mountPath: string }[];
}

test("the DaemonSet parses, mounts what powermon uses at the same places, and restores before it runs", () => {
  const documents = Bun.YAML.parse(readFileSync(join(PACKAGING, "kubernetes/daemonset.yaml"), "utf8")) as {
    readonly kind: string;
    readonly data?: Readonly<Record<string, string>>;
    readonly spec?: { readonly template: { readonly spec: Pod } };
  }[];
  expect(documents.map(({ kind }) => kind)).toEqual(["Namespace", "ConfigMap", "DaemonSet"]);
  expect(problemsOf(documents[1]?.data?.["powermon.toml"] ?? "?")).toEqual([]);
  const pod = documents[2]?.spec?.template.spec;
  if (pod === undefined) throw new Error("there is no pod");
  expect(pod.hostPID).toBe(true);
  expect([...pod.initContainers, ...pod.containers].map(({ args }) => args[0])).toEqual(["restore", "run"]);
  const places = new Map(pod.containers[0]?.volumeMounts.map(({ name, mountPath }) => [name, mountPath]));
  for (const { name, hostPath } of pod.volumes)
    if (hostPath !== undefined) expect(places.get(name)).toBe(hostPath.path);
  expect([...places.values()]).toEqual(
    expect.arrayContaining(["/sys", DEFAULTS.state_dir, DEFAULTS.control.socket.replace(/\/[^/]*$/, "")]),
  );
});
