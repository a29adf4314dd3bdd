// CPUs that come and go by their online file. Source: drivers/base/cpu.c, drivers/base/topology.c, kernel/cpu.c of Linux 6.12.

import { formatCpuList } from "../../internal/values/cpulist.ts";
import type { Cpufreq } from "./cpufreq.ts";
import { type Attribute, CPU, type Entry, type Files } from "./files.ts";
import { truth } from "./texts.ts";

/** Puts the files of CPUs under `files` in place, and tells `core` who comes and goes. */
export function plugCpus(files: Files, core: Cpufreq): void {
  const possible = files.cpus(`${CPU}/possible`);
  const present = possible.length > 0 ? possible : files.cpus(`${CPU}/present`);
  for (const cpu of files.cpus(`${CPU}/online`)) core.online.add(cpu);
  const set = (path: string, file: Attribute) => files.set(`${CPU}/${path}`, file);
  set("online", { show: () => `${formatCpuList(core.online)}\n` });
  set("offline", { show: () => `${formatCpuList(present.filter((cpu) => !core.online.has(cpu)))}\n` });
  for (const cpu of present) {
    const folder = `${CPU}/cpu${cpu}/topology`;
    const topology = topologyOf(files, folder, core.online);
    const show = (there: boolean) => {
      if (!there) files.remove(folder);
      else for (const [name, entry] of topology) files.set(`${folder}/${name}`, entry);
    };
    show(core.online.has(cpu));
    if (!files.entry(`${CPU}/cpu${cpu}/online`)) continue;
    set(`cpu${cpu}/online`, {
      show: () => `${core.online.has(cpu) ? 1 : 0}\n`,
      // online_store() of drivers/base/core.c: nothing to do is no error.
      store: (text) => {
        const on = truth(text);
        if (on === core.online.has(cpu)) return;
        if (on) core.online.add(cpu);
        else core.online.delete(cpu);
        show(on);
        if (on) core.cpuUp(cpu);
        else core.cpuDown(cpu);
      },
    });
  }
}

/** Returns the files of a CPU's topology, whose lists and masks name online CPUs only. */
function topologyOf(files: Files, folder: string, online: ReadonlySet<number>): Map<string, Entry> {
  const found = new Map<string, Entry>();
  for (const name of files.names(folder) ?? []) {
    const text = files.line(`${folder}/${name}`) ?? "";
    const listed = files.cpus(`${folder}/${name.replace(/_list$/, "")}_list`);
    const here = () => listed.filter((cpu) => online.has(cpu));
    const mask = () =>
      here()
        .reduce((bits, cpu) => bits | (1n << BigInt(cpu)), 0n)
        .toString(16);
    const less = () => (name.endsWith("_list") ? formatCpuList(here()) : mask().padStart(text.length, "0"));
    found.set(name, { show: () => `${here().length === listed.length ? text : less()}\n` });
  }
  return found;
}
