// A network namespace with its own /sys/class/net, made by the test and gone with it: real taps, veths and bridges on any machine with root.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";

/** A namespace that a shell lives in. */
export interface Netns {
  /** Stands for /sys and shows the interfaces of the namespace. */
  readonly sys: string;
  /** Of the process that holds it; interfaces move here by `ip link set NAME netns PID`. */
  readonly pid: number;
  /** Runs a shell script in the namespace; rejects with its errors when it fails. */
  run(script: string): Promise<string>;
  close(): Promise<void>;
}

/** Returns why no namespace can be made here; undefined when one can. */
export function netnsLacks(): string | undefined {
  if (process.getuid?.() !== 0) return "needs root";
  for (const tool of ["unshare", "ip", "mount", "nsenter"])
    if (Bun.which(tool) === null) return `needs ${tool}`;
  const tried = Bun.spawnSync([
    "unshare",
    "--net",
    "--mount",
    "sh",
    "-c",
    "mount -t sysfs sysfs /mnt && ip link add v0 type veth peer name v1 && ip link add br0 type bridge && ip tuntap add dev t0 mode tap",
  ]);
  return tried.success
    ? undefined
    : `needs network namespaces with veth, bridge and tap: ${tried.stderr.toString().trim()}`;
}

/** Makes a namespace; its sysfs is mounted in a mount namespace of its own and reached through /proc. */
export async function makeNetns(): Promise<Netns> {
  const dir = mkdtempSync(`${tmpdir()}/netns-`);
  const shell = Bun.spawn(
    [
      "unshare",
      "--net",
      "--mount",
      "sh",
      "-c",
      `mount -t sysfs sysfs ${dir} && ip link set lo up && echo ready && exec cat`,
    ],
    { stdin: "pipe", stdout: "pipe", stderr: "inherit" },
  );
  const reader = shell.stdout.getReader();
  const first = await reader.read();
  if (first.value === undefined) throw new Error("the namespace did not start");
  const nsenter = ["nsenter", "-t", String(shell.pid), "--net", "--mount", "sh", "-ec"];
  return {
    pid: shell.pid,
    sys: `/proc/${shell.pid}/root${dir}`,
    async run(script) {
      const child = Bun.spawn([...nsenter, script], { stdout: "pipe", stderr: "pipe" });
      const [out, err, status] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited]);
      if (status !== 0) throw new Error(`${script}: ${err}`);
      return out;
    },
    async close() {
      shell.stdin.end();
      await shell.exited;
      rmSync(dir, { recursive: true });
    },
  };
}

/** Returns the script that sends `count` datagrams to port 9 of `host`; that nobody listens there does not matter. */
export function sendPackets(host: string, count: number): string {
  const body = `
    const socket = await Bun.udpSocket({ socket: { error() {} } });
    for (let sent = 0; sent < ${count}; ) {
      let taken = false;
      try { taken = socket.send("x", 9, "${host}"); } catch {}
      if (taken) sent++; else await Bun.sleep(0);
    }
    socket.close();`;
  return `"${process.execPath}" -e '${body}'`;
}
