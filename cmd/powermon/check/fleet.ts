// Whether this host can be in the fleet that its file names: who it asks as, who answers, what it may there, and how the group counts it.

import { type FleetConfig, fleetOf } from "../../../internal/config/fleet.ts";
import type { Config } from "../../../internal/config/load.ts";
import { ControlClient } from "../../../internal/control/client.ts";
import { readCredentials } from "../../../internal/fleet/etcd/credentials.ts";
import { Etcd, type EtcdOptions } from "../../../internal/fleet/etcd/etcd.ts";
import { staleness, validityOf } from "../../../internal/fleet/etcd/pem.ts";
import { lackingRights } from "../../../internal/fleet/rights.ts";
import { type Keys, keysOf } from "../../../internal/fleet/stored.ts";
import { type GroupView, readGroup } from "../../../internal/fleet/view.ts";
import { printableLine } from "../../../internal/values/printable.ts";
import { type Finding, note, problem, warning } from "./finding.ts";
import { checkUnit } from "./fleet-unit.ts";

/** How long a running powermon may take to answer, in ms. */
const ANSWER_MS = 2000;
/** A certificate that ends sooner is told of, days. */
const SOON_DAYS = 14;
/** Clocks that differ by more judge certificates wrongly, s. */
const SKEW_S = 60;
const ROLES = "grant it with etcdctl, as docs/fleet.md has the roles.";

/** Returns what is to say about the fleet; a few seconds at most, whoever does not answer. Writes nothing. */
export async function checkFleet(config: Config): Promise<Finding[]> {
  const found = fleetOf(config.says);
  if (!found.ok) return [problem("fleet", found.error, 'Such as name = "host12" in [fleet].')];
  const fleet = found.value;
  if (fleet === undefined) return [];
  const unit = checkUnit(fleet);
  const findings: Finding[] = [];
  if (fleet.fallback === undefined) {
    const what = "fleet.fallback_watts is missing: this file can ask a fleet, and `powermon run` refuses it.";
    findings.push(warning("fleet", what, "Write the watts that this host may draw when it hears nothing."));
  }
  const credentials = readCredentials(fleet);
  if (!credentials.ok) {
    findings.push(problem("fleet", credentials.error, "Mend that file; docs/fleet.md says how it is made."));
    return [...findings, ...(await unit)];
  }
  findings.push(...checkCertificates(fleet, credentials.value));
  const { nodes, answering } = await checkEndpoints(credentials.value);
  findings.push(...nodes);
  if (answering.length > 0)
    findings.push(...(await checkGroup(config, fleet, { ...credentials.value, endpoints: answering })));
  return [...findings, ...(await unit)];
}

function checkCertificates(fleet: FleetConfig, { tls = {} }: EtcdOptions): Finding[] {
  return (["ca", "cert"] as const).flatMap((name) => {
    const text = tls[name];
    const validity = text === undefined ? undefined : validityOf(text);
    if (validity === undefined) return [];
    const stale = staleness(validity, Date.now());
    const todo = "Make another one; a running powermon takes it up with `powermon reload`.";
    if (stale !== undefined) return [problem("fleet", `The certificate in ${fleet[name]} ${stale}.`, todo)];
    const days = Math.floor((validity.toMs - Date.now()) / 86_400_000);
    if (days >= SOON_DAYS) return [];
    return [warning("fleet", `The certificate in ${fleet[name]} expires in ${days} days.`, todo)];
  });
}

/** Asks each endpoint by itself: the program goes to whichever answers, and nobody sees that one is dead until the others are. */
async function checkEndpoints(
  options: EtcdOptions,
): Promise<{ readonly nodes: Finding[]; readonly answering: readonly string[] }> {
  const asked = await Promise.all(
    options.endpoints.map(async (endpoint) => ({
      endpoint,
      state: await new Etcd({ ...options, endpoints: [endpoint] }).state(),
    })),
  );
  const answering = asked
    .filter(({ state }) => state.ok || state.error.denied)
    .map(({ endpoint }) => endpoint);
  const nodes = asked.flatMap(({ endpoint, state }): Finding[] => {
    if (!state.ok) {
      if (state.error.denied) return [note("fleet", `${endpoint} answers.`)];
      const todo = "Mend what it says, there or in [fleet].";
      return answering.length > 0
        ? [warning("fleet", state.error.message, `${todo} The others are asked meanwhile.`)]
        : [problem("fleet", state.error.message, todo)];
    }
    const { version, hasLeader, errors, aheadS = 0 } = state.value;
    const found = [note("fleet", `${endpoint} answers, etcd ${version}.`)];
    if (!hasLeader)
      found.push(
        problem("fleet", `${endpoint} has no leader: its cluster has no quorum.`, "Start its other nodes."),
      );
    if (errors.some((one) => one.includes("NOSPACE"))) {
      const todo =
        "Compact and defragment it, then `etcdctl alarm disarm`; docs/fleet.md has the settings that prevent it.";
      found.push(problem("fleet", `The database of ${endpoint} is full: nothing can be written.`, todo));
    } else if (errors.length > 0 && hasLeader) {
      const what = `${endpoint} complains: ${printableLine(errors.join("; ").slice(0, 200))}.`;
      found.push(problem("fleet", what, "See etcd's own log."));
    }
    if (Math.abs(aheadS) > SKEW_S) {
      const way = aheadS > 0 ? "ahead of" : "behind";
      const what = `The clock of ${endpoint} is ${Math.abs(aheadS)} s ${way} this host's: certificates are judged by it.`;
      found.push(
        warning(
          "fleet",
          what,
          "Have both follow a time server. Grants don't go by it, and hold as they are.",
        ),
      );
    }
    return found;
  });
  return { nodes, answering };
}

