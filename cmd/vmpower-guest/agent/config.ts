// What vmpower-guest.toml may say, and the agent's configuration that follows.

import { existsSync } from "node:fs";
import * as v from "valibot";
import { describeProblem } from "../../../internal/config/problem.ts";
import { judgeAs, readTable } from "../../../internal/config/read.ts";
import { groupName, integer, isCpuList, text } from "../../../internal/config/shapes.ts";
import { formatCpuList, parseCpuList } from "../../../internal/values/cpulist.ts";
import { MAX_LEASE_S } from "../../../internal/values/extension.ts";
import type { GovernorRules } from "../../../internal/guest/agent/governor/governor.ts";
import { DEFAULT_SOCKET } from "../../../internal/guest/agent/local-client.ts";
import { DEFAULT_PORT_DIR } from "../../../internal/guest/port.ts";
import { err, ok, type Result } from "../../../internal/values/result.ts";

export const DEFAULT_CONFIG = "/etc/vmpower-guest.toml";

const GOVERNORS = ["none", "load", "busy"] as const;

const filled = (right: string) => text(/./s, right);
const VCPUS = 'Write vCPUs as a list such as "0,2-3".';

const governor = v.pipe(
  v.strictObject({
    vcpus: v.pipe(v.string(VCPUS), v.check(isCpuList, VCPUS)),
    type: v.picklist(GOVERNORS, `Write one of ${GOVERNORS.join(", ")}.`),
    up_percent: v.optional(integer(1, 100, "percent busy"), 80),
    down_percent: v.optional(integer(0, 99, "percent busy"), 40),
    hold_ms: v.optional(integer(0, 600_000, "ms"), 2000),
    period_ms: v.optional(integer(50, 60_000, "ms"), 250),
  }),
  v.check(
    ({ up_percent, down_percent }) => down_percent < up_percent,
    "Write a down_percent lower than up_percent: between them nothing changes.",
  ),
);

const schema = v.strictObject({
  port: v.optional(filled('Write a device\'s path, or "unix:PATH".')),
  port_dir: v.optional(filled("Write the folder of the ports."), DEFAULT_PORT_DIR),
  vm_name: v.optional(v.pipe(v.string(), v.maxBytes(31, "Write a name of at most 31 bytes.")), ""),
  timeout_ms: v.optional(integer(1, 60_000, "ms"), 1000),
  lease_s: v.optional(integer(0, MAX_LEASE_S, "seconds, 0 for claims without an end"), 10),
  socket: v.optional(filled("Write the socket's path."), DEFAULT_SOCKET),
  group: v.optional(groupName("vmpower"), "vmpower"),
  telemetry_dir: v.optional(filled("Write the folder of DPDK's runtime folders."), "/var/run/dpdk"),
  governor: v.optional(v.array(governor, "Write [[governor]] tables."), []),
});

/** An agent's configuration. Times in the unit of their name. */
export type AgentConfig = Omit<v.InferOutput<typeof schema>, "governor"> & {
  readonly governors: readonly (GovernorRules & { readonly type: (typeof GOVERNORS)[number] })[];
};

/**
 * Returns what `file` says, or the defaults when the default file isn't there.
 * Errors: one line for each problem.
 */
export function readAgentConfig(file: string | undefined): Result<AgentConfig, readonly string[]> {
  const path = file ?? DEFAULT_CONFIG;
  if (file === undefined && !existsSync(path)) return agentConfig(path, {}, "");
  const table = readTable(path);
  return table.ok
    ? agentConfig(path, table.value.raw, table.value.text)
    : err(table.error.map(describeProblem));
}

function agentConfig(file: string, raw: object, toml: string): Result<AgentConfig, readonly string[]> {
  const judged = judgeAs(schema, file, raw, toml);
  if (!judged.ok) return err(judged.error.map(describeProblem));
  const { governor: tables, ...rest } = judged.value;
  const seen = new Set<number>();
  const governors: AgentConfig["governors"][number][] = [];
  for (const { type, up_percent, down_percent, hold_ms, period_ms, ...said } of tables) {
    const list = parseCpuList(said.vcpus);
    const vcpus = list.ok ? list.value : [];
    const twice = vcpus.filter((vcpu) => seen.has(vcpu));
    if (twice.length > 0) {
      return err([
        `${file}: governor.vcpus names ${formatCpuList(twice)} twice. Give each vCPU one governor.`,
      ]);
    }
    for (const vcpu of vcpus) seen.add(vcpu);
    governors.push({
      vcpus,
      type,
      up: up_percent / 100,
      down: down_percent / 100,
      holdMs: hold_ms,
      periodMs: period_ms,
    });
  }
  return ok({ ...rest, governors });
}
