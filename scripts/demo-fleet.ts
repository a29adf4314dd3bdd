// Three hosts under one budget, without hardware or root: machines of files whose clocks cost watts, the real daemon on each, a real etcd between them.

import { startEtcd } from "../tests/helpers/etcd.ts";
import { FleetWorld, ModelHost } from "../tests/helpers/fleet-world.ts";

const GROUP = "rack7";
if (Bun.which("etcd") === null) {
  console.error("This demo needs etcd: apt-get install etcd-server");
  process.exit(5);
}

const etcd = await startEtcd(1);
const hosts = ["h1", "h2", "h3"].map(
  (name) => new ModelHost({ name, fallbackWatts: 50, floorWatts: 35, fullWatts: 100 }, GROUP, etcd.urls),
);
const world = new FleetWorld(hosts);
let failed = 0;

/** Says a command, runs it, and prints what it says. */
async function operator(...words: string[]): Promise<void> {
  console.log(`\noperator$ powermon fleet ${words.join(" ")}`);
  const { status, out, err } = await world.ask(...words);
  console.log((out + err).trimEnd());
  if (status !== 0) failed++;
}

/** Prints what is drawn each second. */
async function watch(seconds: number): Promise<void> {
  for (let second = 0; second < seconds; second++) {
    await Bun.sleep(1000);
    const watts = hosts.map(({ watts }) => watts);
    const all = watts.reduce((sum, one) => sum + one, 0);
    console.log(
      `  h1 ${watts[0]?.toFixed(0)} W, h2 ${watts[1]?.toFixed(0)} W, h3 ${watts[2]?.toFixed(0)} W: ${all.toFixed(0)} W`,
    );
  }
}

try {
  console.log("Three hosts would draw 100 W each; each may draw 50 W when it hears nothing.");
  await Promise.all(hosts.map((host) => host.start()));
  await operator("budget", "set", GROUP, "220");
  await watch(8);
  await operator("hosts");
  console.log("\nh1 has little to do now: the others get what it needs no more.");
  hosts[0]?.load(0.1);
  await watch(8);
  await operator("status");
  const drawn = hosts.reduce((sum, { watts }) => sum + watts, 0);
  console.log("\netcd ends: no grant holds for longer than 7 s, each host goes to its 50 W.");
  await etcd.nodes[0]?.kill();
  await watch(10);
  const left = hosts.map(({ watts }) => watts);
  if (drawn > 220 * 1.02 || left.some((watts) => watts > 50 * 1.06)) failed++;
} finally {
  await world.stop();
  await etcd.stop();
}
console.log(failed === 0 ? "\nThe demo did what it should." : "\nThe demo did not do what it should.");
process.exit(failed === 0 ? 0 : 1);
