// Settings that follow a VM from one compiled daemon to another, over a real etcd, in force before its first request there.

import { afterAll, beforeAll, expect } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Daemon, type Machine, makeMachine, runBinary, startDaemon } from "../helpers/daemon.ts";
import { type EtcdCluster, startEtcd } from "../helpers/etcd.ts";
import { testNeeding } from "../helpers/needing.ts";
import { type StandIn, standIn } from "../helpers/stand-in.ts";
import { until } from "../helpers/until.ts";

/** A host of the fleet: its machine, its daemon, and VM vm1 when that runs here. */
class Host {
  readonly machine: Machine = makeMachine("acpi-cpufreq-4cpu-independent");
  readonly config: string;
  daemon: Daemon | undefined;
  #port: StandIn | undefined;

  constructor(name: string, toml = "") {
    this.config = join(this.machine.tree.root, "powermon.toml");
    const endpoints = JSON.stringify(cluster?.urls ?? []);
    const fleet = `[fleet]\nendpoints = ${endpoints}\ngroup = "rack7"\nname = "${name}"\nfallback_watts = 50\n`;
    writeFileSync(
      this.config,
      `${fleet}[pinning]\nsources = ["static"]\n[vm.vm1]\npins = { 0 = 2 }\n${toml}`,
    );
  }

  async start(): Promise<void> {
    this.daemon = await startDaemon(this.machine, ["--config", this.config]);
  }

  /** Lets vm1 come, and its guest ask for the highest frequency at once: before powermon is connected. */
  async arrive() {
    const guest = `${this.machine.tree.root}/port.0`;
    this.#port = standIn(`${this.machine.dir}/vm1.0`, guest);
    return await runBinary("vmpower-guest", ["scale", "max", "--vcpu", "0", "--port", `unix:${guest}`]);
  }

  leave(): void {
    this.#port?.close();
  }

  get khz(): string {
    return this.machine.policy(2, "scaling_setspeed");
  }

  async show() {
    const socket = `${this.machine.stateDir}/control.sock`;
    const ran = await runBinary("powermon", ["vm", "show", "vm1", "--json", "--socket", socket]);
    return JSON.parse(ran.out).settings;
  }

  async end(): Promise<void> {
    this.leave();
    this.daemon?.kill("SIGTERM");
    await this.daemon?.exited;
  }
}

let cluster: EtcdCluster | undefined;
const hosts: Host[] = [];
beforeAll(async () => {
  if (Bun.which("etcd") !== null) cluster = await startEtcd();
}, 30_000);
afterAll(async () => {
  await Promise.all(hosts.map((host) => host.end()));
  for (const { machine } of hosts) machine.remove();
  await cluster?.stop();
});

testNeeding(
  ["etcd"],
  "settings of the fleet are in force where a VM arrives, before its first request, and without etcd after a restart",
  async () => {
    const [here, there] = [new Host("a"), new Host("b", "turbo = false\n")] as const;
    hosts.push(here, there);
    await Promise.all([here.start(), there.start()]);
    const fleet = async (...words: string[]) =>
      await runBinary("powermon", ["fleet", ...words, "--config", here.config]);
    expect(await fleet("vm", "set", "vm1", "--ceiling", "1800000", "--priority", "high")).toMatchObject({
      status: 0,
    });
    const hasHeard = ({ daemon }: Host) => daemon?.log().includes("Settings of VMs changed") === true;
    await until("both have heard of it", () => hosts.every(hasHeard));
    expect(await here.arrive()).toMatchObject({ status: 0 });
    expect(here.khz).toBe("1800000");
    await until("the fleet knows where it runs", async () =>
      (await fleet("vm", "show", "vm1")).out.includes("runs on a of rack7, priority high"),
    );

    here.leave();
    expect(await there.arrive()).toMatchObject({ status: 0 });
    expect(there.khz).toBe("1800000");
    const settings = await there.show();
    expect(settings.ceiling).toEqual({ value: 1_800_000, from: expect.stringContaining("the fleet's word") });
    expect(settings.turbo).toEqual({ value: false, from: there.config });

    // Bad values written past the commands change nothing, and are told.
    const put = { key: btoa("/powermon/vms/vm1"), value: btoa('{"ceiling":"highest"}') };
    const touch = { key: btoa("/powermon/vms-changed"), value: btoa("x") };
    const success = [{ request_put: put }, { request_put: touch }];
    await fetch(`${cluster?.urls[0]}/v3/kv/txn`, { method: "POST", body: JSON.stringify({ success }) });
    await until(
      "the bad value is told",
      () =>
        there.daemon?.log().includes('vm.vm1.ceiling is \\"highest\\"') === true ||
        there.daemon?.log().includes('vm.vm1.ceiling is "highest"') === true,
    );
    expect((await there.show()).ceiling.value).toBe(1_800_000);

    there.leave();
    there.daemon?.kill("SIGKILL");
    await there.daemon?.exited;
    await cluster?.nodes[0]?.kill();
    await there.start();
    expect(await there.arrive()).toMatchObject({ status: 0 });
    expect(there.khz).toBe("1800000");
  },
  60_000,
);
