// powermon fleet vm: settings that follow a VM from host to host, and where it runs.

import * as v from "valibot";
import type { Change } from "../../../internal/api/dry-run.ts";
import { integer, nonEmpty, parseArgs } from "../../../internal/cli/args.ts";
import { defineCommand } from "../../../internal/cli/command.ts";
import { STATUS } from "../../../internal/cli/status.ts";
import { UsageError } from "../../../internal/cli/usage-error.ts";
import { judgeVm } from "../../../internal/config/fleet.ts";
import { loadConfig } from "../../../internal/config/load.ts";
import { describeProblem } from "../../../internal/config/problem.ts";
import { readTable } from "../../../internal/config/read.ts";
import { layOver } from "../../../internal/config/save.ts";
import { changeVm } from "../../../internal/fleet/operator.ts";
import { readSettings } from "../../../internal/fleet/stored.ts";
import { findVm, type VmPlace } from "../../../internal/fleet/view.ts";
import { json } from "../../../internal/output/json.ts";
import { err, ok, type Result } from "../../../internal/values/result.ts";
import { PRIORITIES } from "../../../internal/values/vm-settings.ts";
import { loaded } from "../../loaded.ts";
import { bound, BOUND_ARGS, onOff, VM_ARG, vmName } from "../control.ts";
import { DRY_RUN_ARG } from "../dry-run.ts";
import { askedOf, FLEET_ARGS, refuse, tellDry } from "./asked.ts";

const Words = v.object({
  vm: vmName,
  priority: v.optional(v.picklist(PRIORITIES)),
  floor: v.optional(bound),
  ceiling: v.optional(bound),
  turbo: v.optional(onOff),
  queries: v.optional(onOff),
  rate: v.optional(integer(0, 1_000_000)),
  burst: v.optional(integer(1, 1_000_000)),
  "lease-s": v.optional(integer(0, 86_400)),
  "policy-file": v.optional(nonEmpty),
});

export const VM = defineCommand({
  meta: {
    name: "vm",
    summary: "show a VM and where it runs; set what follows it from host to host",
    details: "A VM's name alone shows it: `powermon fleet vm web1` is `powermon fleet vm show web1`.",
  },
  otherwise: "show",
  commands: loaded(
    defineCommand({
      meta: {
        name: "show",
        summary: "show where a VM runs, and the settings that follow it",
        details: "The word show may be left out, unless the VM is called as one of these commands.",
        examples: ["powermon fleet vm web1", "powermon fleet vm show web1 --json"],
      },
      args: { vm: VM_ARG, ...FLEET_ARGS },
      async run(context) {
        const { vm } = parseArgs(v.object({ vm: vmName }), context.args);
        const { etcd, keys } = askedOf(context.args);
        const found = await findVm(etcd, keys, vm);
        if (!found.ok) return refuse(context, found.error);
        const report = { vm, places: found.value.places, settings: found.value.settings ?? {} };
        context.io.out(context.args.json ? json(report) : textOf(report));
        return STATUS.done;
      },
    }),
    defineCommand({
      meta: {
        name: "set",
        summary: "set what follows a VM from host to host",
        details:
          "It is taken up by every host of the fleet, over its file's vm-defaults and beneath its own [vm.NAME]. What is not said stays. A policy is taken whole.",
        examples: [
          "powermon fleet vm set web1 --priority high --ceiling base",
          "powermon fleet vm set office --policy-file office.toml",
        ],
      },
      args: {
        vm: VM_ARG,
        priority: {
          type: "enum",
          options: PRIORITIES,
          description: "who pays first when watts are short: low, then normal, then high",
        },
        ...BOUND_ARGS,
        turbo: { type: "enum", options: ["on", "off"], description: "let it use turbo" },
        queries: { type: "enum", options: ["on", "off"], description: "let its guest ask for frequencies" },
        rate: {
          type: "string",
          valueHint: "N",
          description: "requests per second that are served, 0 for no limit",
        },
        burst: { type: "string", valueHint: "N", description: "requests that may come at once" },
        "lease-s": {
          type: "string",
          valueHint: "SECONDS",
          description: "silence that ends its claims, 0 for none",
        },
        "policy-file": {
          type: "string",
          valueHint: "FILE",
          description: "what [vm.NAME.policy] of powermon.toml says, in TOML or JSON",
        },
        ...DRY_RUN_ARG,
        ...FLEET_ARGS,
      },
      async run(context) {
        const said = parseArgs(Words, context.args);
        const change = changeOf(said);
        if (Object.keys(change).length === 0)
          throw new UsageError(
            "Nothing is said of the VM; --priority, --ceiling and others say what follows it.",
          );
        const { etcd, keys } = askedOf(context.args);
        let before: object | undefined;
        const made = await changeVm(etcd, keys, said.vm, (text) => {
          before = readSettings(text);
          return judged(said.vm, layOver(before ?? {}, change));
        });
        if (!made.ok) return refuse(context, made.error);
        if (context.args["dry-run"]) return tellDry(context, changesOf(said.vm, before, made.value));
        const report = { vm: said.vm, settings: made.value ?? {} };
        context.io.out(context.args.json ? json(report) : `${said.vm}: ${JSON.stringify(made.value)}`);
        return STATUS.done;
      },
    }),
    defineCommand({
      meta: {
        name: "unset",
        summary: "have nothing follow a VM: each host's own file alone holds",
        examples: ["powermon fleet vm unset web1"],
      },
      args: { vm: VM_ARG, ...DRY_RUN_ARG, ...FLEET_ARGS },
      async run(context) {
        const { vm } = parseArgs(v.object({ vm: vmName }), context.args);
        const { etcd, keys } = askedOf(context.args);
        let before: object | undefined;
        const made = await changeVm(etcd, keys, vm, (text) => {
          before = readSettings(text);
          return text === undefined
            ? err(`Nothing is set for VM ${JSON.stringify(vm)} in the fleet.`)
            : ok(undefined);
        });
        if (!made.ok) return refuse(context, made.error);
        if (context.args["dry-run"]) return tellDry(context, changesOf(vm, before, undefined));
        context.io.out(context.args.json ? json({ vm, settings: {} }) : `${vm}: unset`);
        return STATUS.done;
      },
    }),
  ),
});

