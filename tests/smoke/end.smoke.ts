// The end of the built executables: whoever holds on, and however often they are told.

import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { execFileSync } from "node:child_process";
import {
  chmodSync,
  closeSync,
  constants,
  mkdirSync,
  openSync,
  readFileSync,
  linkSync,
  renameSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { connect, type Socket } from "node:net";
import { encodeRequest } from "../../internal/packet/request.ts";
import { type Daemon, DIST, type Machine, makeMachine, runBinary, startDaemon } from "../helpers/daemon.ts";
import { testNeeding } from "../helpers/needing.ts";
import { QemuSocket } from "../helpers/qemu.ts";
import { standIn } from "../helpers/stand-in.ts";
import { until } from "../helpers/until.ts";

const scale = (step: "min" | "max") =>
  encodeRequest({ kind: "scale", step, vcpu: 0, vmName: "", physical: false }, "18.11");

let machine: Machine;
let vm1: QemuSocket;
let daemon: Daemon;
let before = "";
const speed = () => machine.policy(2, "scaling_setspeed");
const governor = () => machine.policy(2, "scaling_governor");
const sockets: Socket[] = [];

beforeEach(() => {
  machine = makeMachine("acpi-cpufreq-4cpu-independent");
  vm1 = new QemuSocket(`${machine.dir}/vm1.0`);
  before = `${governor()} ${speed()}`;
});
afterEach(async () => {
  daemon.kill("SIGKILL");
  await daemon.exited;
  for (const socket of sockets.splice(0)) socket.destroy();
  vm1.quit();
  machine.remove();
});

async function start(args: readonly string[] = [], env: Record<string, string> = {}): Promise<void> {
  daemon = await startDaemon(machine, ["--pin", "vm1:0=2", ...args], "/", env);
  await vm1.hosted();
  await vm1.ask(scale("max"));
  expect(speed()).toBe("2600000");
}

/** Connects to the control socket, says `text`, and reads no more than what comes up to `first`. */
async function deafTo(text: string, first: string): Promise<void> {
  const socket = connect(`${machine.stateDir}/control.sock`);
  sockets.push(socket);
  socket.write(text);
  await new Promise<void>((resolve) => {
    socket.on("data", (bytes) => {
      if (!bytes.includes(first)) return;
      socket.pause();
      resolve();
    });
  });
}

/** Sends SIGTERM and expects status 0 and everything as it was, in a time that only a busy machine needs: it is a second otherwise. */
async function endsInTime(): Promise<void> {
  daemon.kill("SIGTERM");
  const ended = await Promise.race([daemon.exited, Bun.sleep(8000).then(() => "still running")]);
  expect(ended).toBe(0);
  expect(`${governor()} ${speed()}`).toBe(before);
}

describe("powermon run ends at SIGTERM", () => {
  test("with event listeners that do not read", async () => {
    await start();
    for (let i = 0; i < 4; i++) await deafTo("GET /v1/events HTTP/1.1\r\nhost: x\r\n\r\n", ": listening");
    for (let i = 0; i < 30; i++) {
      for (let n = 0; n < 25; n++) vm1.send(Buffer.concat([scale("min"), scale("max")]));
      await vm1.take(50 * scale("min").length);
    }
    await endsInTime();
  }, 20_000);

  test("with 300 pipelined requests that nobody reads the answers of", async () => {
    await start();
    await deafTo("GET /metrics HTTP/1.1\r\nhost: x\r\n\r\n".repeat(300), "HTTP/1.1 200");
    await endsInTime();
  });

  test("with a request whose body never comes, which is not served any more", async () => {
    await start();
    await deafTo(
      "PUT /v1/freq/3 HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\ncontent-type: application/json\r\ncontent-length: 16\r\n\r\n",
      "100 Continue",
    );
    await endsInTime();
  });

  test("with a page that does not read", async () => {
    const config = `${machine.tree.root}/powermon.toml`;
    writeFileSync(config, '[http]\nlisten = "127.0.0.1:0"\n');
    await start(["--config", config]);
    const port = Number(/http:\/\/127\.0\.0\.1:(\d+)\//.exec(daemon.log())?.[1]);
    const socket = connect(port, "127.0.0.1");
    sockets.push(socket);
    socket.write("GET /live HTTP/1.1\r\nhost: localhost\r\n\r\n");
    await new Promise((resolve) => socket.once("data", resolve));
    socket.pause();
    await endsInTime();
  });

  test("with a log that nobody reads", async () => {
    const log = `${machine.tree.root}/log`;
    execFileSync("mkfifo", [log]);
    const fd = openSync(log, constants.O_RDWR);
    const run = ["run", "--dir", machine.dir, ...machine.roots, "--pin", "vm1:0=2", "--log-level", "debug"];
    const child = Bun.spawn([`${DIST}/powermon`, ...run], { cwd: "/", stderr: fd });
    await vm1.hosted();
    for (let i = 0; i < 20; i++) {
      for (let n = 0; n < 25; n++) vm1.send(Buffer.concat([scale("min"), scale("max")]));
      await vm1.take(50 * scale("min").length);
    }
    expect(speed()).toBe("2600000");
    daemon = { pid: child.pid, exited: child.exited, log: () => "", kill: (signal) => child.kill(signal) };
    await endsInTime();
    closeSync(fd);
  }, 20_000);

  test("with a virsh that is a wrapper, and leaves none of its children behind", async () => {
    const dir = `${machine.tree.root}/bin`;
    const pids = `${machine.tree.root}/pids`;
    mkdirSync(dir);
    // Whatever is asked hangs; the shell stays between us and the child that holds the pipe.
    writeFileSync(`${dir}/virsh`, `#!/bin/bash\nsleep 1000 & echo $! >> ${pids}\nwait\necho done\n`);
    chmodSync(`${dir}/virsh`, 0o755);
    const config = `${machine.tree.root}/powermon.toml`;
    writeFileSync(config, '[pinning]\nsources = ["static", "libvirt"]\n[vm.vm1.pins]\n0 = 2\n');
    daemon = await startDaemon(machine, ["--config", config], "/", { PATH: `${dir}:/usr/bin:/bin` });
    const children = () => {
      try {
        return readFileSync(pids, "utf8").trim().split("\n").map(Number);
      } catch {
        return [];
      }
    };
    await until("virsh runs twice: its events, and the list", () => children().length >= 2);
    await endsInTime();
    await until("its children are gone", () => children().every((pid) => !isRunning(pid)), 1000);
  });
});

function isRunning(pid: number): boolean {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
  } catch {
    return false;
  }
}

/** Whether the process sleeps with no signal that it has yet to take. Source: proc_pid_status(5). */
function isWaiting(pid: number): boolean {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  return /^State:\s+[SD]/m.test(status) && !/^S\w*Pnd:\s*\w*[1-9a-f]/m.test(status);
}

describe("a second signal", () => {
  test.each(["SIGTERM", "SIGINT", "SIGHUP"] as const)(
    "%s cuts the restore of powermon not short",
    async (second) => {
      await start();
      // The kernel takes its time with one limit: reading a FIFO waits for who writes to it.
      const file = `${machine.tree.sys}/devices/system/cpu/cpufreq/policy2/scaling_max_freq`;
      execFileSync("mkfifo", [`${file}.slow`]);
      renameSync(file, `${file}.kept`);
      linkSync(`${file}.slow`, file);
      daemon.kill("SIGTERM");
      await until("it restores", () => daemon.log().includes("Stopping"));
      daemon.kill(second);
      await until("it has heard the signal", () => isWaiting(daemon.pid));
      renameSync(`${file}.kept`, file);
      const fd = openSync(`${file}.slow`, constants.O_WRONLY | constants.O_NONBLOCK);
      writeSync(fd, readFileSync(file));
      closeSync(fd);
      expect(await daemon.exited).toBe(0);
      expect(`${governor()} ${speed()}`).toBe(before);
      expect(daemon.log()).toContain(
        `Still stopping: the original settings are put back first signal=${second}`,
      );
    },
  );

  test("leaves nothing behind at any time", async () => {
    for (let i = 0; i < 12; i++) {
      await start();
      daemon.kill("SIGTERM");
      for (let turns = 0; turns < i; turns++) await new Promise((resolve) => setImmediate(resolve));
      daemon.kill(i % 2 === 0 ? "SIGTERM" : "SIGINT");
      expect(await daemon.exited).toBe(0);
      expect(`${governor()} ${speed()}`).toBe(before);
      vm1.quit();
      vm1.restart();
    }
  }, 20_000);

  test.each([
    ["a second", 0, "Still stopping: claims are given up first signal=SIGTERM"],
    ["a third", 1, "Stopped before all claims were given up; the host ends them with their lease"],
  ] as const)("%s signal while the agent waits for its host ends it with %d", async (_, status, said) => {
    const [port, socket] = [`${machine.tree.root}/port`, `${machine.tree.root}/agent.sock`];
    const stand = standIn(`${machine.dir}/vm2.0`, port);
    const config = `${machine.tree.root}/agent.toml`;
    writeFileSync(config, `port = "unix:${port}"\nsocket = "${socket}"\ntimeout_ms = 20000\n`);
    daemon = await startDaemon(machine, ["--pin", "vm2:0=2"]);
    await stand.hosted;
    const agent = Bun.spawn([`${DIST}/vmpower-guest`, "agent", "--config", config], { stderr: "pipe" });
    let log = "";
    const reading = (async () => {
      const decoder = new TextDecoder();
      for await (const bytes of agent.stderr) log += decoder.decode(bytes, { stream: true });
    })();
    await until("the agent has a host", () => log.includes("Host connected"));
    const scaled = await runBinary("vmpower-guest", ["scale", "max", "--vcpu", "0", "--agent", socket]);
    expect(scaled).toMatchObject({ err: "", status: 0 });
    expect(speed()).toBe("2600000");
    daemon.kill("SIGSTOP");
    agent.kill("SIGTERM");
    await until("it stops", () => log.includes("Stopping"));
    agent.kill("SIGTERM");
    await until("it says so", () => log.includes("Still stopping"));
    if (status === 0) daemon.kill("SIGCONT");
    await until("it ends", () => {
      if (status !== 0) agent.kill("SIGTERM");
      return agent.exitCode !== null;
    });
    daemon.kill("SIGCONT");
    await reading;
    expect(agent.exitCode).toBe(status);
    expect(log).toContain(said);
    if (status === 0) expect(`${governor()} ${speed()}`).toBe(before);
    stand.close();
  });
});

describe("as process 1", () => {
  testNeeding(["root and namespaces"], "a command ends at SIGTERM as elsewhere", async () => {
    await start();
    const asking = ["--socket", `${machine.stateDir}/control.sock`];
    const unshare = ["unshare", "-p", "-f", "--kill-child", "--mount-proc"];
    const child = Bun.spawn([...unshare, `${DIST}/powermon`, "events", "--follow", ...asking], {
      stdout: "pipe",
    });
    const told = child.stdout.getReader();
    const first = told.read();
    await until("it listens", async () => {
      await vm1.ask(scale("min"));
      await vm1.ask(scale("max"));
      return Bun.peek.status(first) === "fulfilled";
    });
    const inside = readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, "utf8").trim();
    process.kill(Number(inside), "SIGTERM");
    expect(await child.exited).toBe(128 + 15);
  });
});
