// powermon capabilities: what this host can do about power, and what of it can be controlled.

import { defineCommand } from "../../internal/cli/command.ts";
import { STATUS } from "../../internal/cli/status.ts";
import { capabilitiesRfc } from "../../internal/output/capabilities-rfc.ts";
import { capabilitiesText } from "../../internal/output/capabilities-text.ts";
import { capabilitiesXml } from "../../internal/output/capabilities-xml.ts";
import { json } from "../../internal/output/json.ts";
import { machineArch } from "../../internal/power/capabilities/arch.ts";
import {
  type HostCapabilities,
  readHostCapabilities,
} from "../../internal/power/capabilities/capabilities.ts";
import { libvirtView } from "../../internal/power/capabilities/libvirt-view.ts";
import { askLogind } from "../../internal/power/sleep/logind.ts";
import { ROOT_ARGS, rootsOf } from "./roots.ts";

const FORMATS: Readonly<Record<string, (report: HostCapabilities) => string>> = {
  text: capabilitiesText,
  json,
  xml: (report) => capabilitiesXml(libvirtView(report)),
  rfc: (report) => capabilitiesRfc(libvirtView(report)),
};

export default defineCommand({
  meta: {
    name: "capabilities",
    summary: "show what this host can do about power, and what of it can be controlled",
    details:
      "Reads the kernel's files and writes nothing. Where logind runs it is asked too, for 3 s at most: it knows policy and swap.\n" +
      "xml is libvirt's form (virsh capabilities), rfc the older one with S3 and S4; both say what is there. json and text say more: each thing with controllable and, if not, why.",
    examples: ["powermon capabilities", "powermon capabilities --format xml", "powermon capabilities --json"],
  },
  args: {
    format: {
      type: "enum",
      options: ["text", "json", "xml", "rfc"],
      default: "text",
      description: "how it is written",
    },
    json: { type: "boolean", description: "the same as --format json" },
    logind: {
      type: "boolean",
      default: true,
      description: "ask logind too; --no-logind trusts the kernel alone",
    },
    ...ROOT_ARGS,
  },
  async run({ args, io }) {
    const roots = rootsOf(args);
    // logind speaks of the machine it runs on, not of a folder.
    const logind =
      args.logind && roots.sysfsRoot === ROOT_ARGS["sysfs-root"].default ? await askLogind() : undefined;
    const report = readHostCapabilities(roots, machineArch(), logind);
    const format = args.json ? json : FORMATS[args.format];
    if (format === undefined) throw new Error(`no format ${args.format}`);
    io.out(format(report));
    for (const problem of report.problems) io.err(`powermon: ${problem}`);
    return report.problems.length > 0 ? STATUS.failed : STATUS.done;
  },
});
