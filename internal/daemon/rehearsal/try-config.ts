// Another configuration, tried on paper: its limits, settings, pins and policies.

import type { Vm } from "../../channels/vm.ts";
import type { Config } from "../../config/load.ts";
import { vmConfig } from "../../config/effective.ts";
import type { PinSource } from "../../pinning/pins.ts";
import { staticPins } from "../../pinning/static.ts";
import { ok } from "../../values/result.ts";
import { followPin } from "../follow-pin.ts";
import type { Host } from "../host.ts";
import { paperVm } from "./paper-vm.ts";
import { type Foreseen, foresee } from "./rehearsal.ts";
import { siteLimitsOn } from "../site-limits.ts";

/** Returns what follows for the clocks if `config` came into force. */
export function tryConfig(host: Host, config: Config): Foreseen {
  const { channels, cpufreq } = host;
  const sight = { sources: sourcesOf(host, config), floating: config.pinning.floating };
  const isMoved = (vm: Vm) =>
    sight.floating !== host.config.pinning.floating ||
    !Bun.deepEquals(config.pinning.sources, host.config.pinning.sources) ||
    !Bun.deepEquals(vmConfig(config, vm.vm).pins, vm.settings.pins);
  const vms = [...channels.vms].map((vm) => {
    const placeOf = (vcpu: number) => vm.look(vcpu, sight).placement;
    return paperVm(vm, cpufreq, vmConfig(config, vm.vm), isMoved(vm) ? placeOf : undefined);
  });
  const seen = foresee(
    host,
    (paper) => {
      const { policies, ledger, warnings } = paper;
      warnings.push(...unforeseen(host.config, config));
      host.setPolicies(policies, config);
      policies.clockChanged();
      for (const { vm } of vms) policies.vmChanged(vm);
      ledger.settle();
      for (const vm of vms) for (const claim of [...ledger.claimsOf(vm.vm)]) followPin(paper, vm, claim);
      return ok(undefined);
    },
    { vms: new Map(vms.map((vm) => [vm.vm, vm])), site: (domain) => siteLimitsOn(domain, config) },
  );
  if (!seen.ok) throw new Error(seen.error.message);
  return seen.value;
}

/** Returns the pinning sources as far as they are there already; what is written down is that of `config`. */
function sourcesOf({ sources }: Host, config: Config): readonly PinSource[] {
  return config.pinning.sources.flatMap((name) => {
    if (name === "static") return [staticPins((vm) => vmConfig(config, vm).pins)];
    const known = sources.find((source) => source.name === name);
    return known === undefined ? [] : [known];
  });
}

/** Returns what of a configuration is not tried, a sentence each. */
function unforeseen(before: Config, after: Config): readonly string[] {
  const parts = {
    "channels.dirs": (config: Config) => config.channels.dirs,
    "pinning.sources": (config: Config) => config.pinning.sources,
    fifo: (config: Config) => config.fifo,
    "profile-schedule": (config: Config) => config.says["profile-schedule"],
  };
  return Object.entries(parts).flatMap(([key, of]) =>
    Bun.deepEquals(of(before), of(after))
      ? []
      : [`What follows from another ${key} for the clocks is not known before.`],
  );
}
