// powermon vm metadata: settings that a libvirt VM brings along, written into its definition and read from it.

import * as v from "valibot";
import { integer, parseArgs } from "../../../internal/cli/args.ts";
import { defineCommand, type Io } from "../../../internal/cli/command.ts";
import { STATUS, type Status } from "../../../internal/cli/status.ts";
import { UsageError } from "../../../internal/cli/usage-error.ts";
import { readCarried } from "../../../internal/config/carried.ts";
import { describeProblem } from "../../../internal/config/problem.ts";
import { json } from "../../../internal/output/json.ts";
import { changeMetadata, readDefinitions, type Scope } from "../../../internal/pinning/domain-devices.ts";
import { MAX_SILENCE_S, PRIORITIES } from "../../../internal/values/vm-settings.ts";
import { loaded } from "../../loaded.ts";
import { LIBVIRT_ARGS, libvirtOf } from "../channel/libvirt.ts";
import { bound, BOUND_ARGS, fail, onOff, VM_ARG, vmName } from "../control.ts";
import { askedScopes, SCOPE_ARGS, WHEN } from "../definition.ts";

type Said = ReadonlyMap<string, string>;
/** What one definition says and is to say; undefined for nothing. */
interface Change {
  readonly scope: Scope;
  readonly before: Said | undefined;
  readonly after: Said | undefined;
}

const { dir: _, ...URI_ARG } = LIBVIRT_ARGS;
const ARGS = { vm: VM_ARG, ...URI_ARG, ...SCOPE_ARGS } as const;
const JSON_FORM =
  'JSON: {"vm", "done", "persistent", "live"}; the last two are {"before", "after"} with the settings there, null for none.';

const Words = v.object({
  vm: vmName,
  live: v.boolean(),
  persistent: v.boolean(),
  "dry-run": v.boolean(),
  json: v.boolean(),
});
const Settings = v.object({
  floor: v.optional(bound),
  ceiling: v.optional(bound),
  turbo: v.optional(onOff),
  lease: v.optional(integer(0, MAX_SILENCE_S)),
  priority: v.optional(v.picklist(PRIORITIES)),
});

const SET = defineCommand({
  meta: {
    name: "set",
    summary: "write settings into a libvirt VM's definition",
    details: `A powermon whose pinning.sources has libvirt follows them at once, on each host that the VM runs on; [vm.NAME] of that host and what is changed there at run time stand above them, [vm-defaults] below. What is written already and not named stays. Without --live and --persistent both definitions are changed, as far as the VM has them. ${JSON_FORM}`,
    examples: [
      "powermon vm metadata set vm1 --ceiling base",
      "powermon vm metadata set vm1 --turbo off --dry-run",
    ],
  },
  args: {
    ...ARGS,
    ...BOUND_ARGS,
    turbo: { type: "enum", options: ["on", "off"], description: "whether the guest may use turbo" },
    lease: {
      type: "string",
      valueHint: "s",
      description: "seconds of silence after which its claims end, 0 for never",
    },
    priority: {
      type: "enum",
      options: PRIORITIES,
      description: "who keeps its clock longest when watts are short",
    },
  },
  async run({ args, io }) {
    const { lease: lease_s, ...others } = parseArgs(Settings, args);
    const named = Object.entries({ ...others, lease_s }).flatMap(([key, value]) =>
      value === undefined ? [] : [[key, String(value)] as const],
    );
    if (named.length === 0) throw new UsageError("Name a setting to write, such as --ceiling base.");
    return await change(args, io, (before) => new Map([...(before ?? []), ...named]));
  },
});

const REMOVE = defineCommand({
  meta: {
    name: "remove",
    summary: "take all of powermon's settings out of a libvirt VM's definition",
    details: `Without --live and --persistent both definitions are changed, as far as the VM has them. ${JSON_FORM}`,
    examples: ["powermon vm metadata remove vm1"],
  },
  args: ARGS,
  run: ({ args, io }) => change(args, io, () => undefined),
});

