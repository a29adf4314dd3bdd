// Where channel commands find libvirt, what it says of a VM, and where the VM's sockets go.

import { existsSync } from "node:fs";
import * as v from "valibot";
import { nonEmpty, parseArgs } from "../../../internal/cli/args.ts";
import { DEFAULTS } from "../../../internal/config/defaults.ts";
import { CONFIG_FILE, loadConfig } from "../../../internal/config/load.ts";
import { PATIENCE_MS, type Virsh } from "../../../internal/pinning/virsh.ts";
import { absolutePath } from "../roots.ts";

const DIR = DEFAULTS.channels.dirs[0] ?? "";

/** The flags that say where sockets go and where libvirt is. */
export const LIBVIRT_ARGS = {
  dir: {
    type: "string",
    valueHint: "DIR",
    description: `the channel folder (default: the configuration's first, else ${DIR})`,
  },
  "libvirt-uri": {
    type: "string",
    valueHint: "URI",
    description: `where libvirt is found (default: the configuration's, else ${DEFAULTS.pinning.libvirt_uri})`,
  },
} as const;

const Args = v.object({ dir: v.optional(absolutePath), "libvirt-uri": v.optional(nonEmpty) });

/** Returns what LIBVIRT_ARGS say; where they say nothing, what the configuration does. A configuration that is wrong says nothing. Errors: UsageError. */
export function libvirtOf(args: object): { readonly dir: string; readonly virsh: Virsh } {
  const { dir, "libvirt-uri": uri } = parseArgs(Args, args);
  const asked = dir === undefined || uri === undefined;
  const loaded = asked && existsSync(CONFIG_FILE) ? loadConfig(CONFIG_FILE) : undefined;
  const config = loaded?.ok ? loaded.value : undefined;
  return {
    dir: dir ?? config?.channels.dirs[0] ?? DIR,
    virsh: {
      uri: uri ?? config?.pinning.libvirtUri ?? DEFAULTS.pinning.libvirt_uri,
      timeoutMs: PATIENCE_MS,
    },
  };
}
