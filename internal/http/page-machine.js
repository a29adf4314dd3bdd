// What the machine does beside what it was told: how busy CPUs are, watts, temperatures; and one VM alone.

/** How busy each CPU was between the last two looks, 0 to 1, and what each clock does, by number. */
let busy = new Map();
let looks = new Map();
/** The machine a look ago. */
let machineBefore;

const percent = (part) => (part === undefined ? "–" : `${Math.round(part * 100)} %`);
/** How busy the busiest of these CPUs is. */
const busiest = (cpus) => {
  const known = cpus.map((cpu) => busy.get(cpu)).filter((part) => part !== undefined);
  return known.length === 0 ? undefined : Math.max(...known);
};
shows.push(() => {
  const { host, machine } = report;
  const title = `${host} – powermon`;
  if (document.title !== title) document.title = title;
  $("host").textContent = host;
  $("budget").textContent = report.budget === undefined ? "" : `Power budget: ${report.budget.says}`;
  looks = new Map(machine.clocks.map((look) => [look.domain, look]));
  // Another look alone makes a rate; two answers may tell of the same one.
  if (machineBefore?.at === machine.at) return;
  const seconds = machineBefore ? (Date.parse(machine.at) - Date.parse(machineBefore.at)) / 1000 : 0;
  const grown = (was, is) =>
    was !== undefined && seconds > 0 && is >= was ? (is - was) / seconds : undefined;
  const busyS = new Map(machineBefore?.cpus.map((one) => [one.cpu, one.busyS]));
  busy = new Map(
    machine.cpus.flatMap((one) => {
      const part = grown(busyS.get(one.cpu), one.busyS);
      return part === undefined ? [] : [[one.cpu, Math.min(1, part)]];
    }),
  );
  const joules = new Map(machineBefore?.packages.map((one) => [one.name, one.joules]));
  machineBefore = machine;
  const shares = [...busy.values()];
  const mean = shares.reduce((sum, share) => sum + share, 0) / shares.length;
  const parts = shares.length > 0 ? [`CPUs ${percent(mean)} busy`] : [];
  for (const one of machine.packages) {
    const watts = grown(joules.get(one.name), one.joules);
    if (watts !== undefined) parts.push(`${one.name} ${watts.toFixed(1)} W`);
  }
  for (const { name, celsius } of machine.temperatures) parts.push(`${name} ${celsius.toFixed(0)} °C`);
  $("machine").textContent = parts.join(", ");
});

// --- One VM ---

/** The VM that is shown alone. */
let oneVm;

openVm = (name) => {
  oneVm = name;
  $("vm-title").textContent = name;
  $("vm-says").textContent = "Asking.";
  $("vcpus").tBodies[0].replaceChildren();
  $("vm").showModal();
  void showOneVm();
};
shows.push(showOneVm);

async function showOneVm() {
  if (!$("vm").open) return;
  const name = oneVm;
  let found;
  try {
    const response = await fetch(`/vm/${encodeURIComponent(name)}`);
    found = await response.json();
  } catch {
    found = { error: { message: "powermon does not answer." } };
  }
  // Another may have been opened meanwhile.
  if (name !== oneVm || !$("vm").open) return;
  if (found.error) {
    $("vm-says").textContent = found.error.message;
    return;
  }
  const { settings } = found;
  const bound = ({ value }) => (typeof value === "number" ? `${ghz(value)} GHz` : value);
  const isAllowed = ({ value }) => (value ? "allowed" : "not allowed");
  $("vm-says").textContent =
    `floor ${bound(settings.floor)}, ceiling ${bound(settings.ceiling)}, turbo ${isAllowed(settings.turbo)}, queries ${isAllowed(settings.queries)}, at most ${settings.requestsPerSecond.value || "any number of"} requests/s`;
  fill(
    $("vcpus").tBodies[0],
    found.vcpus,
    ({ vcpu }) => vcpu,
    ({ vcpu, pcpus, domains, wishKhz, targetKhz, why, lastRefusal }) => [
      { text: String(vcpu) },
      { text: pcpus.join(", ") || "–" },
      { text: percent(busiest(pcpus)), className: "n" },
      { text: ghz(wishKhz), className: "n" },
      { text: ghz(targetKhz), className: "n" },
      { text: ghz(looks.get(domains[0])?.measuredKhz), className: "n" },
      {
        text: why ?? (lastRefusal ? `${timeOfDay(lastRefusal.at)} ${lastRefusal.message}` : ""),
        className: "long",
      },
    ],
  );
  fillTold(
    $("vm-changes"),
    report.changes.filter(({ vm }) => vm === name),
    "Nothing of it has changed.",
  );
}
