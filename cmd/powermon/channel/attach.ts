// powermon channel attach and detach: a VM's channels given to libvirt, and taken away again, without an editor.

import { existsSync } from "node:fs";
import * as v from "valibot";
import { integer, parseArgs } from "../../../internal/cli/args.ts";
import { defineCommand, type Io, type Leaf } from "../../../internal/cli/command.ts";
import { STATUS, type Status } from "../../../internal/cli/status.ts";
import { UsageError } from "../../../internal/cli/usage-error.ts";
import {
  changeDevices,
  type Definitions,
  type DeviceChange,
  readDefinitions,
  type Scope,
} from "../../../internal/pinning/domain-devices.ts";
import type { DomainDefinition } from "../../../internal/pinning/domain-definition.ts";
import {
  type ChannelElements,
  channelElement,
  channelElements,
  CONTROLLER_ALIAS,
  controllerElement,
} from "../../../internal/output/channel-xml.ts";
import { json } from "../../../internal/output/json.ts";
import { err, ok, type Result } from "../../../internal/values/result.ts";
import { fail, VM_ARG, vmName } from "../control.ts";
import { askedScopes, SCOPE_ARGS, WHEN } from "../definition.ts";
import { LIBVIRT_ARGS, libvirtOf } from "./libvirt.ts";

const NONE: ChannelElements = { controllers: [], channels: [] };

const ARGS = {
  vm: VM_ARG,
  ...LIBVIRT_ARGS,
  ...SCOPE_ARGS,
} as const;
const JSON_FORM =
  'JSON: {"vm", "done", "persistent", "live"}; the last two are the XML of what changes there, null where nothing was asked for.';

const Args = v.object({
  vm: vmName,
  vcpus: v.optional(integer(1, 512)),
  live: v.boolean(),
  persistent: v.boolean(),
  "dry-run": v.boolean(),
  json: v.boolean(),
});

/** What a command does with one definition: the elements to change, or the sentence that says why that can't be. */
type Plan = (definition: DomainDefinition, scope: Scope) => Result<ChannelElements, string>;

export const ATTACH: Leaf = defineCommand({
  meta: {
    name: "attach",
    summary: "give a libvirt VM its channels, one for each vCPU",
    details: `Through libvirt (virsh), on free ports of the VM's virtio-serial controllers; where they don't suffice a controller is added, which libvirt can do for the next start alone. Without --live and --persistent both are changed, as far as the VM has them. What is there already stays. No powermon needs to run. ${JSON_FORM}`,
    examples: ["powermon channel attach vm1 --dry-run", "powermon channel attach vm1 --vcpus 4 --persistent"],
  },
  args: {
    ...ARGS,
    vcpus: {
      type: "string",
      valueHint: "n",
      description: "how many vCPUs get a channel, 1 to 512 (default: as many as the VM has)",
    },
  },
  async run({ args, io }) {
    const words = parseArgs(Args, args);
    const { dir, virsh } = libvirtOf(args);
    if (!existsSync(dir)) {
      const message = `There is no folder ${dir}, and a VM whose channels are there would not start; make it with \`powermon setup\`.`;
      if (!words["dry-run"]) return fail({ code: "failed", message }, words.json, io);
      io.err(message);
    }
    return await change("attach", words, virsh, io, ({ vcpus, controllers, taken, channels }) => {
      const wanted = words.vcpus ?? vcpus;
      return channelElements({ vm: words.vm, vcpus: wanted, dir, there: { controllers, taken, channels } });
    });
  },
});

export const DETACH: Leaf = defineCommand({
  meta: {
    name: "detach",
    summary: "take a libvirt VM's channels away again, and the controllers that attach added",
    details: `Claims made through them end. Controllers of a running VM stay until it ends. Without --live and --persistent both are changed, as far as the VM has them. ${JSON_FORM}`,
    examples: ["powermon channel detach vm1 --dry-run", "powermon channel detach vm1"],
  },
  args: ARGS,
  async run({ args, io }) {
    const words = parseArgs(Args, args);
    const { virsh } = libvirtOf(args);
    return await change("detach", words, virsh, io, (definition, scope) =>
      ok({
        channels: definition.channels.flatMap(({ vcpu, path, place }) =>
          path === undefined ? [] : [channelElement(path, `virtio.serial.port.poweragent.${vcpu}`, place)],
        ),
        controllers: scope === "live" ? [] : ownControllers(definition),
      }),
    );
  },
});

