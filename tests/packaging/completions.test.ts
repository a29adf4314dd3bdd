// The completions in the real shells, in front of a real control server: what the TAB key makes of a line.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { POWERMON } from "../../cmd/powermon/commands.ts";
import { VMPOWER_GUEST } from "../../cmd/vmpower-guest/commands.ts";
import { completions } from "../../scripts/completions.ts";
import { everyCommand, loadTree } from "../../scripts/program-tree.ts";
import { flagsOf } from "../../scripts/completions/words.ts";
import { serve } from "../control/serve.ts";
import { ok } from "../../internal/values/result.ts";
import { testNeeding } from "../helpers/needing.ts";
import { afterTab } from "./typed.ts";

const CMD = join(import.meta.dir, "../../cmd");
/** A name that a shell would run if it looked into it. */
const HOSTILE = "web $(touch pwned) `touch pwned` 'x'";

const dir = mkdtempSync(join(tmpdir(), "powermon-completions-"));
const folder = join(dir, "share");
const bin = join(dir, "bin");
const home = join(dir, "home");
const ports = join(dir, "ports");
let control: Awaited<ReturnType<typeof serve>>;

beforeAll(async () => {
  for (const [file, text] of await completions()) {
    mkdirSync(dirname(join(folder, file)), { recursive: true });
    writeFileSync(join(folder, file), text);
  }
  for (const path of [bin, home, ports]) mkdirSync(path);
  for (const name of ["powermon", "vmpower-guest"]) {
    writeFileSync(join(bin, name), `#!/bin/sh\nexec '${process.execPath}' '${CMD}/${name}.ts' "$@"\n`);
    chmodSync(join(bin, name), 0o755);
  }
  for (const n of [0, 1, 12]) writeFileSync(join(ports, `virtio.serial.port.poweragent.${n}`), "");
  control = await serve({
    guests: ["vm1.0", "vm1.1", "vm2.0"],
    rows: ({ vms }) => ({
      vms() {
        const all = vms().value;
        return ok([...all, ...all.slice(0, 1).map((vm) => ({ ...vm, vm: HOSTILE }))]);
      },
    }),
  });
});

afterAll(() => {
  control[Symbol.dispose]();
  rmSync(dir, { recursive: true });
});

/** Returns what fish offers for `words`, without descriptions. */
async function offered(words: string): Promise<string[]> {
  const script = `for f in ${folder}/fish/vendor_completions.d/*.fish; source $f; end; complete -C ${JSON.stringify(words)}`;
  const child = Bun.spawn(["fish", "--no-config", "-c", script], {
    env: { HOME: home, PATH: `${bin}:/usr/bin:/bin`, LC_ALL: "C.UTF-8" },
    cwd: home,
    stderr: "pipe",
  });
  const [out, err] = await Promise.all([child.stdout.text(), child.stderr.text()]);
  expect(err).toBe("");
  return out.split("\n").flatMap((line) => line.split("\t")[0] || []);
}

describe.each(["bash", "zsh"] as const)("%s", (shell) => {
  const typed = (words: string, all = false) => afterTab(shell, words, { home, folder, bin, all });
  const needs = shell === "zsh" ? (["zsh"] as const) : [];

  testNeeding(needs, `${shell} completes commands, flags and their words`, async () => {
    expect(await typed("powermon vm sh")).toBe("powermon vm show ");
    expect(await typed("powermon vm limits vm1 --ceil")).toBe(
      `powermon vm limits vm1 --ceiling${shell === "zsh" ? "=" : " "}`,
    );
    expect(await typed("powermon vm limits vm1 --turbo=of")).toBe("powermon vm limits vm1 --turbo=off ");
    expect(await typed("powermon vm limits vm1 --turbo of")).toBe("powermon vm limits vm1 --turbo off ");
    expect(await typed("powermon vm limits --json --floor 5 vm1 --ceiling ba")).toEndWith("--ceiling base ");
    expect(await typed("powermon vm query vm1 o", true)).toBe("powermon vm query vm1 off on ");
    expect(await typed("powermon help vm sh")).toBe("powermon help vm show ");
  });

  testNeeding(needs, `${shell} completes files and folders where they are wanted`, async () => {
    mkdirSync(join(home, "etc/inner"), { recursive: true });
    writeFileSync(join(home, "etc/in a file"), "");
    expect(await typed("powermon run --config ~/etc/in\\ ")).toBe(
      "powermon run --config ~/etc/in\\ a\\ file ",
    );
    expect(await typed("powermon run --dir etc/i")).toBe("powermon run --dir etc/inner/");
  });

  testNeeding(
    needs,
    `${shell} completes VMs, channels, CPUs and profiles of the powermon that runs`,
    async () => {
      const socket = `--socket ${control.socket}`;
      expect(await typed(`powermon vm show ${socket} vm`, true)).toBe(`powermon vm show ${socket} vm1 vm2 `);
      expect(await typed(`powermon channel disable ${socket} vm1 `, true)).toMatch(
        / vm1 (all )?0 1( all)? $/,
      );
      expect(await typed(`powermon channel disable ${socket} vm2 0`)).toEndWith(" vm2 0 ");
      expect(await typed(`powermon vm pin ${socket} vm1 `, true)).toEndWith(" vm1 0 1 ");
      expect(await typed(`powermon vm pin ${socket} vm1 1 `, true)).toEndWith(" vm1 1 0 1 2 3 ");
      expect(await typed(`powermon profile apply ${socket} bala`)).toEndWith(" balanced ");
      expect(await typed(`powermon freq set ${socket} 0,2,`, true)).toEndWith(" 0,2,0 0,2,1 0,2,2 0,2,3 ");
    },
  );

  testNeeding(needs, `${shell} quotes a VM's name and runs nothing of it`, async () => {
    const line = await typed(`powermon vm show --socket ${control.socket} w`);
    const word = line.split(`${control.socket} `)[1] ?? "";
    const said = Bun.spawnSync([shell, "-c", `printf %s ${word}`], { cwd: home });
    expect(said.stdout.toString()).toBe(HOSTILE);
    expect(existsSync(join(home, "pwned"))).toBe(false);
  });

  testNeeding(needs, `${shell} stays quiet when no powermon answers`, async () => {
    const words = `powermon vm show --socket ${dir}/nobody vm`;
    expect(await typed(words)).toBe(words);
  });

  testNeeding(needs, `${shell} completes a guest's vCPUs by its ports`, async () => {
    expect(await typed("vmpower-guest sc")).toBe("vmpower-guest scale ");
    expect(await typed("vmpower-guest scale turbo-of")).toBe("vmpower-guest scale turbo-off ");
  });

  testNeeding(
    needs,
    `${shell} offers every flag of every command`,
    async () => {
      for (const program of [POWERMON, VMPOWER_GUEST]) {
        for (const node of everyCommand(await loadTree(program))) {
          const words = [program.name, ...node.words].join(" ");
          const line = await typed(`${words} --`, true);
          const flags = line
            .slice(words.length)
            .split(" ")
            .flatMap((word) => word.replace(/=$/, "") || []);
          expect(flags.sort(), words).toEqual(
            flagsOf(node)
              .map(({ flag }) => flag)
              .sort(),
          );
        }
      }
    },
    30_000,
  );
});

