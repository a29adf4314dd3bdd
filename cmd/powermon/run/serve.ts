// The daemon from its configuration to its exit status: everything is put together and taken apart here.

import { existsSync, mkdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { STATUS, type Status } from "../../../internal/cli/status.ts";
import { type Config, withCarried } from "../../../internal/config/load.ts";
import type { Layer } from "../../../internal/config/merge.ts";
import type { ConfigProblem } from "../../../internal/config/problem.ts";
import type { ConfigFile } from "../../../internal/config/schema.ts";
import { peerOf } from "../../../internal/control/peer.ts";
import { type ControlOptions, startControl } from "../../../internal/control/server.ts";
import { watchSocketOf } from "../../../internal/control/watch-socket.ts";
import { FleetVms } from "../../../internal/daemon/fleet/vms.ts";
import { Host } from "../../../internal/daemon/host.ts";
import { claimInstance, untilRestored } from "../../../internal/daemon/instance.ts";
import { takeUpRecords } from "../../../internal/daemon/older-records.ts";
import { Notifier, type NotifyEnv } from "../../../internal/daemon/notify.ts";
import { readMetrics } from "../../../internal/daemon/asks/metrics.ts";
import { Carried } from "../../../internal/daemon/carried.ts";
import { type Asks, type AsksOptions, asksOf, rehearsalsOf } from "../../../internal/daemon/asks/table.ts";
import { HostPower } from "../../../internal/daemon/host-power.ts";
import { Sources } from "../../../internal/daemon/sources.ts";
import type { Log } from "../../../internal/log.ts";
import { prometheus } from "../../../internal/output/prometheus.ts";
import { untilEnd } from "../../../internal/os/end-signals.ts";
import { SpareTime } from "../../../internal/os/spare-time.ts";
import { endSocketsOf } from "../../../internal/os/orphaned-sockets.ts";
import { leave, leaveWithin } from "../../../internal/os/leave.ts";
import { gidOf } from "../../../internal/os/unix-socket.ts";
import { dropStartCode, letCopyFds, libcProblem } from "../../../internal/os/libc.ts";
import type { Result } from "../../../internal/values/result.ts";
import { HungCalls } from "../../../internal/daemon/hung-calls.ts";
import { MachineLook } from "../../../internal/power/machine-look.ts";
import { openCpufreq } from "../../../internal/sysfs/cpufreq/cpufreq.ts";
import type { Roots } from "../../../internal/sysfs/cpufreq/originals.ts";
import { explainSysfs } from "../../../internal/values/sysfs-error.ts";
import { tryAnew } from "../try.ts";
import { FollowedFleet } from "../../../internal/daemon/fleet/follow.ts";
import { warmUp } from "./warm-up.ts";
import { version } from "../../../package.json";

/** What is missing where memory may not be made executable, as under MemoryDenyWriteExecute=yes. */
const WITHOUT_FFI =
  "bun:ffi does not work here: VMs' processes are looked for in /proc/net/unix, vm pin and BRANCH_RATIO are refused, and changes are logged without who asked; allow memory to be executable";
/** What still holds on this long after the settings were put back, in ms, is left behind. */
const LEAVE_MS = 800;
/** VMs that were prepared for a sleep are brought back within this, in ms; a service manager waits for longer. */
const AWAKE_MS = 20_000;

/** The group's leader and its other hosts are told that this one goes within this, in ms; else they notice by themselves. */
const LEFT_MS = 500;

/** What the daemon is started with. */
export interface ServeOptions {
  readonly config: Config;
  /** Reads the configuration again, under what was changed at run time and over what VMs bring along. */
  load(runtime?: ConfigFile, carried?: readonly Layer[]): Result<Config, readonly ConfigProblem[]>;
  readonly log: Log;
  readonly sysfsRoot: string;
  readonly procRoot: string;
  /** The control socket's path when a flag names it. */
  readonly socket: string | undefined;
  readonly dropInDir: string;
}

/** What the sockets serve. */
interface Served {
  readonly host: Host;
  readonly asks: Asks;
  /** Resolves to all metrics in Prometheus' text format. */
  readonly metrics: () => Promise<string>;
  readonly spare: SpareTime;
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
  const { release, unmarked } = instance.value;
  if (unmarked !== undefined)
    log.warn(`${unmarked}; a second powermon would not see that this one sets the clocks`);
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
    release();
  }
}

