// Runs powermon inside the host VM and bridges the guest's channels to it.
import { type Domain, readDomains } from "./domains.ts";
import { DIST } from "./scenario.ts";
import { until } from "./until.ts";
import type { Vm } from "./vm.ts";

const RUN = "/run/powermon-e2e";
/** The folder of the guest's channels in the host VM. */
export const CHANNELS = `${RUN}/channels`;
const POWERMON = `${DIST}/powermon`;

/** The host VM seen as a host: its channels, its powermon, its clocks. */
export class HostVm {
  readonly vm: Vm;

  constructor(vm: Vm) {
    this.vm = vm;
  }

  /** Brings up the network to the outer machine, where lab/boot-host.sh put the guest's sockets. */
  async prepare(): Promise<void> {
    await this.vm.sh(`
      mkdir -p ${CHANNELS}
      busybox ip link set eth0 up && busybox ip addr add 10.0.2.15/24 dev eth0
      ${POWERMON} --version`); // reads the executable over 9p once, so that later timings are about powermon
  }

  /** Makes RUN/channels/vm1.0.. as a QEMU that starts: what a dead one left behind is replaced. */
  async openChannels(ports: number): Promise<void> {
    for (let n = 0; n < ports; n++) {
      const path = `${CHANNELS}/vm1.${n}`;
      await this.vm.sh(`
        setsid socat UNIX-LISTEN:${path},fork,unlink-early TCP:10.0.2.100:${9000 + n} < /dev/null 2> ${RUN}/bridge.${n}.log &
        echo $! > ${RUN}/bridge.${n}.pid
        until [ -S ${path} ]; do sleep 0.05; done`);
    }
  }

  /** Ends the listeners as a killed QEMU: the files stay and refuse. Live connections end by the guest's own end. */
  async dropChannels(ports: number): Promise<void> {
    for (let n = 0; n < ports; n++) await this.vm.sh(`kill -KILL $(cat ${RUN}/bridge.${n}.pid)`);
  }

  /** Starts powermon and returns its pid in the VM once it runs. */
  async startPowermon(flags: string): Promise<number> {
    const log = `${RUN}/powermon.log`;
    const before = (await this.vm.sh(`cat ${log} 2> /dev/null | wc -c`)).trim();
    const pid = await this.start(`${POWERMON} run --dir ${CHANNELS} --state-dir ${RUN}/state ${flags}`);
    await this.vm.sh(`until tail -c +$((${before} + 1)) ${log} | grep -q Serving; do sleep 0.05; done`);
    return pid;
  }

  /** Starts powermon by a command line of one's own, which becomes its process, and returns its pid in the VM once it runs. */
  async start(command: string): Promise<number> {
    await this.vm.sh(`
      rm -f ${RUN}/powermon.pid ${RUN}/powermon.status
      setsid bash -c 'bash -c "echo \\$\\$ > ${RUN}/powermon.pid; exec ${command}"; echo $? > ${RUN}/powermon.status' \
        < /dev/null >> ${RUN}/powermon.log 2>&1 &
      until [ -s ${RUN}/powermon.pid ]; do sleep 0.05; done`);
    return this.powermonPid();
  }

  /** Returns the pid of the powermon that runs; throws if it has ended. */
  async powermonPid(): Promise<number> {
    return Number(await this.vm.sh(`kill -0 $(cat ${RUN}/powermon.pid) && cat ${RUN}/powermon.pid`));
  }

  /** Returns the milliseconds that `powermon --version` takes now: how fast the machine is. */
  async startAndEndMs(): Promise<number> {
    return Number(
      await this.vm.sh(`
        start=$EPOCHREALTIME
        ${POWERMON} --version > /dev/null
        end=$EPOCHREALTIME
        echo $(((\${end/./} - \${start/./}) / 1000))`),
    );
  }

  /** Sends `signal` to powermon and returns its exit status and the milliseconds until it was gone. */
  async endPowermon(signal: "TERM" | "KILL"): Promise<{ readonly status: number; readonly ms: number }> {
    const said = await this.vm.sh(`
      start=$EPOCHREALTIME
      kill -${signal} $(cat ${RUN}/powermon.pid)
      until [ -s ${RUN}/powermon.status ]; do read -rt 0.01 < <(:) || :; done
      end=$EPOCHREALTIME
      echo $(cat ${RUN}/powermon.status) $(((\${end/./} - \${start/./}) / 1000))`);
    const [status, ms] = said.trim().split(" ").map(Number);
    return { status: status ?? Number.NaN, ms: ms ?? Number.NaN };
  }

  /** Asks the powermon that startPowermon() started by its control socket and returns what it printed. */
  ask(words: string): Promise<string> {
    return this.vm.sh(`${POWERMON} ${words} --socket ${RUN}/state/control.sock`);
  }

  /** Writes `text` to `path` in the VM. */
  async write(path: string, text: string): Promise<void> {
    await this.vm.sh(`mkdir -p "$(dirname ${path})" && base64 -d > ${path} <<< ${btoa(text)}`);
  }

  /** Runs powermon restore on the state folder that startPowermon() uses. */
  async restore(): Promise<void> {
    await this.vm.sh(`${POWERMON} restore --state-dir ${RUN}/state`);
  }

  /** Ends the powermon that still runs, if any, and forgets what it has kept. */
  async forget(): Promise<void> {
    await this.vm.sh(`
      if [ -e ${RUN}/powermon.pid ] && kill -KILL $(cat ${RUN}/powermon.pid) 2> /dev/null; then
        until [ -s ${RUN}/powermon.status ]; do sleep 0.05; done
      fi
      rm -rf ${RUN}/state`);
  }

  /** The last lines that powermon has said. */
  log(): Promise<string> {
    return this.vm.sh(`tail -n 20 ${RUN}/powermon.log`);
  }

  /** Every cpufreq domain as it is now. */
  domains(): Promise<Record<string, Domain>> {
    return readDomains((command) => this.vm.sh(command));
  }

  /** Waits until the domains satisfy `condition` and returns them. */
  domainsWhen(
    what: string,
    limitMs: number,
    condition: (domains: Record<string, Domain>) => boolean,
  ): Promise<Record<string, Domain>> {
    return until(what, limitMs, async () => {
      const domains = await this.domains();
      return condition(domains) && domains;
    });
  }

  /** Sets a domain as an administrator would before powermon starts; frequencies in kHz. */
  async configure(
    policy: string,
    governor: string,
    { min = 800_000, max = 2_600_000, setspeed }: { min?: number; max?: number; setspeed?: number } = {},
  ): Promise<void> {
    await this.vm.sh(`cd /sys/devices/system/cpu/cpufreq/${policy}
      echo ${governor} > scaling_governor && echo ${max} > scaling_max_freq && echo ${min} > scaling_min_freq`);
    if (setspeed !== undefined) {
      await this.vm.sh(`echo ${setspeed} > /sys/devices/system/cpu/cpufreq/${policy}/scaling_setspeed`);
    }
  }
}
