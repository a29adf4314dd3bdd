// A host on Linux 6.12 whose cpufreq driver can be changed while it runs, so that a dozen drivers need three boots.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { standIn } from "../helpers/stand-in.ts";
import type { Case, MachineName, Step } from "../kernel/contract.ts";
import type { Outcome } from "./exec-channel.ts";
import { HostVm } from "./host-vm.ts";
import { DIST } from "./scenario.ts";
import { until } from "./until.ts";
import { bootVm, type DriverCpu } from "./vm.ts";

/** The folder that contract paths start at. */
export const CPU = "/sys/devices/system/cpu";

/** How a machine comes up: on which CPU, and by which commands in a VM that has no driver; BUILD and MODULES are folders of the lab. */
interface Machine {
  readonly cpu: DriverCpu;
  readonly up: string;
}

const intelModel = (parameters: string): Machine => ({
  cpu: "intel",
  up: `busybox insmod $MODULES/intel-model.ko ${parameters}`,
});
const amdPstate = (cpu: DriverCpu, status: string): Machine => ({
  cpu,
  up: `echo ${status} > ${CPU}/amd_pstate/status`,
});

/** Every machine of the contract. */
export const MACHINES: Readonly<Record<MachineName, Machine>> = {
  "acpi-cpufreq-boost": { cpu: "intel", up: "busybox insmod $BUILD/acpi-cpufreq.ko" },
  "intel_pstate-hwp": intelModel("hwp=1"),
  "intel_pstate-no-hwp": intelModel("hwp=0"),
  "intel_cpufreq-hwp": intelModel("hwp=1 passive=1"),
  "intel_cpufreq-no-hwp": intelModel("hwp=0 passive=1"),
  "intel_pstate-turbo-off": intelModel("turbo_off=1"),
  "intel_pstate-mtl": intelModel("model=170"),
  "amd-pstate-active": amdPstate("amd", "active"),
  "amd-pstate-guided": amdPstate("amd", "guided"),
  "amd-pstate-passive": amdPstate("amd", "passive"),
  "amd-pstate-active-no-cpb": amdPstate("amd-no-boost", "active"),
  cppc_cpufreq: { cpu: "amd", up: "busybox insmod $MODULES/cppc_cpufreq.ko" },
};

/** True for machines whose driver is built out of the kernel's source by lab/build-driver-modules.sh. */
export const isBuilt = (machine: MachineName): boolean => MACHINES[machine].up.includes("$MODULES");

/** Takes down whatever driver there is, all CPUs online; the energy hints that an AMD CPU keeps go back to what it has at power-on. */
const DOWN = `
  for cpu in ${CPU}/cpu[1-9]*/online; do echo 1 > $cpu; done
  for module in intel_model cppc_cpufreq acpi_cpufreq; do [ ! -d /sys/module/$module ] || busybox rmmod $module; done
  [ ! -e ${CPU}/amd_pstate/status ] || [ "$(cat ${CPU}/amd_pstate/status)" = disable ] || echo disable > ${CPU}/amd_pstate/status
  [ ! -d ${CPU}/amd_pstate ] || for msr in /dev/cpu/*/msr; do
    head -c 8 /dev/zero | dd of=$msr oflag=seek_bytes seek=$((0xC0010117)) conv=notrunc status=none
  done`;

/** The kernel's words for what a write or read can fail with, by name. */
const ERRNOS: Readonly<Record<string, string>> = {
  "Operation not permitted": "EPERM",
  "No such file or directory": "ENOENT",
  "Input/output error": "EIO",
  "No such device or address": "ENXIO",
  "Resource temporarily unavailable": "EAGAIN",
  "Permission denied": "EACCES",
  "Device or resource busy": "EBUSY",
  "No such device": "ENODEV",
  "Invalid argument": "EINVAL",
  "Numerical result out of range": "ERANGE",
  "Operation not supported": "EOPNOTSUPP",
};

/** A VM with a CPU of lab/boot-driver.sh: two CPUs with a policy each, and the driver of one machine at a time. */
export class DriverHost {
  readonly host: HostVm;
  readonly #folders: string;
  readonly #port: string;
  readonly #end: () => Promise<void>;

  private constructor(host: HostVm, folders: string, port: string, end: () => Promise<void>) {
    this.host = host;
    this.#folders = folders;
    this.#port = port;
    this.#end = end;
  }

  /**
   * Boots it, and bridges the channel of a VM vm1 to where guest() asks. powermon does not run yet.
   * @param build and modules what lab/build-drivers.sh and lab/build-driver-modules.sh made
   */
  static async boot(cpu: DriverCpu, build: string, modules: string): Promise<DriverHost> {
    const dir = await mkdtemp(join(tmpdir(), "powermon-e2e-"));
    const port = join(dir, "port.0");
    const channel = standIn(join(dir, "vm1.0"), port);
    try {
      const host = new HostVm(await bootVm({ kind: "driver", cpu, name: cpu, ports: 1, build, dir }));
      const end = async () => {
        await host.vm.kill();
        channel.close();
        await rm(dir, { recursive: true });
      };
      try {
        await host.prepare();
        await host.openChannels(1);
      } catch (error) {
        await host.vm.kill();
        throw error;
      }
      return new DriverHost(host, `BUILD=${build} MODULES=${modules}`, port, end);
    } catch (error) {
      channel.close();
      await rm(dir, { recursive: true });
      throw error;
    }
  }

