// The folders that powermon lives in: who may make a socket in one may speak for any VM.

import { type Dirent, readdirSync, type Stats, statSync } from "node:fs";
import { dirname } from "node:path";
import type { Config } from "../../../internal/config/load.ts";
import { codeOf } from "../../../internal/os/error-code.ts";
import { gidOf } from "../../../internal/os/unix-socket.ts";
import { formatCpuList } from "../../../internal/values/cpulist.ts";
import { parseChannelName } from "../../../internal/channels/folder.ts";
import { type Finding, note, problem, warning } from "./finding.ts";

/** What was found in the channel folders. */
export interface Folders {
  readonly findings: readonly Finding[];
  /** Channel numbers by VM. */
  readonly channels: ReadonlyMap<string, readonly number[]>;
}

/** Looks at the channel folders, the state folder and the control socket's place. */
export function checkFolders({ channels: { dirs }, stateDir, control }: Config): Folders {
  const channels = new Map<string, number[]>();
  const findings = dirs.flatMap((dir) => checkChannels(dir, channels));
  const state = look(stateDir);
  if (state !== undefined) findings.push(...checkFolder("state folder", stateDir, state));
  else findings.push(note("state folder", `${stateDir} is not there yet; powermon makes it.`));
  const home = dirname(control.socket);
  const run = look(home);
  if (run !== undefined) findings.push(...checkFolder("control socket", home, run));
  else {
    findings.push(
      problem(
        "control socket",
        `${home} is not there: powermon would run without its control socket.`,
        "Make it: `powermon setup` does for /run/powermon, systemd's RuntimeDirectory= for the unit.",
      ),
    );
  }
  if (control.group !== "" && gidOf(control.group) === undefined) {
    findings.push(
      warning(
        "control socket",
        `There is no group ${JSON.stringify(control.group)}: only root may use the control socket.`,
        `Make it with \`groupadd --system ${control.group}\`, or set control.group = "".`,
      ),
    );
  }
  return { findings, channels };
}

function checkChannels(dir: string, channels: Map<string, number[]>): Finding[] {
  const about = "channel folder";
  const stats = look(dir);
  if (stats === undefined) {
    return [problem(about, `${dir} is not there.`, `Make it with \`powermon setup --dir ${dir}\`.`)];
  }
  const findings = checkFolder(about, dir, stats);
  if (!stats.isDirectory()) return findings;
  if (stats.uid !== 0 && stats.uid !== process.geteuid?.()) {
    const what = `${dir} belongs to user ${stats.uid}: each program of that user may make a socket there and speak for a VM.`;
    const todo = `\`powermon setup --dir ${dir}\` gives it to root, as whom libvirt makes sockets; leave it where that user starts QEMU.`;
    findings.push(warning(about, what, todo));
  }
  let entries: Dirent[];
  try {
    entries = readdirSync(dir, { withFileTypes: true });
  } catch (cause) {
    const code = codeOf(cause);
    return [...findings, problem(about, `Cannot read ${dir}: ${code}.`, "Let powermon read it.")];
  }
  const here = new Map<string, number[]>();
  for (const entry of entries) {
    const name = entry.isSocket() ? parseChannelName(entry.name) : undefined;
    if (name !== undefined) here.set(name.vm, [...(here.get(name.vm) ?? []), name.index]);
    else findings.push(note(about, `${dir}/${entry.name} is no channel; channels are sockets called VM.N.`));
  }
  for (const [vm, numbers] of here) {
    channels.set(vm, [...(channels.get(vm) ?? []), ...numbers]);
    findings.push(note("VM", `${vm} has channels ${formatCpuList(numbers)} in ${dir}.`));
  }
  return findings;
}

function checkFolder(about: string, path: string, stats: Stats): Finding[] {
  if (!stats.isDirectory()) return [problem(about, `${path} is no folder.`, "Move it away.")];
  const mode = (stats.mode & 0o7777).toString(8).padStart(4, "0");
  const whose = `${path} belongs to user ${stats.uid} and group ${stats.gid}, mode ${mode}`;
  if ((stats.mode & 0o002) === 0) return [note(about, `${whose}.`)];
  const harm =
    about === "channel folder"
      ? "anybody on this host may make a socket there and speak for a VM"
      : "anybody on this host may replace what is in it";
  return [problem(about, `${whose}: ${harm}.`, `Take that away with \`chmod o-w ${path}\`.`)];
}

function look(path: string): Stats | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false });
  } catch {
    return undefined;
  }
}
