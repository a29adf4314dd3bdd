// The daemon's part in a fleet: reports what the host draws, holds what it is granted, and takes up what the fleet says of VMs.

import { join } from "node:path";
import { type FleetConfig, fleetOf } from "../../config/fleet.ts";
import type { FleetVms } from "./vms.ts";
import type { Host } from "../host.ts";
import type { HostBudget } from "../budget/host-budget.ts";
import { FleetAgent, type FleetHost } from "../../fleet/agent.ts";
import { readCounted, writeCounted } from "../../fleet/counted.ts";
import { readCredentials } from "../../fleet/etcd/credentials.ts";
import { Etcd } from "../../fleet/etcd/etcd.ts";
import { keysOf } from "../../fleet/stored.ts";
import { VmMirror } from "../../fleet/vm-mirror.ts";

/** What a fleet's daemon is made of. */
export interface FleetParts {
  readonly host: Host;
  readonly budget: HostBudget;
  readonly vms: FleetVms;
}

/** A fleet that was joined, or could not be. */
export interface Joined {
  /** Leaves it. */
  stop(): Promise<void>;
  /** Reads certificate, key and password again, and asks with them from then on. Returns false when the host has to join anew. */
  renew(): boolean;
}

/**
 * Joins the fleet that the configuration names. When it can't, such as for a key that others may read, the reason stands in host.problems and
 * the log, and the fallback holds.
 */
export function joinFleet(parts: FleetParts): Joined {
  const { host, budget } = parts;
  const refuse = (why: string) => {
    host.log.error(`Not in the fleet: ${why}`);
    const problem = `Not in the fleet: ${why}`;
    host.problems.push(problem);
    // Whoever is in a fleet's file may not draw as one that is in none.
    const { fallback_watts: fallback } = host.config.says.fleet ?? {};
    budget.setWatts(fallback, "fleet");
    return {
      stop: async () => void host.problems.splice(host.problems.indexOf(problem), 1),
      renew: () => false,
    };
  };
  const found = fleetOf(host.config.says);
  if (!found.ok) return refuse(found.error);
  const config = found.value;
  if (config?.fallback === undefined) return refuse("fleet.fallback_watts is missing.");
  const credentials = readCredentials(config);
  if (!credentials.ok) return refuse(credentials.error);
  const etcd = new Etcd(credentials.value);
  const keys = keysOf(config.prefix, config.group);
  const file = join(host.config.stateDir, "fleet-counted.json");
  const agent = new FleetAgent({
    ...{ etcd, keys, name: config.name, fallback: config.fallback, log: host.log },
    counted: readCounted(file, config),
    host: fleetHost(parts, config, file),
    mirror: new VmMirror(etcd, keys, (vms) => parts.vms.take(vms, host)),
  });
  host.fleet = {
    group: config.group,
    get state() {
      return agent.state;
    },
  };
  agent.start();
  host.log.info("In the fleet", { group: config.group, name: config.name, fallbackWatts: config.fallback });
  return {
    async stop() {
      host.fleet = undefined;
      await agent.stop();
    },
    renew() {
      const again = readCredentials(config);
      if (again.ok) etcd.askAs(again.value);
      else host.log.error(`The fleet is asked as before: ${again.error}`);
      return true;
    },
  };
}

function fleetHost({ host, budget }: FleetParts, config: FleetConfig, file: string): FleetHost {
  return {
    needs() {
      const { drawnWatts: drawn, floorWatts: floor, demandWatts: demand } = budget.state();
      return { drawn, floor, demand };
    },
    places() {
      const paying = new Set<string>();
      const priority = new Map<string, "high" | "normal" | "low">();
      for (const clock of budget.state().clocks) {
        for (const vm of clock.vms) {
          if (!priority.has(vm)) priority.set(vm, clock.priority);
          if (clock.ceilingKhz !== undefined && clock.ceilingKhz < clock.wishKhz) paying.add(vm);
        }
      }
      return [...host.channels.vms].map(({ vm, settings }) => ({
        ...{ vm, priority: settings.priority, pays: paying.has(vm) },
      }));
    },
    limit(watts, granted) {
      budget.setWatts(watts, "fleet");
      if (host.log.debugs) host.log.debug("The fleet says what this host may draw", { watts, granted });
    },
    keepCounted: (watts) => {
      const why = writeCounted(file, config, watts);
      if (why !== undefined) host.log.warnFolded("fleet counted", why);
      return why;
    },
  };
}
