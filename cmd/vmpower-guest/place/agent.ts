// Requests through the running agent, which holds the ports while it runs.

import { AGENT_MS, type AgentClient } from "../../../internal/guest/agent/local-client.ts";
import type { Lists } from "../../../internal/guest/vcpu-list.ts";
import type { Step } from "../../../internal/values/frequency.ts";
import type { GuestPolicy } from "../../../internal/values/request.ts";
import { STATUS } from "../../../internal/cli/status.ts";
import { type Ending, isEndKind, type PlaceWords, statusOf } from "../channel.ts";
import type { Listed, Place, Row } from "./place.ts";

/** Answers of the host that one vCPU may take: the greeting, two pages of frequencies, the request. */
const ANSWERS = 4;

type Said = Readonly<Record<string, unknown>>;

/** The place behind a running agent. Claims made here stay until they are released: the command's connection ends at once. */
export class AgentPlace implements Place {
  readonly env = "kvm-vm";
  readonly agent = true;
  readonly why: string;
  readonly #client: AgentClient;
  readonly #wait: Pick<PlaceWords, "timeoutMs" | "timeoutNamed">;

  constructor(client: AgentClient, why: string, wait: Pick<PlaceWords, "timeoutMs" | "timeoutNamed">) {
    this.#client = client;
    this.why = why;
    this.#wait = wait;
  }

  scale(step: Step, vcpus: readonly number[]): Promise<readonly Row[]> {
    return this.#rows({ do: "scale", vcpus, step, keep: true }, vcpus);
  }

  async release(vcpus: readonly number[]): Promise<readonly Row[]> {
    const ending = endingIn(await this.#ask({ do: "release", vcpus, keep: true }, vcpus.length));
    return vcpus.map((vcpu) => ({ vcpu, port: "agent", ...ending }));
  }

  async list<K extends keyof Lists>(kind: K, vcpus: "all" | readonly number[]): Promise<Listed<Lists[K]>> {
    const what = kind === "query-freq" ? "freq" : "caps";
    const said = await this.#ask({ do: what, ...(vcpus !== "all" && { vcpus }) });
    return {
      port: String(said["port"] ?? ""),
      ...endingIn(said),
      count: Number(said["vmVcpus"] ?? 0),
      entries: Array.isArray(said["entries"]) ? said["entries"] : [],
    };
  }

  async policy(policy: GuestPolicy | undefined) {
    const line =
      policy === undefined ? { do: "policy-remove" } : { do: "policy", policy: localPolicy(policy) };
    const said = await this.#ask(line);
    return { port: String(said["port"] ?? ""), ...endingIn(said) };
  }

  async energy() {
    const said = await this.#ask({ do: "energy" });
    const { joules, seconds, periodS, resolutionJ } = said;
    const [a, b, c, d] = [joules, seconds, periodS, resolutionJ].map(Number);
    const ending = endingIn(said);
    const used =
      ending.outcome === "done"
        ? { joules: a ?? 0, seconds: b ?? 0, periodS: c ?? 0, resolutionJ: d ?? 0 }
        : undefined;
    return { port: String(said["port"] ?? ""), ...ending, used };
  }

  close(): void {
    this.#client.close();
  }

  async #rows(line: object, vcpus: readonly number[]): Promise<readonly Row[]> {
    const said = await this.#ask(line, vcpus.length);
    const rows: unknown = said["vcpus"];
    if (!Array.isArray(rows)) return vcpus.map((vcpu) => ({ vcpu, port: "", ...endingIn(said) }));
    return rows.map((row: Said) => ({
      vcpu: Number(row["vcpu"]),
      port: String(row["port"]),
      ...endingIn(row),
    }));
  }

  async #ask(line: object, vcpus = 1): Promise<Said> {
    const { timeoutMs, timeoutNamed } = this.#wait;
    const wait = timeoutNamed ? { timeoutMs } : {};
    const said = await this.#client.ask({ ...line, ...wait }, AGENT_MS + ANSWERS * vcpus * timeoutMs);
    return said.ok ? said.value : { outcome: "agent-failed", message: said.error };
  }
}

/** Returns a policy as the agent's socket takes it: what its kind has no use for is left out. */
function localPolicy({ type, vcpus, macs, traffic, workload, turbo, ...hours }: GuestPolicy): object {
  const given = Object.entries(hours).filter(([, list]) => list.length > 0);
  return {
    type,
    vcpus,
    turbo,
    ...Object.fromEntries(given),
    ...((type === "traffic" || macs.length > 0) && { mac: macs, avg: traffic.avg, max: traffic.max }),
    ...(type === "workload" && { workload }),
  };
}

function endingIn(said: Said): Ending {
  const { outcome, message } = said;
  if (!isEndKind(outcome)) {
    return { outcome: "agent-failed", message: String(message ?? "?"), status: STATUS.failed };
  }
  return { outcome, message: typeof message === "string" ? message : null, status: statusOf(outcome) };
}
