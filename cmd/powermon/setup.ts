// powermon setup: makes the folder of QEMU's channels, now and at every boot.

import * as v from "valibot";
import { nonEmpty, parseArgs } from "../../internal/cli/args.ts";
import { defineCommand } from "../../internal/cli/command.ts";
import { STATUS } from "../../internal/cli/status.ts";
import { DEFAULTS } from "../../internal/config/defaults.ts";
import { json } from "../../internal/output/json.ts";
import { ok } from "../../internal/values/result.ts";
import { absolutePath } from "./roots.ts";
import { findUser, type User } from "./setup/qemu-user.ts";
import { file, folder, make, octal, type SetupStep } from "./setup/steps.ts";

const RUN = "/run/powermon";
const TMPFILES = "/etc/tmpfiles.d/powermon.conf";
const ROOT: User = { name: "root", uid: 0, gid: 0 };
/** Others may look for the control socket. */
const RUN_MODE = 0o755;
/** Who may make a socket there may speak for any VM: the owner alone. Root's folder is looked into by those who ask what is wrong. */
const CHANNELS_MODE = { root: 0o755, other: 0o750 } as const;

const Args = v.object({
  dir: v.pipe(
    absolutePath,
    v.check((path) => !/\s|%/.test(path), "must be a path without blanks and % signs, for tmpfiles.d"),
  ),
  user: nonEmpty,
  root: absolutePath,
  "dry-run": v.boolean(),
  json: v.boolean(),
});

export default defineCommand({
  meta: {
    name: "setup",
    summary: "make the channel folder, now and at every boot",
    details: `The folder is root's, mode ${octal(CHANNELS_MODE.root)}: libvirt makes its VMs' sockets as root, and no QEMU can make one that speaks for another VM. A QEMU that is started by another user without libvirt (qemu:///session too) needs --user; the folder is then that user's, mode ${octal(CHANNELS_MODE.other)}. ${TMPFILES} makes it again at boot. What is right already is left alone. JSON: {"user", "steps": [{"step", "outcome"}]}; an outcome is "done", "was so", "would be done" or the error.`,
    examples: ["powermon setup --dry-run", "powermon setup --dir /srv/channels --user alice"],
  },
  args: {
    dir: {
      type: "string",
      default: DEFAULTS.channels.dirs[0] ?? "",
      valueHint: "DIR",
      description: "the channel folder, as powermon's configuration names it",
    },
    user: {
      type: "string",
      valueHint: "NAME",
      default: ROOT.name,
      description: "the user who starts QEMU, where that is not libvirt",
    },
    "dry-run": { type: "boolean", description: "say what would be done and do nothing" },
    root: {
      type: "string",
      default: "/",
      valueHint: "DIR",
      description: "stands for /, for images and containers",
    },
    json: { type: "boolean", description: "print one JSON document instead of text" },
  },
  run({ args, io }) {
    const { dir, user: name, root, "dry-run": dry } = parseArgs(Args, args);
    const under = (path: string) => (root === "/" ? path : `${root}${path}`);
    const user = name === ROOT.name ? ok(ROOT) : findUser(under("/etc/passwd"), name);
    if (!user.ok) {
      if (args.json) io.out(json({ error: { code: "failed", message: user.error } }));
      else io.err(user.error);
      return STATUS.failed;
    }
    const results = run(stepsFor(dir, user.value, under), dry);
    if (args.json) {
      io.out(
        json({ user: user.value, steps: results.map(({ says, outcome }) => ({ step: says, outcome })) }),
      );
    } else {
      for (const { says, outcome, failed } of results) {
        if (failed) io.err(outcome);
        else io.out(`${outcome}: ${says}`);
      }
    }
    return results.some(({ failed }) => failed) ? STATUS.failed : STATUS.done;
  },
});

function stepsFor(dir: string, user: User, under: (path: string) => string): readonly SetupStep[] {
  const mode = user.uid === ROOT.uid ? CHANNELS_MODE.root : CHANNELS_MODE.other;
  const home = dir.startsWith(`${RUN}/`);
  const lines = [
    "# Written by powermon setup: the folders of QEMU's channels, made at every boot. Source: tmpfiles.d(5).",
    `d ${RUN} ${octal(RUN_MODE)} root root -`,
    `d ${dir} ${octal(mode)} ${user.uid} ${user.gid} -`,
  ];
  return [
    ...(home ? [folder(under(RUN), ROOT, RUN_MODE)] : []),
    folder(under(dir), user, mode),
    file(under(TMPFILES), `${lines.join("\n")}\n`),
  ];
}

interface Ran {
  readonly says: string;
  readonly outcome: string;
  readonly failed: boolean;
}

/** Takes the steps in order; stops at the first that fails. */
function run(steps: readonly SetupStep[], dry: boolean): readonly Ran[] {
  const results: Ran[] = [];
  for (const step of steps) {
    const { says } = step;
    if (step.isDone()) results.push({ says, outcome: "was so", failed: false });
    else if (dry) results.push({ says, outcome: "would be done", failed: false });
    else {
      const made = make(step);
      results.push({ says, outcome: made.ok ? "done" : made.error, failed: !made.ok });
      if (!made.ok) break;
    }
  }
  return results;
}
