// Every vCPU its own socket and port, and a sentence for what can't be.

import { expect, test } from "bun:test";
import { layoutChannels } from "../../internal/output/channel-layout.ts";

const WANTED = { vm: "vm1", vcpus: 1, dir: "/run/powermon/channels" };

function layout(wanted: Partial<Parameters<typeof layoutChannels>[0]>) {
  const made = layoutChannels({ ...WANTED, ...wanted });
  if (!made.ok) throw new Error(made.error);
  return made.value;
}

test("layoutChannels() names the first channel as protocol.md does", () => {
  expect(layout({})).toEqual({
    controllers: [0],
    channels: [
      {
        path: "/run/powermon/channels/vm1.0",
        name: "virtio.serial.port.poweragent.0",
        controller: 0,
        port: 1,
      },
    ],
  });
});

test.each([
  [31, [0], 0, 31],
  [32, [0, 1], 1, 1],
  [62, [0, 1], 1, 31],
  [63, [0, 1, 2], 2, 1],
  [512, Array.from({ length: 17 }, (_, i) => i), 16, 16],
])("layoutChannels() puts %d channels on controllers %j", (vcpus, controllers, controller, port) => {
  const made = layout({ vcpus });
  expect(made.controllers).toEqual(controllers);
  expect(made.channels.at(-1)).toMatchObject({
    controller,
    port,
    name: `virtio.serial.port.poweragent.${vcpus - 1}`,
  });
  expect(new Set(made.channels.map(({ controller, port }) => `${controller}:${port}`)).size).toBe(vcpus);
});

test("layoutChannels() starts at the controller it is given and drops slashes at the folder's end", () => {
  const made = layout({ vcpus: 32, firstController: 3, dir: "/a/b//" });
  expect(made.controllers).toEqual([3, 4]);
  expect(made.channels[31]).toMatchObject({ path: "/a/b/vm1.31", controller: 4 });
});

test("layoutChannels() takes free ports of controllers that are there first, and leaves channels alone", () => {
  const controllers = [
    { index: 4, ports: 3, alias: undefined },
    { index: 0, ports: 31, alias: undefined },
  ];
  const taken = Array.from({ length: 29 }, (_, i) => ({ controller: 0, port: i + 2 }));
  const there = { controllers, taken, channels: [{ vcpu: 1 }] };
  const made = layout({ vcpus: 6, there });
  expect(made.controllers).toEqual([5]);
  expect(made.channels.map(({ name, controller, port }) => `${name.at(-1)} ${controller}:${port}`)).toEqual([
    "0 0:1",
    "2 4:1",
    "3 4:2",
    "4 5:1",
    "5 5:2",
  ]);
  expect(layout({ vcpus: 2, there })).toMatchObject({
    controllers: [],
    channels: [{ controller: 0, port: 1 }],
  });
  expect(layout({ vcpus: 4, there, firstController: 9 }).controllers).toEqual([]);
  expect(layout({ vcpus: 5, there, firstController: 9 }).controllers).toEqual([9]);
});

test("layoutChannels() takes a path of 107 bytes and no more", () => {
  const room = 107 - "/d/".length - ".0".length;
  expect(layout({ dir: "/d", vm: "é".repeat(room / 2) }).channels[0]?.path.length).toBe(56);
  const no = layoutChannels({ ...WANTED, dir: "/d", vm: "x".repeat(room + 1) });
  expect(no.ok ? "" : no.error).toContain("has 108 bytes, and a socket's path ends at 107; take a shorter");
});

test.each([
  [{ vcpus: 0 }, "A VM has 1 to 512 vCPUs with channels, not 0."],
  [{ vcpus: 513 }, "A VM has 1 to 512 vCPUs with channels, not 513."],
  [{ vcpus: 1.5 }, "A VM has 1 to 512 vCPUs with channels, not 1.5."],
  [{ firstController: -1 }, "The first controller is 0 to 255, not -1."],
  [{ vm: "" }, "\"\" can't name sockets; a VM's name has no slash and no control characters."],
  [{ vm: "a/b" }, "\"a/b\" can't name sockets; a VM's name has no slash and no control characters."],
  [{ vm: "a\0" }, "\"a\\u0000\" can't name sockets; a VM's name has no slash and no control characters."],
  [{ vm: "\ud800" }, "\"\\ud800\" can't name sockets; a VM's name has no slash and no control characters."],
  [{ dir: "run" }, '"run" is no whole path; name a folder such as "/run/powermon/channels".'],
  [{ dir: "" }, '"" is no whole path; name a folder such as "/run/powermon/channels".'],
])("layoutChannels() refuses %j", (wanted, sentence) => {
  expect(layoutChannels({ ...WANTED, ...wanted })).toEqual({ ok: false, error: sentence });
});
