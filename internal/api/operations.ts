// What can be asked of a running powermon, as plain data: the server, the client and the host all mean the same by it.

import type { PowerOperations } from "./power-operations.ts";

/** Why something asked for was not done. `code` is one of a fixed set, `message` a sentence. */
export interface Problem {
  readonly code: "not-found" | "invalid" | "refused" | "failed" | "unsupported" | "busy";
  readonly message: string;
}
export type Done<T = void> =
  { readonly ok: true; readonly value: T } | { readonly ok: false; readonly error: Problem };

/** A frequency bound as written: kHz or the domain's own min, base or max. */
export type BoundText = number | "min" | "base" | "max";
/** A value and where it came from: default, a file's name, or `runtime`. */
export interface Sourced<T> {
  readonly value: T;
  readonly from: string;
}

export interface StatusReport {
  readonly version: string;
  readonly pid: number;
  readonly uptimeS: number;
  readonly configFiles: readonly string[];
  readonly dirs: readonly string[];
  readonly stateDir: string;
  readonly domains: number;
  readonly drivers: readonly string[];
  readonly problems: readonly string[];
  readonly vms: number;
  readonly channels: { readonly total: number; readonly connected: number };
  readonly claims: number;
  readonly counts: Readonly<Record<string, number>>;
}

export interface VcpuReport {
  readonly vcpu: number;
  /** pCPUs it may run on; empty when it has no place, and then `why` says so. */
  readonly pcpus: readonly number[];
  readonly why: string | undefined;
  /** Which pinning source answered. */
  readonly source: string | undefined;
  readonly domains: readonly number[];
  /** What the guest wishes, kHz. */
  readonly wishKhz: number | undefined;
  /** What its first domain was told, kHz. */
  readonly targetKhz: number | undefined;
  readonly lastRefusal: { readonly at: string; readonly message: string } | undefined;
}

export interface VmReport {
  readonly vm: string;
  readonly pid: number | undefined;
  readonly channels: readonly number[];
  readonly vcpus: readonly VcpuReport[];
  readonly counts: Readonly<Record<string, number>>;
  readonly settings: {
    readonly queries: Sourced<boolean>;
    readonly turbo: Sourced<boolean>;
    readonly floor: Sourced<BoundText>;
    readonly ceiling: Sourced<BoundText>;
    readonly commands: Sourced<readonly string[]>;
    readonly requestsPerSecond: Sourced<number>;
    readonly burst: Sourced<number>;
    readonly wire: Sourced<string>;
    readonly leaseS: Sourced<number>;
  };
}

export interface ChannelReport {
  readonly vm: string;
  readonly channel: number;
  readonly path: string;
  readonly state: "connecting" | "connected" | "waiting" | "closed";
  /** False when packets are read and ignored. */
  readonly enabled: boolean;
  readonly generation: string | undefined;
  readonly counts: Readonly<Record<string, number>>;
}

export interface ClaimReport {
  /** Who claims: a guest's scale request, a policy, a writer of the core's FIFO, or an operator. */
  readonly by: "guest" | "policy" | "fifo" | "operator";
  readonly vm: string | undefined;
  readonly vcpu: number | undefined;
  readonly wishKhz: number;
  readonly turbo: boolean;
  /** The wish within its VM's floor and ceiling, kHz. */
  readonly clippedKhz: number;
}

export interface FreqReport {
  readonly cpu: number;
  readonly policy: number;
  readonly driver: string;
  readonly governor: string | undefined;
  /** What powermon told the kernel, kHz; undefined when the domain is not ours now. */
  readonly targetKhz: number | undefined;
  /** What the kernel holds as told, kHz. */
  readonly currentKhz: number | undefined;
  readonly minKhz: number;
  /** Highest without turbo, kHz. */
  readonly nominalKhz: number;
  readonly maxKhz: number;
  readonly turbo: boolean;
  readonly frequenciesKhz: readonly number[];
  readonly operatorClaim: boolean;
}

export interface ExplainReport extends FreqReport {
  /** CPUs that share the clock. */
  readonly sharedWith: readonly number[];
  /** Other policies whose CPUs are SMT siblings of this one's. */
  readonly siblingPolicies: readonly number[];
  readonly claims: readonly ClaimReport[];
  readonly siblingClaims: readonly ClaimReport[];
  readonly winner: ClaimReport | undefined;
  readonly clippedBy: "vm" | "site" | undefined;
  readonly site: { readonly floorKhz: number | undefined; readonly ceilingKhz: number | undefined };
  /** Sentences, most important first: why the clock is what it is. */
  readonly why: readonly string[];
  readonly lastRefusals: readonly {
    readonly at: string;
    readonly vm: string;
    readonly vcpu: number;
    readonly message: string;
  }[];
  readonly lastWrite:
    { readonly at: string; readonly khz: number | undefined; readonly error: string | undefined } | undefined;
}

