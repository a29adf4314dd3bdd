// One thing the host can do, and whether we may: control that would end in EACCES is not promised.

import { writeAccess } from "../../sysfs/access.ts";
import { type Attribute, pathOf } from "../../sysfs/attribute.ts";

/** Whether something can be changed here and, if not, why. */
export interface Item {
  readonly controllable: boolean;
  /** Middle or end of a sentence; only when not controllable. */
  readonly why?: string;
}

export const CONTROLLABLE: Item = { controllable: true };

/** Returns an item that can't be changed. */
export const uncontrollable = (why: string): Item => ({ controllable: false, why });

/** Returns whether the file at `path` can be written by us. */
export function itemOf(path: string): Item {
  switch (writeAccess(path)) {
    case "writable":
      return CONTROLLABLE;
    case "absent":
      return uncontrollable(`there is no ${path}`);
    case "read-only":
      return uncontrollable(`${path} is read-only`);
    case "denied":
      return uncontrollable(`${path} may not be written by this user; run as root`);
  }
}

/** Returns whether `attribute` can be written by us. */
export const itemAt = (cpuRoot: string, attribute: Attribute): Item =>
  itemOf(`${cpuRoot}/${pathOf(attribute)}`);