const SHOW = defineCommand({
  meta: {
    name: "show",
    summary: "show the settings in a libvirt VM's definition",
    details: JSON_FORM,
    examples: ["powermon vm metadata show vm1"],
  },
  args: { vm: VM_ARG, ...URI_ARG, json: SCOPE_ARGS.json },
  run: ({ args, io }) =>
    change({ ...args, live: false, persistent: false, "dry-run": true }, io, (before) => before),
});

export const METADATA = defineCommand({
  meta: { name: "metadata", summary: "settings that a libvirt VM brings along to each host" },
  commands: loaded(SHOW, SET, REMOVE),
});

/** Plans and makes the change, reads it back and tells it. */
async function change(
  args: object,
  io: Io,
  plan: (before: Said | undefined) => Said | undefined,
): Promise<Status> {
  const words = parseArgs(Words, args);
  const { vm, "dry-run": dryRun } = words;
  const { virsh } = libvirtOf({ ...args, dir: undefined });
  const failed = (message: string, code: "failed" | "unsupported" = "failed") =>
    fail({ code, message }, words.json, io);
  const definitions = await readDefinitions(virsh, vm);
  if (!definitions.ok) return failed(`${definitions.error}.`);
  const scopes = askedScopes(words, definitions.value);
  if (!scopes.ok) return failed(scopes.error, "unsupported");
  const changes = scopes.value.map((scope): Change => {
    const before = definitions.value[scope]?.metadata;
    return { scope, before, after: plan(before) };
  });
  for (const { before, after } of changes) {
    if (after === undefined || Bun.deepEquals(before, after)) continue;
    const judged = readCarried(vm, after);
    if (!judged.ok) return failed(judged.error.map(describeProblem).join(" "));
  }
  if (!dryRun) {
    const uuid = (definitions.value.persistent ?? definitions.value.live)?.uuid ?? "";
    const done: Change[] = [];
    for (const one of changes.filter(({ before, after }) => !Bun.deepEquals(before, after))) {
      const made = await changeMetadata(virsh, uuid, one.scope, one.after);
      if (made.ok) {
        done.push(one);
        continue;
      }
      let left = 0;
      for (const { scope, before } of done)
        if (!(await changeMetadata(virsh, uuid, scope, before)).ok) left++;
      const what =
        left === 0 ? "nothing was changed" : `what was changed ${WHEN[done[0]?.scope ?? "live"]} stands`;
      return failed(`${made.error.replace(/[.\s]+$/, "")}; ${what}.`);
    }
    const now = await readDefinitions(virsh, vm);
    if (!now.ok) return failed(`${now.error}.`);
    const lost = changes.find(({ scope, after }) => !Bun.deepEquals(now.value[scope]?.metadata, after));
    if (lost !== undefined)
      return failed(`libvirt took the change of ${vm} ${WHEN[lost.scope]} and does not show it.`);
  }
  if (words.json) {
    const shown = (scope: Scope) => {
      const one = changes.find((each) => each.scope === scope);
      return one === undefined ? null : { before: plain(one.before), after: plain(one.after) };
    };
    io.out(json({ vm, done: !dryRun, persistent: shown("persistent"), live: shown("live") }));
  } else for (const one of changes) io.out(told(vm, one, dryRun));
  return STATUS.done;
}

const plain = (said: Said | undefined) => (said === undefined ? null : Object.fromEntries(said));

function told(vm: string, { scope, before, after }: Change, dryRun: boolean): string {
  const list = (said: Said | undefined) =>
    said === undefined ? "nothing" : [...said].map(([key, value]) => `${key} = ${value}`).join(", ");
  const [old, young] = [list(before), list(after)];
  const change = old === young ? old : `${old} ${dryRun ? "would become" : "became"} ${young}`;
  return `${vm}, ${WHEN[scope]}: ${change}`;
}
