// README's "A real host in five minutes", word for word: its commands as they stand there, beside libvirt's own libvirtd and a domain that has a guest agent.

import { afterAll, beforeAll, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Domain } from "./domains.ts";
import { bootLoneHost, LONE_HOST, type LoneHost } from "./lone-host.ts";
import { DIST, scenario } from "./scenario.ts";

const README = readFileSync(join(import.meta.dir, "../../README.md"), "utf8");
const LOG = "/run/powermon.log";
/** Emulated, and read over 9p the first time. */
const LIMIT_S = 60;

/** Returns the commands of a section in order, without what a shell would take for a comment. */
function commandsOf(title: string): string[] {
  const section = README.split(/^## /m).find((text) => text.startsWith(`${title}\n`)) ?? "";
  return [...section.matchAll(/^ *```sh\n([^]*?)^ *```/gm)]
    .flatMap(([, block = ""]) => block.split("\n"))
    .map((line) => line.replace(/ +#.*$/, "").trim())
    .filter((line) => line !== "");
}

/** A clock under a governor is the kernel's to choose; everything else must be as it was. */
const settled = (domains: Record<string, Domain>): Record<string, Domain> =>
  Object.fromEntries(Object.entries(domains).map(([name, domain]) => [name, { ...domain, cur: "" }]));

const commands = commandsOf("A real host in five minutes");

/** Debian's own libvirtd, without what this machine's kernel or root lacks: cgroups, AppArmor, namespaces, a log daemon. It tries out every QEMU there is, so there is one. */
const LIBVIRTD = `
find /usr/bin -name 'qemu-system-*' ! -name qemu-system-x86_64 -delete
mkdir -p /run/lock /run/libvirt
cat > /etc/libvirt/qemu.conf << X
security_driver = "none"
cgroup_controllers = []
namespaces = []
stdio_handler = "file"
X
cat > /etc/libvirt/libvirtd.conf << X
auth_unix_rw = "none"
auth_unix_ro = "none"
X
setsid libvirtd < /dev/null > /run/libvirtd.log 2>&1 &
until virsh -q list > /dev/null 2>&1; do sleep 0.1; done`;

/** A domain as people have it: two vCPUs and a guest agent, whose port is on virtio-serial controller 0. Nothing boots in it. */
const DOMAIN = `
cat > /run/vm1.xml << X
<domain type='qemu'>
  <name>vm1</name>
  <memory unit='MiB'>32</memory>
  <vcpu>2</vcpu>
  <cpu mode='custom' match='exact'><model>Nehalem</model></cpu>
  <os><type arch='x86_64' machine='q35'>hvm</type></os>
  <devices>
    <controller type='usb' model='none'/>
    <controller type='virtio-serial' index='0'/>
    <memballoon model='none'/>
    <channel type='unix'><target type='virtio' name='org.qemu.guest_agent.0'/></channel>
  </devices>
</domain>
X
virsh -q define /run/vm1.xml`;

scenario(
  "README's five minutes",
  { ...LONE_HOST, programs: [...LONE_HOST.programs, "virsh", "libvirtd"] },
  (build) => {
    let machine: LoneHost;
    let original: Record<string, Domain>;
    const sh = (command: string) => machine.host.vm.sh(command, LIMIT_S);
    const done: string[] = [];

    /** Runs README's next commands, each of which must be `wanted`'s next and end well; resolves to what they printed. */
    async function next(...wanted: readonly RegExp[]): Promise<string[]> {
      const said: string[] = [];
      for (const pattern of wanted) {
        const command = commands[done.length] ?? "";
        expect(command).toMatch(pattern);
        done.push(command);
        said.push(await sh(command === "powermon run" ? inBackground(command) : command));
      }
      return said;
    }
    const inBackground = (command: string) =>
      `setsid ${command} < /dev/null > ${LOG} 2>&1 & echo $! > /run/powermon.test.pid; until grep -q Serving ${LOG}; do sleep 0.1; done`;

    beforeAll(async () => {
      machine = await bootLoneHost(build);
      original = await machine.host.domains();
      // As README says, but for 115 MB of this machine's memory.
      await sh(`ln -sf ${DIST}/powermon /usr/local/bin/powermon`);
      await sh(LIBVIRTD);
      await sh(DOMAIN);
    });
    afterAll(() => machine?.end());

    test("1: the folder and the groups are made", async () => {
      await next(/^powermon setup$/, /^groupadd --system powermon$/, /^groupadd --system powermon-watch$/);
      expect(
        await sh("stat -c '%a %U' /run/powermon/channels; getent group powermon powermon-watch"),
      ).toMatch(/^\d+ root\npowermon:.*\npowermon-watch:/);
    });

    test("2: the domain gets its channels beside the agent's port, and its pins", async () => {
      await next(
        /^powermon channel attach vm1$/,
        /^virsh vcpupin vm1 0 2 --config$/,
        /^virsh vcpupin vm1 1 3 --config$/,
      );
      const xml = await sh("virsh dumpxml vm1");
      expect(xml.match(/name='(?:org\.qemu\.guest_agent|virtio\.serial\.port\.poweragent)\.\d'/g)).toEqual([
        "name='org.qemu.guest_agent.0'",
        "name='virtio.serial.port.poweragent.0'",
        "name='virtio.serial.port.poweragent.1'",
      ]);
      await next(/^virsh start vm1$/);
      expect((await next(/^powermon channel qemu vm1 --vcpus 2$/))[0]).toContain(
        "virtio.serial.port.poweragent.1",
      );
    });

    test("3 and 4: powermon runs, finds nothing wrong, and tells of the VM and its CPUs", async () => {
      await next(/^powermon run$/);
      const [check, checkVm, status, , show, explain] = await next(
        /^powermon check$/,
        /^powermon check vm1$/,
        /^powermon status$/,
        /^powermon vm query vm1 on$/,
        /^powermon vm show vm1$/,
        /^powermon explain 2$/,
      );
      expect(check).toContain("\n0 problems, 0 warnings.\n");
      expect(checkVm).toContain("\n0 problems, 0 warnings.\n");
      expect(checkVm).toContain("vm1 has asked for nothing yet");
      expect(status).toMatch(/^channels +2 of 2 connected$/m);
      expect(show).toMatch(/^0 +2 +proc .*\n1 +3 +proc /m);
      expect(show).toMatch(/^queries +on +runtime$/m);
      expect(explain).toStartWith('Nobody claims CPU 2: powermon leaves it to its governor "schedutil".\n');
    });

    test("5: after SIGKILL everything is as it was", async () => {
      await sh("powermon freq set 2 max");
      expect((await machine.host.domains())["policy2"]).toMatchObject({
        governor: "userspace",
        setspeed: "2600000",
      });
      await sh("kill -KILL $(cat /run/powermon.test.pid)");
      await next(/^powermon restore$/);
      expect(settled(await machine.host.domains())).toEqual(settled(original));
      expect(done).toEqual(commands);
    });
  },
);
