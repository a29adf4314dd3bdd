// powermon __complete: what a shell offers for a VM, a channel, a CPU or a profile, as it is now.

import { defineCommand } from "../../internal/cli/command.ts";
import { STATUS } from "../../internal/cli/status.ts";
import { ControlClient } from "../../internal/control/client.ts";
import { CONTROL_ARGS } from "./control.ts";

/** Somebody waits with a finger on the key. */
const ANSWER_MS = 300;

export default defineCommand({
  meta: { name: "__complete", summary: "list words for a shell's completion, one a line" },
  args: {
    kind: {
      type: "positional",
      options: ["vm", "channels", "vcpu", "cpus", "profile"],
      description: "what is wanted",
    },
    vm: { type: "string", description: "the VM whose channels or vCPUs are wanted" },
    socket: CONTROL_ARGS.socket,
  },
  async run({ args: { kind, vm, socket }, io }) {
    // Silent when nobody answers: the shell is in the middle of a line.
    const words = await list(new ControlClient(socket, ANSWER_MS), kind, vm);
    if (words === undefined) return STATUS.noAnswer;
    if (words.length > 0) io.out(words.join("\n"));
    return STATUS.done;
  },
});

async function list(
  client: ControlClient,
  kind: "vm" | "channels" | "vcpu" | "cpus" | "profile",
  vm: string | undefined,
): Promise<readonly (string | number)[] | undefined> {
  if (kind === "vm") {
    const vms = await client.ask("vms");
    return vms.ok ? vms.value.map(({ vm: name }) => name) : undefined;
  }
  if (kind === "profile") {
    const profiles = await client.ask("profiles");
    return profiles.ok ? profiles.value.map(({ name }) => name) : undefined;
  }
  if (kind === "cpus") {
    const freqs = await client.ask("allFreq");
    return freqs.ok ? freqs.value.map(({ cpu }) => cpu) : undefined;
  }
  if (vm === undefined) return [];
  const report = await client.ask("vm", { vm });
  if (!report.ok) return undefined;
  return kind === "channels" ? report.value.channels : report.value.vcpus.map(({ vcpu }) => vcpu);
}
