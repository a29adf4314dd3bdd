// Holds what hosts do in a group, on a real etcd: they report, one leads, budgets come in force, and settings of VMs arrive.

import { afterAll, beforeAll, expect } from "bun:test";
import { FleetAgent, type FleetHost } from "../../internal/fleet/agent.ts";
import { Etcd } from "../../internal/fleet/etcd/etcd.ts";
import { addHost, changeVm, removeHost, setBudget, untilInForce } from "../../internal/fleet/operator.ts";
import { keysOf } from "../../internal/fleet/stored.ts";
import { findVm, readGroup } from "../../internal/fleet/view.ts";
import { VmMirror, type VmTexts } from "../../internal/fleet/vm-mirror.ts";
import { Log } from "../../internal/log.ts";
import { ok } from "../../internal/values/result.ts";
import { must } from "../helpers/answer.ts";
import { type EtcdCluster, startEtcd } from "../helpers/etcd.ts";
import { testNeeding } from "../helpers/needing.ts";
import { until } from "../helpers/until.ts";

let cluster: EtcdCluster | undefined;
beforeAll(async () => {
  if (Bun.which("etcd") !== null) cluster = await startEtcd();
}, 30_000);
afterAll(async () => await cluster?.stop());

/** A host that draws what it may, up to what it wants. */
class Wanting implements FleetHost {
  watts = 0;
  /** Times that it had to fall back. */
  lost = 0;
  counted: number | undefined;
  vms: VmTexts = new Map();
  readonly agent: FleetAgent;
  readonly #want: number;

  constructor(group: string, name: string, want: number, counted?: number, full?: string) {
    this.#want = want;
    const etcd = new Etcd({ endpoints: cluster?.urls ?? [] });
    const keys = keysOf("/powermon/", group);
    this.agent = new FleetAgent({
      ...{ etcd, keys, name, fallback: 50, counted, host: this },
      mirror: new VmMirror(etcd, keys, (vms) => (this.vms = vms)),
      log: new Log("error", "text", false, () => {}),
    });
    this.full = full;
    this.agent.start();
  }

