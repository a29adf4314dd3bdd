// A libvirtd of a test's own: in namespaces, on its own socket, gone with its process; the machine's is not touched.

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { until } from "./until.ts";

/** What runs inside: private copies of the folders that libvirtd writes to, then libvirtd, ended and started as stdin says. */
const INSIDE = `
set -e
ip link set lo up || true
for d in /run /var/lib/libvirt /var/log/libvirt /var/cache/libvirt /etc/libvirt; do
  mkdir -p $d; mount -t tmpfs tmpfs $d
done
mkdir -p /run/lock /run/libvirt /var/lib/libvirt/qemu /var/log/libvirt/qemu /var/cache/libvirt/qemu
cat > /etc/libvirt/qemu.conf <<X
user = "root"
group = "root"
security_driver = "none"
cgroup_controllers = []
namespaces = []
stdio_handler = "file"
X
# This shell is process 1: it reaps the QEMUs that libvirtd tries out, and those of domains outlive libvirtd.
daemon=
while read -r order; do
  case $order in
    start) libvirtd --config "$1/libvirtd.conf" --pid-file "$1/pid" < /dev/null > /dev/null 2>&1 & daemon=$! ;;
    end) kill "$daemon"; wait "$daemon" || true ;;
  esac
  echo "$order"
done
`;

/** A running private libvirtd. */
export interface PrivateLibvirt {
  readonly uri: string;
  /** A folder that it and the test both see. */
  readonly dir: string;
  /** Runs virsh and returns what it printed. */
  virsh(...words: string[]): string;
  /** Ends libvirtd; its domains run on. */
  endDaemon(): Promise<void>;
  /** Starts libvirtd again; resolves once it answers. */
  startDaemon(): Promise<void>;
  /** Ends libvirtd and its domains, and removes the folder. */
  stop(): Promise<void>;
}

/** Starts libvirtd as root in namespaces; resolves once it answers. */
export async function startLibvirt(): Promise<PrivateLibvirt> {
  const dir = mkdtempSync(join(tmpdir(), "powermon-libvirt-"));
  mkdirSync(join(dir, "sock"));
  const conf = `unix_sock_dir = "${dir}/sock"\nauth_unix_rw = "none"\nauth_unix_ro = "none"\nlisten_tls = 0\n`;
  writeFileSync(join(dir, "libvirtd.conf"), conf);
  const unshare = ["unshare", "-m", "-p", "-n", "-f", "--mount-proc", "--kill-child"];
  const inside = Bun.spawn([...unshare, "bash", "-c", INSIDE, "bash", dir], {
    stdin: "pipe",
    stdout: "pipe",
    stderr: "ignore",
  });
  const said = inside.stdout[Symbol.asyncIterator]();
  const order = async (word: "start" | "end") => {
    inside.stdin.write(`${word}\n`);
    await inside.stdin.flush();
    if ((await said.next()).done) throw new Error(`the namespaces ended with status ${await inside.exited}`);
  };
  const uri = `qemu:///system?socket=${dir}/sock/libvirt-sock`;
  const run = (words: string[]) =>
    Bun.spawnSync(["virsh", "-q", "-c", uri, ...words], {
      timeout: 10_000,
      env: { ...process.env, LC_ALL: "C" },
    });
  const startDaemon = async () => {
    await order("start");
    await until("libvirtd answers", () => run(["list"]).exitCode === 0, 15_000);
  };
  const stop = async () => {
    inside.kill("SIGKILL");
    await inside.exited;
    rmSync(dir, { recursive: true, force: true });
  };
  try {
    await startDaemon();
  } catch (cause) {
    await stop();
    throw cause;
  }
  return {
    uri,
    dir,
    virsh(...words) {
      const done = run(words);
      if (done.exitCode !== 0) throw new Error(`virsh ${words.join(" ")}: ${done.stderr}`);
      return done.stdout.toString();
    },
    endDaemon: () => order("end"),
    startDaemon,
    stop,
  };
}