/** Returns each setting as it is and as it would be. */
function changesOf(vm: string, before: object = {}, after: object = {}): readonly Change[] {
  const [old, young] = [new Map(Object.entries(before)), new Map(Object.entries(after))];
  return [...new Set([...old.keys(), ...young.keys()])].map((key) => {
    const [was, is] = [old, young].map((all) => (all.has(key) ? JSON.stringify(all.get(key)) : undefined));
    return { what: `${key} of VM ${vm} in the fleet`, before: was, after: is };
  });
}

/** Returns what the words say, as a configuration file would. */
function changeOf(said: v.InferOutput<typeof Words>): object {
  const {
    priority,
    floor,
    ceiling,
    turbo,
    queries,
    rate,
    burst,
    "lease-s": lease,
    "policy-file": file,
  } = said;
  const rates = {
    ...(rate !== undefined && { requests_per_second: rate }),
    ...(burst !== undefined && { burst }),
  };
  const policy = file === undefined ? undefined : readTable(file);
  if (policy?.ok === false) throw new UsageError(policy.error.map(describeProblem).join("\n"));
  const settings = { priority, floor, ceiling, turbo, queries, lease_s: lease, policy: policy?.value.raw };
  return {
    ...Object.fromEntries(Object.entries(settings).filter(([, value]) => value !== undefined)),
    ...(Object.keys(rates).length > 0 && { rate: rates }),
  };
}

/** Settings that no host could take up are not written. */
function judged(vm: string, settings: object): Result<object, string> {
  const layer = judgeVm(vm, settings);
  if (!layer.ok) return layer;
  const whole = loadConfig(undefined, "/dev/null/none", [layer.value]);
  return whole.ok ? ok(settings) : err(whole.error.map(describeProblem).join(" "));
}

function textOf({
  vm,
  places,
  settings,
}: {
  vm: string;
  places: readonly VmPlace[];
  settings: object;
}): string {
  const where =
    places.length === 0
      ? "runs on no host of the fleet that reports"
      : places
          .map(
            ({ host, group, priority, pays }) =>
              `runs on ${host} of ${group}, priority ${priority}${pays ? ", pays" : ""}`,
          )
          .join("; ");
  return [
    `VM ${vm} ${where}.`,
    ...Object.entries(settings).map(([key, value]) => `${key}: ${JSON.stringify(value)}`),
  ].join("\n");
}
