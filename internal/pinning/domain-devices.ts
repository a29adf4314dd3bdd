// A domain's devices changed through libvirt, one element after the other, and taken back when one of them fails.

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { codeOf } from "../os/error-code.ts";
import { DONE, err, ok, type Result } from "../values/result.ts";
import { type DomainDefinition, parseDefinition } from "./domain-definition.ts";
import { METADATA_URI } from "./domain-xml.ts";
import { runVirsh, type Virsh } from "./virsh.ts";

/** What is changed: the running domain, or its definition, which holds from its next start on. */
export type Scope = "live" | "persistent";

/** A domain's definitions; one that it does not have is undefined. */
export type Definitions = { readonly [S in Scope]: DomainDefinition | undefined };

const FLAG: Readonly<Record<Scope, string>> = { live: "--live", persistent: "--config" };

/**
 * Returns how libvirt defines the domain `vm`, running and for its next start. Errors: one sentence, also when it has no such domain.
 * Source: virsh(1), dumpxml and dominfo.
 */
export async function readDefinitions(virsh: Virsh, vm: string): Promise<Result<Definitions, string>> {
  const inactive = await runVirsh(virsh, ["dumpxml", "--inactive", `--domain=${vm}`]);
  if (!inactive.ok) return inactive;
  const persistent = parseDefinition(inactive.value);
  // A name of digits alone is taken for a running domain's number first.
  if (persistent.name !== vm) {
    return err(
      `libvirt at ${virsh.uri} takes ${JSON.stringify(vm)} for domain ${JSON.stringify(persistent.name)}; use that name`,
    );
  }
  const { uuid } = persistent;
  const info = await runVirsh(virsh, ["dominfo", uuid]);
  if (!info.ok) return info;
  const isTransient = /^Persistent:\s+no\s*$/m.test(info.value);
  if (/^Id:\s+-\s*$/m.test(info.value)) return ok({ live: undefined, persistent });
  const active = await runVirsh(virsh, ["dumpxml", uuid]);
  if (!active.ok) return active;
  return ok({
    live: parseDefinition(active.value),
    persistent: isTransient ? undefined : persistent,
  });
}

/**
 * Sets what a domain's definition says to powermon, or takes it out; what others wrote in its metadata stays. Errors: one sentence with
 * libvirt's reason. Source: virsh(1), metadata.
 * @param said words and numbers, as readCarried() takes them
 */
export async function changeMetadata(
  virsh: Virsh,
  uuid: string,
  scope: Scope,
  said: ReadonlyMap<string, string> | undefined,
): Promise<Result<void, string>> {
  const words = ["metadata", uuid, METADATA_URI, FLAG[scope]];
  const element = [...(said ?? [])].map(([key, value]) => ` ${key}='${value}'`).join("");
  const change = said === undefined ? ["--remove"] : ["--key", "powermon", "--set", `<vm${element}/>`];
  const changed = await runVirsh(virsh, [...words, ...change]);
  return changed.ok ? DONE : changed;
}

/** Some elements of devices, and what becomes of them where. */
export interface DeviceChange {
  readonly act: "attach" | "detach";
  readonly scope: Scope;
  readonly elements: readonly string[];
}

/**
 * Makes the changes in their order; when one fails, those before it are taken back. Errors: one sentence with libvirt's reason, and
 * what could not be taken back. Source: virsh(1), attach-device and detach-device.
 */
export async function changeDevices(
  virsh: Virsh,
  uuid: string,
  changes: readonly DeviceChange[],
): Promise<Result<void, string>> {
  const { tmpdir } = await import("node:os");
  let dir: string;
  try {
    dir = mkdtempSync(join(tmpdir(), "powermon-device-"));
  } catch (cause) {
    return err(`Cannot make a folder in ${tmpdir()}: ${codeOf(cause)}`);
  }
  const file = join(dir, "device.xml");
  const change = async (act: DeviceChange["act"], scope: Scope, element: string) => {
    try {
      writeFileSync(file, element, { mode: 0o600 });
    } catch (cause) {
      return err(`Cannot write ${file}: ${codeOf(cause)}`);
    }
    return await runVirsh(virsh, [`${act}-device`, uuid, file, FLAG[scope]]);
  };
  const done: { readonly act: DeviceChange["act"]; readonly scope: Scope; readonly element: string }[] = [];
  try {
    for (const { act, scope, elements } of changes) {
      for (const element of elements) {
        const made = await change(act, scope, element);
        if (made.ok) done.push({ act, scope, element });
        else {
          let left = 0;
          for (const one of done.reverse()) {
            const back = await change(one.act === "attach" ? "detach" : "attach", one.scope, one.element);
            if (!back.ok) left++;
          }
          const what =
            left === 0 ? "nothing was changed" : `${left} of ${done.length} changes could not be taken back`;
          return err(`${made.error.replace(/[.\s]+$/, "")}; ${what}`);
        }
      }
    }
    return DONE;
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}
