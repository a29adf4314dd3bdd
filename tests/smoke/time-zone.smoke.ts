// Whose hours a policy means: the host's zone as it is now, in every form that glibc takes, or a word that it can't be told.

import { afterEach, beforeEach, expect, test } from "bun:test";
import { copyFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { encodeRequest } from "../../internal/packet/request.ts";
import { type Daemon, DIST, type Machine, makeMachine, runBinary, startDaemon } from "../helpers/daemon.ts";
import { QemuSocket } from "../helpers/qemu.ts";
import { until } from "../helpers/until.ts";

const RULE = "CET-1CEST,M3.5.0,M10.5.0/3";

let machine: Machine;
let vm1: QemuSocket;
let daemon: Daemon | undefined;

beforeEach(() => {
  machine = makeMachine("acpi-cpufreq-4cpu-independent");
  vm1 = new QemuSocket(`${machine.dir}/vm1.0`);
});
afterEach(async () => {
  daemon?.kill("SIGTERM");
  await daemon?.exited;
  daemon = undefined;
  vm1.quit();
  machine.remove();
});

const speed = () => machine.policy(2, "scaling_setspeed");
const localtime = () => `${machine.tree.root}/localtime`;
function link(zone: string): void {
  rmSync(localtime(), { force: true });
  symlinkSync(`/usr/share/zoneinfo/${zone}`, localtime());
}

/** A guest's policy: busy in the hour that is now in `zone`, quiet in all others. */
function busyNowIn(zone: string): Uint8Array {
  const { hour } = Temporal.Now.zonedDateTimeISO(zone);
  const others = Array.from({ length: 24 }, (_, i) => i).filter((one) => one !== hour);
  return encodeRequest(
    {
      kind: "policy",
      vcpu: 0,
      vmName: "",
      physical: false,
      policy: {
        type: "time",
        vcpus: [0],
        macs: [],
        traffic: { min: 0, avg: 0, max: 0 },
        busyHours: [hour],
        quietHours: others,
        trafficHours: [],
        workload: "low",
        turbo: false,
      },
    },
    "18.11",
  );
}

async function start(tz: string): Promise<Daemon> {
  daemon = await startDaemon(machine, ["--pin", "vm1:0=2"], "/", { TZ: tz });
  await vm1.hosted();
  return daemon;
}

test.each(["SIGHUP", "reload"])(
  "a zone that changed holds from %s on, for policies that stand already too",
  async (how) => {
    link("Pacific/Kiritimati");
    const running = await start(`:${localtime()}`);
    await vm1.ask(busyNowIn("Pacific/Kiritimati"));
    await until("the hour of the first zone counts", () => speed() === "2600000");
    link("Pacific/Pago_Pago");
    if (how === "SIGHUP") running.kill("SIGHUP");
    else await runBinary("powermon", ["reload", "--socket", `${machine.stateDir}/control.sock`]);
    await until("the hour of the second counts", () => speed() === "800000");
  },
);

const simulate = async (tz: string) => {
  const file = `${machine.tree.root}/policy.toml`;
  writeFileSync(file, 'type = "time"\nbusy_hours = [5]\n');
  const words = ["policy", "simulate", "--file", file, "--json", "--sysfs-root", machine.tree.sys];
  const child = Bun.spawn([`${DIST}/powermon`, ...words], {
    env: { TZ: tz },
    stdout: "pipe",
    stderr: "pipe",
  });
  const out = await child.stdout.text();
  expect(await child.stderr.text()).toBe("");
  return (JSON.parse(out) as { timeZone: string }).timeZone;
};

test("TZ is taken as glibc takes it: a name, a file, a link, a copy", async () => {
  link("Asia/Tokyo");
  const copy = `${machine.tree.root}/copy`;
  copyFileSync("/usr/share/zoneinfo/Europe/Berlin", copy);
  for (const [tz, zone] of [
    ["Europe/Berlin", "Europe/Berlin"],
    [":Europe/Berlin", "Europe/Berlin"],
    ["/usr/share/zoneinfo/Europe/Berlin", "Europe/Berlin"],
    [`:${localtime()}`, "Asia/Tokyo"],
    [localtime(), "Asia/Tokyo"],
    ["", "UTC"],
  ] as const) {
    expect([tz, await simulate(tz)]).toEqual([tz, zone]);
  }
  const same = await simulate(`:${copy}`);
  expect(Temporal.Now.zonedDateTimeISO(same).offset).toBe(
    Temporal.Now.zonedDateTimeISO("Europe/Berlin").offset,
  );
});

test("a rule in TZ, which names no zone, is told at start, at reload and by check", async () => {
  const what = `The host's time zone can't be told: TZ is "${RULE}"; UTC is taken.`;
  const running = await start(RULE);
  expect(running.log()).toContain("The host's time zone can't be told");
  running.kill("SIGHUP");
  await until(
    "it is told again",
    () => running.log().split("The host's time zone can't be told").length === 3,
  );
  const roots = ["--sysfs-root", machine.tree.sys, "--proc-root", machine.tree.proc];
  const check = Bun.spawn([`${DIST}/powermon`, "check", "--json", ...roots], {
    env: { TZ: RULE },
    stdout: "pipe",
  });
  const { findings } = JSON.parse(await check.stdout.text()) as { findings: readonly object[] };
  expect(findings).toContainEqual({
    severity: "warning",
    about: "time zone",
    what,
    todo: expect.any(String),
  });
});