export interface PolicyReport {
  /** A VM's name, or /fifoN for what was written into a FIFO. */
  readonly vm: string;
  readonly origin: "operator" | "guest";
  readonly type: "traffic" | "time" | "workload" | "branch-ratio";
  /** False for a guest's policy while an operator's stands. */
  readonly inForce: boolean;
  readonly vcpus: "all" | readonly number[];
  readonly turbo: boolean;
  readonly wishes: readonly { readonly vcpu: number; readonly level: "min" | "medium" | "max" | number }[];
  /** When it looks at the clock again, ISO 8601. */
  readonly dueAt: string | undefined;
  /** The last rate it counted, packets per second. */
  readonly pps: number | undefined;
  /** Why it is not, or not wholly, in effect. */
  readonly problem: string | undefined;
  /** The rule with its windows and thresholds. */
  readonly rule: object;
}

/** One clock at a glance. */
export interface LiveDomain {
  readonly policy: number;
  readonly cpus: readonly number[];
  readonly minKhz: number;
  /** Highest without turbo, kHz. */
  readonly nominalKhz: number;
  readonly maxKhz: number;
  /** The limits of the site and of whoever holds it, kHz. */
  readonly floorKhz: number;
  readonly ceilingKhz: number;
  /** What powermon told the kernel, kHz; undefined when nobody claims it. */
  readonly targetKhz: number | undefined;
  readonly claims: number;
  /** Whose wish decides. */
  readonly holder:
    | {
        readonly by: ClaimReport["by"];
        readonly vm: string | undefined;
        readonly vcpu: number | undefined;
        readonly wishKhz: number;
      }
    | undefined;
  readonly clippedBy: "vm" | "site" | undefined;
}

/** One VM at a glance; counts are since it came. */
export interface LiveVm {
  readonly vm: string;
  readonly channels: number;
  readonly connected: number;
  readonly requests: number;
  readonly refused: number;
  readonly failed: number;
  /** The policy in force. */
  readonly policy: { readonly type: string; readonly origin: "guest" | "operator" } | undefined;
}

/** The whole host at one glance. */
export interface LiveReport {
  readonly at: string;
  readonly uptimeS: number;
  readonly domains: readonly LiveDomain[];
  readonly vms: readonly LiveVm[];
  /** The last refusal of each vCPU, newest first. */
  readonly refusals: readonly {
    readonly at: string;
    readonly vm: string;
    readonly vcpu: number;
    readonly message: string;
  }[];
}

/** Settings of a VM that can be changed at run time. */
export interface VmChange {
  readonly queries?: boolean | undefined;
  readonly turbo?: boolean | undefined;
  readonly floor?: BoundText | undefined;
  readonly ceiling?: BoundText | undefined;
  readonly requestsPerSecond?: number | undefined;
  readonly burst?: number | undefined;
}

/** `all` stands for every channel that has a socket. */
export type ChannelList = readonly number[] | "all";
/** What an operator sets a CPU to. */
export type FreqTarget = "up" | "down" | "min" | "max" | "turbo-on" | "turbo-off" | number;

/** One thing that happened. `event` is the kind; the rest depends on it. */
export interface HappenedEvent {
  readonly at: string;
  readonly event: string;
  readonly [key: string]: unknown;
}

/** Everything a running powermon can be asked. Reads are immediate; what takes time returns a promise. */
export interface Operations {
  status(): StatusReport;
  vms(): readonly VmReport[];
  vm(name: string): Done<VmReport>;
  /** Takes up a VM that was removed (channels found in the folders are taken up by themselves). */
  addVm(name: string): Done;
  /** Closes a VM's channels and ignores them until addVm(). */
  removeVm(name: string): Done;
  changeVm(name: string, change: VmChange, save: boolean): Done<VmReport>;
  pinVcpu(vm: string, vcpu: number, pcpus: readonly number[]): Promise<Done<VcpuReport>>;
  channels(): readonly ChannelReport[];
  addChannels(vm: string, channels: ChannelList): Done<readonly ChannelReport[]>;
  removeChannels(vm: string, channels: ChannelList): Done;
  enableChannels(vm: string, channels: ChannelList, enabled: boolean): Done;
  freq(cpus: readonly number[] | "all"): Done<readonly FreqReport[]>;
  setFreq(cpus: readonly number[], target: FreqTarget): Done<readonly FreqReport[]>;
  /** Ends the operator's claims. */
  releaseFreq(cpus: readonly number[] | "all"): Done<readonly FreqReport[]>;
  explain(cpu: number): Done<ExplainReport>;
  live(): LiveReport;
  policies(): readonly PolicyReport[];
  policy(vm: string): Done<readonly PolicyReport[]>;
  /** `written` is a policy as [vm.NAME.policy] of the configuration has it. */
  setPolicy(vm: string, written: object, save: boolean): Done<readonly PolicyReport[]>;
  /** Ends the operator's policy; the guest's own takes over. */
  removePolicy(vm: string, save: boolean): Done;
  /** The machine slept: what the kernel forgot is written again. */
  resumed(): Done;
  reload(): Done<{ readonly files: readonly string[] }>;
  readonly power: PowerOperations;
  /** Calls `listener` for each event until the returned function is called. */
  subscribe(listener: (event: HappenedEvent) => void): () => void;
}
