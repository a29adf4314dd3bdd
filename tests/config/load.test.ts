// Files laid over each other, judged together, and remembered by origin.

import { describe, expect, test } from "bun:test";
import { khz } from "../../internal/values/units.ts";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { DEFAULTS } from "../../internal/config/defaults.ts";
import { type Config, loadConfig } from "../../internal/config/load.ts";
import { describeProblem } from "../../internal/config/problem.ts";
import { scheduleOf } from "../../internal/config/schedule.ts";
import { configFolder } from "./folder.ts";

function loaded(file: string | undefined, dropIns: string): Config {
  const config = loadConfig(file, dropIns);
  if (!config.ok) throw new Error(config.error.map(describeProblem).join("\n"));
  return config.value;
}

function sentences(dir: string, file: string, dropIns: string): string[] {
  const config = loadConfig(file, dropIns);
  const problems = config.ok ? config.value.warnings : config.error;
  return problems.map((problem) => describeProblem(problem).replace(`${dir}/`, ""));
}

describe("loadConfig()", () => {
  test("gives the defaults when there is no file", () => {
    using folder = configFolder();
    const config = loaded(undefined, join(folder.dir, "none"));
    expect(config).toEqual({
      says: {},
      origins: new Map(),
      layers: [],
      files: [],
      stateDir: "/var/lib/powermon",
      runDir: "/run/powermon",
      channels: { dirs: ["/run/powermon/channels"] },
      pinning: { sources: ["proc"], floating: "refuse", libvirtUri: "qemu:///system" },
      cpufreq: { drift: "reapply" },
      fifo: { enable: false, dir: "/run/powermon/fifo", cpus: [], owner: "", group: "powermon", mode: 0o660 },
      control: { socket: "/run/powermon/control.sock", group: "powermon", watchGroup: "powermon-watch" },
      http: { listen: undefined, names: [] },
      limits: [],
      vms: [],
      warnings: [],
    });
    expect(config.channels).toEqual(DEFAULTS.channels);
  });

  test("refuses more VMs than 4096 in all files together", () => {
    using folder = configFolder();
    for (const part of ["a", "b", "c", "d", "e"]) {
      const vms = Array.from({ length: 1000 }, (_, i) => `[vm.${part}${i}]\n`);
      folder.write(`d/${part}.toml`, vms.join(""));
    }
    const config = loadConfig(undefined, join(folder.dir, "d"));
    expect(config.ok ? [] : config.error.map(({ key, wrong, right }) => `${key} ${wrong}. ${right}`)).toEqual(
      ["vm has 5000 VMs, all files together. Keep them at 4096 at most; vm-defaults holds for all others."],
    );
  });

  test("refuses more drop-ins than 1024", () => {
    using folder = configFolder();
    for (let i = 0; i < 1025; i++) folder.write(`d/${i}.toml`, "");
    expect(sentences(folder.dir, folder.write("main.toml", ""), join(folder.dir, "d"))).toEqual([
      "d: has 1025 drop-ins. Keep them at 1024 at most; one may hold many VMs.",
    ]);
    rmSync(join(folder.dir, "d/7.toml"));
    expect(loaded(undefined, join(folder.dir, "d")).files).toHaveLength(1024);
  });

  test("refuses an HTTP listener that other machines reach unless the file says so", () => {
    using folder = configFolder();
    const drops = join(folder.dir, "none");
    const file = (text: string) => folder.write("p.toml", `[http]\nlisten = ${text}\n`);
    expect(loaded(file('"[::1]:9560"'), drops).http.listen).toEqual({ host: "::1", port: 9560 });
    const open = loadConfig(file('"0.0.0.0:9560"'), drops);
    expect(open.ok || open.error.map(({ line, wrong }) => [line, wrong])).toEqual([
      [2, expect.stringContaining("which other machines can reach")],
    ]);
    expect(loaded(file('"0.0.0.0:9560"\nremote = true'), drops).http.listen?.host).toBe("0.0.0.0");
    expect(loadConfig(file('"9560"'), drops).ok).toBe(false);
  });

  test("takes a VM's policy from the last file that writes one, whole", () => {
    using folder = configFolder();
    const main = folder.write(
      "powermon.toml",
      '[vm.x]\nfloor = "base"\npolicy = { type = "workload", workload = "low" }\n',
    );
    folder.write("d/saved.toml", '[vm.x.policy]\ntype = "branch-ratio"\n');
    expect(loaded(main, join(folder.dir, "d")).says.vm).toEqual({
      x: { floor: "base", policy: { type: "branch-ratio" } },
    });
  });

  test("lays a drop-in over one setting of a profile, and refuses one whose clocks cross", () => {
    using folder = configFolder();
    const main = folder.write(
      "powermon.toml",
      '[profile.p]\nboost = false\n[profile.p.cpus.all]\nfloor = 1200000\nceiling = "base"\n',
    );
    folder.write("d/a.toml", "[profile.p.cpus.all]\nceiling = 2000000\n[profile.p.cpus.0]\nepb = 3\n");
    expect(loaded(main, join(folder.dir, "d")).says.profile).toEqual({
      p: { boost: false, cpus: { all: { floor: khz(1_200_000), ceiling: khz(2_000_000) }, 0: { epb: 3 } } },
    });
    folder.write("e/a.toml", "[profile.p.cpus.all]\nceiling = 1000000\n");
    expect(sentences(folder.dir, main, join(folder.dir, "e"))).toEqual([
      "e/a.toml:2: profile.p.cpus.all.ceiling is 1000000, below the floor of 1200000. Write a floor that is not above its ceiling.",
    ]);
  });

  test("takes a schedule of profiles, and names what is wrong in one", () => {
    using folder = configFolder();
    const of = (text: string) => folder.write("powermon.toml", `[profile-schedule]\n${text}`);
    const none = join(folder.dir, "none");
    const { says } = loaded(
      of('windows = [{ days = ["sun"], from = "22:00", to = "24:00", profile = "p" }]\n'),
      none,
    );
    expect(scheduleOf({ timezone: "UTC", ...says["profile-schedule"] })).toEqual({
      timeZone: "UTC",
      windows: [{ days: [7], from: 1320, to: 1440, profile: "p" }],
      otherwise: undefined,
    });
    expect(sentences(folder.dir, of('timezone = "Europe/Berlim"\n'), none)).toEqual([
      'powermon.toml:2: profile-schedule.timezone is "Europe/Berlim", which is no time zone. Did you mean "Europe/Berlin"?',
    ]);
    expect(
      sentences(folder.dir, of('windows = [{ from = "22:00", to = "6", profile = "p" }]\n'), none)[0],
    ).toContain('Write hours and minutes as "HH:MM"');
    expect(sentences(folder.dir, of('default = "p q"\n'), none)[0]).toContain("Write a profile's name");
  });

  test("lays drop-ins over the file in the order of their names, key by key, and remembers who said what", () => {
    using folder = configFolder();
    const main = folder.write(
      "powermon.toml",
      '[control]\ngroup = "a"\nsocket = "/s"\n[vm.x]\npins = { 0 = 2, 1 = 3 }\nfloor = "base"\n',
    );
    const first = folder.write("d/10-a.toml", '[control]\ngroup = "b"\n[vm.x.pins]\n1 = 4\n');
    const last = folder.write("d/9-b.toml", '[control]\ngroup = "c"\n');
    folder.write("d/.hidden.toml", "nonsense");
    folder.write("d/note.txt", "nonsense");
    const config = loaded(main, join(folder.dir, "d"));
    expect(config.files).toEqual([main, first, last]);
    expect(config.control).toEqual({ socket: "/s", group: "c", watchGroup: "powermon-watch" });
    expect(config.says.vm).toEqual({ x: { pins: { 0: 2, 1: 4 }, floor: "base" } });
    expect(config.origins.get("control.group")).toEqual({
      from: "drop-in",
      file: last,
      key: "control.group",
    });
    expect(config.origins.get("control.socket")).toEqual({ from: "file", file: main, key: "control.socket" });
    expect(config.origins.get("vm.x.pins.0")).toEqual({ from: "file", file: main, key: "vm.x.pins.0" });
    expect(config.origins.get("vm.x.pins")).toEqual({ from: "drop-in", file: first, key: "vm.x.pins" });
    expect(config.origins.has("pinning.floating")).toBe(false);
  });

  test("looks for drop-ins in the state folder that the file names", () => {
    using folder = configFolder();
    const main = folder.write("powermon.toml", `state_dir = "${folder.dir}/state"\n`);
    folder.write("state/powermon.d/a.toml", '[pinning]\nfloating = "all"\n');
    const config = loadConfig(main);
    expect(config.ok && config.value.pinning.floating).toBe("all");
    expect(config.ok && config.value.stateDir).toBe(`${folder.dir}/state`);
    expect(config.ok && config.value.runDir).toBe(`${folder.dir}/state`);
  });

  test("unfolds limits", () => {
    using folder = configFolder();
    const main = folder.write("p.toml", '[limits."0-2,5"]\nceiling = 2000000\n');
    expect(loaded(main, folder.dir + "/d").limits as unknown).toEqual([
      { cpuList: "0-2,5", cpus: [0, 1, 2, 5], floor: "min", ceiling: 2000000 },
    ]);
  });

  test("tells the problems of every file, each by its own line", () => {
    using folder = configFolder();
    const main = folder.write("p.toml", "\n[vm.x]\nturbo = 1\n");
    folder.write("d/a.toml", 'state_dir = "/x"\n');
    folder.write("d/b.toml", "a = = 1");
    expect(sentences(folder.dir, main, join(folder.dir, "d"))).toEqual([
      "p.toml:3: vm.x.turbo is 1. Write true or false.",
      "d/b.toml:1: Is not TOML: Expected a value but found '='. See https://toml.io/en/v1.0.0.",
      "d/a.toml:1: state_dir can't stand in a drop-in. Write it into the main file: drop-ins are looked for in the state folder.",
    ]);
  });

  test("says so when the drop-ins' folder is none", () => {
    using folder = configFolder();
    const main = folder.write("p.toml", "");
    folder.write("d", "");
    expect(sentences(folder.dir, main, join(folder.dir, "d"))).toEqual([
      "d: Cannot read the drop-ins' folder: ENOTDIR. Make it a folder that powermon may read.",
    ]);
  });

  const CROSSED = "Write a floor that is not above its ceiling.";
  test.each<[string, string, string, string[]]>([
    [
      "a floor above its ceiling",
      "[vm.x]\nfloor = 2000000\nceiling = 1000000",
      "",
      [`p.toml:3: vm.x.ceiling is 1000000, below the floor of 2000000. ${CROSSED}`],
    ],
    [
      "named bounds that cross",
      '[vm-defaults]\nfloor = "max"\nceiling = "base"',
      "",
      [`p.toml:3: vm-defaults.ceiling is "base", below the floor of "max". ${CROSSED}`],
    ],
    [
      "a VM's floor above the ceiling of all",
      '[vm-defaults]\nceiling = "base"\n[vm.x]\nfloor = "max"',
      "",
      [`p.toml:4: vm.x.floor is "max", above the ceiling of "base". ${CROSSED}`],
    ],
    [
      "limits that cross",
      '[limits."0"]\nceiling = 1000000\nfloor = 2000000',
      "",
      [`p.toml:2: limits.0.ceiling is 1000000, below the floor of 2000000. ${CROSSED}`],
    ],
    [
      "a drop-in that crosses the file",
      "[vm.x]\nfloor = 2000000",
      "\n[vm.x]\nceiling = 1000000",
      [`d/a.toml:3: vm.x.ceiling is 1000000, below the floor of 2000000. ${CROSSED}`],
    ],
    [
      "limits that overlap",
      '[limits."0-3"]\n[limits."2,8"]',
      "",
      ['p.toml:2: limits."2,8" names CPU 2, which limits.0-3 names too. Name each CPU in one limit.'],
    ],
    [
      "a pin that floats",
      '[vm.x.pins]\n0 = 1\n1 = "2-3"',
      "",
      [
        'p.toml:3: vm.x.pins.1 is "2-3", and a vCPU that floats over several pCPUs is refused. Pin it to one pCPU, or set pinning.floating = "all".',
      ],
    ],
  ])("refuses %s", (_, text, dropIn, expected) => {
    using folder = configFolder();
    const main = folder.write("p.toml", text);
    folder.write("d/a.toml", dropIn);
    const config = loadConfig(main, join(folder.dir, "d"));
    expect(config.ok).toBe(false);
    expect(sentences(folder.dir, main, join(folder.dir, "d"))).toEqual(expected);
  });

  test.each([
    ["kHz beside a name, which only the machine can compare", '[vm.x]\nfloor = 2000000\nceiling = "base"'],
    [
      "a pin that floats where that is allowed",
      '[pinning]\nfloating = "all"\nsources = ["static"]\n[vm.x.pins]\n0 = "2-3"',
    ],
    ["one CPU written as a list", '[pinning]\nsources = ["static"]\n[vm.x.pins]\n0 = "2"'],
  ])("takes %s", (_, text) => {
    using folder = configFolder();
    expect(sentences(folder.dir, folder.write("p.toml", text), join(folder.dir, "d"))).toEqual([]);
  });

  test("warns of a name that a packet can't carry and of pins that nobody asks for", () => {
    using folder = configFolder();
    const name = "n".repeat(32);
    const main = folder.write("p.toml", `[vm.x]\npins = { 0 = 1 }\n[vm.${name}]\n[vm.${"n".repeat(31)}]\n`);
    expect(loadConfig(main, join(folder.dir, "d")).ok).toBe(true);
    expect(sentences(folder.dir, main, join(folder.dir, "d"))).toEqual([
      'p.toml:2: vm.x.pins is not looked at: pinning.sources is ["proc"]. Add "static" to pinning.sources.',
      `p.toml:3: vm.${name} has 32 bytes, and a guest's packet carries 31. Guests that name themselves are known by the beginning alone; a shorter name leaves no doubt.`,
    ]);
  });
});
