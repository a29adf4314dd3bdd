// vmpower-guest __complete: the vCPUs that a shell offers, told by this VM's ports.

import { defineCommand } from "../../internal/cli/command.ts";
import { STATUS } from "../../internal/cli/status.ts";
import { listPorts, DEFAULT_PORT_DIR } from "../../internal/guest/port.ts";
import { PLACE_ARGS } from "./channel.ts";

export default defineCommand({
  meta: { name: "__complete", summary: "list words for a shell's completion, one a line" },
  args: {
    kind: { type: "positional", options: ["vcpu"], description: "what is wanted" },
    portDir: PLACE_ARGS.portDir,
  },
  run({ args, io }) {
    const vcpus = listPorts(args.portDir ?? DEFAULT_PORT_DIR);
    if (vcpus.length > 0) io.out(vcpus.join("\n"));
    return STATUS.done;
  },
});
