// Every kind of request once before the first guest's: code that runs for the first time takes 20 to 40 ms, and a stock guest waits for 10.

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { vmConfig } from "../../../internal/config/effective.ts";
import { loadConfig } from "../../../internal/config/load.ts";
import { Host } from "../../../internal/daemon/host.ts";
import { COPY_PREFIX } from "../../../internal/daemon/older-records.ts";
import { Log } from "../../../internal/log.ts";
import { encodeRequest } from "../../../internal/packet/request.ts";
import { staticPins } from "../../../internal/pinning/static.ts";
import { AttrDir } from "../../../internal/sysfs/attr.ts";
import { type Cpufreq, openCpufreq } from "../../../internal/sysfs/cpufreq/cpufreq.ts";
import { domainDir, FILE } from "../../../internal/sysfs/cpufreq/files.ts";
import { cpuRootOf, type Roots } from "../../../internal/sysfs/cpufreq/originals.ts";
import type { ExtensionAsk } from "../../../internal/values/extension.ts";
import { STEPS } from "../../../internal/values/frequency.ts";
import { type GuestPolicy, POLICY_TYPES, type Request } from "../../../internal/values/request.ts";
import { domainId } from "../../../internal/values/units.ts";

/** How often all requests are made: the second time some code is still slow, after some more it is compiled. */
const ROUNDS = 5;
/** How long one request, and all of them, may take, in ms. */
const ANSWER_MS = 1000;
const ALL_MS = 2000;

const VM = "warm-up";
const stated = { vcpu: 0, vmName: "", physical: false };
const policy: Omit<GuestPolicy, "type"> = {
  vcpus: [0],
  macs: [],
  traffic: { min: 1, avg: 2, max: 3 },
  busyHours: [0, 1, 2, 3, 4, 5, 6, 7],
  quietHours: [8, 9, 10, 11, 12, 13, 14, 15],
  trafficHours: [],
  workload: "high",
  turbo: false,
};

/** One request of each kind. Branches are left out, for they would be counted on a CPU of the host. */
function allRequests(): Request[] {
  const asks: ExtensionAsk[] = [
    { do: "hello", version: 1, leaseS: 10 },
    { do: "ping" },
    { do: "scale", step: "max" },
    { do: "set-khz", khz: 1, turbo: false },
    { do: "freqs", first: 0 },
    { do: "state" },
    { do: "list", first: 0 },
    { do: "energy" },
    { do: "release", all: true },
  ];
  return [
    ...STEPS.map((step): Request => ({ kind: "scale", step, ...stated })),
    { kind: "scale", step: "max", ...stated, vcpu: 5 },
    ...POLICY_TYPES.filter((type) => type !== "branch-ratio").map((type): Request => ({
      kind: "policy",
      policy: { ...policy, type },
      ...stated,
    })),
    { kind: "policy-remove", ...stated },
    ...[false, true].flatMap((all): Request[] => [
      { kind: "query-freq", all, ...stated },
      { kind: "query-caps", all, ...stated },
    ]),
    ...asks.map((ask, sequence): Request => ({ kind: "extension", sequence, ask, ...stated })),
  ];
}

/**
 * Serves one guest of its own on a copy of the first clock's files, in a folder under `roots.stateDir` that is removed after, so that
 * nothing of the machine is touched. Whatever goes wrong is left alone: guests are served all the same. Returns how many requests were
 * answered, 0 on a machine without clocks.
 */
export async function warmUp(roots: Roots, cpufreq: Cpufreq): Promise<number> {
  const [first] = cpufreq.domains;
  if (first === undefined) return 0;
  let root: string | undefined;
  try {
    root = mkdtempSync(`${roots.stateDir}/${COPY_PREFIX}`);
    return await serveItself(root, first.dir, roots.procRoot);
  } catch {
    // No room for it, or a bug that the first guest will show.
    return 0;
  } finally {
    if (root !== undefined) rmSync(root, { recursive: true, force: true });
  }
}

async function serveItself(root: string, clock: string, procRoot: string): Promise<number> {
  const roots = { sysfsRoot: `${root}/sys`, procRoot, stateDir: `${root}/state` };
  const dir = `${root}/channels`;
  mkdirSync(dir);
  copyClock(clock, cpuRootOf(roots));
  const says = { channels: { dirs: [dir] }, vm: { [VM]: { pins: { 0: 0 }, queries: true } } };
  const config = loadConfig(undefined, root, [{ from: "flags", read: { file: "", text: "", says } }]);
  const copy = openCpufreq(roots);
  if (!config.ok || !copy.ok) return 0;
  const host = new Host({
    ...roots,
    cpufreq: copy.value,
    config: config.value,
    log: new Log("info", "text", false, () => {}),
    sources: (now) => [staticPins((vm) => vmConfig(now, vm).pins)],
  });
  const guest = listen(`${dir}/${VM}.0`);
  try {
    host.start();
    let answered = 0;
    const until = performance.now() + ALL_MS;
    for (let round = 0; round < ROUNDS; round++) {
      for (const request of allRequests()) {
        if (performance.now() > until) return answered;
        // A stock host answers no removal.
        if (await guest.ask(encodeRequest(request, "18.11"), request.kind !== "policy-remove")) answered++;
      }
      // A claim that ends and one that comes again.
      for (const domain of copy.value.domains) domain.restore();
    }
    return answered;
  } finally {
    host.stop();
    guest.stop();
  }
}

/** Copies the files of the clock in `from` that we know as policy0 of CPU 0. */
function copyClock(from: string, cpuRoot: string): void {
  const to = domainDir(cpuRoot, domainId(0)).path;
  mkdirSync(to, { recursive: true });
  const files = new AttrDir(from);
  for (const name of Object.values(FILE)) {
    const text = name === FILE.cpus ? "0" : files.peek(name);
    if (text !== undefined) writeFileSync(`${to}/${name}`, `${text}\n`);
  }
  for (const name of ["online", "possible", "present"]) writeFileSync(`${cpuRoot}/${name}`, "0\n");
}

/** Plays QEMU at `unix`: ask() resolves to whether something came back in time. */
function listen(unix: string) {
  let came = Promise.withResolvers<boolean>();
  const { promise: connected, resolve: connect } = Promise.withResolvers<(bytes: Uint8Array) => void>();
  const listener = Bun.listen({
    unix,
    socket: {
      open: (socket) => connect((bytes) => void socket.write(bytes)),
      data: () => came.resolve(true),
    },
  });
  return {
    async ask(bytes: Uint8Array, isAnswered: boolean): Promise<boolean> {
      came = Promise.withResolvers();
      let late: ReturnType<typeof setTimeout> | undefined;
      const patience = new Promise<boolean>(
        (resolve) => (late = setTimeout(() => resolve(false), ANSWER_MS)),
      );
      void connected.then((send) => send(bytes));
      if (!isAnswered) came.resolve(false);
      const answered = await Promise.race([came.promise, patience]);
      clearTimeout(late);
      return answered;
    },
    stop: () => void listener.stop(true),
  };
}
