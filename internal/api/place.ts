// The parts of a path that stand for something: a VM, a vCPU, CPUs, channels; each is held to what it can be.

import * as v from "valibot";
import { MAX_CPUS } from "../values/cpulist.ts";
import { MAX_CHANNEL, MAX_VCPU, type Numbers, parseNumbers } from "../values/numbers.ts";
import { isVmName } from "../values/vm-name.ts";

/** A part of a path that `read` makes a value of; where it can't, `wrong` is the sentence about it. */
const part = <T>(read: (text: string) => T | undefined, wrong: (quoted: string) => string) =>
  v.pipe(
    v.string(),
    v.rawTransform<string, T>(({ dataset: { value: text }, addIssue, NEVER }) => {
      const value = read(text);
      if (value !== undefined) return value;
      addIssue({ message: wrong(JSON.stringify(text)) });
      return NEVER;
    }),
  );

const number = (what: string, most: number) =>
  part(
    (text) => (/^(0|[1-9]\d{0,3})$/.test(text) && Number(text) <= most ? Number(text) : undefined),
    (quoted) => `${what} is a number from 0 to ${most}, not ${quoted}.`,
  );

const cpuList = (text: string): Numbers | undefined => parseNumbers(text, MAX_CPUS - 1);
const wrongCpus = (quoted: string) => `CPUs are a list such as 0-3,8, or all, not ${quoted}.`;

export const vm = part(
  (text) => (isVmName(text) ? text : undefined),
  (quoted) => `${quoted} can't be a VM's name.`,
);
/** A vCPU's number in its VM. */
export const vcpu = number("A vCPU", MAX_VCPU);
/** A CPU of the host. */
export const cpu = number("A CPU", MAX_CPUS - 1);
/** CPUs of the host, or all that have a clock. */
export const cpus = part(cpuList, wrongCpus);
/** CPUs of the host that must be named. */
export const namedCpus = v.pipe(
  cpus,
  v.check((list) => list !== "all", "Name the CPUs to set, such as 0-3; all is not taken here."),
  v.transform((list) => list as readonly number[]),
);
/** Channels of a VM; all stands for each that has a socket. */
export const channels = part(
  (text) => parseNumbers(text, MAX_CHANNEL),
  (quoted) => `Channels are a list of numbers from 0 to ${MAX_CHANNEL} such as 0-3,5, or all, not ${quoted}.`,
);