  needs() {
    const drawn = Math.min(this.watts, this.#want);
    return { drawn, floor: 20, demand: { high: Math.max(0, this.#want - 20), normal: 0, low: 0 } };
  }
  places() {
    return [{ vm: `vm-${this.#want}`, priority: "high" as const, pays: this.watts < this.#want }];
  }
  limit(watts: number, granted: boolean): void {
    if (!granted) this.lost++;
    this.watts = watts;
  }
  /** Why nothing can be kept. */
  full: string | undefined;
  keepCounted(watts: number): string | undefined {
    if (this.full === undefined) this.counted = watts;
    return this.full;
  }
}

testNeeding(
  ["etcd"],
  "FleetAgent holds its fallback, then its share of a budget; the others take over when the leader ends",
  async () => {
    const etcd = new Etcd({ endpoints: cluster?.urls ?? [] });
    const keys = keysOf("/powermon/", "rack1");
    const hosts = [new Wanting("rack1", "a", 80), new Wanting("rack1", "b", 200)];
    try {
      expect(hosts.map(({ watts }) => watts)).toEqual([50, 50]);
      await until(
        "both belong to the group",
        async () => must(await readGroup(etcd, keys, "rack1")).view.hosts.length === 2,
      );
      expect(await setBudget(etcd, keys, "rack1", 99)).toMatchObject({
        ok: false,
        error: { kind: "rule", message: expect.stringContaining("take 100 W") },
      });
      must(await setBudget(etcd, keys, "rack1", 250));
      expect(must(await untilInForce(etcd, keys, "rack1", 250)).budgetWatts).toBe(250);
      await until("each has its share", () => hosts[0]?.watts === 75 && hosts[1]?.watts === 175, 15_000);
      expect(hosts.map(({ counted }) => counted)).toEqual([50, 50]);
      const { view } = must(await readGroup(etcd, keys, "rack1"));
      expect(view.hosts.map(({ state, grantWatts }) => [state, grantWatts])).toEqual([
        ["here", 75],
        ["here", 175],
      ]);
      expect(must(await findVm(etcd, keys, "vm-200")).places).toEqual([
        { group: "rack1", host: "b", priority: "high", pays: true },
      ]);
      expect((await removeHost(etcd, keys, "rack1", "a")).ok).toBe(false);
      // A leader that says nothing, as one whose process stands still, is followed by another before grants end.
      const before = hosts.map(({ lost }) => lost);
      must(await etcd.txn([], [{ put: keys.leader, value: JSON.stringify({ name: "ghost", run: "x" }) }]));
      await until("nobody leads", () => hosts.every(({ agent }) => !agent.state.leads));
      await until("one leads again", () => hosts.some(({ agent }) => agent.state.leads), 10_000);
      expect(hosts.map(({ lost }) => lost)).toEqual(before);
      const leader = hosts.find(({ agent }) => agent.state.leads) as Wanting;
      const other = hosts.find((one) => one !== leader) as Wanting;
      await leader.agent.stop();
      await until("the other leads", () => other.agent.state.leads, 10_000);
      const name = leader === hosts[0] ? "a" : "b";
      await until(
        "the one that left is silent",
        async () =>
          must(await readGroup(etcd, keys, "rack1")).view.hosts.some(
            ({ host, state }) => host === name && state === "silent",
          ),
        15_000,
      );
      must(await removeHost(etcd, keys, "rack1", name));
      await until(
        "it is no host of the group",
        async () => must(await readGroup(etcd, keys, "rack1")).view.hosts.length === 1,
        10_000,
      );
    } finally {
      await Promise.all(hosts.map(({ agent }) => agent.stop()));
    }
  },
  60_000,
);

testNeeding(
  ["etcd"],
  "VmMirror brings settings of VMs to every host, and takes away what is unset",
  async () => {
    const etcd = new Etcd({ endpoints: cluster?.urls ?? [] });
    const keys = keysOf("/powermon/", "rack2");
    must(await changeVm(etcd, keys, "web.1", () => ok({ priority: "high" })));
    const host = new Wanting("rack2", "a", 80);
    try {
      await until("they are there", () => host.vms.has("web.1"));
      expect(JSON.parse(host.vms.get("web.1") ?? "")).toEqual({ priority: "high" });
      must(
        await changeVm(etcd, keys, "web.1", (text) => ok({ ...JSON.parse(text ?? "{}"), ceiling: "base" })),
      );
      await until("they changed", () => Object.hasOwn(JSON.parse(host.vms.get("web.1") ?? "{}"), "ceiling"));
      // Whoever may write there may write anything: what is no settings is refused by name where they are taken up.
      must(
        await etcd.txn(
          [],
          [
            { put: `${keys.vms}bad`, value: "[1]" },
            { put: `${keys.vms}a/b`, value: "{}" },
            { put: `${keys.vms}worse`, value: "no JSON" },
          ],
        ),
      );
      must(await changeVm(etcd, keys, "web.1", () => ok(undefined)));
      await until("they are gone", () => !host.vms.has("web.1"));
      expect([...host.vms.keys()]).toEqual(["bad", "worse"]);
    } finally {
      await host.agent.stop();
    }
  },
  30_000,
);

testNeeding(["etcd"], "FleetAgent tells a lower fallback once it is kept, not before", async () => {
  const etcd = new Etcd({ endpoints: cluster?.urls ?? [] });
  const keys = keysOf("/powermon/", "rack4");
  const host = new Wanting("rack4", "a", 80, 120, "ENOSPC");
  const members = async () => must(await readGroup(etcd, keys, "rack4")).view.hosts;
  try {
    await until("it says why", () => host.agent.state.problem === "ENOSPC");
    expect([await members(), host.watts, host.counted]).toEqual([[], 50, undefined]);
    host.full = undefined;
    await until("it is a member", async () => (await members()).length > 0);
    expect(host.counted).toBe(50);
  } finally {
    await host.agent.stop();
  }
});

testNeeding(["etcd"], "addHost() has a host counted before it comes", async () => {
  const etcd = new Etcd({ endpoints: cluster?.urls ?? [] });
  const keys = keysOf("/powermon/", "rack3");
  must(await addHost(etcd, keys, "late", 120));
  expect((await addHost(etcd, keys, "late", 120)).ok).toBe(false);
  expect((await setBudget(etcd, keys, "rack3", 119)).ok).toBe(false);
  expect((await removeHost(etcd, keys, "rack3", "other")).ok).toBe(false);
  must(await removeHost(etcd, keys, "rack3", "late"));
  must(await setBudget(etcd, keys, "rack3", 119));
});