/** Returns the controllers that attach added and nothing else uses. */
function ownControllers({ controllers, taken, channels }: DomainDefinition): readonly string[] {
  const gone = channels.flatMap(({ path, place }) => (path === undefined || !place ? [] : [place]));
  const isGone = (one: (typeof taken)[number]) =>
    gone.some(({ controller, port }) => controller === one.controller && port === one.port);
  return controllers
    .filter(({ alias }) => alias?.startsWith(CONTROLLER_ALIAS))
    .filter(({ index }) => taken.every((one) => one.controller !== index || isGone(one)))
    .map(({ index, ports }) => controllerElement(index, ports));
}

/** Plans and makes the change, reads it back and tells it. Errors: UsageError for a scope or a number that can't be. */
async function change(
  act: DeviceChange["act"],
  words: v.InferOutput<typeof Args>,
  virsh: Parameters<typeof readDefinitions>[0],
  io: Io,
  plan: Plan,
): Promise<Status> {
  const { vm, "dry-run": dryRun } = words;
  const failed = (message: string, code: "failed" | "unsupported" = "failed") =>
    fail({ code, message }, words.json, io);
  const before = await readDefinitions(virsh, vm);
  if (!before.ok) return failed(`${before.error}.`);
  const planned = planAll(act, words, before.value, plan, io);
  if (!planned.ok) return failed(planned.error, "unsupported");
  const plans = planned.value;
  const uuid = (before.value.persistent ?? before.value.live)?.uuid ?? "";
  if (!dryRun) {
    const changes = [...plans].flatMap(([scope, { controllers, channels }]) => {
      const groups = act === "attach" ? [controllers, channels] : [channels, controllers];
      return groups.map((elements) => ({ act, scope, elements }));
    });
    const done = await changeDevices(virsh, uuid, changes);
    if (!done.ok) return failed(`${done.error}.`);
    const after = await readDefinitions(virsh, vm);
    if (!after.ok) return failed(`${after.error}.`);
    for (const scope of plans.keys()) {
      const now = after.value[scope];
      const rest = now === undefined ? undefined : plan(now, scope);
      if (rest?.ok && countOf(rest.value) === 0) continue;
      return failed(`libvirt took the change of ${vm} ${WHEN[scope]} and does not show it.`);
    }
  }
  if (words.json) {
    const xml = (scope: Scope) => {
      const one = plans.get(scope);
      return one === undefined ? null : [...one.controllers, ...one.channels].join("");
    };
    io.out(json({ vm, done: !dryRun, persistent: xml("persistent"), live: xml("live") }));
  } else for (const [scope, elements] of plans) io.out(told(act, vm, scope, elements, dryRun));
  return STATUS.done;
}

/** Returns what changes in each definition that was asked for. Errors: a sentence, when that can't be. */
function planAll(
  act: DeviceChange["act"],
  words: v.InferOutput<typeof Args>,
  definitions: Definitions,
  plan: Plan,
  io: Io,
): Result<ReadonlyMap<Scope, ChannelElements>, string> {
  const scopes = askedScopes(words, definitions);
  if (!scopes.ok) return scopes;
  const { vm } = words;
  const plans = new Map<Scope, ChannelElements>();
  for (const scope of scopes.value) {
    const definition = definitions[scope];
    if (definition === undefined) continue;
    const made = plan(definition, scope);
    if (!made.ok) throw new UsageError(made.error);
    if (act === "detach" || scope === "persistent" || made.value.controllers.length === 0) {
      plans.set(scope, made.value);
      continue;
    }
    const why = `The running ${vm} has too few free virtio-serial ports, and libvirt plugs no controller into a running VM`;
    if (words.live || definitions.persistent === undefined)
      return err(`${why}: start it anew with --persistent channels.`);
    if (countOf(plans.get("persistent") ?? NONE) > 0)
      io.err(`${why}: it has its channels from its next start.`);
  }
  return ok(plans);
}

function countOf({ controllers, channels }: ChannelElements): number {
  return controllers.length + channels.length;
}

function told(
  act: DeviceChange["act"],
  vm: string,
  scope: Scope,
  elements: ChannelElements,
  dryRun: boolean,
): string {
  const { controllers, channels } = elements;
  if (countOf(elements) === 0)
    return `${vm}, ${WHEN[scope]}: ${act === "attach" ? "has its channels already" : "has no channels of ours"}`;
  const counts = [
    ...(channels.length > 0 ? [`${channels.length} channel${channels.length === 1 ? "" : "s"}`] : []),
    ...(controllers.length > 0
      ? [`${controllers.length} controller${controllers.length === 1 ? "" : "s"}`]
      : []),
  ].join(" and ");
  if (!dryRun) return `${vm}, ${WHEN[scope]}: ${counts} ${act}ed`;
  const mark = act === "attach" ? "+" : "-";
  const diff = [...controllers, ...channels].join("").trimEnd().replace(/^/gm, `${mark} `);
  return `${vm}, ${WHEN[scope]}: ${counts} would be ${act}ed\n${diff}`;
}
