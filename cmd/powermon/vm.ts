// powermon vm: everything about single VMs.

import * as v from "valibot";
import { cpuNumbers, integer, parseArgs, wordList } from "../../internal/cli/args.ts";
import { defineCommand } from "../../internal/cli/command.ts";
import { UsageError } from "../../internal/cli/usage-error.ts";
import { table } from "../../internal/output/table.ts";
import { COMMANDS, MAX_SILENCE_S, PRIORITIES, WIRES } from "../../internal/values/vm-settings.ts";
import { formatCpuList } from "../../internal/values/cpulist.ts";
import { settings } from "../../internal/api/vms.ts";
import { loaded } from "../loaded.ts";
import { askCommand } from "./ask-command.ts";
import {
  bound,
  BOUND_ARGS,
  cell,
  clientOf,
  CONTROL_ARGS,
  onOff,
  tell,
  vcpuNumber,
  VM_ARG,
  vmName,
} from "./control.ts";
import { METADATA } from "./vm/metadata.ts";
import { DRY_RUN_ARG } from "./dry-run.ts";
import { showChanges, showSettings, showVm } from "./vm/text.ts";

const ONE_VM = { args: { vm: VM_ARG }, means: v.object({ vm: vmName }) } as const;

/** What guests may ask; none is an empty list. */
const commandList = v.union(
  [
    v.pipe(
      v.literal("none"),
      v.transform((): (typeof COMMANDS)[number][] => []),
    ),
    wordList(COMMANDS),
  ],
  `must be none, or some of ${COMMANDS.join(", ")}, with commas`,
);
const Limits = v.object({
  vm: vmName,
  floor: v.optional(bound),
  ceiling: v.optional(bound),
  turbo: v.optional(onOff),
  rate: v.optional(integer(0, 1_000_000)),
  burst: v.optional(integer(1, 1_000_000)),
  commands: v.optional(commandList),
  lease: v.optional(integer(0, MAX_SILENCE_S)),
  wire: v.optional(v.picklist(WIRES)),
  priority: v.optional(v.picklist(PRIORITIES)),
  save: v.boolean(),
  reset: v.boolean(),
  "dry-run": v.boolean(),
});
/** No setting stands above the files. */
const RESET = Object.fromEntries(Object.keys(settings).map((key) => [key, null]));

