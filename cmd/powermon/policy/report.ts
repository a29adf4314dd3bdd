// A policy in text: list, show and set answer with the same report.

import type { PolicyReport } from "../../../internal/api/policies.ts";
import { ruleText } from "./rule-text.ts";
import { formatCpuList } from "../../../internal/values/cpulist.ts";

/** Returns whether it is in force. */
export const standing = ({ inForce }: PolicyReport): string => (inForce ? "in force" : "behind operator's");

/** Returns whom it moves. */
export const vcpusText = (vcpus: PolicyReport["vcpus"]): string =>
  vcpus === "all" ? vcpus : formatCpuList(vcpus);

/** Returns its wishes as `0-1 min, 2 1800000`; "-" when it has none. */
export function wishesText(wishes: PolicyReport["wishes"]): string {
  const byLevel = Map.groupBy(wishes, ({ level }) => level);
  const parts = [...byLevel].map(
    ([level, same]) => `${formatCpuList(same.map(({ vcpu }) => vcpu))} ${level}`,
  );
  return parts.join(", ") || "-";
}

/** Returns a VM's policies, each as a heading and what is known of it. */
export function showPolicies(policies: readonly PolicyReport[]): string {
  return policies.map(showPolicy).join("\n\n");
}

function showPolicy(policy: PolicyReport): string {
  const { vm, origin, type, dueAt, pps, problem, rule, turbo } = policy;
  const lines = [
    `${vm}: ${type} policy of ${origin === "guest" ? "the guest" : "an operator"}, ${standing(policy)}`,
    `vCPUs      ${vcpusText(policy.vcpus)}`,
    `turbo      ${turbo === undefined ? "as for scale requests" : turbo ? "max may be turbo" : "off"}`,
    `wishes     ${wishesText(policy.wishes)}`,
  ];
  if (dueAt !== undefined) lines.push(`looks at   ${dueAt}`);
  if (pps !== undefined) lines.push(`packets/s  ${Math.round(pps)}`);
  if (problem !== undefined) lines.push(`problem    ${problem}`);
  return [...lines, `rule       ${ruleText(rule)}`].join("\n");
}
