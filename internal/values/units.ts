// The units of this domain as types: a vCPU index does not pass for a pCPU.

declare const unit: unique symbol;
type Branded<T, Name> = T & { readonly [unit]: Name };

/** A frequency in kHz, the unit of cpufreq sysfs (Documentation/admin-guide/pm/cpufreq.rst). */
export type Khz = Branded<number, "Khz">;
/** A host logical CPU number, N of /sys/devices/system/cpu/cpuN. */
export type Pcpu = Branded<number, "Pcpu">;
/** A virtual CPU's index inside one VM, from 0. */
export type Vcpu = Branded<number, "Vcpu">;
/** N of /sys/devices/system/cpu/cpufreq/policyN: the CPUs that share a clock. */
export type DomainId = Branded<number, "DomainId">;

/** The lowest and the highest frequency that can be meant, in kHz: 10 MHz and 20 GHz. */
export const KHZ = { least: 10_000, most: 20_000_000 };

/** Returns whether `value` is a whole number of kHz that can be meant. */
export const isKhz = (value: unknown): value is Khz =>
  Number.isInteger(value) && (value as number) >= KHZ.least && (value as number) <= KHZ.most;

/** Marks a number of kHz as such. */
export const khz = (n: number): Khz => n as Khz;
/** Marks a number as a host logical CPU. */
export const pcpu = (n: number): Pcpu => n as Pcpu;
/** Marks a number as a vCPU index. */
export const vcpu = (n: number): Vcpu => n as Vcpu;
/** Marks a number as a cpufreq policy number. */
export const domainId = (n: number): DomainId => n as DomainId;
