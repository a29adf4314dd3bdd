// The arguments as QEMU itself takes them.

import { expect, test } from "bun:test";
import { existsSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { channelQemu } from "../../internal/output/channel-qemu.ts";
import { shellWords } from "../../internal/output/shell-words.ts";
import { testNeeding } from "../helpers/needing.ts";
import { until } from "../helpers/until.ts";

function argsOf(wanted: Parameters<typeof channelQemu>[0]): string[] {
  const args = channelQemu(wanted);
  if (!args.ok) throw new Error(args.error);
  return args.value;
}

test("channelQemu() gives a CPU model with SSE4.2, a controller, a socket and a port", () => {
  expect(argsOf({ vm: "v,1", vcpus: 1, dir: "/run/d" })).toEqual([
    "-cpu",
    "max",
    "-device",
    "virtio-serial-pci,id=powermon0,max_ports=32",
    "-chardev",
    "socket,id=poweragent0,path=/run/d/v,,1.0,server=on,wait=off",
    "-device",
    "virtserialport,bus=powermon0.0,nr=1,chardev=poweragent0,name=virtio.serial.port.poweragent.0",
  ]);
});

test("channelQemu() says what can't be", () => {
  expect(channelQemu({ vm: "v", vcpus: 0, dir: "/d" }).ok).toBe(false);
});

testNeeding(
  ["qemu-system-x86_64"],
  "channelQemu() starts QEMU, through a shell, with every socket in its place",
  async () => {
    const dir = join(mkdtempSync(join(tmpdir(), "powermon-qemu-")), "d, 'e");
    mkdirSync(dir);
    const vm = 'a,"b $c';
    const machine = [
      "qemu-system-x86_64",
      "-S",
      "-display",
      "none",
      "-nodefaults",
      "-machine",
      "pc,accel=tcg",
      "-m",
      "32",
    ];
    const line = shellWords([...machine, ...argsOf({ vm, vcpus: 40, dir })]);
    const qemu = Bun.spawn(["sh", "-c", `exec ${line}`], { stderr: "pipe", stdout: "ignore", timeout: 9000 });
    try {
      const all = Array.from({ length: 40 }, (_, n) => join(dir, `${vm}.${n}`));
      await until(
        "all sockets are there",
        () => qemu.exitCode !== null || all.every((path) => existsSync(path)),
        8000,
      );
      expect(qemu.exitCode === null ? "" : await new Response(qemu.stderr).text()).toBe("");
    } finally {
      qemu.kill();
      await qemu.exited;
      rmSync(join(dir, ".."), { recursive: true });
    }
  },
);
