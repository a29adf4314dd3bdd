// The page's own script, first part: what the listener tells once a second, and the tables of it. Runs in browsers; everything from outside is set as text.
"use strict";

const SAMPLES = 600;
const $ = (id) => document.getElementById(id);

/** Clocks by domain, with their samples: kHz a second, 0 while nobody claimed it, undefined before the start. */
let clocks = [];
/** One row a CPU: its number and its clock. */
let rows = [];
let report;
let before;
/** How far back samples go, how many looks make one of them, and looks so far. */
let range = "10m";
let step = 1;
let taken = 0;
let source;
/** What else shows a report, before the tables do. */
const shows = [];
/** Shows a VM alone. */
let openVm = () => {};

const timeOfDay = (at) => new Date(at).toLocaleTimeString([], { hour12: false });
const ghz = (khz) => (khz === undefined ? "–" : `${(khz / 1e6).toFixed(2)}`);
/** What a clock was told, and whether that is turbo. */
const got = ({ targetKhz, nominalKhz }) => `${ghz(targetKhz)}${targetKhz > nominalKhz ? " turbo" : ""}`;
const holderOf = ({ holder }) => {
  if (!holder) return "nobody";
  if (holder.vm === undefined) return holder.by === "operator" ? "the operator" : holder.by;
  return `${holder.vm} vCPU ${holder.vcpu}${holder.by === "guest" ? "" : ` (${holder.by})`}`;
};

function listen() {
  source?.close();
  source = new EventSource(`/live?range=${range}`);
  source.addEventListener("whole", ({ data }) => {
    const whole = JSON.parse(data);
    ({ step, taken } = whole);
    clocks = whole.domains.map((domain, i) => ({ ...domain, samples: unpack(whole.history[i] ?? []) }));
    rows = clocks.flatMap((clock) => clock.cpus.map((cpu) => ({ cpu, clock }))).sort((a, b) => a.cpu - b.cpu);
    before = undefined;
    told(whole);
  });
  source.addEventListener("change", ({ data }) => {
    const change = JSON.parse(data);
    for (const domain of change.domains) {
      const clock = clocks.find((one) => one.domain === domain.domain);
      // A key that is not there any more must not stay.
      if (clock)
        Object.assign(clock, { targetKhz: undefined, holder: undefined, clippedBy: undefined }, domain);
    }
    const moved = Math.min(SAMPLES, Math.ceil(change.taken / step) - Math.ceil(taken / step));
    taken = change.taken;
    for (const { samples, targetKhz = 0 } of clocks) {
      // A sample of several looks is the highest of them.
      const last = moved > 0 ? targetKhz : Math.max(samples[SAMPLES - 1], targetKhz);
      samples.copyWithin(0, moved);
      samples.fill(last, SAMPLES - Math.max(1, moved));
    }
    told(change);
  });
  source.addEventListener("reload", listen);
  source.onerror = () => state("lost", "connection lost, trying again");
}

/** Returns the last samples of runs; what was before the first one is -1. */
function unpack(runs) {
  const samples = new Int32Array(SAMPLES).fill(-1);
  let at = SAMPLES - runs.reduce((sum, [count]) => sum + count, 0);
  for (const [count, khz] of runs) {
    samples.fill(khz, at, at + count);
    at += count;
  }
  return samples;
}

function state(kind, text) {
  const element = $("state");
  if (element.className !== kind) element.className = kind;
  if (element.textContent !== text) element.textContent = text;
}

function told(next) {
  report = next;
  state("live", "live");
  const claimed = clocks.filter(({ holder }) => holder).length;
  const connected = report.vms.reduce((sum, vm) => sum + vm.connected, 0);
  const channels = report.vms.reduce((sum, vm) => sum + vm.channels, 0);
  $("summary").textContent =
    `up ${duration(report.uptimeS)}, ${rows.length} CPUs, ${claimed} of ${clocks.length} clocks claimed, ${connected} of ${channels} channels connected`;
  for (const show of shows) show();
  showVms();
  showClaims();
  showRefusals();
  showChanges();
  draw();
  say();
  before = report;
}

function duration(seconds) {
  const minutes = Math.floor(seconds / 60);
  if (minutes < 1) return `${seconds} s`;
  if (minutes < 60) return `${minutes} min`;
  return minutes < 1440
    ? `${Math.floor(minutes / 60)} h ${minutes % 60} min`
    : `${Math.floor(minutes / 1440)} d ${Math.floor((minutes % 1440) / 60)} h`;
}

