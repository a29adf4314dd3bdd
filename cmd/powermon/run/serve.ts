// The daemon from its configuration to its exit status: everything is put together and taken apart here.

import { existsSync, mkdirSync } from "node:fs";
import { dirname } from "node:path";
import { STATUS, type Status } from "../../../internal/cli/status.ts";
import type { Config } from "../../../internal/config/load.ts";
import type { ConfigProblem } from "../../../internal/config/problem.ts";
import type { ConfigFile } from "../../../internal/config/schema.ts";
import { startControl } from "../../../internal/control/server.ts";
import { Host } from "../../../internal/daemon/host.ts";
import { claimInstance, untilRestored } from "../../../internal/daemon/instance.ts";
import { takeUpRecords } from "../../../internal/daemon/older-records.ts";
import { Notifier, type NotifyEnv } from "../../../internal/daemon/notify.ts";
import { readMetrics } from "../../../internal/daemon/asks/metrics.ts";
import { type Asks, asksOf } from "../../../internal/daemon/asks/table.ts";
import { HostPower } from "../../../internal/daemon/host-power.ts";
import { Sources } from "../../../internal/daemon/sources.ts";
import type { Log } from "../../../internal/log.ts";
import { prometheus } from "../../../internal/output/prometheus.ts";
import { untilEnd } from "../../../internal/os/end-signals.ts";
import { SpareTime } from "../../../internal/os/spare-time.ts";
import { leave, leaveWithin } from "../../../internal/os/leave.ts";
import { dropStartCode, libcProblem, peerCredentials } from "../../../internal/os/libc.ts";
import type { Result } from "../../../internal/values/result.ts";
import { openCpufreq } from "../../../internal/sysfs/cpufreq/cpufreq.ts";
import { explainSysfs } from "../../../internal/values/sysfs-error.ts";
import { warmUp } from "./warm-up.ts";
import { version } from "../../../package.json";

/** What is missing where memory may not be made executable, as under MemoryDenyWriteExecute=yes. */
const WITHOUT_FFI =
  "bun:ffi does not work here: VMs' processes are looked for in /proc/net/unix, vm pin and BRANCH_RATIO are refused, and changes are logged without who asked; allow memory to be executable";
/** What still holds on this long after the settings were put back, in ms, is left behind. */
const LEAVE_MS = 800;

/** What the daemon is started with. */
export interface ServeOptions {
  readonly config: Config;
  /** Reads the configuration again, under what was changed at run time. */
  load(runtime?: ConfigFile): Result<Config, readonly ConfigProblem[]>;
  readonly log: Log;
  readonly sysfsRoot: string;
  readonly procRoot: string;
  /** The control socket's path when a flag names it. */
  readonly socket: string | undefined;
  readonly dropInDir: string;
}

/** Serves until a signal or a bug ends it. Returns the exit status. */
export async function serve(options: ServeOptions): Promise<Status> {
  const { config, log, sysfsRoot } = options;
  const { runDir: stateDir } = config;
  const instance = claimInstance({ sysfsRoot, stateDir });
  if (!instance.ok) {
    log.error(instance.error);
    return STATUS.failed;
  }
  try {
    await untilRestored(stateDir);
    const lost = takeUpRecords(stateDir);
    for (const error of lost) log.error(explainSysfs(error));
    // Clocks that it changed would be taken for the machine's own settings.
    if (lost.length > 0) return STATUS.failed;
    const status = await serveAlone(options);
    leaveWithin(LEAVE_MS, status);
    return status;
  } finally {
    instance.value();
  }
}

