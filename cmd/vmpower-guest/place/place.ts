// Where a command's requests go: an agent, ports or this machine's own clocks, all with the same calls.

import type { Lists } from "../../../internal/guest/vcpu-list.ts";
import type { VmJoules } from "../../../internal/values/extension.ts";
import type { Step } from "../../../internal/values/frequency.ts";
import type { GuestPolicy } from "../../../internal/values/request.ts";
import type { Ending, Env } from "../channel.ts";

/** How a request about one vCPU ended, and what it went through. */
export interface Row extends Ending {
  readonly vcpu: number;
  readonly port: string;
}

/** What was listed, by vCPU number; `count` vCPUs are known, of which the first are in `entries`. */
export interface Listed<T> extends Ending {
  readonly port: string;
  readonly count: number;
  readonly entries: readonly T[];
}

/** What is counted of this VM's joules; undefined where the request came to nothing. */
export interface Used extends Ending {
  readonly port: string;
  readonly used: VmJoules | undefined;
}

/** Somewhere that frequencies can be asked for. */
export interface Place {
  readonly env: Env;
  /** True when a running agent asks for us. */
  readonly agent: boolean;
  /** One sentence: why it is this place. */
  readonly why: string;
  scale(step: Step, vcpus: readonly number[]): Promise<readonly Row[]>;
  /** Gives up what was claimed of `vcpus`. */
  release(vcpus: readonly number[]): Promise<readonly Row[]>;
  list<K extends keyof Lists>(kind: K, vcpus: "all" | readonly number[]): Promise<Listed<Lists[K]>>;
  /** Sends a policy for the VM; undefined removes it. */
  policy(policy: GuestPolicy | undefined): Promise<Ending & { readonly port: string }>;
  /** Asks for this VM's joules. */
  energy(): Promise<Used>;
  close(): void;
}