testNeeding(["fish"], "fish completes commands, flags, words, folders and live names", async () => {
  expect(await offered("powermon vm sh")).toEqual(["show"]);
  expect(await offered("powermon help vm sh")).toEqual(["show"]);
  expect(await offered("powermon vm limits vm1 --turbo o")).toEqual(["off", "on"]);
  expect(await offered("powermon vm limits vm1 --turbo=o")).toEqual(["--turbo=off", "--turbo=on"]);
  expect(await offered("powermon vm query vm1 o")).toEqual(["off", "on"]);
  mkdirSync(join(home, "fish-etc/inner"), { recursive: true });
  expect(await offered("powermon run --dir fish-etc/i")).toEqual(["fish-etc/inner/"]);
  const socket = `--socket ${control.socket}`;
  expect(await offered(`powermon vm show ${socket} vm`)).toEqual(["vm1", "vm2"]);
  expect(await offered(`powermon vm show --socket=${control.socket} vm`)).toEqual(["vm1", "vm2"]);
  expect(await offered(`powermon vm show ${socket} w`)).toEqual([HOSTILE]);
  expect(await offered(`powermon channel disable ${socket} vm1 `)).toEqual(["0", "1", "all"]);
  expect(await offered(`powermon vm pin ${socket} vm1 1 2,`)).toEqual(["2,0", "2,1", "2,2", "2,3"]);
  expect(await offered(`powermon vm show --socket ${dir}/nobody vm`)).toEqual([]);
  expect(existsSync(join(home, "pwned"))).toBe(false);
});

testNeeding(
  ["fish"],
  "fish offers every flag of every command",
  async () => {
    for (const program of [POWERMON, VMPOWER_GUEST]) {
      for (const node of everyCommand(await loadTree(program))) {
        const words = [program.name, ...node.words].join(" ");
        const flags = (await offered(`${words} --`)).map((flag) => flag.replace(/=$/, ""));
        expect(flags.sort(), words).toEqual(
          flagsOf(node)
            .map(({ flag }) => flag)
            .sort(),
        );
      }
    }
  },
  30_000,
);

test("__complete lists a guest's ports, and nothing without them", () => {
  const list = (...args: string[]) => {
    const run = Bun.spawnSync([join(bin, "vmpower-guest"), "__complete", "vcpu", ...args]);
    return [run.exitCode, `${run.stdout}${run.stderr}`];
  };
  expect(list("--port-dir", ports)).toEqual([0, "0\n1\n12\n"]);
  expect(list("--port-dir", join(dir, "nowhere"))).toEqual([0, ""]);
});

test("__complete stays out of help and suggestions", () => {
  const help = Bun.spawnSync([join(bin, "powermon"), "--help"]);
  expect(help.stdout.toString()).toContain("restore");
  expect(help.stdout.toString()).not.toContain("__");
  const typo = Bun.spawnSync([join(bin, "powermon"), "__complet"]);
  expect(typo.exitCode).toBe(2);
  expect(typo.stderr.toString()).not.toContain("__complete");
});
