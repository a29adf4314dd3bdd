// powermon fleet status and hosts: a group as it stands.

import { type ArgsDef, defineCommand, type Leaf } from "../../../internal/cli/command.ts";
import { STATUS } from "../../../internal/cli/status.ts";
import { json } from "../../../internal/output/json.ts";
import { table } from "../../../internal/output/table.ts";
import { type GroupView, type HostView, readGroup } from "../../../internal/fleet/view.ts";
import { cell } from "../control.ts";
import { askedOf, FLEET_ARGS, GROUP_ARG, refuse } from "./asked.ts";

const ARGS = { group: GROUP_ARG, ...FLEET_ARGS } as const satisfies ArgsDef;

/** Returns a command that reads the group and prints it. */
const shown = (
  meta: Leaf["meta"],
  say: (view: GroupView) => object,
  show: (view: GroupView) => string,
): Leaf =>
  defineCommand({
    meta,
    args: ARGS,
    async run(context) {
      const { etcd, keys, group } = askedOf(context.args);
      const read = await readGroup(etcd, keys, group);
      if (!read.ok) return refuse(context, read.error);
      const { view } = read.value;
      context.io.out(context.args.json ? json(say(view)) : show(view));
      return STATUS.done;
    },
  });

export const STATUS_OF = shown(
  {
    name: "status",
    summary: "show a group's budget, what its hosts draw of it, and what is wrong",
    examples: ["powermon fleet status", "powermon fleet status --group rack7 --json"],
  },
  (view) => view,
  groupText,
);

export const HOSTS = shown(
  {
    name: "hosts",
    summary: "list a group's hosts: watts drawn, granted and wished for, VMs",
    details:
      "COUNTED is what the budget reckons with for a host: its grant, more while it has not yet given up an earlier one, its fallback when it is silent.",
    examples: ["powermon fleet hosts", "powermon fleet hosts --json"],
  },
  ({ hosts }) => hosts,
  hostsText,
);

/** Returns a group in a few lines. */
export function groupText(view: GroupView): string {
  const { group, wantedWatts, budgetWatts, countedWatts, fallbackWatts, drawnWatts, leader, hosts } = view;
  const inForce =
    budgetWatts === undefined
      ? "no budget is in force"
      : `${drawnWatts.toFixed(0)} of ${budgetWatts} W drawn, ${countedWatts} W granted or kept for fallbacks`;
  const late =
    wantedWatts === undefined || wantedWatts === budgetWatts
      ? []
      : [
          wantedWatts < fallbackWatts
            ? `${wantedWatts} W were asked for and can't be held: the fallbacks take ${fallbackWatts} W.`
            : `${wantedWatts} W were asked for and are not in force yet.`,
        ];
  const isUnknown = hosts.length === 0 && wantedWatts === undefined && budgetWatts === undefined;
  const of = (state: HostView["state"]) => hosts.filter((one) => one.state === state);
  return [
    `Group ${group}: ${inForce}. ${leader === undefined ? "Nobody leads it." : `Led by ${leader}.`}`,
    ...(isUnknown ? ["etcd knows nothing of this group: it is new, or group or prefix is another."] : late),
    `${hosts.length} hosts, ${of("here").length} report, ${hosts.flatMap(({ vms }) => vms).length} VMs, ${hosts.flatMap(({ vms }) => vms).filter(({ pays }) => pays).length} of them pay.`,
    ...of("silent").map(
      ({ host, silentSince }) =>
        `${host} is silent${silentSince === undefined ? "" : ` since ${silentSince}`}: its fallback is kept for it.`,
    ),
    ...of("unheard").map(({ host }) => `${host} was never heard of: its fallback is kept for it.`),
    ...(budgetWatts === undefined ? [] : of("waiting")).map(
      ({ host, fallbackWatts: watts }) =>
        `${host} waits for room: its fallback of ${watts} W is not counted yet.`,
    ),
    ...of("here").flatMap(({ host, drawnWatts }) =>
      drawnWatts === undefined ? [`${host} has no meter that it believes: nobody knows what it draws.`] : [],
    ),
    ...hosts.flatMap(({ host, drawnWatts: drawn, grantWatts: grant }) =>
      drawn !== undefined && grant !== undefined && drawn > grant * 1.05 + 1
        ? [`${host} draws ${drawn.toFixed(0)} W, more than its ${grant} W.`]
        : [],
    ),
  ].join("\n");
}

/** Returns a line a host. */
export function hostsText({ hosts }: GroupView): string {
  if (hosts.length === 0) return "No hosts.";
  return table([
    [
      "HOST",
      "STATE",
      "DRAWN W",
      "GRANT W",
      "COUNTED W",
      "FALLBACK W",
      "FLOORS W",
      "HIGH W",
      "NORMAL W",
      "LOW W",
      "VMS",
      "PAY",
    ],
    ...hosts.map((one) => [
      one.host,
      one.state,
      watts(one.drawnWatts),
      cell(one.grantWatts),
      String(one.countedWatts),
      String(one.fallbackWatts),
      watts(one.floorWatts),
      ...[one.demandWatts?.high, one.demandWatts?.normal, one.demandWatts?.low].map(watts),
      String(one.vms.length),
      String(one.vms.filter(({ pays }) => pays).length),
    ]),
  ]);
}

const watts = (value: number | undefined): string => cell(value?.toFixed(0));