async function serveAlone(options: ServeOptions): Promise<Status> {
  const { config, log, procRoot, sysfsRoot } = options;
  const roots = { sysfsRoot, procRoot, stateDir: config.runDir };
  const cpufreq = openCpufreq(roots);
  if (!cpufreq.ok) {
    log.error(explainSysfs(cpufreq.error));
    return STATUS.failed;
  }
  if (cpufreq.value.domains.length === 0) {
    log.warn("This machine has no cpufreq domains: every scale request will be refused");
  }
  const noFfi = libcProblem();
  if (noFfi !== undefined) log.warn(`${WITHOUT_FFI} (${noFfi})`);
  const sources = new Sources(procRoot, {
    channels: (channels) => host.channels.named(channels),
    paused: (vms) => host.paused(vms),
    rebooted: (vm) => host.rebooted(vm),
    problem: (why) => log.warn(why),
  });
  const host: Host = new Host({
    cpufreq: cpufreq.value,
    sysfsRoot,
    procRoot,
    config,
    log,
    sources: (now) => sources.of(now),
  });
  const power = new HostPower(host, { roots });
  const asks = asksOf(host, {
    version,
    power,
    procRoot,
    dropInDir: options.dropInDir,
    load: (runtime) => options.load(runtime),
    pinByLibvirt: (vm, vcpu, cpuList) => sources.pinByLibvirt(vm, vcpu, cpuList),
  });
  const spare = new SpareTime();
  const control = await openControl(options, host, asks, spare);
  if (!control.ok) {
    log.error(control.error);
    cpufreq.value.close();
    return STATUS.failed;
  }
  const notifier = new Notifier(process.env as NotifyEnv);
  const reload = () => {
    void notifier.reloading();
    asks.reload();
    void notifier.ready(statusLine(host));
  };
  const end = untilEnd({
    reload,
    again: ({ signal, bug }) => {
      if (bug !== undefined) log.error(`A bug while stopping: ${bug}`);
      else log.warn("Still stopping: the original settings are put back first", { signal });
    },
    // What is put back was put back by the time that a third signal is heard: nothing but connections holds on.
    giveUp: () => leave(STATUS.failed),
  });
  power.start();
  await warmUp(roots, cpufreq.value);
  dropStartCode();
  // What requests need comes back before the first one.
  await warmUp(roots, cpufreq.value);
  host.start();
  log.info("Serving", { domains: cpufreq.value.domains.length, dirs: host.channels.dirs.join(",") });
  const http = await openHttp(options, host, asks, spare);
  void notifier.ready(statusLine(host));
  const timer =
    notifier.watchdogMs === undefined
      ? undefined
      : setInterval(() => {
          void notifier.watchdog();
          void notifier.status(statusLine(host));
        }, notifier.watchdogMs);
  const { signal, bug } = await end;
  // Nothing is awaited up to the last write: no signal, request or timer comes in between.
  if (bug !== undefined) log.error(`Stopping after a bug: ${bug}`);
  else log.info("Stopping", { signal });
  clearInterval(timer);
  void notifier.stopping("Putting the original settings back");
  control.value?.stop();
  http?.stop();
  sources.stop();
  const claims = host.stop();
  // Claims were made on top of the profile: while one stands, what is beneath it can't be put back.
  const failed = claims.length > 0 ? claims : power.stop();
  for (const error of failed) log.error(explainSysfs(error));
  log.unfold(Infinity);
  return bug !== undefined || failed.length > 0 ? STATUS.failed : STATUS.done;
}

/** Opens the control socket; without a flag for it, a folder that is not there means to do without. */
async function openControl(options: ServeOptions, host: Host, asks: Asks, spare: SpareTime) {
  const { config, log } = options;
  const socket = options.socket ?? config.control.socket;
  if (options.socket === undefined && !existsSync(dirname(socket))) {
    log.warn(`No control socket: the folder of "${socket}" is not there`);
    return { ok: true, value: undefined } as const;
  }
  // A folder that a flag names is ours to make; /run/powermon is made by whoever installs us.
  mkdirSync(dirname(socket), { recursive: true });
  return await startControl({
    socket,
    group: config.control.group,
    handlers: asks,
    subscribe: (listener) => host.events.subscribe(listener),
    metrics: () => prometheus(readMetrics(host, version)),
    log,
    spare,
    peerOf: (fd) => {
      const peer = peerCredentials(fd);
      return peer.ok ? peer.value : undefined;
    },
  });
}

/** Opens the listener for browsers and scrapers where one is configured; without it the guests are served all the same. */
async function openHttp({ config, log }: ServeOptions, host: Host, asks: Asks, spare: SpareTime) {
  const { listen, names } = config.http;
  if (listen === undefined) return undefined;
  const { startHttp } = await import("../../../internal/http/server.ts");
  const metrics = () => prometheus(readMetrics(host, version));
  const http = await startHttp({ listen, names, asks, metrics, log, spare });
  if (!http.ok) {
    log.error(http.error);
    return undefined;
  }
  log.info("Serving a page and metrics", { url: http.value.url });
  return http.value;
}

function statusLine(host: Host): string {
  const channels = [...host.channels.all];
  const connected = channels.filter(({ state }) => state === "connected").length;
  const vms = [...host.channels.vms].length;
  return `${vms} VMs, ${connected} of ${channels.length} channels connected, ${[...host.ledger.claims()].length} claims`;
}
