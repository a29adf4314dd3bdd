import { expect, test } from "bun:test";
import { call } from "./call.ts";

test("powermon channel xml and qemu print what libvirt and QEMU take, without a running powermon", async () => {
  const none = ["--first-controller", "0"];
  expect(await call("channel", "xml", "vm1", "--vcpus", "1", "--dir", "/run/a", ...none)).toEqual({
    status: 0,
    out: `<controller type='virtio-serial' index='0' ports='32'><alias name='ua-powermon-serial0'/></controller>
<channel type='unix'>
  <source mode='bind' path='/run/a/vm1.0'/>
  <target type='virtio' name='virtio.serial.port.poweragent.0'/>
  <address type='virtio-serial' controller='0' bus='0' port='1'/>
</channel>`,
    err: "",
  });
  expect(await call("channel", "qemu", "my vm", "--vcpus", "1", "--first-controller", "2")).toEqual({
    status: 0,
    out: "-cpu max -device virtio-serial-pci,id=powermon2,max_ports=32 -chardev 'socket,id=poweragent0,path=/run/powermon/channels/my vm.0,server=on,wait=off' -device virtserialport,bus=powermon2.0,nr=1,chardev=poweragent0,name=virtio.serial.port.poweragent.0",
    err: "",
  });
  const { args } = JSON.parse((await call("channel", "qemu", "vm1", "--vcpus", "40", "--json")).out);
  expect(args.filter((arg: string) => arg.startsWith("virtio-serial-pci"))).toHaveLength(2);
  const { xml } = JSON.parse((await call("channel", "xml", "vm1", "--vcpus", "40", "--json", ...none)).out);
  expect(xml.match(/<channel /g)).toHaveLength(40);
});

test.each([
  [["xml", "vm1", "--first-controller", "0"], "powermon: --vcpus is missing; it needs N."],
  [["qemu", "vm1", "--vcpus", "513"], 'powermon: --vcpus must be a whole number from 1 to 512, not "513".'],
  [
    ["xml", "v".repeat(90), "--vcpus", "1", "--first-controller", "0"],
    `powermon: /run/powermon/channels/${"v".repeat(90)}.0 has 115 bytes, and a socket's path ends at 107; take a shorter folder or name.`,
  ],
] as const)("powermon channel %p is refused", async (words, err) => {
  expect(await call("channel", ...words)).toEqual({ status: 2, out: "", err });
});

test("powermon channel xml says what it can't know where libvirt does not answer", async () => {
  const nobody = ["--libvirt-uri", "test:///nowhere"];
  const { status, out, err } = await call("channel", "xml", "vm1", "--vcpus", "1", ...nobody);
  expect({ status, lines: out.split("\n").length }).toEqual({ status: 0, lines: 6 });
  expect(err).toStartWith(
    "This is for a VM without virtio-serial controllers: can't ask libvirt at test:///nowhere: ",
  );
  const unsaid = await call("channel", "xml", "vm1", ...nobody);
  expect(unsaid.status).toBe(2);
  expect(unsaid.err).toStartWith("powermon: --vcpus is missing, and can't ask libvirt at test:///nowhere: ");
});
