// The guest's unit, rule and example configuration, judged by systemd's own tools and the program's defaults.

import { expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readAgentConfig } from "../../cmd/vmpower-guest/agent/config.ts";
import { portPath } from "../../internal/guest/port.ts";
import { testNeeding } from "../helpers/needing.ts";

const PACKAGING = join(import.meta.dir, "../../packaging");
const UNIT = join(PACKAGING, "vmpower-guest-agent.service");
const read = (path: string) => readFileSync(join(PACKAGING, path), "utf8");

function inFolder<T>(work: (dir: string) => T): T {
  const dir = mkdtempSync(join(tmpdir(), "vmpower-units-"));
  try {
    return work(dir);
  } finally {
    rmSync(dir, { recursive: true });
  }
}

function analyze(...words: string[]): string {
  const done = Bun.spawnSync(["systemd-analyze", ...words], {
    timeout: 9000,
    env: { ...process.env, LC_ALL: "C" },
  });
  return `${done.stdout}${done.stderr}`;
}

testNeeding(
  ["systemd-analyze"],
  "vmpower-guest-agent.service is known to systemd, and exposed to 2 or less",
  () => {
    const said = analyze("security", "--offline=true", "--no-pager", UNIT);
    const exposure = Number(/Overall exposure level for [\w.-]+: ([\d.]+)/.exec(said)?.[1] ?? NaN);
    expect(exposure).toBeLessThanOrEqual(2);
    inFolder((dir) => {
      const tried = join(dir, "vmpower-guest-agent.service");
      const unit = readFileSync(UNIT, "utf8");
      writeFileSync(
        tried,
        unit.replaceAll(/\/usr\/(bin\/vmpower-guest|lib\/vmpower-guest\/cpu-check)/g, "/bin/true"),
      );
      expect(analyze("verify", "--man=no", tried)).toBe("");
    });
  },
);

test("unit and rule name the ports as the program does", () => {
  const [folder, name] = [
    portPath(0, "/dev/virtio-ports").replace(/[^/]*$/, ""),
    portPath(0, "").replace(/^\//, ""),
  ];
  const all = name.replace(/0$/, "*");
  expect(read("vmpower-guest-agent.service")).toContain(`ConditionPathExistsGlob=${folder}${all}\n`);
  const rules = read("udev/60-vmpower-guest.rules").split("\n");
  expect(rules.find((rule) => rule.includes(`ATTR{name}=="${all}"`))).toContain('TAG+="systemd"');
  expect(rules.find((rule) => rule.includes(`ATTR{name}=="${name}"`))).toContain(
    'ENV{SYSTEMD_WANTS}+="vmpower-guest-agent.service"',
  );
  // As systemd-escape --path writes it.
  const device = `dev-virtio\\x2dports-${name}.device\n`;
  for (const key of ["BindsTo", "After", "WantedBy"]) {
    expect(read("vmpower-guest-agent.service")).toContain(`${key}=${device}`);
  }
});

test("the group of rule, sysusers and the agent's socket is the same", () => {
  const config = readAgentConfig(join(PACKAGING, "vmpower-guest.toml.example"));
  if (!config.ok) throw new Error(config.error.join("\n"));
  expect(read("udev/60-vmpower-guest.rules")).toContain(`GROUP="${config.value.group}"`);
  expect(read("sysusers.d/vmpower-guest.conf")).toContain(`\ng ${config.value.group} -`);
});

test("vmpower-guest.toml.example changes nothing, shows every default, and its examples are valid", () =>
  inFolder((dir) => {
    const text = read("vmpower-guest.toml.example");
    const configOf = (toml: string) => {
      const path = join(dir, "p.toml");
      writeFileSync(path, toml);
      const config = readAgentConfig(path);
      return config.ok ? config.value : config.error;
    };
    const defaults = configOf("");
    expect(configOf(text)).toEqual(defaults);
    const uncommented = text.replace(/^#(?=[a-z])/gm, "");
    expect(configOf(uncommented)).toEqual(defaults);
    expect(Object.keys(Bun.TOML.parse(uncommented)).sort()).toEqual(
      Object.keys(defaults)
        .filter((key) => key !== "governors")
        .sort(),
    );
    expect(configOf(text.replace(/^## (?=[a-z[])/gm, ""))).toMatchObject({
      port: expect.any(String),
      governors: [{ type: "load", vcpus: [0, 2, 3] }],
    });
  }));