async function serveAlone(options: ServeOptions): Promise<Status> {
  const { config, log, procRoot, sysfsRoot } = options;
  const roots = { sysfsRoot, procRoot, stateDir: config.runDir };
  const hung = await findHung(roots, log);
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
  const carried = new Carried(join(config.stateDir, "carried.json"), log);
  if (config.pinning.sources.includes("libvirt")) carried.recall();
  const fleetVms = new FleetVms(config.stateDir, carried);
  if (config.says.fleet !== undefined) fleetVms.recall();
  const recalled = withCarried(config, carried.layers);
  const sources = new Sources(procRoot, {
    metadata: (vms) => carried.take(vms, host),
    channels: (channels) => host.channels.named(channels),
    paused: (vms) => host.paused(vms),
    rebooted: (vm) => host.rebooted(vm),
    problem: (why) => log.warn(why),
  });
  const host: Host = new Host({
    cpufreq: cpufreq.value,
    hung,
    sysfsRoot,
    procRoot,
    config: recalled.ok ? recalled.value : config,
    log,
    sources: (now) => sources.of(now),
  });
  const power = new HostPower(host, { roots });
  const fleet = new FollowedFleet({ host, budget: power.budget, vms: fleetVms });
  const spare = new SpareTime();
  const look = new MachineLook(roots, () => cpufreq.value.domains, spare);
  const parts: AsksOptions = {
    version,
    power,
    hostname: (await import("node:os")).hostname(),
    look,
    procRoot,
    dropInDir: options.dropInDir,
    load: (runtime) => options.load(runtime, carried.layers),
    reloaded: () => void fleet.follow(),
    isLibvirts: (vm) => sources.isLibvirts(vm),
    pinByLibvirt: (vm, vcpu, cpuList) => sources.pinByLibvirt(vm, vcpu, cpuList),
  };
  const asks = asksOf(host, parts);
  const metrics = async () => prometheus(readMetrics(host, version, await look.look(), power.budget));
  const served = { host, asks, rehearsals: rehearsalsOf(host, parts), metrics, spare };
  const control = await openControl(options, served);
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
  await fleet.follow();
  const http = await openHttp(options, { host, asks, metrics, spare });
  void notifier.ready(statusLine(host));
  if (notifier.listens) host.upkeep.onLook = () => void notifier.status(statusLine(host));
  const timer =
    notifier.watchdogMs === undefined
      ? undefined
      : setInterval(() => void notifier.watchdog(), notifier.watchdogMs);
  const { signal, bug } = await end;
  const awake = power.stopSleep();
  // Nothing is awaited up to the last write: no signal, request or timer comes in between.
  if (bug !== undefined) log.error(`Stopping after a bug: ${bug}`);
  else log.info("Stopping", { signal });
  clearInterval(timer);
  void notifier.stopping("Putting the original settings back");
  control.value?.stop();
  http?.stop();
  sources.stop();
  const left = fleet.stop();
  const backstop = power.budget.stop();
  const claims = host.stop();
  // Claims were made on top of the profile: while one stands, what is beneath it can't be put back.
  const failed = [...backstop, ...(claims.length > 0 ? claims : power.stop())];
  for (const error of failed) log.error(explainSysfs(error));
  // VMs that were prepared for a sleep that does not happen now; what takes longer stays written down for powermon restore.
  await Promise.race([awake, Bun.sleep(AWAKE_MS)]);
  await Promise.race([left, Bun.sleep(LEFT_MS)]);
  hung.end();
  log.unfold(Infinity);
  return bug !== undefined || failed.length > 0 ? STATUS.failed : STATUS.done;
}

/** Leaves alone what hung in the powermon before; what that one was at when it ended is tried first, for most of the time it was just killed. */
async function findHung(roots: Roots, log: Log): Promise<HungCalls> {
  letCopyFds();
  const hung = new HungCalls(roots, tryAnew(roots));
  if (hung.problem !== undefined) log.error(explainSysfs(hung.problem));
  if (hung.markProblem !== undefined)
    log.warn(`${hung.markProblem}: a call that hangs will hang in the next powermon, too`);
  if (hung.suspect !== undefined) await hung.retry([hung.suspect]);
  for (const { process } of hung.all) {
    const ended = process === undefined ? undefined : endSocketsOf(process.pid);
    if (ended?.ok === false) log.warn(`${ended.error}; VMs whose channels it has wait until it is gone`);
    else if (ended !== undefined && ended.value > 0)
      log.warn("A killed powermon hangs on in a call; its connections were ended", {
        process: process?.pid,
        sockets: ended.value,
      });
  }
  return hung;
}

/** Opens the control socket, and beside it the one to look only where its group is there; without a flag for it, a folder that is not there means to do without. */
async function openControl(
  options: ServeOptions,
  { host, asks, rehearsals, metrics, spare }: Served & Pick<ControlOptions, "rehearsals">,
) {
  const { config, log } = options;
  const socket = options.socket ?? config.control.socket;
  if (options.socket === undefined && !existsSync(dirname(socket))) {
    log.warn(`No control socket: the folder of "${socket}" is not there`);
    return { ok: true, value: undefined } as const;
  }
  // A folder that a flag names is ours to make; /run/powermon is made by whoever installs us.
  mkdirSync(dirname(socket), { recursive: true });
  const about: Omit<ControlOptions, "socket" | "group"> = {
    handlers: asks,
    rehearsals,
    events: host.events,
    metrics,
    log,
    spare,
    peerOf,
  };
  const control = await startControl({ ...about, socket, group: config.control.group });
  const watchSocket = watchSocketOf(socket);
  const { watchGroup } = config.control;
  if (!control.ok || watchSocket === socket || watchGroup === "" || gidOf(watchGroup) === undefined)
    return control;
  const watch = await startControl({ ...about, socket: watchSocket, group: watchGroup, readOnly: true });
  if (!watch.ok) log.warn(watch.error);
  const stop = () => {
    control.value.stop();
    if (watch.ok) watch.value.stop();
  };
  return { ok: true, value: { stop } } as const;
}

/** Opens the listener for browsers and scrapers where one is configured; without it the guests are served all the same. */
async function openHttp({ config, log }: ServeOptions, { host, asks, metrics, spare }: Served) {
  const { listen, names } = config.http;
  if (listen === undefined) return undefined;
  const { startHttp } = await import("../../../internal/http/server.ts");
  const clocks = () => host.cpufreq.domains;
  const http = await startHttp({ listen, names, asks, clocks, metrics, log, spare });
  if (!http.ok) {
    log.error(http.error);
    host.problems.push(http.error);
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