// --- Tables ---

/** Makes the body of a table hold `items`, keeping the rows that stay, so that focus and selection do. */
function fill(body, items, keyOf, cellsOf) {
  const old = new Map([...body.children].map((row) => [row.dataset.key, row]));
  let next = body.firstElementChild;
  for (const item of items) {
    const key = String(keyOf(item));
    let row = old.get(key);
    old.delete(key);
    const cells = cellsOf(item);
    if (!row) {
      row = document.createElement("tr");
      row.dataset.key = key;
      for (const { button } of cells) {
        const cell = row.insertCell();
        if (button) cell.append(document.createElement("button"));
      }
    }
    cells.forEach(({ text, className = "", button }, i) => {
      const cell = row.cells[i];
      const holder = button ? cell.firstElementChild : cell;
      if (holder.textContent !== text) holder.textContent = text;
      if (cell.className !== className) cell.className = className;
      if (button) holder.onclick = button;
    });
    if (row === next) next = next.nextElementSibling;
    else body.insertBefore(row, next);
  }
  for (const row of old.values()) row.remove();
}

function showVms() {
  const seconds = before ? (Date.parse(report.at) - Date.parse(before.at)) / 1000 : 0;
  const counts = new Map(before?.vms.map((vm) => [vm.vm, vm.requests]));
  fill(
    $("vms").tBodies[0],
    report.vms,
    ({ vm }) => vm,
    ({ vm, channels, connected, requests, refused, failed, policy }) => {
      const grown = requests - (counts.get(vm) ?? Infinity);
      const all = connected === channels;
      return [
        { text: vm, button: () => openVm(vm) },
        { text: all ? String(channels) : `${connected} of ${channels}`, className: all ? "n" : "n bad" },
        { text: seconds > 0 && grown >= 0 ? (grown / seconds).toFixed(1) : "–", className: "n" },
        { text: String(refused), className: "n" },
        { text: String(failed), className: failed > 0 ? "n bad" : "n" },
        policy ? { text: `${policy.type} (${policy.origin})` } : { text: "–", className: "none" },
      ];
    },
  );
}

function showClaims() {
  const wanted = $("filter").value.trim().toLowerCase();
  const shown = clocks.filter(
    (clock) => clock.holder && `${clock.cpus.join(" ")} ${holderOf(clock)}`.toLowerCase().includes(wanted),
  );
  fill(
    $("claims").tBodies[0],
    shown,
    ({ domain }) => domain,
    (clock) => [
      { text: clock.cpus.join(", "), button: () => explain(clock.cpus[0]) },
      { text: holderOf(clock) },
      { text: ghz(clock.holder.wishKhz), className: "n" },
      { text: got(clock), className: "n" },
      { text: ghz(looks.get(clock.domain)?.measuredKhz), className: "n" },
      { text: percent(busiest(clock.cpus)), className: "n" },
      { text: ghz(clock.floorKhz), className: "n" },
      { text: ghz(clock.ceilingKhz), className: "n" },
      { text: String(clock.claims), className: "n" },
      { text: clock.clippedBy ? `the ${clock.clippedBy === "vm" ? "VM" : "site"}` : "" },
    ],
  );
}

/** Makes a list hold what was told; nothing is touched while it says the same. */
function fillTold(list, told, nothing) {
  const text = JSON.stringify(told);
  if (list.dataset.shown === text) return;
  list.dataset.shown = text;
  list.replaceChildren(
    ...told.map(({ at, who, what }) => {
      const item = document.createElement("li");
      const time = withText("time", timeOfDay(at));
      time.dateTime = at;
      item.append(time, withText("b", who), what);
      return item;
    }),
  );
  if (told.length > 0) return;
  const item = withText("li", nothing);
  item.className = "dim";
  list.append(item);
}

function showRefusals() {
  const told = report.refusals.map(({ at, vm, vcpu, message }) => ({
    at,
    who: `${vm} vCPU ${vcpu}`,
    what: message,
  }));
  fillTold($("refusals"), told, "Nothing was refused.");
}

function showChanges() {
  fillTold($("changes"), report.changes, "Nothing has changed.");
}

// Nothing comes in before the other parts have run: events wait for the script to end.
listen();