  /** Asks as vm1 by its channel: vmpower-guest with `words`, on the outer machine, where it need not be emulated. */
  async guest(words: string): Promise<Outcome> {
    const command = [join(DIST, "vmpower-guest"), ...words.split(" "), "--port", `unix:${this.#port}`];
    const run = Bun.spawn([...command, "--timeout-ms", "10000"], { stdin: "ignore", stderr: "pipe" });
    const [stdout, stderr, status] = await Promise.all([run.stdout.text(), run.stderr.text(), run.exited]);
    return { status, stdout, stderr };
  }

  /** Waits until a scale of that vCPU is answered with ACK, as it is once powermon has found the channel. */
  async scaleWhenConnected(unit: string, vcpu: number): Promise<void> {
    await until(`ACK for scale ${unit} of vCPU ${vcpu}`, 30_000, async () => {
      const { status, stdout, stderr } = await this.guest(`scale ${unit} --vcpu ${vcpu}`);
      if (status !== 0)
        throw new Error(`status ${status}: ${stdout}${stderr}powermon says: ${await this.host.log()}`);
      return true;
    });
  }

  /** Everything in cpufreq that powermon could leave changed, a line a file. */
  async knobs(): Promise<string> {
    const policy = ["scaling_governor", "scaling_min_freq", "scaling_max_freq", "scaling_setspeed"];
    const files = [...policy, "energy_performance_preference", "boost"].map(
      (file) => `cpufreq/policy*/${file}`,
    );
    const global = ["cpufreq/boost", "intel_pstate/no_turbo", "intel_pstate/m??_perf_pct"];
    return this.host.vm.sh(`cd ${CPU}; grep -sH '' ${[...files, ...global].join(" ")} || :`);
  }

  /** Ends the VM. */
  end(): Promise<void> {
    return this.#end();
  }

  /** Makes it `machine`, as it is after a boot, whatever it was before. */
  async become(machine: MachineName): Promise<void> {
    await this.host.vm.sh(this.#bringUp(machine));
  }

  /** Does a case on its machine, fresh, and returns what each step gave, in the form of steps: equal to the case's if the kernel agrees. */
  async answers({ machine, steps }: Case): Promise<Step[]> {
    const all = [this.#bringUp(machine), FUNCTIONS, ...steps.map(command)];
    const said = (await this.host.vm.sh(all.join("\n"), 120)).split("\0");
    return steps.map((step, at) => answer(step, said[at] ?? "nothing"));
  }

  #bringUp(machine: MachineName): string {
    return `${this.#folders}; ${DOWN}; ${MACHINES[machine].up} || exit`;
  }
}

/**
 * Each ends what it says by a zero byte: nothing or the error for a write, "is TEXT" or the error for a read. The kernel takes new
 * limits over in a work item of its own, so what is read is looked at again for a second. No program is started but for that.
 */
const FUNCTIONS = `
  export LC_ALL=C
  cd ${CPU}
  put() { { printf '%s\\n' "$2" > "$1"; } 2>&1; printf '\\0'; }
  again() {
    local tries
    for ((tries = 0; tries < 50; tries++)); do
      "$1" "$2" "$3"
      [ "$said" != "is $3" ] || break
      busybox usleep 20000
    done
    printf '%s\\0' "$said"
  }
  file() {
    local line= error=
    { IFS= read -r line < "$1"; } 2> /run/step
    IFS= read -r error < /run/step || :
    said=\${error:-is \${line%"\${line##*[! ]}"}}
  }
  asked() { said="is $(sed -n "s/^cpu$1 min=\\([0-9]*\\) max=\\([0-9]*\\) .*/\\1 \\2/p" /sys/module/intel_model/parameters/hw)"; }`;

const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;

function command({ write, read, hw }: Step): string {
  if (write) return `put ${quoted(write.path)} ${quoted(write.text)}`;
  if (read?.errno !== undefined) return `file ${quoted(read.path)}; printf '%s\\0' "$said"`;
  if (read) return `again file ${quoted(read.path)} ${quoted(read.is ?? "")}`;
  return hw ? `again asked ${hw.cpu} '${hw.min} ${hw.max}'` : ":";
}

/** The last words of an error, by the kernel's name if it is known. */
function errnoOf(said: string): string {
  const words = said.trim().split(": ").at(-1) ?? "";
  return ERRNOS[words] ?? words;
}

function answer({ write, read, hw }: Step, said: string): Step {
  if (write) {
    const { path, text } = write;
    return { write: { path, text, ...(said !== "" && { errno: errnoOf(said) }) } };
  }
  if (read) {
    const { path } = read;
    return { read: said.startsWith("is ") ? { path, is: said.slice(3) } : { path, errno: errnoOf(said) } };
  }
  const [min = Number.NaN, max = Number.NaN] = said.replace("is ", "").split(" ").map(Number);
  return { hw: { cpu: hw?.cpu ?? Number.NaN, min, max } };
}