export default defineCommand({
  meta: { name: "vm", summary: "list, show, pin and limit VMs" },
  commands: loaded(
    askCommand("vms", {
      meta: {
        name: "list",
        summary: "list the VMs that powermon serves",
        details: "PLACED counts the vCPUs whose pCPUs are known.",
        examples: ["powermon vm list", "powermon vm list --json"],
      },
      show: (vms) =>
        vms.length === 0
          ? "No VMs."
          : table([
              ["VM", "PID", "CHANNELS", "VCPUS", "PLACED", "QUERIES"],
              ...vms.map(({ vm, pid, channels, vcpus, settings }) => [
                vm,
                cell(pid),
                String(channels.length),
                String(vcpus.length),
                String(vcpus.filter(({ pcpus }) => pcpus.length > 0).length),
                settings.queries.value ? "on" : "off",
              ]),
            ]),
    }),
    askCommand("vm", {
      meta: {
        name: "show",
        summary: "show a VM's vCPUs, wishes, channels and settings, and who said each setting",
        examples: ["powermon vm show vm1", "powermon vm show vm1 --json"],
      },
      ...ONE_VM,
      show: showVm,
    }),
    askCommand("addVm", {
      meta: {
        name: "add",
        summary: "serve a VM again that was removed",
        details: "A VM whose channels appear in a channel folder is served without being asked for.",
        examples: ["powermon vm add vm1"],
      },
      ...ONE_VM,
      show: (_, { vm }) => `${vm}: added`,
    }),
    askCommand("removeVm", {
      meta: {
        name: "remove",
        summary: "serve a VM no longer: its channels are closed and its claims end",
        examples: ["powermon vm remove vm1"],
      },
      ...ONE_VM,
      show: (_, { vm }) => `${vm}: removed`,
    }),
    askCommand("pinVcpu", {
      meta: {
        name: "pin",
        summary: "pin a vCPU to a pCPU",
        details:
          "Through libvirt, running and stored definition, when the VM is libvirt's; else the vCPU's thread is pinned until the VM stops.",
        examples: ["powermon vm pin vm1 0 4", "powermon vm pin vm1 1 4-5"],
      },
      args: {
        vm: VM_ARG,
        vcpu: { type: "positional", valueHint: "VCPU", description: "the vCPU's number in the VM" },
        pcpu: { type: "positional", valueHint: "PCPU", description: "the host's CPU, or a list of them" },
      },
      means: v.pipe(
        v.object({ vm: vmName, vcpu: vcpuNumber, pcpu: cpuNumbers }),
        v.transform(({ vm, vcpu, pcpu }) => ({ vm, vcpu, pcpus: pcpu })),
      ),
      show: ({ pcpus, source }, { vm, vcpu }) =>
        `${vm}: vCPU ${vcpu} is on pCPU ${formatCpuList(pcpus) || "none"}${source === undefined ? "" : ` (${source})`}`,
    }),
    askCommand("changeVm", {
      meta: {
        name: "query",
        summary: "let a VM's guest ask for its frequencies and capabilities, or not",
        examples: ["powermon vm query vm1 on", "powermon vm query vm1 off --save"],
      },
      args: {
        vm: VM_ARG,
        queries: {
          type: "positional",
          options: ["on", "off"],
          description: "whether queries are answered",
        },
        save: { type: "boolean", description: "keep it over a restart of powermon" },
        ...DRY_RUN_ARG,
      },
      means: v.pipe(
        v.object({ vm: vmName, queries: onOff, save: v.boolean(), "dry-run": v.boolean() }),
        v.transform(({ "dry-run": dryRun, ...said }) => ({ ...said, dryRun })),
      ),
      show(report, { vm, save, dryRun }) {
        if (dryRun) return showChanges(report);
        const { queries } = report.settings;
        return `${vm}: queries ${queries.value ? "on" : "off"} (${save ? queries.from : "until powermon restarts"})`;
      },
    }),
    defineCommand({
      meta: {
        name: "limits",
        summary: "show or change a VM's limits",
        details:
          "Without a limit to change, shows what holds and where it comes from. --reset goes back to what the files say, for all settings of the VM.",
        examples: [
          "powermon vm limits vm1",
          "powermon vm limits vm1 --floor 1200000 --ceiling base --turbo off --save",
          "powermon vm limits vm1 --priority low --save",
          "powermon vm limits vm1 --rate 1000 --burst 50",
          "powermon vm limits vm1 --commands up,down,min --lease 60",
          "powermon vm limits vm1 --reset",
        ],
      },
      args: {
        vm: VM_ARG,
        ...BOUND_ARGS,
        turbo: { type: "enum", options: ["on", "off"], description: "whether the guest may use turbo" },
        rate: {
          type: "string",
          valueHint: "n",
          description: "requests per second that are served, 0 for any",
        },
        burst: { type: "string", valueHint: "n", description: "requests that may come at once" },
        commands: {
          type: "string",
          valueHint: "LIST|none",
          description: `what its guests may ask: some of ${COMMANDS.join(", ")}`,
        },
        lease: {
          type: "string",
          valueHint: "s",
          description: "seconds of silence after which its claims end, 0 for never",
        },
        wire: {
          type: "enum",
          options: WIRES,
          description: "the packets' generation, for connections from then on",
        },
        priority: {
          type: "enum",
          options: PRIORITIES,
          description: "who keeps its clock longest when watts are short",
        },
        reset: {
          type: "boolean",
          description: "end what was changed at run time; with --save also what was saved",
        },
        save: { type: "boolean", description: "keep the change over a restart of powermon" },
        ...DRY_RUN_ARG,
        ...CONTROL_ARGS,
      },
      run(context) {
        const {
          vm,
          save,
          reset,
          "dry-run": dryRun,
          rate: requestsPerSecond,
          lease: leaseS,
          ...others
        } = parseArgs(Limits, context.args);
        const change = { ...others, requestsPerSecond, leaseS };
        const client = clientOf(context.args);
        const isChanged = Object.values(change).some((value) => value !== undefined);
        if (reset && isChanged) throw new UsageError("--reset ends all changes; give it without a limit.");
        if (reset || isChanged) {
          const asked = client.ask("changeVm", { vm, ...(reset ? RESET : change), save, dryRun });
          return tell(asked, context, dryRun ? showChanges : showSettings);
        }
        if (dryRun)
          throw new UsageError("--dry-run has nothing to try; name a limit, such as --ceiling base.");
        if (save) throw new UsageError("--save has nothing to save; name a limit, such as --ceiling base.");
        return tell(client.ask("vm", { vm }), context, showSettings);
      },
    }),
    METADATA,
  ),
});
