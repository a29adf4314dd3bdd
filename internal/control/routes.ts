// Which request asks what of a running powermon: the whole of the API in one table.

import * as v from "valibot";
import { parseCpuList } from "../values/cpulist.ts";
import { ok } from "../values/result.ts";
import { MAX_CHANNEL, MAX_VCPU } from "../values/units.ts";
import { isVmName } from "../values/vm-name.ts";
import {
  channelsBody,
  explainIssue,
  freqBody,
  noBody,
  pinBody,
  policyBody,
  policyRemoveBody,
  vmChangeBody,
} from "../api/body.ts";
import type { ChannelList, Done, Operations } from "../api/operations.ts";
import { profileBody, suspendBody } from "../api/power-body.ts";
import { problem } from "../api/problem.ts";

/** A request's answer before it is written. */
export type Outcome = Done<unknown> | Promise<Done<unknown>>;

export interface Route {
  readonly method: "GET" | "PUT" | "PATCH" | "POST" | "DELETE";
  /** Parts of the path after /v1; {name} stands for one part. */
  readonly path: string;
  /** Answers the request. `body` is undefined when there was none. */
  serve(operations: Operations, parts: readonly string[], body: unknown): Outcome;
}

/** Returns a route whose body is held to `schema` before anything else is looked at. */
function route<const S extends v.GenericSchema>(
  line: `${Route["method"]} ${string}`,
  schema: S,
  serve: (operations: Operations, parts: readonly string[], body: v.InferOutput<S>) => Outcome,
): Route {
  const [method = "", path = ""] = line.split(" ");
  return {
    method: method as Route["method"],
    path,
    serve(operations, parts, body) {
      const parsed = v.safeParse(schema, body);
      return parsed.success
        ? serve(operations, parts, parsed.output)
        : problem("invalid", `${explainIssue(parsed.issues[0])}.`);
    },
  };
}

/** The API. */
export const ROUTES: readonly Route[] = [
  route("GET status", noBody, (ops) => ok(ops.status())),
  route("GET vms", noBody, (ops) => ok(ops.vms())),
  route("GET vms/{vm}", noBody, (ops, [vm]) => withVm(vm, (name) => ops.vm(name))),
  route("PUT vms/{vm}", noBody, (ops, [vm]) => withVm(vm, (name) => ops.addVm(name))),
  route("DELETE vms/{vm}", noBody, (ops, [vm]) => withVm(vm, (name) => ops.removeVm(name))),
  route("PATCH vms/{vm}", vmChangeBody, (ops, [vm], { save, ...change }) =>
    withVm(vm, (name) =>
      Object.keys(change).length === 0
        ? problem("invalid", "The body changes nothing; name a setting, such as queries or floor.")
        : ops.changeVm(name, change, save),
    ),
  ),
  route("PUT vms/{vm}/vcpus/{n}/pin", pinBody, (ops, [vm, n], { pcpus }) =>
    withVm(vm, (name) =>
      withNumber(n, "A vCPU", MAX_VCPU, (vcpu) => ops.pinVcpu(name, vcpu, [...new Set(pcpus)])),
    ),
  ),
  route("GET channels", noBody, (ops) => ok(ops.channels())),
  route("PUT vms/{vm}/channels/{list}", noBody, (ops, [vm, list]) =>
    withChannels(vm, list, (name, channels) => ops.addChannels(name, channels)),
  ),
  route("DELETE vms/{vm}/channels/{list}", noBody, (ops, [vm, list]) =>
    withChannels(vm, list, (name, channels) => ops.removeChannels(name, channels)),
  ),
  route("PATCH vms/{vm}/channels/{list}", channelsBody, (ops, [vm, list], { enabled }) =>
    withChannels(vm, list, (name, channels) => ops.enableChannels(name, channels, enabled)),
  ),
  route("GET freq", noBody, (ops) => ops.freq("all")),
  route("GET freq/{list}", noBody, (ops, [list]) => withCpus(list, (cpus) => ops.freq(cpus))),
  route("PUT freq/{list}", freqBody, (ops, [list], { target }) =>
    withCpus(list, (cpus) =>
      cpus === "all"
        ? problem("invalid", "Name the CPUs to set, such as 0-3; all is not taken here.")
        : ops.setFreq(cpus, target),
    ),
  ),
  route("DELETE freq/{list}", noBody, (ops, [list]) => withCpus(list, (cpus) => ops.releaseFreq(cpus))),
  route("GET explain/{cpu}", noBody, (ops, [cpu]) => withNumber(cpu, "A CPU", 8191, (n) => ops.explain(n))),
  route("GET live", noBody, (ops) => ok(ops.live())),
  route("GET policies", noBody, (ops) => ok(ops.policies())),
  route("GET vms/{vm}/policy", noBody, (ops, [vm]) => withVm(vm, (name) => ops.policy(name))),
  route("PUT vms/{vm}/policy", policyBody, (ops, [vm], { policy, save }) =>
    withVm(vm, (name) => ops.setPolicy(name, policy, save)),
  ),
  route("DELETE vms/{vm}/policy", policyRemoveBody, (ops, [vm], { save }) =>
    withVm(vm, (name) => ops.removePolicy(name, save)),
  ),
  route("GET capabilities", noBody, (ops) => ops.power.capabilities()),
  route("GET profiles", noBody, (ops) => ok(ops.power.profiles())),
  route("PUT profile", profileBody, (ops, _, { name, cpus, dryRun }) =>
    ops.power.applyProfile(name, cpus, dryRun),
  ),
  route("DELETE profile", noBody, (ops) => ops.power.profileOff()),
  route("GET profile/verify", noBody, (ops) => ops.power.verifyProfile()),
  route("POST suspend", suspendBody, (ops, _, asked) => ops.power.suspend(asked)),
  route("POST resumed", noBody, (ops) => ops.resumed()),
  route("POST reload", noBody, (ops) => ops.reload()),
];

function withVm(vm = "", serve: (name: string) => Outcome): Outcome {
  return isVmName(vm) ? serve(vm) : problem("invalid", `${JSON.stringify(vm)} can't be a VM's name.`);
}

function withNumber(text = "", what: string, most: number, serve: (n: number) => Outcome): Outcome {
  return /^(0|[1-9]\d{0,3})$/.test(text) && Number(text) <= most
    ? serve(Number(text))
    : problem("invalid", `${what} is a number from 0 to ${most}, not ${JSON.stringify(text)}.`);
}

function withChannels(
  vm: string | undefined,
  text = "",
  serve: (name: string, channels: ChannelList) => Outcome,
): Outcome {
  return withVm(vm, (name) => {
    if (text === "all") return serve(name, "all");
    const list = parseCpuList(text);
    if (list.ok && list.value.length > 0 && (list.value.at(-1) ?? 0) <= MAX_CHANNEL)
      return serve(name, list.value);
    return problem(
      "invalid",
      `Channels are a list of numbers from 0 to ${MAX_CHANNEL} such as 0-3,5, or all, not ${JSON.stringify(text)}.`,
    );
  });
}

function withCpus(text = "", serve: (cpus: readonly number[] | "all") => Outcome): Outcome {
  if (text === "all") return serve("all");
  const list = parseCpuList(text);
  if (list.ok && list.value.length > 0) return serve(list.value);
  return problem("invalid", `CPUs are a list such as 0-3,8, or all, not ${JSON.stringify(text)}.`);
}