async function checkGroup(config: Config, fleet: FleetConfig, options: EtcdOptions): Promise<Finding[]> {
  const etcd = new Etcd(options);
  const keys = keysOf(fleet.prefix, fleet.group);
  const findings = fleet.fallback === undefined ? [] : await checkRights(etcd, keys, fleet);
  const group = await readGroup(etcd, keys, fleet.group);
  if (!group.ok) {
    // What lacks rights was told of already.
    if (findings.length === 0)
      findings.push(problem("fleet", group.error.message, `If it is about rights, ${ROLES}`));
    return findings;
  }
  const running = await new ControlClient(config.control.socket, ANSWER_MS).ask("status");
  return [...findings, ...checkPlace(group.value.view, fleet, running.ok)];
}

async function checkRights(etcd: Etcd, keys: Keys, fleet: FleetConfig): Promise<Finding[]> {
  const { name, user, prefix, group } = fleet;
  const lacking = await lackingRights(etcd, keys, name);
  if (!lacking.ok)
    return [problem("fleet", lacking.error.message, "Mend what it says, there or in [fleet].")];
  if (lacking.value.length === 0) return [];
  const what = `etcd's user ${JSON.stringify(user)} has no right to ${lacking.value.join(", ")}.`;
  const where = `Below ${JSON.stringify(prefix)} for ${name} of ${group}, as [fleet] says:`;
  return [problem("fleet", what, `${where} ${ROLES}`)];
}

/** How the group reckons with this host, before its first start too. */
function checkPlace(view: GroupView, { group, name, fallback }: FleetConfig, isRunning: boolean): Finding[] {
  const findings: Finding[] = [];
  const { wantedWatts, budgetWatts, fallbackWatts } = view;
  if (wantedWatts === undefined) {
    const what = `${group} has no budget: its hosts hold their fallbacks.`;
    const todo = `\`powermon fleet budget set ${group} WATTS\`, or correct group or prefix in [fleet].`;
    findings.push(warning("fleet", what, todo));
  } else if (budgetWatts !== undefined && view.leader === undefined) {
    findings.push(
      warning("fleet", `Nobody leads ${group}.`, "One of its hosts does within seconds; see their logs."),
    );
  }
  if (fallback === undefined) return findings;
  const own = view.hosts.find(({ host }) => host === name);
  if (own === undefined || own.state === "waiting") {
    const watts = wantedWatts ?? 0;
    const others = fallbackWatts - (own?.fallbackWatts ?? 0);
    if (wantedWatts !== undefined && watts - others < fallback) {
      const what = `${group} has no room for ${name}: its ${watts} W less ${others} W for other fallbacks are under this one's ${fallback} W, which it draws on top.`;
      findings.push(
        warning("fleet", what, `Raise the budget, lower fallbacks, or \`powermon fleet host remove\` one.`),
      );
    } else if (own !== undefined) {
      const what = `${name} waits for room in ${group}: its fallback of ${own.fallbackWatts} W is not counted yet.`;
      findings.push(note("fleet", what));
    } else {
      findings.push(note("fleet", `${group} does not know ${name} yet: it is counted once it reports.`));
    }
    return findings;
  }
  if (own.fallbackWatts !== fallback) {
    const what = `${group} counts ${own.fallbackWatts} W as the fallback of ${name}, and ${fallback} W are written here.`;
    findings.push(note("fleet", `${what} Ours counts when its powermon has started and there is room.`));
  }
  if (own.state === "here" && !isRunning) {
    const what = `${name} reports to ${group}, and no powermon answers here.`;
    const todo = "If none ran here ten seconds ago, another host has this name: write fleet.name.";
    findings.push(warning("fleet", what, todo));
  } else if (own.state === "here") {
    const granted = own.grantWatts === undefined ? "nothing yet" : `${own.grantWatts} W`;
    findings.push(note("fleet", `${name} reports to ${group} and is granted ${granted}.`));
  } else if (isRunning && own.state === "silent") {
    const since = own.silentSince === undefined ? "" : ` since ${own.silentSince}`;
    const what = `${group} hears nothing of ${name}${since}, and powermon runs here.`;
    findings.push(problem("fleet", what, "See the problems in `powermon status`."));
  } else {
    findings.push(note("fleet", `${group} keeps ${own.fallbackWatts} W for ${name}, which does not report.`));
  }
  return findings;
}
