// The parts of a path that stand for something: a VM, a vCPU, CPUs, channels; each is held to what it can be.

import * as v from "valibot";
import { MAX_CPUS } from "../values/cpulist.ts";
import { MAX_CHANNEL, MAX_VCPU, type Numbers, parseNumbers } from "../values/numbers.ts";
import { isVmName } from "../values/vm-name.ts";

/** A part of a path that `read` makes a value of; where it can't, `wrong` is the sentence about it. @param right what it can be */
const part = <T>(read: (text: string) => T | undefined, wrong: (quoted: string) => string, right: string) =>
  v.pipe(
    v.string(),
    v.description(right),
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
    `${what}'s number, from 0 to ${most}.`,
  );

const cpuList = (text: string): Numbers | undefined => parseNumbers(text, MAX_CPUS - 1);
const CPUS = "CPUs of the host: a list such as 0-3,8, or all that have a clock.";
const wrongCpus = (quoted: string) => `CPUs are a list such as 0-3,8, or all, not ${quoted}.`;

export const vm = part(
  (text) => (isVmName(text) ? text : undefined),
  (quoted) => `${quoted} can't be a VM's name.`,
  "The VM's name.",
);
export const vcpu = number("A vCPU", MAX_VCPU);
export const cpu = number("A CPU", MAX_CPUS - 1);
export const cpus = part(cpuList, wrongCpus, CPUS);
export const namedCpus = v.pipe(
  cpus,
  v.description("CPUs of the host: a list such as 0-3,8."),
  v.check((list) => list !== "all", "Name the CPUs to set, such as 0-3; all is not taken here."),
  v.transform((list) => list as readonly number[]),
);
export const channels = part(
  (text) => parseNumbers(text, MAX_CHANNEL),
  (quoted) => `Channels are a list of numbers from 0 to ${MAX_CHANNEL} such as 0-3,5, or all, not ${quoted}.`,
  `Channels of the VM: a list of numbers from 0 to ${MAX_CHANNEL} such as 0-3,5, or all that have a socket.`,
);
